//! Tables for people, JSON for scripts.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};
use viewbridge::{Info, Order};

use crate::failure::Failure;
use crate::trip::{Check, Outcome, Row, Trip};

/// Characters of a line, which long reasons are broken to.
pub(crate) const WIDTH: u16 = 130;

pub(crate) fn print_tables(trips: &[Trip], out: &mut impl Write) -> io::Result<()> {
    // A file that could not even be opened has no hops.
    let trips: Vec<&Trip> = trips.iter().filter(|trip| !trip.rows.is_empty()).collect();
    for (k, trip) in trips.iter().enumerate() {
        writeln!(out, "{}", trip.name)?;
        match trip.memory() {
            Some(memory) if k == 0 => writeln!(out, "{memory}")?,
            Some(memory) => writeln!(out, "{}", one_line(&memory))?,
            None => {}
        }
        writeln!(out, "{}\n", table(&trip.rows))?;
    }
    if !trips.is_empty() {
        writeln!(out, "{}", Summary::of(&trips))?;
    }
    out.flush()
}

fn one_line(memory: &Info) -> String {
    let Info {
        dtype, shape, strides, ..
    } = memory;
    format!("{dtype}, shape {shape:?}, strides {strides:?}, {} memory", memory.owner)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["hop", "memory", "why", "bytes moved", "time", "GB/s", "bits"]);
    for column in [3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row([
            row.route.clone(),
            memory_cell(row),
            row.why.join("; "),
            grouped(row.bytes_moved()),
            format!("{:.1?}", row.time),
            row.gigabytes_per_second()
                .map_or_else(|| "–".to_owned(), |speed| format!("{speed:.1}")),
            row.check.name().to_owned(),
        ]);
    }
    table
}

/// A file takes the bytes from where they lie, or from a buffer that they were gathered in.
fn memory_cell(row: &Row) -> String {
    let name = row.outcome.name();
    if row.bytes_written > 0 {
        format!("{name}, written")
    } else {
        name.to_owned()
    }
}

/// With a comma between groups of three digits.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Copied => "copied",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Failed => "failed",
        }
    }
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "unchecked",
            Self::Reference => "reference",
            Self::Identical => "identical",
            Self::Nothing => "–",
        }
    }
}

/// What all hops together came to.
struct Summary {
    hops: usize,
    shared: usize,
    copied: usize,
    /// Also those that the policy forbids.
    refused: usize,
    failed: usize,
    bytes_copied: usize,
    bytes_written: usize,
    verified: bool,
}

impl Summary {
    fn of(trips: &[&Trip]) -> Self {
        let rows: Vec<&Row> = trips.iter().flat_map(|trip| &trip.rows).collect();
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        Self {
            hops: rows.len(),
            shared: count(Outcome::Shared),
            copied: count(Outcome::Copied),
            refused: count(Outcome::Refused) + count(Outcome::Forbidden),
            failed: count(Outcome::Failed),
            bytes_copied: rows.iter().map(|row| row.bytes_copied).sum(),
            bytes_written: rows.iter().map(|row| row.bytes_written).sum(),
            verified: !led_nowhere(&rows) && rows.iter().all(|row| row.check != Check::Pending),
        }
    }
}

/// Whether there is no result to verify.
fn led_nowhere(rows: &[&Row]) -> bool {
    rows.iter().all(|row| row.check == Check::Nothing)
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            hops, shared, copied, ..
        } = self;
        let (bytes, written) = (grouped(self.bytes_copied), grouped(self.bytes_written));
        write!(f, "{hops} hops: {shared} shared, {copied} copied ({bytes} bytes)")?;
        if self.refused > 0 {
            write!(f, ", {} refused", self.refused)?;
        }
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        write!(f, "; {written} bytes written to files; ")?;
        f.write_str(if self.verified {
            "all results verified bit by bit"
        } else {
            "not all results verified"
        })
    }
}

/// One document: a trip per array, a row per hop, the sums, and the error if there is one.
pub(crate) fn print_json(trips: &[Trip], failure: Option<&Failure>, out: &mut impl Write) -> io::Result<()> {
    let summary = Summary::of(&trips.iter().collect::<Vec<_>>());
    let document = json!({
        "trips": trips.iter().map(trip_json).collect::<Vec<_>>(),
        "summary": {
            "hops": summary.hops,
            "shared": summary.shared,
            "copied": summary.copied,
            "refused": summary.refused,
            "failed": summary.failed,
            "bytes_copied": summary.bytes_copied,
            "bytes_written": summary.bytes_written,
            "verified": summary.verified,
        },
        "error": failure.map(ToString::to_string),
    });
    writeln!(out, "{document:#}")?;
    out.flush()
}

fn trip_json(trip: &Trip) -> Value {
    json!({
        "name": trip.name,
        "memory": trip.memory().as_ref().map(memory_json),
        "hops": trip.rows.iter().map(row_json).collect::<Vec<_>>(),
    })
}

fn row_json(row: &Row) -> Value {
    json!({
        "hop": row.route,
        "memory": row.outcome.name(),
        "why": row.why,
        "bytes_copied": row.bytes_copied,
        "bytes_written": row.bytes_written,
        "seconds": row.time.as_secs_f64(),
        "gigabytes_per_second": row.gigabytes_per_second(),
        "bits": row.check.name(),
    })
}

pub(crate) fn memory_json(memory: &Info) -> Value {
    let mut orders = Vec::new();
    orders.extend(memory.c_contiguous.then(|| Order::C.to_string()));
    orders.extend(memory.f_contiguous.then(|| Order::F.to_string()));
    json!({
        "shape": memory.shape,
        "strides": memory.strides,
        "dtype": memory.dtype.to_string(),
        "itemsize": memory.itemsize,
        "meaning": memory.logical.as_ref().map(ToString::to_string),
        "address": memory.address,
        "byte_span": [memory.byte_span.start, memory.byte_span.end],
        "contiguous": orders,
        "aligned": memory.aligned,
        "access": format!("{:?}", memory.access),
        "owner": memory.owner.to_string(),
        "device": memory.device.to_string(),
        "nbytes": memory.nbytes,
        "pinned_bytes": memory.pinned_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes nothing, as a closed pipe does.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_an_error_and_no_panic() {
        assert!(print_json(&[], None, &mut Closed).is_err());
        let mut trip = Trip::new("nowhere");
        let _ = trip.hop("a → b", 0, || Ok(viewbridge::Converted::shared(())));
        assert!(print_tables(&[trip], &mut Closed).is_err());
    }
}
