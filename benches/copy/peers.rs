//! Those who do the same work.
//!
//! # Safety
//!
//! *same layout*: a peer's view has the shape, strides and memory of a [`StridedView`], which proved them to be in bounds; `T` is as large as its
//! items and every bit pattern is one.
#![allow(unsafe_code)]

use std::hint::black_box;

use bytemuck::Pod;
use ndarray::{ArrayView, ArrayViewMut, Axis, IxDyn, ShapeBuilder};
use threadteam::Exec;
use viewbridge::StridedView;
use viewbridge_benches::Contender;

use super::memory::Memory;
use super::rows::{Into, Row};

/// All peers that can do a row, each with a destination of its own.
pub(crate) fn peers<'a>(
    row: &Row,
    view: &'a StridedView<'_>,
    root: &'a [u8],
    outputs: &'a mut [Memory],
) -> Vec<Contender<'a>> {
    match (row.into, row.dtype.itemsize()) {
        (Into::Warm | Into::Fresh | Into::Stacked, 1) => copying::<u8>(row, view, root, outputs),
        (Into::Warm | Into::Fresh | Into::Stacked, 2) => copying::<u16>(row, view, root, outputs),
        (Into::Warm | Into::Fresh | Into::Stacked, 4) => copying::<f32>(row, view, root, outputs),
        (Into::Warm | Into::Fresh | Into::Stacked, 8) => copying::<f64>(row, view, root, outputs),
        (Into::Warm | Into::Fresh | Into::Stacked, _) => copying::<[u64; 2]>(row, view, root, outputs),
        (Into::Streamed | Into::Planned, _) => Vec::new(),
        (Into::Swapped, 4) => swapping(u32::swap_bytes, root, outputs),
        (Into::Swapped, _) => swapping(u64::swap_bytes, root, outputs),
        (Into::BoolBytes, _) => unpacking(view.len(), root, outputs),
        (Into::BoolBits, _) => packing(root, outputs),
    }
}

fn copying<'a, T: Pod + Sync + Send>(
    row: &Row,
    view: &'a StridedView<'_>,
    root: &'a [u8],
    outputs: &'a mut [Memory],
) -> Vec<Contender<'a>> {
    let strides = view.layout().element_strides().expect("whole items");
    let source = ndarray_view::<T>(view, &strides);
    let mut outputs = outputs.iter_mut();
    if row.into == Into::Fresh {
        // `to_owned` keeps the order of the axes in memory; this is its form that does not.
        return vec![Contender::new("ndarray", move || {
            drop(black_box(black_box(&source).as_standard_layout()));
        })];
    }
    let mut contenders = Vec::new();
    if let Some(output) = outputs.next() {
        let items = bytemuck::cast_slice_mut(output.bytes_mut());
        let mut array = ArrayViewMut::from_shape(IxDyn(view.shape()), items).unwrap();
        contenders.push(Contender::new("ndarray", move || {
            black_box(&mut array).assign(black_box(&source))
        }));
    }
    if let Some(output) = outputs.next() {
        contenders.push(strided_perm::<T>(view, strides, output));
    }
    if let (Some((count, width, height)), Some(output)) = (row.matrices, outputs.next()) {
        let source: &[T] = bytemuck::cast_slice(root);
        let output: &mut [T] = bytemuck::cast_slice_mut(output.bytes_mut());
        contenders.push(Contender::new("transpose", move || {
            let size = width * height;
            for k in 0..count {
                let range = k * size..(k + 1) * size;
                transpose::transpose(
                    black_box(&source[range.clone()]),
                    black_box(&mut output[range]),
                    width,
                    height,
                );
            }
        }));
    }
    contenders
}

/// ndarray takes no negative strides, and turns axes around afterwards.
fn ndarray_view<'a, T: Pod>(view: &'a StridedView<'_>, strides: &[isize]) -> ArrayView<'a, T, IxDyn> {
    let mut lowest = view.data_ptr().cast::<T>();
    let mut positive = Vec::new();
    for (&dim, &stride) in view.shape().iter().zip(strides) {
        lowest = lowest.wrapping_offset(stride.min(0) * (dim.cast_signed() - 1));
        positive.push(stride.unsigned_abs());
    }
    let shape = IxDyn(view.shape()).strides(IxDyn(&positive));
    // SAFETY: *same layout*, from its lowest item upwards.
    let mut source = unsafe { ArrayView::from_shape_ptr(shape, lowest) };
    for (axis, &stride) in strides.iter().enumerate() {
        if stride < 0 {
            source.invert_axis(Axis(axis));
        }
    }
    source
}

fn strided_perm<'a, T: Pod + Sync + Send>(
    view: &'a StridedView<'_>,
    strides: impl IntoIterator<Item = isize>,
    output: &'a mut Memory,
) -> Contender<'a> {
    let strides: Vec<isize> = strides.into_iter().collect();
    let memory = view.buffer();
    // SAFETY: *same layout*: the whole memory of the view.
    let items = unsafe { std::slice::from_raw_parts(memory.as_ptr().cast::<T>(), memory.len() / size_of::<T>()) };
    let offset = view.layout().byte_offset() / size_of::<T>();
    let source =
        strided_view::StridedView::<T>::new(items, view.shape(), &strides, offset.cast_signed()).expect("in bounds");
    let items = bytemuck::cast_slice_mut(output.bytes_mut());
    let order = strided_view::row_major_strides(view.shape());
    let mut destination = strided_view::StridedViewMut::<T>::new(items, view.shape(), &order, 0).expect("in bounds");
    Contender::new("strided-perm", move || {
        strided_perm::copy_into(black_box(&mut destination), black_box(&source), Exec::serial()).unwrap();
    })
}

fn swapping<'a, T: Pod + Send + Sync>(
    swap: impl Fn(T) -> T + Send + 'a,
    root: &'a [u8],
    outputs: &'a mut [Memory],
) -> Vec<Contender<'a>> {
    let source: &[T] = bytemuck::cast_slice(root);
    let output: &mut [T] = bytemuck::cast_slice_mut(outputs[0].bytes_mut());
    vec![Contender::new("a loop", move || {
        for (to, &from) in output.iter_mut().zip(black_box(source)) {
            *to = swap(from);
        }
    })]
}

fn unpacking<'a>(len: usize, root: &'a [u8], outputs: &'a mut [Memory]) -> Vec<Contender<'a>> {
    let bits = arrow_buffer::BooleanBuffer::new(arrow_buffer::Buffer::from(root), 0, len);
    let output = outputs[0].bytes_mut();
    vec![Contender::new("arrow-rs", move || {
        for (to, bit) in output.iter_mut().zip(black_box(&bits)) {
            *to = bit.into();
        }
    })]
}

fn packing<'a>(root: &'a [u8], outputs: &'a mut [Memory]) -> Vec<Contender<'a>> {
    let bools: &[bool] = bytemuck::checked::cast_slice(root);
    // It packs into memory of its own. Keeping the result is left out of the time, and done here.
    let bits = arrow_buffer::BooleanBuffer::from(bools);
    outputs[0].bytes_mut()[..bits.values().len()].copy_from_slice(bits.values());
    vec![Contender::new("arrow-rs", move || {
        drop(black_box(arrow_buffer::BooleanBuffer::from(black_box(bools))));
    })]
}
