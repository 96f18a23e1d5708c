//! A column in chunks as one view: a reported copy.

use pyo3::prelude::*;

use crate::allocation::zeroes;
use crate::arrow::Column;
use crate::convert::{Converted, CopyRecord, CopyReport};
use crate::dtype::DType;
use crate::layout::Layout;
use crate::memory::Order;
use crate::python::import::writable;
use crate::reason::CopyReason;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Fresh memory for items as those of a view, in a shape.
pub(super) fn fresh_of(items: &StridedView<'_>, shape: &[usize], order: Order) -> PyResult<StridedViewMut<'static>> {
    // Bits of one piece and the next may share a byte.
    let dtype = if *items.dtype() == DType::BIT {
        DType::BOOL
    } else {
        items.dtype().clone()
    };
    let layout = Layout::contiguous(shape, &dtype, order)?;
    let fresh = StridedView::new(zeroes(layout.nbytes())?, dtype, layout)?;
    Ok(fresh.into_mut().map_err(|(_, error)| error)?)
}

/// How many pieces there are, in words.
pub(super) fn parts_of(chunks: usize) -> String {
    match chunks {
        1 => "memory".to_owned(),
        _ => format!("{chunks} chunks"),
    }
}

/// The chunks behind each other in fresh memory: one copy.
pub(super) fn join(py: Python<'_>, chunks: &[StridedView<'static>]) -> PyResult<Converted<StridedView<'static>>> {
    let first = &chunks[0];
    let mut shape = first.shape().to_vec();
    shape[0] = chunks.iter().map(|chunk| chunk.shape()[0]).sum();
    let mut target = fresh_of(first, &shape, Order::C)?;
    py.detach(|| -> crate::error::Result<()> {
        let mut start = 0;
        for chunk in chunks {
            let end = start + chunk.shape()[0].cast_signed();
            chunk.copy_into(&mut target.reborrow().slice_axis(0, start..end)?)?;
            start = end;
        }
        Ok(())
    })?;
    let value = target.share();
    let reasons = vec![CopyReason::Chunks { chunks: chunks.len() }];
    let report = CopyReport::copied(CopyRecord::of_items(value.nbytes(), reasons));
    let value = match first.logical() {
        Some(logical) => value.with_logical(logical.clone()),
        None => value,
    };
    Ok(Converted { value, report })
}

/// One byte per row, since bitmaps do not end at bytes.
pub(super) fn joined_validity(columns: &[Column]) -> PyResult<Option<StridedView<'static>>> {
    if columns.iter().all(|column| column.row_validity().is_none()) {
        return Ok(None);
    }
    let mut all = Vec::new();
    for column in columns {
        match column.row_validity() {
            Some(bits) => all.extend(bits.to_vec::<bool>()?),
            None => all.resize(all.len() + column.view().shape()[0], true),
        }
    }
    Ok(Some(writable(StridedView::from_vec(all))))
}
