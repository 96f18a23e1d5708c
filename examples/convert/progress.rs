//! Progress of what takes long. Drawn on a terminal only, never into a pipe.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use viewbridge::convert::Piece;

/// Hops that move less than this are over before a bar would be seen.
const WORTH_IT: usize = 64 << 20;

/// Bytes between two updates of the bar.
const STEP: usize = 4 << 20;

/// A sign of life for a hop that may move so many bytes.
pub(crate) fn spinner(route: &str, bytes: usize) -> ProgressBar {
    if bytes < WORTH_IT {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(route.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// How far the writing of so many bytes is.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// `expected` is in bytes, and need not be exact.
    pub(crate) fn new(expected: usize) -> Self {
        let bar = if expected < WORTH_IT {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(u64::try_from(expected).unwrap_or(u64::MAX))
        };
        let style = ProgressStyle::with_template("writing {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn add(&self, bytes: usize) {
        self.0.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Takes note of a piece that has been written.
    pub(crate) fn piece(&self, piece: Piece<'_>) -> ControlFlow<()> {
        self.add(piece.bytes.len());
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A writer that shows how far it is.
pub(crate) struct Counted<W> {
    inner: W,
    bar: Bar,
}

impl<W: Write> Counted<W> {
    /// `expected` is in bytes, and need not be exact.
    pub(crate) fn new(inner: W, expected: usize) -> Self {
        let bar = Bar::new(expected);
        Self { inner, bar }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(&bytes[..bytes.len().min(STEP)])?;
        self.bar.add(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
