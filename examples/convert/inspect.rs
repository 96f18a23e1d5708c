//! What a file holds, and what each consumer would make of it. Nothing is converted.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use viewbridge::dlpack::consumers;
use viewbridge::{CopyPolicy, StridedView};

use crate::cli::InspectArgs;
use crate::failure::Failure;
use crate::output::{WIDTH, grouped, memory_json};
use crate::sources;
use crate::trip::Trip;

/// One array of the file, or what a record batch has of it.
struct Entry {
    name: String,
    /// Which of the record batches, if there are several.
    batch: Option<usize>,
    /// What is printed in place of the rest for what no view can show, such as text.
    view: Result<StridedView<'static>, String>,
}

/// What handing an array to a consumer would come to.
struct Verdict {
    consumer: &'static str,
    outcome: &'static str,
    /// Reasons of the copy, or the one for which the array is refused.
    why: Vec<String>,
    bytes_copied: usize,
}

/// Prints the arrays of a file. The outer error is of the file, the inner one of the printing.
pub(crate) fn run(args: &InspectArgs) -> Result<io::Result<()>, Failure> {
    let mut trip = Trip::new("inspect");
    let sources = sources::open(&mut trip, &args.input, &args.source, CopyPolicy::IfNeeded)?;
    let mut entries = Vec::new();
    for source in &sources.arrays {
        let pieces = source.piecewise(&mut trip);
        let several = pieces.len() > 1;
        let entry = |(batch, view): (usize, Result<_, Failure>)| Entry {
            name: source.name().to_owned(),
            batch: several.then_some(batch),
            view: view.map_err(|failure| failure.to_string()),
        };
        entries.extend(pieces.into_iter().enumerate().map(entry));
    }
    let (file, out) = (args.input.display().to_string(), &mut io::stdout().lock());
    Ok(if args.source.json {
        print_json(&file, sources.opened, &entries, out)
    } else {
        print(&file, sources.opened, &entries, out)
    })
}

fn print(file: &str, opened: &str, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let arrays = if entries.len() == 1 { "array" } else { "arrays" };
    writeln!(out, "{file}: {} {arrays} ({opened})\n", entries.len())?;
    for Entry { name, batch, view } in entries {
        match batch {
            Some(batch) => writeln!(out, "{name}, record batch {batch}")?,
            None => writeln!(out, "{name}")?,
        }
        match view {
            Ok(view) => {
                writeln!(out, "{}", view.info())?;
                let alignment = alignment(view).map_or_else(|| "–".to_owned(), grouped);
                writeln!(out, "alignment:     {alignment}")?;
                if let Some(range) = view.file_range() {
                    writeln!(out, "file range:    {} to {}", range.start, range.end)?;
                }
                writeln!(out, "{}\n", table(&verdicts(view)))?;
            }
            Err(why) => writeln!(out, "no view: {why}\n")?,
        }
    }
    out.flush()
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

fn print_json(file: &str, opened: &str, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let arrays: Vec<Value> = entries.iter().map(entry_json).collect();
    writeln!(out, "{:#}", json!({ "file": file, "opened": opened, "arrays": arrays }))?;
    out.flush()
}

fn entry_json(Entry { name, batch, view }: &Entry) -> Value {
    match view {
        Ok(view) => json!({
            "name": name,
            "batch": batch,
            "memory": memory_json(&view.info()),
            "alignment": alignment(view),
            "file_range": view.file_range().map(|range| [range.start, range.end]),
            "consumers": verdicts(view).iter().map(verdict_json).collect::<Vec<_>>(),
            "error": null,
        }),
        Err(why) => json!({ "name": name, "batch": batch, "error": why }),
    }
}

fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "consumer": verdict.consumer,
        "memory": verdict.outcome,
        "why": verdict.why,
        "bytes_copied": verdict.bytes_copied,
    })
}

/// The highest power of two that the address is a multiple of; nothing without items.
fn alignment(view: &StridedView<'_>) -> Option<usize> {
    let address = view.data_ptr().addr();
    (!view.is_empty() && address > 0).then(|| 1 << address.trailing_zeros())
}

fn verdicts(view: &StridedView<'_>) -> Vec<Verdict> {
    let verdict = |consumer: &&_| {
        let plan = view.plan(consumer);
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
        let entries = [
            Entry {
                name: "a".into(),
                batch: None,
                view: Ok(view),
            },
            Entry {
                name: "b".into(),
                batch: Some(2),
                view: Err("text".into()),
            },
        ];
        let mut out = Vec::new();
        print_json("file", "read", &entries, &mut out).unwrap();
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
        assert_eq!(document["arrays"][1]["error"], "text");

        let mut out = Vec::new();
        print("file", "read", &entries, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("negative stride") && text.contains("b, record batch 2\nno view: text"),
            "{text}"
        );
    }
}
