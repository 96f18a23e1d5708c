//! Arrow's C interfaces: what goes out comes back the same, in the same memory; what breaks the rules is a typed error and released.
//!
//! # Safety
//!
//! The structs are exported by this process, in pairs that belong together; where a test breaks one, it does so such that every pointer that is still
//! followed is true.
#![cfg(feature = "arrow")]
#![allow(unsafe_code, reason = "the structs of C")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::builder::{ListViewBuilder, MapBuilder, StringBuilder, StringViewBuilder};
use arrow_array::*;
use arrow_buffer::{
    Buffer as ArrowBuffer, IntervalDayTime, IntervalMonthDayNano, NullBuffer, OffsetBuffer, ScalarBuffer, i256,
};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, UnionFields};
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowArrayStream, ArrowDeviceArray, ArrowSchema};
use viewbridge::{ArrowFault, CDataFault, CopyPolicy, CopyReason, DType, Device, Error, StridedView};

#[path = "support/c_data.rs"]
mod c_data;

use c_data::{RawArray, RawSchema};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn raw(array: &mut ArrowArray) -> &mut RawArray {
    // SAFETY: one layout, by the specification.
    unsafe { &mut *ptr::from_mut(array).cast() }
}

#[repr(C)]
struct RawDevice {
    array: RawArray,
    device_id: i64,
    device_type: i32,
    sync_event: *mut c_void,
    reserved: [i64; 3],
}

fn raw_device(array: &mut ArrowDeviceArray) -> &mut RawDevice {
    // SAFETY: one layout, by the specification.
    unsafe { &mut *ptr::from_mut(array).cast() }
}

/// The buffers of a struct that is not broken yet.
fn buffers(raw: &mut RawArray) -> &mut [*const c_void] {
    let count = usize::try_from(raw.n_buffers).unwrap();
    // SAFETY: the list has as many entries.
    unsafe { std::slice::from_raw_parts_mut(raw.buffers, count) }
}

/// The first child of a struct that has one.
fn first_child(raw: &mut RawArray) -> &mut RawArray {
    assert!(raw.n_children > 0);
    // SAFETY: the list has an entry.
    let child = unsafe { raw.children.read() };
    // SAFETY: as above.
    unsafe { &mut *child }
}

fn take(array: &mut RawArray) -> viewbridge::Result<ArrowArray> {
    // SAFETY: a struct that this process exported, or one that is released.
    unsafe { ArrowArray::take(ptr::from_mut(array).cast()) }
}

/// Imports what was exported as this type.
fn import_as(array: ArrowArray, data_type: &DataType) -> viewbridge::Result<viewbridge::Converted<ArrayRef>> {
    // SAFETY: the array's type.
    unsafe { array.into_array(data_type) }
}

fn import_device(array: ArrowDeviceArray, data_type: &DataType) -> viewbridge::Result<viewbridge::Converted<ArrayRef>> {
    // SAFETY: the array's type.
    unsafe { array.into_array(data_type) }
}

fn view_device(array: ArrowDeviceArray, data_type: &DataType) -> viewbridge::Result<StridedView<'static>> {
    // SAFETY: the array's type.
    unsafe { array.into_view(data_type) }
}

fn raw_schema(schema: &mut ArrowSchema) -> &mut RawSchema {
    // SAFETY: as above.
    unsafe { &mut *ptr::from_mut(schema).cast() }
}

fn some<T>(items: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    items.insert(1, None);
    items
}

/// An array of every type, with nulls where it can have them, of at least 11 rows.
fn every_type() -> Vec<ArrayRef> {
    let n = 0..12;
    let text = [
        "",
        "a",
        "longer than twelve bytes",
        "ü",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h",
        "i",
    ];
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(NullArray::new(12)),
        Arc::new(BooleanArray::from(some(n.clone().map(|k| k % 3 == 0)))),
        Arc::new(Int8Array::from(some(0..12_i8))),
        Arc::new(UInt16Array::from(some(0..12_u16))),
        Arc::new(Int32Array::from(some(n.clone()))),
        Arc::new(UInt64Array::from(some(0..12_u64))),
        Arc::new(Float64Array::from(some(n.clone().map(f64::from)))),
        Arc::new(Float16Array::from(some(
            (0..12_u8).map(|k| half::f16::from_f32(k.into())),
        ))),
        Arc::new(Date32Array::from(some(n.clone()))),
        Arc::new(Date64Array::from(some(0..12_i64))),
        Arc::new(Time32SecondArray::from(some(n.clone()))),
        Arc::new(Time64NanosecondArray::from(some(0..12_i64))),
        Arc::new(TimestampMicrosecondArray::from(some(0..12_i64)).with_timezone("Europe/Berlin")),
        Arc::new(TimestampSecondArray::from(some(0..12_i64))),
        Arc::new(DurationMillisecondArray::from(some(0..12_i64))),
        Arc::new(IntervalYearMonthArray::from(some(n.clone()))),
        Arc::new(IntervalDayTimeArray::from(some(
            n.clone().map(|k| IntervalDayTime::new(k, -k)),
        ))),
        Arc::new(IntervalMonthDayNanoArray::from(some(
            n.clone().map(|k| IntervalMonthDayNano::new(k, -k, 7)),
        ))),
        Arc::new(
            Decimal32Array::from(some(n.clone()))
                .with_precision_and_scale(9, 2)
                .unwrap(),
        ),
        Arc::new(
            Decimal64Array::from(some(0..12_i64))
                .with_precision_and_scale(18, -2)
                .unwrap(),
        ),
        Arc::new(
            Decimal128Array::from(some(0..12_i128))
                .with_precision_and_scale(38, 10)
                .unwrap(),
        ),
        Arc::new(
            Decimal256Array::from(some(n.clone().map(|k| i256::from_i128(k.into()))))
                .with_precision_and_scale(76, 3)
                .unwrap(),
        ),
        Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(some((0..12_u8).map(|k| [k; 3])).into_iter(), 3)
                .unwrap(),
        ),
        Arc::new(StringArray::from(some(text))),
        Arc::new(LargeStringArray::from(some(text))),
        Arc::new(BinaryArray::from_opt_vec(some(text.map(str::as_bytes)))),
        Arc::new(LargeBinaryArray::from_opt_vec(some(text.map(str::as_bytes)))),
        Arc::new(StringViewArray::from(some(text))),
        Arc::new(BinaryViewArray::from(some(text.map(str::as_bytes)))),
    ];
    let ints = || -> ArrayRef { Arc::new(Int32Array::from(some(0..23))) };
    let item = || Arc::new(Field::new_list_field(DataType::Int32, true));
    let nulls = |len: usize| Some(NullBuffer::from((0..len).map(|k| k != 2).collect::<Vec<_>>()));
    arrays.push(Arc::new(FixedSizeListArray::new(item(), 2, ints(), nulls(12))));
    let lengths = [3, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 4];
    arrays.push(Arc::new(ListArray::new(
        item(),
        OffsetBuffer::from_lengths(lengths),
        ints(),
        nulls(12),
    )));
    arrays.push(Arc::new(LargeListArray::new(
        item(),
        OffsetBuffer::from_lengths(lengths),
        ints(),
        nulls(12),
    )));
    let mut views = ListViewBuilder::new(Int32Array::builder(8));
    for k in 0..12 {
        views.values().append_slice(&[k, k + 1]);
        views.append(k != 2);
    }
    arrays.push(Arc::new(views.finish()));
    let twelve = ints().slice(0, 12);
    let fields = Fields::from(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("ü", DataType::Utf8, true),
    ]);
    let columns = vec![
        Arc::clone(&twelve),
        Arc::new(StringArray::from(text.to_vec())) as ArrayRef,
    ];
    arrays.push(Arc::new(StructArray::new(fields, columns, nulls(12))));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Array::builder(8));
    for k in 0..12 {
        map.keys().append_value("k");
        map.values().append_value(k);
        map.append(k != 2).unwrap();
    }
    arrays.push(Arc::new(map.finish()));
    let keys = Int8Array::from(some((0..12_i8).map(|k| k % 3)));
    arrays.push(Arc::new(DictionaryArray::new(
        keys,
        Arc::new(StringArray::from(vec!["x", "y", "z"])),
    )));
    let run_ends = Int32Array::from(vec![3, 5, 12]);
    arrays.push(Arc::new(
        RunArray::try_new(&run_ends, &StringArray::from(vec!["x", "y", "z"])).unwrap(),
    ));
    let union = || {
        let fields = [
            (3_i8, Field::new("a", DataType::Int32, true)),
            (5, Field::new("b", DataType::Float64, true)),
        ];
        let fields: UnionFields = fields.into_iter().map(|(id, field)| (id, Arc::new(field))).collect();
        fields
    };
    let ids: ScalarBuffer<i8> = (0..12).map(|k| if k % 3 == 0 { 3 } else { 5 }).collect();
    let floats: ArrayRef = Arc::new(Float64Array::from((0..12).map(f64::from).collect::<Vec<_>>()));
    let children = vec![twelve, floats];
    arrays.push(Arc::new(
        UnionArray::try_new(union(), ids.clone(), None, children.clone()).unwrap(),
    ));
    let offsets: ScalarBuffer<i32> = (0..12).collect();
    arrays.push(Arc::new(
        UnionArray::try_new(union(), ids, Some(offsets), children).unwrap(),
    ));
    arrays.push(Arc::new(StringViewBuilder::new().finish()));
    arrays
}

fn field(array: &dyn Array) -> FieldRef {
    let metadata = HashMap::from([("ARROW:extension:name".into(), "x.y".into()), ("k".into(), "ü".into())]);
    Arc::new(Field::new("näme", array.data_type().clone(), true).with_metadata(metadata))
}

/// Addresses of all buffers that have bytes.
fn pointers(array: &dyn Array) -> Vec<*const u8> {
    fn collect(data: &ArrayData, into: &mut Vec<*const u8>) {
        into.extend(data.buffers().iter().filter(|b| !b.is_empty()).map(|b| b.as_ptr()));
        data.child_data().iter().for_each(|child| collect(child, into));
    }
    let mut pointers = Vec::new();
    collect(&array.to_data(), &mut pointers);
    pointers
}

fn round_trip(array: &ArrayRef) -> (viewbridge::Converted<(FieldRef, ArrayRef)>, bool) {
    let schema = ArrowSchema::from_field(&field(array)).unwrap();
    let exported = ArrowArray::from_array(array);
    let shared = exported.is_shared();
    // SAFETY: the two belong together.
    (unsafe { ffi::import(&schema, exported.value) }.unwrap(), shared)
}

#[test]
fn every_type_makes_the_round_trip() {
    for array in every_type() {
        let (back, shared) = round_trip(&array);
        assert!(shared && back.is_shared(), "{}", array.data_type());
        assert_eq!(back.value.0, field(&array));
        assert_eq!(&back.value.1, &array);
        assert_eq!(pointers(&back.value.1), pointers(&array), "{}", array.data_type());
    }
}

#[test]
fn slices_make_the_round_trip_and_their_items_stay_where_they_are() {
    for array in every_type().into_iter().filter(|array| array.len() >= 11) {
        for (offset, len) in [(1, 7), (3, 8), (8, 3), (0, 5), (11, 0)] {
            let slice = array.slice(offset, len);
            let (back, _) = round_trip(&slice);
            assert_eq!(&back.value.1, &slice, "{} {offset} {len}", array.data_type());
            assert!(back.is_shared());
        }
    }
}

/// arrow-rs' exporter copies the bitmap of every sliced array.
#[test]
fn the_bitmap_of_sliced_numbers_is_shared() {
    let array: ArrayRef = Arc::new(Int32Array::from(some(0..30)));
    let slice = array.slice(1, 20);
    let mut exported = ArrowArray::from_array(&slice);
    assert!(exported.is_shared());
    assert_eq!((exported.value.offset(), exported.value.null_count()), (1, 1));
    let buffers = buffers(raw(&mut exported.value));
    let data = array.to_data();
    assert_eq!(buffers[0].cast(), data.nulls().unwrap().buffer().as_ptr());
    assert_eq!(buffers[1].cast(), data.buffers()[0].as_ptr());

    // The bits of a sliced list have no such way out: the list's items begin with the slice.
    let item = Arc::new(Field::new_list_field(DataType::Int32, true));
    let nulls = NullBuffer::from(vec![true, true, true, false, true]);
    let list: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, array.slice(0, 10), Some(nulls)));
    let exported = ArrowArray::from_array(&list.slice(1, 4));
    let reasons: Vec<_> = exported.report.reasons().collect();
    assert_eq!(reasons, [&CopyReason::BitOffset { offset: 1 }]);
    assert_eq!(exported.report.bytes_copied(), 1);
}

#[test]
fn misaligned_buffers_are_copied_and_reported() -> TestResult {
    let bytes = ArrowBuffer::from_vec((0..80_u8).collect::<Vec<_>>());
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let mut exported = ArrowArray::from_array(&array).value;
    buffers(raw(&mut exported))[1] = bytes.as_ptr().wrapping_add(1).cast();
    let back = import_as(exported, &DataType::Int64)?;
    assert_eq!(
        back.report.reasons().collect::<Vec<_>>(),
        [&CopyReason::Misaligned { offset: 1, required: 8 }]
    );
    assert_eq!(back.report.bytes_copied(), 24);
    assert_eq!(back.value.to_data().buffers()[0].as_slice(), &bytes.as_slice()[1..25]);
    Ok(())
}

/// Counts its drops.
struct Ledger(Vec<i32>, Arc<AtomicUsize>);

impl AsRef<[i32]> for Ledger {
    fn as_ref(&self) -> &[i32] {
        &self.0
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn views_leave_straight_and_are_released_once() -> TestResult {
    let drops = Arc::new(AtomicUsize::new(0));
    let view = StridedView::from_owner::<i32, _>(Ledger((0..24).collect(), Arc::clone(&drops))).reshape(&[2, 3, 4])?;
    let expected = view.to_arrow(CopyPolicy::Never)?.value;
    let first = view.data_ptr();
    let (schema, mut array) = view.to_arrow_c(CopyPolicy::Never)?.value;
    drop(view);

    // A child that a consumer takes outlives its parent.
    let child = take(first_child(raw(&mut array)))?;
    drop(array);
    drop(expected);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    let DataType::FixedSizeList(item, 3) = schema.to_field()?.data_type().clone() else {
        panic!("lists of 3");
    };
    let items = import_as(child, item.data_type())?.value;
    assert_eq!(pointers(&items), [first]);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(items);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    Ok(())
}

/// A tree of three structs, the lower two taken out of it, given up in every order, the last of them on another thread.
#[test]
fn parts_of_a_tree_end_in_any_order() -> TestResult {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for nulls in [false, true] {
            let drops = Arc::new(AtomicUsize::new(0));
            let owner = Ledger((0..24).collect(), Arc::clone(&drops));
            let view = StridedView::from_owner::<i32, _>(owner).reshape(&[2, 3, 4])?;
            let mut array = if nulls {
                // A bitmap takes another way out.
                let data = view.to_arrow(CopyPolicy::Never)?.value.to_data();
                let nulls = NullBuffer::from(vec![true, false]);
                let nullable = make_array(data.into_builder().nulls(Some(nulls)).build()?);
                ArrowArray::from_array(&nullable).value
            } else {
                view.to_arrow_c(CopyPolicy::Never)?.value.1
            };
            drop(view);
            let mut child = take(first_child(raw(&mut array)))?;
            let grandchild = take(first_child(raw(&mut child)))?;
            let mut parts = [Some(array), Some(child), Some(grandchild)];
            for (k, part) in order.into_iter().enumerate() {
                assert_eq!(drops.load(Ordering::SeqCst), 0);
                let part = parts[part].take();
                if k == 2 {
                    std::thread::spawn(move || drop(part)).join().unwrap();
                } else {
                    drop(part);
                }
            }
            assert_eq!(drops.load(Ordering::SeqCst), 1);
        }
    }
    Ok(())
}

/// More levels than the blocks that are kept have room for, and sizes of every length.
#[test]
fn lists_of_any_depth_and_size_leave_straight() -> TestResult {
    let shapes: [&[usize]; 6] = [
        &[0],
        &[3, 0, 2],
        &[1, 10, 100],
        &[2, 1, 2, 1],
        &[1, 2, 1, 2, 3, 2],
        &[1, 2, 1, 2, 3, 2, 1, 2],
    ];
    for shape in shapes {
        let view = StridedView::from_vec(vec![7_u16; shape.iter().product()]).reshape(shape)?;
        let array = view.to_arrow(CopyPolicy::Never)?.value;
        for _ in 0..3 {
            let (schema, exported) = view.to_arrow_c(CopyPolicy::Never)?.value;
            assert_eq!(schema.to_field()?.data_type(), array.data_type());
            assert_eq!(&import_as(exported, array.data_type())?.value, &array);
        }
        let field = Field::new("", array.data_type().clone(), false);
        assert_eq!(ArrowSchema::from_field(&field)?.to_field()?, field);
    }
    Ok(())
}

#[test]
fn views_of_bits_keep_their_bit_offset() -> TestResult {
    let bits: ArrayRef = Arc::new(BooleanArray::from((0..40).map(|k| k % 3 == 0).collect::<Vec<_>>()));
    let view = viewbridge::arrow::Column::from_array(&bits, Default::default())?.into_view();
    let view = view.slice_axis(0, 3..)?.slice_axis(0, ..36)?;
    let (schema, array) = view.to_arrow_c(CopyPolicy::Never)?.value;
    // SAFETY: the two belong together.
    let back = unsafe { ffi::import(&schema, array) }?;
    assert_eq!(&back.value.1, &bits.slice(3, 36));
    Ok(())
}

#[test]
fn released_structs_are_errors() {
    let array: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let mut exported = ArrowArray::from_array(&array).value;
    let (taken, again) = (take(raw(&mut exported)), take(raw(&mut exported)));
    // SAFETY: NULL.
    let null = unsafe { ArrowArray::take(ptr::null_mut()) };
    assert!(taken.is_ok() && exported.is_released());
    let fault = |error: Error| match error {
        Error::Arrow(ArrowFault::CData(fault)) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(again.unwrap_err()), CDataFault::Released { name: "ArrowArray" });
    assert_eq!(fault(null.unwrap_err()), CDataFault::NullStruct { name: "ArrowArray" });
    assert!(ArrowSchema::empty().to_field().is_err());
    assert!(ArrowArrayStream::empty().into_reader().is_err());
    assert!(import_as(ArrowArray::empty(), &DataType::Int8).is_err());
    assert!(view_device(ArrowDeviceArray::empty(), &DataType::Int8).is_err());
}

/// Breaks one thing of an exported array; the import must fail, release it, and not panic.
fn broken(array: &ArrayRef, what: &str, harm: impl FnOnce(&mut RawArray)) {
    let mut exported = ArrowArray::from_array(array).value;
    let saved = {
        let raw = raw(&mut exported);
        (raw.n_children, raw.children, raw.dictionary)
    };
    harm(raw(&mut exported));
    // The release callback of the producer would stumble over broken members; put them right behind the importer's back.
    let (release, private) = (raw(&mut exported).release, raw(&mut exported).private_data);
    let real = Box::into_raw(Box::new((saved, release, private)));
    raw(&mut exported).release = Some(mend);
    raw(&mut exported).private_data = real.cast();
    let error = match import_as(exported, array.data_type()) {
        Ok(_) => panic!("{}: {what}", array.data_type()),
        Err(error) => error,
    };
    assert!(
        !matches!(error, Error::Arrow(ArrowFault::Panic)),
        "{}: {what}",
        array.data_type()
    );
    assert!(!error.to_string().is_empty());
    RELEASED.with(|count| assert_eq!(count.replace(0), 1, "{}: {what}", array.data_type()));
}

type Saved = (
    (i64, *mut *mut RawArray, *mut RawArray),
    Option<unsafe extern "C" fn(*mut RawArray)>,
    *mut c_void,
);

thread_local!(static RELEASED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

unsafe extern "C" fn mend(array: *mut RawArray) {
    // SAFETY: the struct that is released.
    let raw = unsafe { &mut *array };
    // SAFETY: the test put it there.
    let (members, release, private) = *unsafe { Box::<Saved>::from_raw(raw.private_data.cast()) };
    (raw.n_children, raw.children, raw.dictionary) = members;
    raw.private_data = private;
    // SAFETY: as it was exported.
    unsafe { release.unwrap()(array) };
    RELEASED.with(|count| count.set(count.get() + 1));
}

#[test]
fn broken_arrays_are_typed_errors() {
    let mut cases = 0;
    let mut case = |array: &ArrayRef, what: &str, harm: &dyn Fn(&mut RawArray)| {
        broken(array, what, harm);
        cases += 1;
    };
    for array in every_type().iter().filter(|array| !array.is_empty()) {
        case(array, "negative length", &|raw| raw.length = -1);
        case(array, "negative offset", &|raw| raw.offset = -1);
        case(array, "offset that overflows", &|raw| raw.offset = i64::MAX);
        // View types have any number of buffers: nobody could tell a wrong one, and the list would be read beyond its end.
        if !matches!(array.data_type(), DataType::Utf8View | DataType::BinaryView) {
            case(array, "buffers that are not there", &|raw| raw.n_buffers += 7);
        }
        case(array, "no buffers", &|raw| raw.n_buffers = -1);
        case(array, "children", &|raw| raw.n_children += 1);
        case(array, "negative children", &|raw| raw.n_children = -1);
        case(array, "null_count", &|raw| raw.null_count = -2);
        if *array.data_type() != DataType::Null {
            case(array, "null_count beyond the length", &|raw| {
                raw.null_count = raw.length + 1
            });
        }
        if ArrowArray::from_array(array).value.null_count() >= 0 && !array.to_data().buffers().is_empty() {
            case(array, "a list of buffers that is NULL", &|raw| {
                raw.buffers = ptr::null_mut()
            });
            case(array, "a buffer that is NULL", &|raw| {
                *buffers(raw).last_mut().unwrap() = ptr::null()
            });
        }
        if !array.to_data().child_data().is_empty() && !matches!(array.data_type(), DataType::Dictionary(..)) {
            case(array, "a list of children that is NULL", &|raw| {
                raw.children = ptr::null_mut()
            });
            let places = Box::into_raw(Box::new([ptr::null_mut::<RawArray>(); 4]));
            case(array, "a child that is NULL", &|raw| raw.children = places.cast());
            // SAFETY: made above.
            drop(unsafe { Box::from_raw(places) });
        }
        if matches!(array.data_type(), DataType::Dictionary(..)) {
            case(array, "a dictionary that is NULL", &|raw| {
                raw.dictionary = ptr::null_mut()
            });
        }
    }
    assert!(cases >= 300, "{cases}");
}

#[test]
fn children_that_are_too_short_or_released_are_errors() {
    let fixed = every_type().into_iter().filter(|array| {
        matches!(array.data_type(), DataType::Struct(_) | DataType::FixedSizeList(..))
            || matches!(array.data_type(), DataType::Union(_, arrow_schema::UnionMode::Sparse))
    });
    for array in fixed {
        broken(&array, "a short child", |raw| first_child(raw).length = 3);
    }
    for array in every_type() {
        let mut exported = ArrowArray::from_array(&array).value;
        if raw(&mut exported).n_children > 0 {
            drop(take(first_child(raw(&mut exported))).unwrap());
            assert!(import_as(exported, array.data_type()).is_err());
        }
    }
}

/// Contents that arrow-rs would trip over later.
#[test]
fn contents_that_break_the_format_are_errors() {
    let write = |raw: &mut RawArray, buffer: usize, bytes: &'static [u8]| buffers(raw)[buffer] = bytes.as_ptr().cast();
    #[repr(align(16))]
    struct Aligned([u8; 64]);
    static FULL: Aligned = Aligned([0xff; 64]);
    static NINES: Aligned = Aligned([9; 64]);
    let text: ArrayRef = Arc::new(StringArray::from(vec!["ab", "cd"]));
    broken(&text, "negative offsets", |raw| write(raw, 1, &FULL.0));
    broken(&text, "no UTF-8", |raw| write(raw, 2, &FULL.0));
    let keys: ArrayRef = Arc::new(DictionaryArray::new(
        Int8Array::from(vec![0, 0]),
        Arc::new(Int32Array::from(vec![7])),
    ));
    broken(&keys, "keys beyond the dictionary", |raw| write(raw, 1, &NINES.0));
    for union in every_type() {
        if matches!(union.data_type(), DataType::Union(..)) {
            broken(&union, "ids of no child", |raw| write(raw, 0, &NINES.0));
        }
    }
    let views: ArrayRef = Arc::new(StringViewArray::from(vec!["longer than twelve bytes"]));
    broken(&views, "views of no buffer", |raw| write(raw, 1, &FULL.0));
    broken(&views, "negative sizes", |raw| write(raw, 3, &FULL.0));
}

#[test]
fn broken_schemas_are_typed_errors() {
    let formats: [&std::ffi::CStr; 52] = [
        c"",
        c"x",
        c"ii",
        c"+",
        c"+x",
        c"t",
        c"td",
        c"tdx",
        c"tt",
        c"ttx",
        c"ts",
        c"tsx:",
        c"tD",
        c"tDx",
        c"ti",
        c"tix",
        c"w",
        c"w:",
        c"w:-1",
        c"w:x",
        c"w:99999999999",
        c"d",
        c"d:",
        c"d:1",
        c"d:39,0",
        c"d:0,0",
        c"d:1,2",
        c"d:10,0,32",
        c"d:5,2,17",
        c"d:5,2,128,1",
        c"d:x,y",
        c"d:300,1",
        c"v",
        c"vx",
        c"+l",
        c"+L",
        c"+vl",
        c"+vL",
        c"+v",
        c"+w",
        c"+w:",
        c"+w:2",
        c"+w:-2",
        c"+w:x",
        c"+m",
        c"+r",
        c"+u",
        c"+ud",
        c"+ud:0",
        c"+us:1,2",
        c"+ux:0",
        c"\xff",
    ];
    for format in formats {
        let mut schema = ArrowSchema::from_field(&Field::new("", DataType::Int32, false)).unwrap();
        raw_schema(&mut schema).format = format.as_ptr();
        assert!(schema.to_field().is_err(), "{format:?}");
    }
    let nested = every_type().into_iter().filter(|array| array.data_type().is_nested());
    for array in nested {
        let schema = || ArrowSchema::from_field(&field(&array)).unwrap();
        let check = |mut schema: ArrowSchema, harm: &dyn Fn(&mut RawSchema)| {
            let raw = raw_schema(&mut schema);
            let saved = (raw.n_children, raw.children);
            harm(raw);
            assert!(schema.to_field().is_err(), "{}", array.data_type());
            let raw = raw_schema(&mut schema);
            (raw.n_children, raw.children) = saved;
        };
        if raw_schema(&mut schema()).n_children == 0 {
            continue;
        }
        check(schema(), &|raw| raw.n_children = -1);
        check(schema(), &|raw| raw.n_children = i64::MAX);
        check(schema(), &|raw| raw.children = ptr::null_mut());
        check(schema(), &|raw| raw.format = ptr::null());
        check(schema(), &|raw| raw.format = c"i".as_ptr());
        check(schema(), &|raw| raw.name = c"\xff".as_ptr());
        if !matches!(array.data_type(), DataType::Struct(_)) {
            check(schema(), &|raw| raw.n_children = 0);
        }
    }
    let metadata: [&[i32]; 4] = [&[-1], &[i32::MAX, -1], &[1, i32::MAX], &[1, 1, 0xff]];
    for numbers in metadata {
        let mut schema = ArrowSchema::from_field(&Field::new("", DataType::Int32, false)).unwrap();
        raw_schema(&mut schema).metadata = numbers.as_ptr().cast();
        assert!(schema.to_field().is_err(), "{numbers:?}");
    }
    let text = Field::new("a\0b", DataType::Int32, false);
    assert!(ArrowSchema::from_field(&text).is_err());
}

#[test]
fn types_nested_too_deeply_are_an_error() {
    let mut data_type = DataType::Int8;
    for _ in 0..100 {
        data_type = DataType::List(Arc::new(Field::new_list_field(data_type, true)));
    }
    let schema = ArrowSchema::from_field(&Field::new("", data_type, false)).unwrap();
    let error = schema.to_field().unwrap_err();
    assert!(matches!(
        error,
        Error::Arrow(ArrowFault::CData(CDataFault::Depth { max: 64 }))
    ));
}

fn batch() -> RecordBatch {
    let arrays = every_type().into_iter().filter(|array| array.len() == 13);
    RecordBatch::try_from_iter_with_nullable(arrays.enumerate().map(|(k, array)| (k.to_string(), array, true))).unwrap()
}

#[test]
fn streams_of_batches_make_the_round_trip() -> TestResult {
    let batch = batch();
    let metadata = HashMap::from([("a".into(), "b".into())]);
    let schema = Arc::new(Schema::new_with_metadata(batch.schema().fields().clone(), metadata));
    let batch = batch.with_schema(Arc::clone(&schema))?;
    let slices = vec![Ok(batch.slice(0, 4)), Ok(batch.clone()), Ok(batch.slice(5, 8))];
    let stream = ArrowArrayStream::new(Arc::clone(&schema), slices);
    let reader = stream.into_reader()?.into_batches()?;
    assert_eq!(reader.schema(), &schema);
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(batches[0].value, batch.slice(0, 4));
    assert_eq!(batches[1].value, batch);
    assert_eq!(batches[2].value, batch.slice(5, 8));
    assert_eq!(pointers(batches[1].value.column(2)), pointers(batch.column(2)));
    Ok(())
}

#[test]
fn streams_of_columns_make_the_round_trip() -> TestResult {
    let array: ArrayRef = Arc::new(Int32Array::from(some(0..12)));
    let stream = ArrowArrayStream::of_arrays(field(&array), vec![Ok(array.slice(0, 5)), Ok(array.slice(5, 8))]);
    let reader = stream.into_reader()?;
    assert_eq!(reader.field(), &field(&array));
    let chunks = reader.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(&chunks[1].value, &array.slice(5, 8));
    let stream = ArrowArrayStream::of_arrays(field(&array), vec![]);
    assert!(stream.into_reader()?.schema().is_err());
    Ok(())
}

#[test]
fn what_fails_in_the_source_is_the_consumers_error() -> TestResult {
    let schema = batch().schema();
    let failing = vec![Ok(batch()), Err(Error::OutOfMemory { bytes: 7 }), Ok(batch())];
    let mut reader = ArrowArrayStream::new(Arc::clone(&schema), failing).into_reader()?;
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("7 bytes could not be allocated"), "{error}");
    assert!(reader.next().is_none());

    let panicking = (0..3).map(|k| if k < 1 { Ok(batch()) } else { panic!("on cue") });
    let mut reader = ArrowArrayStream::new(schema, panicking).into_reader()?;
    assert!(reader.next().unwrap().is_ok());
    assert!(reader.next().unwrap().is_err());

    let other = vec![Ok(Arc::new(Int8Array::from(vec![1])) as ArrayRef)];
    let array = Int32Array::from(vec![1]);
    let mut reader = ArrowArrayStream::of_arrays(field(&array), other).into_reader()?;
    assert!(reader.next().unwrap().is_err());
    Ok(())
}

#[test]
fn device_arrays_number_the_cpu_as_arrow_does() -> TestResult {
    let array: ArrayRef = Arc::new(Int32Array::from(some(0..12)));
    let mut exported = ArrowDeviceArray::from_array(&array).value;
    assert_eq!(size_of_val(&exported), 128);
    let numbers = raw_device(&mut exported);
    assert_eq!((numbers.device_id, numbers.device_type), (-1, 1));
    assert_eq!(numbers.reserved, [0; 3]);
    assert_eq!(exported.device()?, Device::CPU);
    assert!(exported.sync_event().is_none());
    let back = import_device(exported, &DataType::Int32)?;
    assert_eq!(&back.value, &array);
    Ok(())
}

/// Memory of a device: an address that nobody follows.
fn on_device() -> StridedView<'static> {
    let device = Device {
        device_type: 2,
        device_id: 3,
    };
    let first = ptr::NonNull::new(ptr::without_provenance_mut(0x4000)).unwrap();
    // SAFETY: nothing is read on a device.
    let buffer = unsafe {
        viewbridge::Buffer::from_raw_parts(
            first,
            96,
            viewbridge::Access::Immutable,
            device,
            viewbridge::OwnerKind::Foreign,
            (),
        )
    };
    let layout = viewbridge::Layout::contiguous(&[4, 3, 2], &DType::F32, viewbridge::Order::C).unwrap();
    StridedView::new(buffer, DType::F32, layout).unwrap()
}

#[test]
fn memory_of_devices_passes_through_unread() -> TestResult {
    let view = on_device();
    assert!(view.to_arrow_c(CopyPolicy::IfNeeded).is_err());
    assert!(view.transpose().to_arrow_device(CopyPolicy::IfNeeded).is_err());
    let (schema, array) = view.to_arrow_device(CopyPolicy::Never)?.value;
    assert_eq!(array.device()?, view.device());
    let field = schema.to_field()?;
    let back = view_device(array, field.data_type())?;
    assert_eq!((back.data_ptr(), back.device()), (view.data_ptr(), view.device()));
    assert_eq!((back.shape(), back.strides()), (view.shape(), view.strides()));

    let (_, array) = view.to_arrow_device(CopyPolicy::Never)?.value;
    let refused = import_device(array, field.data_type());
    assert!(matches!(
        refused,
        Err(Error::Arrow(ArrowFault::CData(CDataFault::Device {
            device_type: 2,
            device_id: 3
        })))
    ));
    Ok(())
}

#[test]
fn device_arrays_of_the_cpu_are_views_too() -> TestResult {
    let item = Arc::new(Field::new_list_field(DataType::Int32, true));
    let items: ArrayRef = Arc::new(Int32Array::from((0..24).collect::<Vec<_>>()));
    let list: ArrayRef = Arc::new(FixedSizeListArray::new(item, 3, items, None));
    let slice = list.slice(2, 4);
    let exported = ArrowDeviceArray::from_array(&slice).value;
    let view = view_device(exported, slice.data_type())?;
    assert_eq!(view.to_vec::<i32>()?, (6..18).collect::<Vec<_>>());

    let nulls: ArrayRef = Arc::new(Int32Array::from(some(0..12)));
    let exported = ArrowDeviceArray::from_array(&nulls).value;
    assert!(matches!(
        view_device(exported, nulls.data_type()),
        Err(Error::Nulls { count: 1 })
    ));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let exported = ArrowDeviceArray::from_array(&text).value;
    assert!(view_device(exported, text.data_type()).is_err());
    Ok(())
}

#[test]
fn events_have_to_be_waited_for() -> TestResult {
    let array: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let exported = || {
        let mut exported = ArrowDeviceArray::from_array(&array).value;
        raw_device(&mut exported).sync_event = ptr::dangling_mut();
        exported
    };
    let waiting = || Error::from(CDataFault::SyncEvent).to_string();
    assert_eq!(
        import_device(exported(), &DataType::Int32).unwrap_err().to_string(),
        waiting()
    );
    assert_eq!(
        view_device(exported(), &DataType::Int32).unwrap_err().to_string(),
        waiting()
    );
    // SAFETY: nothing wrote the array meanwhile.
    let ready = unsafe { exported().assume_ready() };
    assert_eq!(&import_device(ready, &DataType::Int32)?.value, &array);
    Ok(())
}
