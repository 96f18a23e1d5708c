//! Views in pickles: out of band, without a copy, where the protocol can (PEP 574).

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::import;
use super::view::PyView;
use crate::convert::{CopyPolicy, Requirements};
use crate::dtype::{DType, ItemType};
use crate::layout::{Dim, Unit};
use crate::memory::Order;

/// The first protocol with buffers.
const BUFFERS: u32 = 5;

/// What a pickle of a view says: a function, and the items' bytes, type, shape and order.
pub(super) fn reduce<'py>(slf: &Bound<'py, PyView>, protocol: u32) -> PyResult<Bound<'py, PyTuple>> {
    let (py, view) = (slf.py(), slf.get().view());
    let item = view.item_type();
    let read_back: Result<ItemType, _> = item.to_string().parse();
    if read_back.as_ref() != Ok(&item) || view.layout().unit() == Unit::Bit {
        let text = format!("items of type {item} cannot be pickled; storage() gives up the meaning");
        return Err(PyTypeError::new_err(text));
    }
    let order = if view.is_f_contiguous() && !view.is_c_contiguous() {
        Order::F
    } else {
        Order::C
    };
    let contiguous = Requirements::any("a pickle").contiguous(order).cpu_readable();
    let made = view.convert(&contiguous, CopyPolicy::IfNeeded)?.value;
    let bytes = match order {
        Order::C => made.reshape_with(&[Dim::Rest], Order::C).ok(),
        Order::F => made.reshape_with(&[Dim::Rest], Order::F).ok(),
    };
    let bytes = match bytes {
        Some(flat) if !flat.is_empty() => flat.view_as(DType::U8)?,
        // An axis of no items leaves nothing to say but the shape.
        _ => crate::view::StridedView::from_vec(Vec::<u8>::new()),
    };
    let payload = if protocol >= BUFFERS {
        let bytes = Bound::new(py, slf.get().with_view(py, bytes))?;
        py.import("pickle")?.getattr("PickleBuffer")?.call1((bytes,))?
    } else {
        PyBytes::new(py, &bytes.to_bytes(Order::C)?).into_any()
    };
    let function = py.import("viewbridge")?.getattr("_rebuild")?;
    let shape = PyTuple::new(py, view.shape())?;
    let arguments = (
        payload,
        item.to_string(),
        shape,
        order.to_string(),
        view.access().is_writable(),
    );
    PyTuple::new(py, [function, arguments.into_pyobject(py)?.into_any()])
}

/// A view out of a pickle.
pub(super) fn rebuild(
    payload: &Bound<'_, PyAny>,
    dtype: &str,
    shape: Vec<usize>,
    order: &str,
    writable: bool,
) -> PyResult<PyView> {
    let item: ItemType = dtype.parse()?;
    let order = if order == "F" { Order::F } else { Order::C };
    let taken = import::take(payload, None)?;
    let view = taken.view();
    let layout = crate::layout::Layout::contiguous(&shape, item.dtype(), order)?;
    if layout.nbytes() != view.nbytes() {
        let text = format!("{} bytes are no {dtype} of shape {shape:?}", view.nbytes());
        return Err(PyValueError::new_err(text));
    }
    let made = crate::view::StridedView::new(view.buffer().clone(), item.dtype().clone(), layout)?;
    let made = match item.logical() {
        Some(logical) => made.with_logical(logical.clone()),
        None => made,
    };
    let made = taken.with_view(payload.py(), made);
    // Bytes of the stream itself are read-only; what was writable is so again.
    if writable && !made.view().access().is_writable() {
        let order = Requirements::any("a pickle").contiguous(order);
        let copy = made.view().convert(&order, CopyPolicy::Always)?;
        return Ok(made.converted(payload.py(), copy));
    }
    Ok(made)
}
