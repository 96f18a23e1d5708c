//! A trip: hops one after the other, each timed, and all results compared with the first view.

use std::time::{Duration, Instant};

use viewbridge::{Converted, CopyReason, CopyReport, Error, Info, StridedView};

use crate::failure::{Failure, is_unsupported};
use crate::progress;
use crate::same::same_items;

/// Where one array has been.
#[derive(Debug)]
pub(crate) struct Trip {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
    /// The first view, which all others are compared with.
    reference: Option<StridedView<'static>>,
}

/// One hop, as the table shows it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) route: String,
    pub(crate) outcome: Outcome,
    /// Reasons of a copy or refusal, in the crate's own words.
    pub(crate) why: Vec<String>,
    pub(crate) bytes_copied: usize,
    /// Bytes that went to a file.
    pub(crate) bytes_written: usize,
    pub(crate) time: Duration,
    pub(crate) check: Check,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Shared,
    Copied,
    /// The target cannot express the view.
    Refused,
    /// A copy was needed under `--copy never`.
    Forbidden,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Nothing to compare yet: the next view tells.
    Pending,
    /// This is what the others are compared with.
    Reference,
    /// The same bits as the reference.
    Identical,
    /// The hop led nowhere.
    Nothing,
}

impl Trip {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            rows: Vec::new(),
            reference: None,
        }
    }

    /// The memory of the first view.
    pub(crate) fn memory(&self) -> Option<Info> {
        self.reference.as_ref().map(StridedView::info)
    }

    /// Makes a hop and notes what it cost. `bytes` is how much it might move, to know whether a progress bar is worth it.
    pub(crate) fn hop<T>(
        &mut self,
        route: impl Into<String>,
        bytes: usize,
        hop: impl FnOnce() -> Result<Converted<T>, Error>,
    ) -> Result<T, Failure> {
        let route = route.into();
        let spinner = progress::spinner(&route, bytes);
        let start = Instant::now();
        let result = hop();
        let time = start.elapsed();
        spinner.finish_and_clear();
        self.rows.push(Row::new(
            &route,
            time,
            result.as_ref().map(|converted| &converted.report),
        ));
        match result {
            Ok(converted) => Ok(converted.value),
            Err(error) => Err(Failure::Hop { route, error }),
        }
    }

    /// As [`hop`](Self::hop), into a file. `write` says how many bytes there were.
    pub(crate) fn write(
        &mut self,
        route: impl Into<String>,
        write: impl FnOnce() -> Result<Converted<usize>, Error>,
    ) -> Result<(), Failure> {
        // The writer has a progress bar of its own.
        let bytes = self.hop(route, 0, write)?;
        if let Some(row) = self.rows.last_mut() {
            row.bytes_written = bytes;
        }
        Ok(())
    }

    /// As [`hop`](Self::hop), for what is always a copy, for these reasons. `decode` says of how many bytes.
    pub(crate) fn decode<T>(
        &mut self,
        route: impl Into<String>,
        bytes: usize,
        reasons: &[CopyReason],
        decode: impl FnOnce() -> Result<(T, usize), Error>,
    ) -> Result<T, Failure> {
        let (value, bytes) = self.hop(route, bytes, || decode().map(Converted::shared))?;
        if let Some(row) = self.rows.last_mut() {
            row.outcome = Outcome::Copied;
            row.why = texts(reasons);
            row.bytes_copied = bytes;
        }
        Ok(value)
    }

    /// Says that the array went no further.
    pub(crate) fn left_out(mut self) -> Self {
        self.name.push_str(" (left out)");
        self.settle(Check::Nothing);
        self
    }

    /// Says of the hops of a whole file that all its arrays have been compared.
    pub(crate) fn all_identical(&mut self) {
        self.settle(Check::Identical);
    }

    fn settle(&mut self, check: Check) {
        for row in self.rows.iter_mut().filter(|row| row.check == Check::Pending) {
            row.check = check;
        }
    }

    /// Compares the view that the last hops led to with the first one; or makes it the first one.
    pub(crate) fn arrive(&mut self, view: &StridedView<'static>) -> Result<(), Failure> {
        let check = match &self.reference {
            None => Check::Reference,
            Some(reference) => {
                let route = self.rows.last().map(|row| row.route.clone()).unwrap_or_default();
                let spinner = progress::spinner("comparing bit by bit", view.nbytes());
                let same = same_items(reference, view);
                spinner.finish_and_clear();
                match same {
                    Ok(true) => Check::Identical,
                    Ok(false) => return Err(Failure::Different { route }),
                    Err(error) => return Err(Failure::Hop { route, error }),
                }
            }
        };
        if check == Check::Reference {
            self.reference = Some(view.clone());
        }
        self.settle(check);
        Ok(())
    }
}

impl Trip {
    /// Says whether what no view shows came out of the last hops as it went in.
    pub(crate) fn arrive_unseen(&mut self, same: bool) -> Result<(), Failure> {
        if !same {
            let route = self.rows.last().map(|row| row.route.clone()).unwrap_or_default();
            return Err(Failure::Different { route });
        }
        self.settle(Check::Identical);
        Ok(())
    }
}

impl Row {
    fn new(route: &str, time: Duration, result: Result<&CopyReport, &Error>) -> Self {
        let (outcome, why) = match result {
            Ok(report) if report.is_shared() => (Outcome::Shared, Vec::new()),
            Ok(report) => (Outcome::Copied, texts(report.reasons())),
            Err(Error::CopyForbidden { reasons, .. }) => (Outcome::Forbidden, texts(reasons)),
            Err(Error::Refused { refusal, .. }) => (Outcome::Refused, vec![refusal.to_string()]),
            Err(other) if is_unsupported(other) => (Outcome::Refused, vec![other.to_string()]),
            Err(other) => (Outcome::Failed, vec![other.to_string()]),
        };
        Self {
            route: route.to_owned(),
            outcome,
            why,
            bytes_copied: result.map_or(0, CopyReport::bytes_copied),
            bytes_written: 0,
            time,
            check: if result.is_ok() { Check::Pending } else { Check::Nothing },
        }
    }

    /// Bytes that were moved, to memory or to a file.
    pub(crate) fn bytes_moved(&self) -> usize {
        self.bytes_written.max(self.bytes_copied)
    }

    /// 10⁹ bytes per second; nothing where nothing moved.
    pub(crate) fn gigabytes_per_second(&self) -> Option<f64> {
        let bytes = u32::try_from(self.bytes_moved() >> 10)
            .ok()
            .filter(|&kibibytes| kibibytes > 0)?;
        Some(f64::from(bytes) * 1024.0 / 1e9 / self.time.as_secs_f64())
    }
}

/// In words, each of them once.
pub(crate) fn texts<'a>(reasons: impl IntoIterator<Item = &'a CopyReason>) -> Vec<String> {
    let mut texts = Vec::new();
    for text in reasons.into_iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}
