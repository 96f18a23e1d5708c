//! Some items out of many, and copies by their NumPy names: against loops that take one item at a time, with exact reports.
#![allow(missing_docs)]
#![allow(
    unsafe_code,
    reason = "memory of devices, and memory that others may write, exist only behind raw pointers"
)]

use std::ptr::NonNull;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use viewbridge::{
    Access, Buffer, CopyReason, DType, DTypeFault, Device, Error, Field, Kind, Layout, LayoutError, Order, OwnerKind,
    Record, StridedView, StridedViewMut,
};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0x9a7e),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn cube() -> StridedView<'static> {
    let items: Vec<i32> = (0..24).collect();
    StridedView::from_vec(items).reshape(&[2, 3, 4]).unwrap()
}

/// A view of noise with up to three axes in any order, some of them backwards, and an axis of it.
fn views() -> impl Strategy<Value = StridedView<'static>> {
    let dtypes = prop_oneof![
        Just(DType::U8),
        Just(DType::F64.swapped()),
        Just(DType::raw(3)),
        Just(DType::raw(40)),
        Just(DType::BIT),
        Just(DType::new(Kind::Float4E2m1fn, 4)),
    ];
    let axes = prop::collection::vec((0..5_usize, any::<bool>()), 1..4).prop_flat_map(|axes| {
        let order: Vec<usize> = (0..axes.len()).collect();
        (Just(axes), Just(order).prop_shuffle())
    });
    (axes, dtypes).prop_map(|((axes, order), dtype)| {
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let layout = Layout::contiguous(&shape, &dtype, Order::C).unwrap();
        let noise = (0..layout.byte_span().end).map(|k| u8::try_from((k * 151 + k / 7) % 256).unwrap());
        let mut view = StridedView::new(Buffer::from_vec(noise.collect()), dtype, layout).unwrap();
        for (axis, (_, backwards)) in axes.iter().enumerate() {
            if *backwards {
                view = view.flip(axis).unwrap();
            }
        }
        view.permute(&order).unwrap()
    })
}

/// The positions of an axis, put together one by one.
fn taken(view: &StridedView<'_>, axis: usize, positions: &[isize]) -> Vec<u8> {
    let mut shape = view.shape().to_vec();
    shape[axis] = positions.len();
    let layout = Layout::contiguous(&shape, view.dtype(), Order::C).unwrap();
    let memory = Buffer::from_vec(vec![0_u8; layout.nbytes()]);
    let result = StridedView::new(memory, view.dtype().clone(), layout).unwrap();
    let mut result = result.into_mut().unwrap();
    for (k, &position) in (0..).zip(positions) {
        let mut target = result.reborrow().index_axis(axis, k).unwrap();
        view.index_axis(axis, position).unwrap().copy_into(&mut target).unwrap();
    }
    result.as_view().to_bytes(Order::C).unwrap()
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn taking_is_a_loop_over_positions(
        view in views(),
        axis in any::<prop::sample::Index>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        wanted in prop::collection::vec(any::<bool>(), 60),
    ) {
        let axis = axis.index(view.ndim());
        let size = view.shape()[axis];
        let signed = |k: usize| if k.is_multiple_of(2) { k.cast_signed() } else { k.cast_signed() - size.cast_signed() };
        let positions: Vec<isize> = match size {
            0 => Vec::new(),
            _ => picks.iter().map(|pick| signed(pick.index(size))).collect(),
        };
        let result = view.take_axis(axis, &positions).unwrap();
        prop_assert_eq!(result.value.to_bytes(Order::C).unwrap(), taken(&view, axis, &positions));
        prop_assert_eq!(result.report.bytes_copied(), result.value.nbytes());
        prop_assert_eq!(result.report.reasons().collect::<Vec<_>>(), [&CopyReason::Gather]);
        prop_assert!(result.value.is_c_contiguous());

        let mask = StridedView::from_slice(&wanted[..size]);
        let chosen: Vec<isize> = (0..).zip(&wanted[..size]).filter(|(_, w)| **w).map(|(k, _)| k).collect();
        let result = view.select_axis(axis, &mask).unwrap().value;
        prop_assert_eq!(result.to_bytes(Order::C).unwrap(), taken(&view, axis, &chosen));
    }

    #[test]
    fn selecting_is_a_loop_over_items(view in views(), wanted in prop::collection::vec(any::<bool>(), 125), covered in 0..4_usize) {
        let covered = covered.min(view.ndim());
        let outer = &view.shape()[..covered];
        let count: usize = outer.iter().product();
        let mask = StridedView::from_slice(&wanted[..count]).reshape(outer).unwrap();
        let result = view.select(&mask).unwrap();
        let rest: usize = view.shape()[covered..].iter().product();
        // In row-major order the blocks lie one behind the other.
        let flat = view.flatten(Order::C).unwrap().value.reshape(&[count, rest]).unwrap();
        let rows: Vec<isize> = (0..).zip(&wanted[..count]).filter(|(_, w)| **w).map(|(k, _)| k).collect();
        prop_assert_eq!(result.value.shape()[0], rows.len());
        prop_assert_eq!(result.value.to_bytes(Order::C).unwrap(), taken(&flat, 0, &rows));
        prop_assert_eq!(result.report.bytes_copied(), result.value.nbytes());
    }

    #[test]
    fn putting_by_a_mask_is_the_way_back(view in views(), wanted in prop::collection::vec(any::<bool>(), 125), covered in 0..4_usize) {
        let covered = covered.min(view.ndim());
        let outer = &view.shape()[..covered];
        let mask = StridedView::from_slice(&wanted[..outer.iter().product()]).reshape(outer).unwrap();
        let selected = view.select(&mask).unwrap().value;
        let copy = || view.to_owned().unwrap().value.into_mut().unwrap();
        let mut target = copy();
        target.fill_bytes(&vec![0; view.dtype().itemsize()]).unwrap();
        let report = target.put(&mask, &selected).unwrap();
        prop_assert_eq!(report.bytes_copied(), selected.nbytes());
        // What was selected is there again, and nothing else.
        prop_assert_eq!(target.as_view().select(&mask).unwrap().value.to_bytes(Order::C).unwrap(), selected.to_bytes(Order::C).unwrap());
        let mut expected = copy();
        let opposite: Vec<bool> = wanted.iter().map(|wanted| !wanted).collect();
        let rest = StridedView::from_slice(&opposite[..outer.iter().product()]).reshape(outer).unwrap();
        let nothing = vec![0_u8; view.dtype().itemsize()];
        let nothing = StridedView::from_slice(&nothing);
        if !view.dtype().is_packed() {
            let zero = nothing.view_as(view.dtype().clone()).unwrap();
            expected.put(&rest, &zero).unwrap();
            prop_assert_eq!(target.as_view().to_bytes(Order::C).unwrap(), expected.as_view().to_bytes(Order::C).unwrap());
        }
    }

    #[test]
    fn putting_is_the_way_back(view in views(), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let size = view.shape()[0];
        prop_assume!(size > 0);
        let positions: Vec<isize> = picks.iter().map(|pick| pick.index(size).cast_signed()).collect();
        let taken = view.take_axis(0, &positions).unwrap().value;
        let mut target = view.to_owned().unwrap().value.into_mut().unwrap();
        let before = target.as_view().to_bytes(Order::C).unwrap();
        let report = target.put_axis(0, &positions, &taken).unwrap();
        prop_assert_eq!(report.bytes_copied(), taken.nbytes());
        prop_assert_eq!(target.as_view().to_bytes(Order::C).unwrap(), before);
    }
}

#[test]
fn a_mask_may_be_of_bits_and_of_any_layout() {
    let a = cube();
    let bits = StridedView::new(
        Buffer::from_vec(vec![0b0110_1000_u8]),
        DType::BIT,
        Layout::strided(&[3], &[-1], 5, &DType::BIT).unwrap(),
    );
    // Bits 5, 4 and 3.
    let result = a.select_axis(1, &bits.unwrap()).unwrap().value;
    assert_eq!(
        result.index_axis(0, 0).unwrap().to_vec::<i32>().unwrap(),
        [0, 1, 2, 3, 8, 9, 10, 11]
    );
    let nothing = StridedView::from_slice(&[false; 24]).reshape(&[2, 3, 4]).unwrap();
    assert_eq!(a.select(&nothing).unwrap().value.shape(), [0]);
    let yes = StridedView::from_slice(&[true]).index_axis(0, 0).unwrap();
    assert_eq!(a.select(&yes).unwrap().value.shape(), [1, 2, 3, 4]);
}

#[test]
fn what_cannot_be_taken_is_refused_with_numbers() {
    let a = cube();
    let error = a.take_axis(1, &[0, -4]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Layout(LayoutError::IndexOutOfRange {
                axis: 1,
                index: -4,
                size: 3
            })
        ),
        "{error}"
    );
    let error = a.take_axis(3, &[]).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::AxisOutOfRange { axis: 3, ndim: 3 })),
        "{error}"
    );
    let error = a.take_axis(0, &[isize::MIN]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Layout(LayoutError::IndexOutOfRange { index: isize::MIN, .. })
        ),
        "{error}"
    );

    let mask = StridedView::from_slice(&[true; 3]);
    let error = a.select(&mask).unwrap_err();
    assert!(
        matches!(&error, Error::ShapeMismatch { expected, found } if expected == &[2] && found == &[3]),
        "{error}"
    );
    let deep = StridedView::from_slice(&[true; 24]).reshape(&[2, 3, 4, 1]).unwrap();
    assert!(matches!(a.select(&deep), Err(Error::ShapeMismatch { .. })));
    let error = a.select_axis(1, &StridedView::from_slice(&[1_u8, 0, 1])).unwrap_err();
    assert!(matches!(error, Error::DTypeMismatch { .. }), "{error}");
    let odd = StridedView::from_slice(&[1_u8, 0, 2]).view_as(DType::BOOL).unwrap();
    assert!(matches!(
        a.select_axis(1, &odd),
        Err(Error::InvalidItem { position: 2, .. })
    ));

    let mut target = StridedViewMut::from_vec(vec![0_i32; 3]);
    let error = target.put_axis(0, &[0, 3], &StridedView::from_slice(&[1])).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Layout(LayoutError::IndexOutOfRange { index: 3, size: 3, .. })
        ),
        "{error}"
    );
    assert_eq!(target.as_view().to_vec::<i32>().unwrap(), [0, 0, 0]);
    target.put_axis(0, &[1, 1], &StridedView::from_slice(&[5, 6])).unwrap();
    assert_eq!(target.as_view().to_vec::<i32>().unwrap(), [0, 6, 0]);
}

#[test]
fn a_broadcast_may_give_more_than_there_is_memory() {
    let endless = StridedView::from_slice(&[1_u64])
        .broadcast_to(&[1 << 40, 1 << 18])
        .unwrap();
    let error = endless.take_axis(0, &[0, 1, 2, 3]).err();
    // 8 MiB: fine.
    assert!(error.is_none());
    let twice: Vec<isize> = vec![0; 1 << 10];
    let wide = endless.reshape(&[1 << 58]).unwrap().broadcast_to(&[2, 1 << 58]);
    let wide = wide.unwrap();
    let error = wide.take_axis(0, &twice).unwrap_err();
    assert!(
        matches!(error, Error::Layout(LayoutError::SizeOverflow { .. })),
        "{error}"
    );
}

#[test]
fn memory_that_the_cpu_cannot_read_is_refused() {
    let device = Device {
        device_type: 2,
        device_id: 0,
    };
    // SAFETY: the CPU cannot read the device, so that nothing is claimed of the bytes.
    let buffer = unsafe {
        Buffer::from_raw_parts(
            NonNull::<u64>::dangling().cast(),
            16,
            Access::ReadOnly,
            device,
            OwnerKind::Foreign,
            (),
        )
    };
    let view = StridedView::new(
        buffer,
        DType::U8,
        Layout::contiguous(&[16], &DType::U8, Order::C).unwrap(),
    )
    .unwrap();
    assert!(matches!(
        view.take_axis(0, &[1]),
        Err(Error::DeviceMemory { device_type: 2, .. })
    ));
    assert!(matches!(view.to_owned(), Err(Error::Refused { .. })));
    assert!(view.compact().unwrap().is_shared()); // it pins no more than it shows
    assert!(view.ravel(Order::C).unwrap().is_shared());
    let mask = view.view_as(DType::BOOL).unwrap();
    let error = StridedView::from_slice(&[0_u8; 16]).select(&mask).unwrap_err();
    assert!(matches!(error, Error::DeviceMemory { .. }), "{error}");
}

#[test]
fn raveling_shares_what_is_contiguous_and_flattening_never() {
    let a = cube();
    assert!(a.ravel(Order::C).unwrap().is_shared());
    assert!(a.transpose().ravel(Order::F).unwrap().is_shared());
    let columns = a.index_axis(0, 0).unwrap().ravel(Order::F).unwrap();
    assert_eq!(
        columns.value.to_vec::<i32>().unwrap(),
        [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    );
    assert!(matches!(
        columns.report.reasons().collect::<Vec<_>>()[..],
        [CopyReason::NotContiguous { order: Order::F, .. }]
    ));
    // Every other item reshapes to one axis for free, but is not contiguous.
    let even = a.reshape(&[12, 2]).unwrap().index_axis(1, 0).unwrap();
    assert_eq!(even.reshape(&[12]).unwrap().strides(), [8]);
    let ravel = even.ravel(Order::C).unwrap();
    assert_eq!((ravel.value.strides(), ravel.report.bytes_copied()), (&[4][..], 48));

    let flat = a.flatten(Order::C).unwrap();
    assert_eq!(flat.report.to_string(), "copied 96 bytes (requested)");
    assert_eq!(flat.value.shape(), [24]);
    for shape in [&[0, 3][..], &[3, 0], &[]] {
        let items: usize = shape.iter().product();
        let view = StridedView::from_vec(vec![1_u8; items]).reshape(shape).unwrap();
        assert_eq!(view.ravel(Order::F).unwrap().value.shape(), [items]);
    }
}

#[test]
fn compacting_pays_only_where_something_is_released() {
    let parent = StridedView::from_vec(vec![7_u16; 1000]);
    let small = parent.slice_axis(0, 10..30).unwrap();
    assert!(small.compact_if(50).unwrap().is_shared()); // 2000 bytes for 40: fifty times as many
    let copy = small.compact_if(49).unwrap();
    assert_eq!(
        copy.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Pinned {
            visible: 40,
            pinned: 2000
        }]
    );
    assert_eq!((copy.report.bytes_copied(), copy.value.pinned_bytes()), (40, 40));
    assert_eq!(copy.value.to_vec::<u16>().unwrap(), [7; 20]);
    assert!(copy.value.compact().unwrap().is_shared());
    // A broadcast shows more than there is, and borrowed memory is nobody's to release.
    assert!(small.broadcast_to(&[100, 20]).unwrap().compact().unwrap().is_shared());
    let items = [0_u8; 100];
    assert!(
        StridedView::from_slice(&items)
            .slice_axis(0, ..1)
            .unwrap()
            .compact()
            .unwrap()
            .is_shared()
    );
    // Nothing at all still pins its parent.
    let none = parent.slice_axis(0, ..0).unwrap().compact().unwrap();
    assert_eq!((none.value.pinned_bytes(), none.report.bytes_copied()), (0, 0));
}

#[test]
fn owned_copies_keep_the_order_of_the_axes() {
    let a = cube().permute(&[2, 0, 1]).unwrap().flip(1).unwrap();
    let copy = a.to_owned().unwrap();
    assert_eq!(copy.value.strides(), [4, 48, 16]);
    assert_eq!(copy.value.to_vec::<i32>().unwrap(), a.to_vec::<i32>().unwrap());
    assert_eq!(copy.report.reasons().collect::<Vec<_>>(), [&CopyReason::Requested]);
}

#[test]
fn fields_are_written_apart_unless_they_share_bytes() {
    let fields = [
        Field::new("id", DType::U16).at(0),
        Field::new("x", DType::F32).at(2),
        Field::new("raw", DType::U8).with_shape(&[4]).at(2),
    ];
    let record = Record::new(fields, 6).unwrap();
    let points = || {
        StridedViewMut::from_vec(vec![0_u8; 12])
            .view_as(record.clone().into())
            .unwrap()
    };
    let [mut id, mut x] = points().split_fields(["id", "x"]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| id.fill(1_u16).unwrap());
        scope.spawn(|| x.fill(1.5_f32).unwrap());
    });
    assert_eq!(x.get::<f32>(&[1]).unwrap(), 1.5);
    assert_eq!(id.get::<u16>(&[1]).unwrap(), 1);
    for pair in [["x", "raw"], ["id", "id"]] {
        let error = points().split_fields(pair).unwrap_err();
        assert!(
            matches!(error, Error::DType(DTypeFault::FieldsOverlap { .. })),
            "{error}"
        );
    }
    let error = points().split_fields(["y"]).unwrap_err();
    assert!(matches!(error, Error::DType(DTypeFault::NoField { .. })), "{error}");
    assert!(points().split_fields([]).unwrap().is_empty());
}
