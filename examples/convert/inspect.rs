//! What a file holds, and what each consumer would make of it. Nothing is converted.

use std::io::{self, Write};
use std::ops::Range;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use viewbridge::convert::Part;
use viewbridge::dlpack::consumers;
use viewbridge::files::Opening;
use viewbridge::{CopyPolicy, CopyReason, Layout, Order, Outline, StridedView, Unit};

use crate::cli::InspectArgs;
use crate::failure::Failure;
use crate::format::Format;
use crate::headers;
use crate::output::{WIDTH, grouped};
use crate::sources;
use crate::trip::Trip;

/// One array of the file, or what a record batch has of it.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Which of the record batches, if there are several.
    pub(crate) batch: Option<usize>,
    /// Where the parts of an Arrow column are in the file.
    pub(crate) buffers: Vec<(Part, Range<u64>)>,
    /// What is printed in place of the rest for what no view can show, such as text.
    pub(crate) look: Result<Look, String>,
}

/// How an array lies.
pub(crate) struct Look {
    /// The view that it is, or will be once it is opened.
    pub(crate) outline: Outline,
    /// The bytes of the file that hold the items.
    pub(crate) file_range: Option<Range<u64>>,
    /// What the first of them is a multiple of.
    pub(crate) file_alignment: Option<u64>,
    pub(crate) compressed: bool,
    /// Why opening it copies, in words; nothing if it shares the mapped file.
    pub(crate) opening: Vec<String>,
}

/// What handing an array to a consumer would come to.
struct Verdict {
    consumer: &'static str,
    outcome: &'static str,
    /// Reasons of the copy, or the one for which the array is refused.
    why: Vec<String>,
    bytes_copied: usize,
}

/// A file, and how it is looked at.
struct Inspection {
    file: String,
    /// How opening it makes memory of it.
    opening: &'static str,
    /// Whether it has been opened.
    opened: bool,
    entries: Vec<Entry>,
}

/// Prints the arrays of a file. The outer error is of the file, the inner one of the printing.
pub(crate) fn run(args: &InspectArgs) -> Result<io::Result<()>, Failure> {
    let (path, source) = (&args.input, &args.source);
    let items = source.raw();
    let format = match &items {
        Some(_) => Format::Bin,
        None => Format::of_file(path)?,
    };
    let (opening, named) = match (format, source.map) {
        (Format::Parquet, _) => (Opening::Read, "decoded"),
        (_, true) => (Opening::Map, "mapped"),
        (_, false) => (Opening::Read, "read"),
    };
    let mut entries = if args.open {
        of_opened(args)?
    } else {
        headers::entries(path, (format, items.as_ref()), opening)?
    };
    if let Some(wanted) = source.array.as_ref().filter(|_| !args.open) {
        let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        entries.retain(|entry| entry.name == *wanted);
        if !format.holds_many() {
            return Err(Failure::NoNames { path: path.clone() });
        }
        if entries.is_empty() {
            let path = path.clone();
            return Err(Failure::NoArray { path, names });
        }
    }
    let inspection = Inspection {
        file: path.display().to_string(),
        opening: named,
        opened: args.open,
        entries,
    };
    let out = &mut io::stdout().lock();
    Ok(if source.json {
        inspection.print_json(out)
    } else {
        inspection.print(out)
    })
}

/// The arrays themselves.
fn of_opened(args: &InspectArgs) -> Result<Vec<Entry>, Failure> {
    let mut trip = Trip::new("inspect");
    let sources = sources::open(&mut trip, &args.input, &args.source, CopyPolicy::IfNeeded)?;
    let mut entries = Vec::new();
    for source in &sources.arrays {
        let pieces = source.piecewise(&mut trip);
        let several = pieces.len() > 1;
        let entry = |(batch, view): (usize, Result<StridedView<'static>, Failure>)| Entry {
            name: source.name().to_owned(),
            batch: several.then_some(batch),
            buffers: Vec::new(),
            look: match view {
                Ok(view) => Ok(Look::of_view(&view, args.source.map)),
                Err(failure) => Err(failure.cause()),
            },
        };
        entries.extend(pieces.into_iter().enumerate().map(entry));
    }
    Ok(entries)
}

impl Look {
    fn of_view(view: &StridedView<'_>, mapped: bool) -> Self {
        let file_range = view.file_range();
        let start = file_range.as_ref().map(|range| range.start).filter(|start| *start > 0);
        let opening = match (&file_range, mapped) {
            (None, false) => vec![CopyReason::FileRead.to_string()],
            (None, true) if !view.is_empty() => vec!["copied by the format's decoder".to_owned()],
            _ => Vec::new(),
        };
        Self {
            outline: view.outline(),
            file_alignment: start.map(|start| 1 << start.trailing_zeros()),
            file_range,
            compressed: false,
            opening,
        }
    }

    /// Names of the orders that the items are contiguous in.
    fn orders(&self) -> Vec<String> {
        let layout = self.outline.layout();
        let orders = [Order::C, Order::F].into_iter();
        orders
            .filter(|&order| layout.is_contiguous(order))
            .map(|order| order.to_string())
            .collect()
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let outline = &self.outline;
        let layout = outline.layout();
        writeln!(out, "shape:         {:?}", layout.shape())?;
        writeln!(out, "strides:       {:?} {}", layout.strides(), unit(layout))?;
        writeln!(out, "dtype:         {}", outline.dtype())?;
        if let Some(meaning) = outline.logical() {
            writeln!(out, "meaning:       {meaning}")?;
        }
        let orders = self.orders().join(" and ");
        writeln!(out, "contiguous:    {}", if orders.is_empty() { "no" } else { &orders })?;
        writeln!(out, "bytes:         {}", grouped(layout.nbytes()))?;
        let alignment = |known: Option<String>| known.map_or_else(String::new, |n| format!(", aligned to {n}"));
        if let Some(range) = &self.file_range {
            let aligned = alignment(self.file_alignment.map(|n| n.to_string()));
            let compressed = if self.compressed { ", compressed" } else { "" };
            writeln!(
                out,
                "in the file:   {} to {}{aligned}{compressed}",
                range.start, range.end
            )?;
        }
        let opening = match self.opening.as_slice() {
            [] => "shared with the file".to_owned(),
            reasons => reasons.join(", "),
        };
        let aligned = alignment(outline.alignment().map(|n| n.to_string()));
        let enough = if outline.is_aligned() {
            ""
        } else {
            ", which is too little"
        };
        writeln!(out, "in memory:     {opening}{aligned}{enough}")?;
        writeln!(out, "{}", table(&verdicts(outline)))
    }

    fn json(&self) -> Value {
        let outline = &self.outline;
        let layout = outline.layout();
        json!({
            "shape": layout.shape(),
            "strides": layout.strides(),
            "stride_unit": unit(layout),
            "dtype": outline.dtype().to_string(),
            "itemsize": outline.dtype().itemsize(),
            "meaning": outline.logical().map(ToString::to_string),
            "contiguous": self.orders(),
            "nbytes": layout.nbytes(),
            "file_range": self.file_range.as_ref().map(|range| [range.start, range.end]),
            "file_alignment": self.file_alignment,
            "compressed": self.compressed,
            "memory": {
                "copied": !self.opening.is_empty(),
                "why": self.opening,
                "owner": outline.owner_kind().to_string(),
                "alignment": outline.alignment(),
                "aligned": outline.is_aligned(),
            },
            "consumers": verdicts(outline).iter().map(verdict_json).collect::<Vec<_>>(),
        })
    }
}

impl Inspection {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let count = self.entries.len();
        let arrays = if count == 1 { "array" } else { "arrays" };
        let opening = match (self.opened, self.opening) {
            (true, opening) => opening.to_owned(),
            (false, opening) => format!("by its headers; as it would be once {opening}"),
        };
        writeln!(out, "{}: {count} {arrays} ({opening})\n", self.file)?;
        for entry in &self.entries {
            match entry.batch {
                Some(batch) => writeln!(out, "{}, record batch {batch}", entry.name)?,
                None => writeln!(out, "{}", entry.name)?,
            }
            match &entry.look {
                Ok(look) => look.print(out)?,
                Err(why) => writeln!(out, "no view:       {why}")?,
            }
            for (part, Range { start, end }) in &entry.buffers {
                writeln!(out, "buffer:        {start} to {end} of the file, {}", kind(*part))?;
            }
            writeln!(out)?;
        }
        out.flush()
    }

    fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        let arrays: Vec<Value> = self.entries.iter().map(entry_json).collect();
        let document = json!({
            "file": self.file,
            "opening": self.opening,
            "opened": self.opened,
            "arrays": arrays,
        });
        writeln!(out, "{document:#}")?;
        out.flush()
    }
}

/// What a buffer of a column holds: the data are items and offsets.
fn kind(part: Part) -> &'static str {
    match part {
        Part::Validity => "validity",
        _ => "data",
    }
}

/// What strides count.
fn unit(layout: &Layout) -> &'static str {
    match layout.unit() {
        Unit::Bit => "bits",
        Unit::Byte => "bytes",
    }
}

fn entry_json(entry: &Entry) -> Value {
    let buffer =
        |(part, range): &(Part, Range<u64>)| json!({ "part": kind(*part), "file_range": [range.start, range.end] });
    let mut value = match &entry.look {
        Ok(look) => look.json(),
        Err(_) => json!({}),
    };
    value["name"] = json!(entry.name);
    value["batch"] = json!(entry.batch);
    value["buffers"] = entry.buffers.iter().map(buffer).collect();
    value["error"] = json!(entry.look.as_ref().err());
    value
}

fn table(verdicts: &[Verdict]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["consumer", "memory", "why", "bytes copied"]);
    for verdict in verdicts {
        table.add_row([
            verdict.consumer.to_owned(),
            verdict.outcome.to_owned(),
            verdict.why.join("; "),
            grouped(verdict.bytes_copied),
        ]);
    }
    table
}

fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "consumer": verdict.consumer,
        "memory": verdict.outcome,
        "why": verdict.why,
        "bytes_copied": verdict.bytes_copied,
    })
}

fn verdicts(outline: &Outline) -> Vec<Verdict> {
    let verdict = |consumer: &&_| {
        let plan = outline.plan(consumer);
        let (outcome, why) = match plan.refusal() {
            Some(refusal) => ("refused", vec![refusal.to_string()]),
            None if plan.is_shared() => ("shared", Vec::new()),
            None => ("copied", plan.reasons().iter().map(ToString::to_string).collect()),
        };
        Verdict {
            consumer: plan.consumer(),
            outcome,
            why,
            bytes_copied: plan.bytes_copied(),
        }
    };
    consumers::ALL.iter().map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consumer_has_a_verdict_with_its_reasons() {
        let view = StridedView::from_vec(vec![0_f32; 6]).flip(0).unwrap();
        let entry = |name: &str, batch, look| Entry {
            name: name.to_owned(),
            batch,
            buffers: vec![(Part::Validity, 8..9)],
            look,
        };
        let inspection = Inspection {
            file: "file".into(),
            opening: "read",
            opened: true,
            entries: vec![
                entry("a", None, Ok(Look::of_view(&view, false))),
                entry("b", Some(2), Err("text".into())),
            ],
        };
        let mut out = Vec::new();
        inspection.print_json(&mut out).unwrap();
        let document: Value = serde_json::from_slice(&out).unwrap();
        let consumers = document["arrays"][0]["consumers"].as_array().unwrap();
        assert_eq!(consumers.len(), consumers::ALL.len());
        let of = |name: &str| consumers.iter().find(|entry| entry["consumer"] == name).unwrap();
        assert_eq!(of("NumPy")["memory"], "shared");
        assert_eq!(
            (&of("PyTorch")["memory"], &of("PyTorch")["bytes_copied"]),
            (&json!("copied"), &json!(24))
        );
        assert_eq!(of("CuPy")["memory"], "refused");
        assert_eq!(document["arrays"][0]["memory"]["why"], json!(["read from a file"]));
        assert_eq!(document["arrays"][1]["error"], "text");

        let mut out = Vec::new();
        inspection.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("negative stride")
                && text.contains("b, record batch 2\nno view:       text\nbuffer:        8 to 9"),
            "{text}"
        );
    }
}
