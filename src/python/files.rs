//! Files as views.
//!
//! # Safety
//!
//! Invariant *as NumPy maps*: a file that is mapped must not be made shorter meanwhile, as the documentation says; others may write it, hence the
//! rights: never [`Access::Immutable`].
#![allow(unsafe_code)]

use std::path::Path;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::door::Door;
use super::export::renamed;
use super::view::PyView;
use crate::dtype::ItemType;
use crate::error::Error;
use crate::files::mmap::Mode;
use crate::files::npy;
use crate::files::raw::{self, RawArray};
use crate::layout::Layout;
use crate::memory::{Access, Order};
use crate::view::StridedView;

pub(super) fn open_npy(py: Python<'_>, path: &Path, mmap: bool) -> PyResult<PyView> {
    if mmap {
        // SAFETY: *as NumPy maps*.
        let view = py.detach(|| unsafe { npy::map(path) })?;
        return Ok(PyView::taken(weaker(&view), Door::File, None));
    }
    let read = py.detach(|| npy::read(path))?;
    let made = PyView::taken(super::import::writable(read.value), Door::File, None);
    Ok(made.with_report(read.report))
}

pub(super) fn memmap(
    py: Python<'_>,
    path: &Path,
    item: &ItemType,
    mode: &str,
    offset: u64,
    shape: Option<Vec<usize>>,
    order: &str,
) -> PyResult<PyView> {
    let order = match order {
        "C" => Order::C,
        "F" => Order::F,
        _ => {
            return Err(PyValueError::new_err(format!(
                "order is {order:?}, expected \"C\" or \"F\""
            )));
        }
    };
    let mode = match mode {
        "r" => Mode::Read,
        "c" => Mode::CopyOnWrite,
        "r+" => Mode::ReadWrite,
        "w+" => Mode::Create,
        _ => {
            let text = format!("mode is {mode:?}, expected \"r\", \"c\", \"r+\" or \"w+\"");
            return Err(PyValueError::new_err(text));
        }
    };
    if !item.shape().is_empty() {
        return Err(PyValueError::new_err(
            "give the shape of the items as last sizes of the file's shape",
        ));
    }
    let mut items = RawArray::new(item.dtype().clone()).order(order).offset(offset);
    if let Some(shape) = shape {
        items = items.shape(&shape);
    }
    if let Some(logical) = item.logical() {
        items = items.logical(logical.clone());
    }
    // SAFETY: *as NumPy maps*.
    let view = py.detach(|| unsafe { raw::map(path, mode, &items) })?;
    let view = if mode == Mode::Read { weaker(&view) } else { view };
    Ok(PyView::taken(view, Door::File, None))
}

/// The same map without the promise that nobody writes it.
fn weaker(view: &StridedView<'static>) -> StridedView<'static> {
    renamed(view, view.device(), Access::ReadOnly)
}

/// So many items over contiguous memory, from so many bytes on; -1 for as many as there are.
pub(super) fn items(
    view: &StridedView<'static>,
    item: &ItemType,
    count: isize,
    offset: isize,
) -> PyResult<StridedView<'static>> {
    let (available, size) = (view.nbytes(), item.nbytes().unwrap_or(usize::MAX));
    let start = usize::try_from(offset).ok().filter(|start| *start <= available);
    let Some(start) = start else {
        return Err(PyValueError::new_err(format!(
            "offset {offset} is not within the {available} bytes of the buffer"
        )));
    };
    if size == 0 {
        return Err(PyValueError::new_err("the dtype has items of no bytes"));
    }
    let rest = available - start;
    let count = match usize::try_from(count) {
        Ok(count) => count,
        Err(_) if count == -1 && rest.is_multiple_of(size) => rest / size,
        Err(_) if count == -1 => {
            return Err(Error::from(crate::LayoutError::ReinterpretSize {
                available: rest,
                itemsize: size,
            })
            .into());
        }
        Err(_) => return Err(PyValueError::new_err(format!("count is {count}, expected -1 or more"))),
    };
    let needed = count.checked_mul(size).filter(|needed| *needed <= rest);
    if needed.is_none() {
        let text = format!("{count} items of {size} bytes are more than the {rest} bytes of the buffer");
        return Err(PyValueError::new_err(text));
    }
    let offset = view.layout().byte_offset() + start;
    let dtype = item.dtype();
    let shape: Vec<usize> = std::iter::once(count).chain(item.shape().iter().copied()).collect();
    let compact = Layout::contiguous(&shape, dtype, Order::C)?;
    let layout = Layout::strided(&shape, compact.strides(), offset, dtype)?;
    let made = StridedView::new(view.buffer().clone(), dtype.clone(), layout)?;
    Ok(match item.logical() {
        Some(logical) => made.with_logical(logical.clone()),
        None => made,
    })
}
