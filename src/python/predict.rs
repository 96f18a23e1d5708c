//! What would happen: who takes a view as it is, who does not, and why.

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;

use super::arrow::WayBack;
use super::view::PyView;
use crate::convert::{CopyPolicy, MemoryUse, Plan, Requirements};
use crate::dlpack::{self, consumers};

/// What handing an object over to a consumer costs.
#[pyclass(name = "Prediction", module = "viewbridge", frozen, get_all)]
#[derive(Debug)]
pub struct PyPrediction {
    /// The consumer.
    consumer: &'static str,
    /// "shared", "copied" or "refused".
    outcome: &'static str,
    /// Bytes that a copy would write.
    bytes: usize,
    /// Why it is copied or refused.
    reasons: Vec<String>,
    /// The same in words.
    text: String,
}

impl PyPrediction {
    fn of(plan: &Plan) -> Self {
        let refusal = plan.refusal().map(ToString::to_string);
        let outcome = match (&refusal, plan.is_shared()) {
            (Some(_), _) => "refused",
            (None, true) => "shared",
            (None, false) => "copied",
        };
        Self {
            consumer: plan.consumer(),
            outcome,
            bytes: plan.bytes_copied(),
            reasons: refusal
                .into_iter()
                .chain(plan.reasons().iter().map(ToString::to_string))
                .collect(),
            text: plan.to_string(),
        }
    }

    fn refused(consumer: &'static str, reason: String) -> Self {
        Self {
            consumer,
            outcome: "refused",
            bytes: 0,
            text: format!("{consumer}: refused because {reason}"),
            reasons: vec![reason],
        }
    }
}

#[pymethods]
impl PyPrediction {
    /// Whether the consumer takes the memory as it is.
    #[getter]
    fn shared(&self) -> bool {
        self.outcome == "shared"
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<{}>", self.text)
    }
}

/// A consumer, and what it makes of a view.
enum Taker {
    /// As its profile says.
    Profile(Requirements),
    /// Nothing, for a reason that lies in where the view came from.
    Refuses(&'static str, String),
}

impl Taker {
    fn name(&self) -> &'static str {
        match self {
            Self::Profile(profile) => profile.consumer(),
            Self::Refuses(name, _) => name,
        }
    }

    fn predict(&self, view: &PyView) -> PyPrediction {
        match self {
            Self::Profile(profile) => PyPrediction::of(&view.view().plan(profile)),
            Self::Refuses(name, reason) => PyPrediction::refused(name, reason.clone()),
        }
    }
}

/// Those who take Arrow data as it is.
const OVER_ARROW: [&str; 3] = ["Arrow", "polars", "nanoarrow"];

/// All consumers.
fn takers(py: Python<'_>, view: &PyView) -> Vec<Taker> {
    let way_back = view.way_back(py, CopyPolicy::Never);
    let over_arrow = |name: &'static str| match &way_back {
        Ok(WayBack::Rows(_)) => Taker::Profile(Requirements::any(name)),
        Ok(lost @ WayBack::NullsLost(_)) => Taker::Refuses(name, lost.to_string()),
        _ => {
            let limits = crate::arrow::requirements_of(view.view()).memory(MemoryUse::Read);
            Taker::Profile(limits.named(name))
        }
    };
    let own = [dlpack::VERSIONED, dlpack::LEGACY].into_iter();
    let dlpack = own.chain(consumers::ALL.iter().map(|profile| (*profile).clone()));
    dlpack.map(Taker::Profile).chain(OVER_ARROW.map(over_arrow)).collect()
}

/// A name without the differences that nobody remembers.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let name = letters.flat_map(char::to_lowercase).collect::<String>();
    if name == "torch" { "pytorch".to_owned() } else { name }
}

/// The consumer of a name.
fn taker(py: Python<'_>, view: &PyView, name: &str) -> PyResult<Taker> {
    let takers = takers(py, view);
    let known: Vec<&str> = takers.iter().map(Taker::name).collect();
    let unknown = format!("unknown consumer {name:?}; known are {known:?}");
    let found = takers.into_iter().find(|taker| plain(taker.name()) == plain(name));
    found.ok_or_else(|| PyValueError::new_err(unknown))
}

/// What the consumer of a name accepts.
pub(super) fn profile(py: Python<'_>, view: &PyView, name: &str) -> PyResult<Requirements> {
    match taker(py, view, name)? {
        Taker::Profile(profile) => Ok(profile),
        Taker::Refuses(_, reason) => Err(PyBufferError::new_err(reason)),
    }
}

/// What each consumer would do, or the one of a name.
pub(super) fn predict(py: Python<'_>, view: &PyView, target: Option<&str>) -> PyResult<Vec<PyPrediction>> {
    let takers = match target {
        Some(name) => vec![taker(py, view, name)?],
        None => takers(py, view),
    };
    Ok(takers.iter().map(|taker| taker.predict(view)).collect())
}
