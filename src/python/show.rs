//! A view in print: its items as NumPy prints them, more or less, and its layout.

use std::fmt::Write;

use pyo3::prelude::*;

use super::scalar;
use crate::view::StridedView;

/// Items from which on the middle is left out, and how many are shown at each end then.
const MOST: usize = 1000;
const EDGE: usize = 3;

pub(super) fn repr(py: Python<'_>, view: &StridedView<'_>) -> PyResult<String> {
    let mut text = String::from("View(");
    let indent = text.len();
    if !view.device().is_cpu_readable() {
        write!(text, "<on {}>", view.device()).map_err(impossible)?;
    } else if !items(py, view, view.len() > MOST, indent, &mut text)? {
        text.truncate(indent);
        text.push_str("<no Python objects>");
    }
    let break_or_space = if text.contains('\n') { "\n     " } else { " " };
    let shape = if view.ndim() == 1 {
        format!("({},)", view.shape()[0])
    } else {
        tuple(view.shape())
    };
    let strides = if view.ndim() == 1 {
        format!("({},)", view.strides()[0])
    } else {
        tuple(view.strides())
    };
    let rights = if view.access().is_writable() { "" } else { ", read-only" };
    write!(
        text,
        ",{break_or_space}dtype={}, shape={shape}, strides={strides}{rights})",
        view.item_type()
    )
    .map_err(impossible)?;
    Ok(text)
}

fn impossible(error: std::fmt::Error) -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err(error.to_string())
}

fn tuple<T: ToString>(entries: &[T]) -> String {
    let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
    format!("({})", entries.join(", "))
}

/// Appends the items; `false` if Python has no objects for them.
fn items(py: Python<'_>, view: &StridedView<'_>, shorten: bool, indent: usize, text: &mut String) -> PyResult<bool> {
    let Some(&size) = view.shape().first() else {
        let Some(item) = scalar::read(py, view)? else {
            return raw(view, text);
        };
        text.push_str(item.repr()?.to_str()?);
        return Ok(true);
    };
    text.push('[');
    let (rows, mut first) = (view.ndim() > 1, true);
    for position in 0..size {
        let left_out = shorten && size > 2 * EDGE && (EDGE..size - EDGE).contains(&position);
        if left_out && position > EDGE {
            continue;
        }
        if !first {
            text.push(',');
            text.push_str(&if rows {
                format!("\n{}", " ".repeat(indent + 1))
            } else {
                " ".to_owned()
            });
        }
        first = false;
        if left_out {
            text.push_str("...");
            continue;
        }
        let part = view.index_axis(0, position.cast_signed())?;
        if !items(py, &part, shorten, indent + 1, text)? {
            return Ok(false);
        }
    }
    text.push(']');
    Ok(true)
}

/// An item that Python has no object for: the number of a time, or the bytes.
fn raw(view: &StridedView<'_>, text: &mut String) -> PyResult<bool> {
    let bytes = view.to_bytes(crate::memory::Order::C);
    let Ok(bytes) = bytes else { return Ok(false) };
    if view.logical().is_some()
        && let Ok(number) = view.get::<i64>(&[])
    {
        write!(text, "{number}").map_err(impossible)?;
        return Ok(true);
    }
    text.push_str("0x");
    for byte in bytes.iter().rev() {
        write!(text, "{byte:02x}").map_err(impossible)?;
    }
    Ok(true)
}
