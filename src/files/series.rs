//! Several views into one file, one after the other, with one progress.

use std::io::Write;
use std::ops::ControlFlow;

use crate::convert::{CopyRecord, CopyReport, Piece, Stream, Streamed};
use crate::error::Result;

/// How much of what has gone out. Once the progress breaks off nothing more does.
pub(super) struct Series<P> {
    progress: P,
    bytes: usize,
    total: usize,
    records: Vec<CopyRecord>,
    over: bool,
}

impl<P: FnMut(Piece<'_>) -> ControlFlow<()>> Series<P> {
    /// `total` is in bytes.
    pub(super) fn new(total: usize, progress: P) -> Self {
        Self {
            progress,
            bytes: 0,
            total,
            records: Vec::new(),
            over: false,
        }
    }

    /// Writes the next view.
    pub(super) fn write(&mut self, items: &Stream<'_>, writer: impl Write) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let done = items.write_with(writer, |piece| {
            let flow = (self.progress)(Piece {
                offset: self.bytes + piece.offset,
                total: self.total,
                ..piece
            });
            self.over = flow.is_break();
            flow
        })?;
        self.bytes += done.bytes;
        self.records.extend(done.report.into_records());
        Ok(())
    }

    /// How far it went.
    pub(super) fn done(self) -> Streamed {
        Streamed {
            bytes: self.bytes,
            total: self.total,
            report: CopyReport::from_records(self.records),
        }
    }
}
