//! Progress of what takes long. Drawn on a terminal only, never into a pipe.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

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

/// A writer that counts, and shows how far it is.
pub(crate) struct Counted<W> {
    inner: W,
    bar: ProgressBar,
    pub(crate) bytes: usize,
}

impl<W: Write> Counted<W> {
    /// `expected` is in bytes, and need not be exact.
    pub(crate) fn new(inner: W, expected: usize) -> Self {
        let bar = if expected < WORTH_IT {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(u64::try_from(expected).unwrap_or(u64::MAX))
        };
        let style = ProgressStyle::with_template("writing {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        let bytes = 0;
        Self { inner, bar, bytes }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(&bytes[..bytes.len().min(STEP)])?;
        self.bytes += written;
        self.bar.inc(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W> Drop for Counted<W> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
