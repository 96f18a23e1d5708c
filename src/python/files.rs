//! Files as views.
//!
//! # Safety
//!
//! Invariant *as NumPy maps*: a file that is mapped must not be made shorter meanwhile, as the documentation says; others may write it, hence the
//! rights: never [`Access::Immutable`].
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::ptr::NonNull;

use memmap2::{Mmap, MmapOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::door::Door;
use super::view::PyView;
use crate::buffer::Buffer;
use crate::dtype::ItemType;
use crate::error::{Error, Result};
use crate::files::npy;
use crate::layout::Layout;
use crate::memory::{Access, Device, Order, OwnerKind};
use crate::view::StridedView;

pub(super) fn open_npy(py: Python<'_>, path: &Path, mmap: bool) -> PyResult<PyView> {
    if mmap {
        let view = npy::parse(map(path, "r")?)?;
        return Ok(PyView::taken(view, Door::File, None));
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
    offset: usize,
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
    if !["r", "c", "r+"].contains(&mode) {
        let text = format!("mode is {mode:?}, expected \"r\", \"c\" or \"r+\"");
        return Err(PyValueError::new_err(text));
    }
    let memory = py.detach(|| map(path, mode))?;
    let bytes = StridedView::of_items(memory, crate::DType::U8);
    let view = match shape {
        None => items(&bytes, item, -1, offset.cast_signed())?,
        Some(shape) => {
            let compact = Layout::contiguous(&shape, item.dtype(), order)?;
            let layout = Layout::strided(&shape, compact.strides(), offset, item.dtype())?;
            StridedView::new(bytes.buffer().clone(), item.dtype().clone(), layout)?.view_as_item(item)?
        }
    };
    Ok(PyView::taken(view, Door::File, None))
}

fn map(path: &Path, mode: &str) -> Result<Buffer<'static>> {
    let (device, kind) = (Device::CPU, OwnerKind::MappedFile);
    if mode == "r" {
        let file = File::open(path)?;
        // SAFETY: *as NumPy maps*.
        let map = unsafe { Mmap::map(&file) }?;
        let (ptr, len) = (
            NonNull::new(map.as_ptr().cast_mut()).unwrap_or(NonNull::dangling()),
            map.len(),
        );
        // SAFETY: the mapping stays where it is as long as `map` lives; *as NumPy maps*.
        return Ok(unsafe { Buffer::from_raw_parts(ptr, len, Access::ReadOnly, device, kind, map) });
    }
    let write = mode == "r+";
    let file = OpenOptions::new().read(true).write(write).open(path)?;
    let options = MmapOptions::new();
    let mut map = if write {
        // SAFETY: *as NumPy maps*.
        unsafe { options.map_mut(&file) }?
    } else {
        // SAFETY: *as NumPy maps*.
        unsafe { options.map_copy(&file) }?
    };
    let (ptr, len) = (NonNull::new(map.as_mut_ptr()).unwrap_or(NonNull::dangling()), map.len());
    // SAFETY: as above.
    Ok(unsafe { Buffer::from_raw_parts(ptr, len, Access::Shared, device, kind, map) })
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
