//! Randomly generated arrays of every type, nested, sliced, with nulls: Arrow → view → Arrow, and through the C interface, with equal type, metadata,
//! validity and buffers.
#![cfg(feature = "arrow")]
#![allow(unsafe_code, reason = "the interfaces of C")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::*;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::{ArrayData, BufferSpec, layout};
use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use proptest::prelude::*;
use viewbridge::arrow::ffi::{self, ArrowArray, ArrowSchema};
use viewbridge::arrow::{Column, FixedShapeTensor, Nulls, Parts};
use viewbridge::{CopyPolicy, Slice, StridedView};

const MAX_ROWS: usize = 24;

/// Types whose items have a fixed width.
fn leaf() -> impl Strategy<Value = DataType> {
    let unit = prop::sample::select(vec![
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ]);
    let zone = prop::option::of(prop::sample::select(vec!["UTC", "Europe/Berlin", "+01:00"]));
    prop_oneof![
        prop::sample::select(vec![
            DataType::Boolean,
            DataType::Int8,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::UInt8,
            DataType::UInt16,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Float16,
            DataType::Float32,
            DataType::Float64,
            DataType::Date32,
            DataType::Date64,
            DataType::Time32(TimeUnit::Second),
            DataType::Time32(TimeUnit::Millisecond),
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Time64(TimeUnit::Nanosecond),
            DataType::Interval(IntervalUnit::YearMonth),
            DataType::Interval(IntervalUnit::DayTime),
            DataType::Interval(IntervalUnit::MonthDayNano),
        ]),
        (unit.clone(), zone).prop_map(|(unit, zone)| DataType::Timestamp(unit, zone.map(Arc::from))),
        unit.prop_map(DataType::Duration),
        (1..=9_u8, -3..3_i8).prop_map(|(precision, scale)| DataType::Decimal32(precision, scale.min(1))),
        (1..=18_u8).prop_map(|precision| DataType::Decimal64(precision, 0)),
        (5..=38_u8, -5..5_i8).prop_map(|(precision, scale)| DataType::Decimal128(precision, scale)),
        (5..=76_u8, -5..5_i8).prop_map(|(precision, scale)| DataType::Decimal256(precision, scale)),
        (1..6_i32).prop_map(DataType::FixedSizeBinary),
    ]
}

/// `len` items of a type of fixed width; every byte counts up.
fn items(data_type: &DataType, len: usize, nulls: Option<NullBuffer>) -> ArrayRef {
    let bytes = match &layout(data_type).buffers[..] {
        [BufferSpec::FixedWidth { byte_width, .. }] => byte_width * len,
        _ => len.div_ceil(8),
    };
    let mut words: Vec<u128> = vec![0; bytes.div_ceil(16)];
    let places: &mut [u8] = bytemuck_bytes(&mut words);
    for (k, byte) in places.iter_mut().enumerate() {
        *byte = k.to_le_bytes()[0];
    }
    let buffer = Buffer::from_vec(words).slice_with_length(0, bytes);
    let data = ArrayData::builder(data_type.clone())
        .len(len)
        .nulls(nulls)
        .add_buffer(buffer);
    make_array(data.build().unwrap())
}

fn bytemuck_bytes(words: &mut [u128]) -> &mut [u8] {
    let len = size_of_val(words);
    // SAFETY: as many bytes, all of them initialised, and every byte is one.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), len) }
}

/// What stands at the bottom: items of a fixed width, binary data of one length, or equally spaced columns.
#[derive(Debug, Clone)]
enum Bottom {
    Items(DataType),
    Binary(usize),
    LargeBinary(usize),
    Columns(DataType, usize, usize),
}

fn bottom() -> impl Strategy<Value = Bottom> {
    let number = prop::sample::select(vec![
        DataType::UInt8,
        DataType::Int16,
        DataType::Float32,
        DataType::Int64,
        DataType::Date32,
        DataType::Decimal128(20, 2),
    ]);
    prop_oneof![
        8 => leaf().prop_map(Bottom::Items),
        1 => (1..4_usize).prop_map(Bottom::Binary),
        1 => (1..4_usize).prop_map(Bottom::LargeBinary),
        2 => (number, 1..4_usize, 0..3_usize).prop_map(|(number, count, gap)| Bottom::Columns(number, count, gap)),
    ]
}

impl Bottom {
    fn array(&self, len: usize, nulls: Option<NullBuffer>) -> ArrayRef {
        let bytes = |size: usize| items(&DataType::UInt8, len * size, None).to_data().buffers()[0].clone();
        match self {
            Self::Items(data_type) => items(data_type, len, nulls),
            Self::Binary(size) => {
                let offsets = OffsetBuffer::from_lengths(vec![*size; len]);
                Arc::new(BinaryArray::new(offsets, bytes(*size), nulls))
            }
            Self::LargeBinary(size) => {
                let offsets = OffsetBuffer::from_lengths(vec![*size; len]);
                Arc::new(LargeBinaryArray::new(offsets, bytes(*size), nulls))
            }
            Self::Columns(number, count, gap) => {
                let pitch = len + 16 * gap;
                let all = items(number, count * pitch, None);
                let columns = (0..*count).map(|k| all.slice(k * pitch, len)).collect();
                let fields = (0..*count).map(|k| Field::new(k.to_string(), number.clone(), true));
                Arc::new(StructArray::new(fields.collect(), columns, nulls))
            }
        }
    }
}

/// How each level is wrapped.
#[derive(Debug, Clone)]
enum Wrap {
    Fixed(usize),
    Even(usize),
    Large(usize),
    Windows(usize),
    LargeWindows(usize),
}

fn mask(bits: &[bool], len: usize) -> Option<NullBuffer> {
    (!bits.is_empty()).then(|| (0..len).map(|k| bits[k % bits.len()]).collect::<Vec<_>>().into())
}

/// Arrays that are one view: lists of a leaf, each level with nulls of its own, the whole sliced.
fn viewable() -> impl Strategy<Value = ArrayRef> {
    let wrap = prop_oneof![
        (1..4_usize).prop_map(Wrap::Fixed),
        (1..4_usize).prop_map(Wrap::Even),
        (1..4_usize).prop_map(Wrap::Large),
        (1..4_usize).prop_map(Wrap::Windows),
        (1..4_usize).prop_map(Wrap::LargeWindows),
    ];
    let bits = || prop::collection::vec(any::<bool>(), 0..7);
    let level = (wrap, bits(), any::<bool>());
    (
        bottom(),
        bits(),
        prop::collection::vec(level, 0..3),
        0..MAX_ROWS,
        0..MAX_ROWS,
    )
        .prop_map(|(bottom, bits, levels, rows, start)| {
            let mut len = 120;
            let mut array = bottom.array(len, mask(&bits, len));
            for (wrap, bits, nullable) in levels {
                let nullable = nullable || array.null_count() > 0;
                let metadata = HashMap::from([("level".to_owned(), format!("{wrap:?}"))]);
                let field: FieldRef =
                    Arc::new(Field::new("ïtem", array.data_type().clone(), nullable).with_metadata(metadata));
                array = match wrap {
                    Wrap::Fixed(size) => {
                        len /= size;
                        Arc::new(FixedSizeListArray::new(
                            field,
                            i32::try_from(size).unwrap(),
                            array.slice(0, len * size),
                            mask(&bits, len),
                        ))
                    }
                    Wrap::Even(size) => {
                        len /= size;
                        Arc::new(ListArray::new(
                            field,
                            OffsetBuffer::from_lengths(vec![size; len]),
                            array,
                            mask(&bits, len),
                        ))
                    }
                    Wrap::Large(size) => {
                        len /= size;
                        Arc::new(LargeListArray::new(
                            field,
                            OffsetBuffer::from_lengths(vec![size; len]),
                            array,
                            mask(&bits, len),
                        ))
                    }
                    Wrap::Windows(size) => {
                        len = (len + 1).saturating_sub(size);
                        let offsets: Vec<i32> = (0..i32::try_from(len).unwrap()).collect();
                        let sizes = vec![i32::try_from(size).unwrap(); len];
                        Arc::new(ListViewArray::new(
                            field,
                            offsets.into(),
                            sizes.into(),
                            array,
                            mask(&bits, len),
                        ))
                    }
                    Wrap::LargeWindows(size) => {
                        // Every second one.
                        len = (len + 2).saturating_sub(size) / 2;
                        let offsets: Vec<i64> = (0..i64::try_from(len).unwrap()).map(|row| 2 * row).collect();
                        let sizes = vec![i64::try_from(size).unwrap(); len];
                        Arc::new(LargeListViewArray::new(
                            field,
                            offsets.into(),
                            sizes.into(),
                            array,
                            mask(&bits, len),
                        ))
                    }
                };
            }
            let start = start.min(len);
            array.slice(start, rows.min(len - start))
        })
}

/// A field for an array that is one view, as a tensor if it can be one.
fn described(array: &ArrayRef, as_tensor: bool) -> FieldRef {
    let DataType::FixedSizeList(_, size) = array.data_type() else {
        return field_of(array);
    };
    if !as_tensor {
        return field_of(array);
    }
    let tensor = FixedShapeTensor::new(vec![1, usize::try_from(*size).unwrap()]).unwrap();
    let tensor = tensor.with_dim_names(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let mut metadata = tensor.with_permutation(vec![1, 0]).unwrap().field_metadata();
    metadata.insert("k".to_owned(), "v".to_owned());
    Arc::new(Field::new("x", array.data_type().clone(), true).with_metadata(metadata))
}

/// Arrays of other types around those.
fn any_array() -> impl Strategy<Value = ArrayRef> {
    let words = || prop::collection::vec(prop::option::of("[a-zü]{0,16}"), 1..MAX_ROWS);
    fn text(words: Vec<Option<String>>, kind: usize) -> ArrayRef {
        let bytes = || words.iter().map(|word| word.as_ref().map(String::as_bytes));
        match kind {
            0 => Arc::new(StringArray::from(words)),
            1 => Arc::new(LargeStringArray::from(words)),
            2 => Arc::new(StringViewArray::from_iter(words)),
            3 => Arc::new(BinaryArray::from_iter(bytes())),
            4 => Arc::new(LargeBinaryArray::from_iter(bytes())),
            5 => Arc::new(BinaryViewArray::from_iter(bytes())),
            _ => Arc::new(
                words
                    .iter()
                    .map(|word| word.as_deref())
                    .collect::<DictionaryArray<Int8Type>>(),
            ),
        }
    }
    let sliced = |(array, start): (ArrayRef, usize)| {
        let start = start.min(array.len());
        array.slice(start, array.len() - start)
    };
    let start = || 0..4_usize;
    prop_oneof![
        4 => viewable(),
        3 => ((words(), 0..7_usize).prop_map(|(words, kind)| text(words, kind)), start()).prop_map(sliced),
        1 => (0..MAX_ROWS).prop_map(|len| Arc::new(NullArray::new(len)) as ArrayRef),
        2 => ((viewable(), viewable(), prop::collection::vec(any::<bool>(), 0..7)).prop_map(in_struct), start()).prop_map(sliced),
        1 => ((words(), prop::collection::vec(1..4_i32, 1..6)).prop_map(runs), start()).prop_map(sliced),
        1 => ((words(), prop::collection::vec(0..3_usize, 1..9)).prop_map(map), start()).prop_map(sliced),
        2 => ((viewable(), words(), any::<bool>()).prop_map(|(numbers, words, dense)| union(&numbers, text(words, 0), dense)), start()).prop_map(sliced),
    ]
}

fn in_struct((a, b, bits): (ArrayRef, ArrayRef, Vec<bool>)) -> ArrayRef {
    let len = a.len().min(b.len());
    let fields = [("a", &a), ("b", &b)].map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let columns = vec![a.slice(0, len), b.slice(b.len() - len, len)];
    Arc::new(StructArray::new(
        Fields::from(fields.to_vec()),
        columns,
        mask(&bits, len),
    ))
}

fn runs((words, lengths): (Vec<Option<String>>, Vec<i32>)) -> ArrayRef {
    let count = words.len().min(lengths.len());
    let ends = lengths[..count].iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    let (ends, values) = (
        Int32Array::from_iter_values(ends),
        StringArray::from(words[..count].to_vec()),
    );
    Arc::new(RunArray::<Int32Type>::try_new(&ends, &values).unwrap())
}

fn map((words, lengths): (Vec<Option<String>>, Vec<usize>)) -> ArrayRef {
    let count: usize = lengths.iter().sum();
    let keys: ArrayRef = items(&DataType::Int16, count, None);
    let values: ArrayRef = Arc::new(StringArray::from_iter(
        (0..count).map(|k| words[k % words.len()].as_deref()),
    ));
    let fields = vec![
        Field::new("keys", DataType::Int16, false),
        Field::new("values", DataType::Utf8, true),
    ];
    let entries = StructArray::new(fields.into(), vec![keys, values], None);
    let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let rows = mask(&[true, false, true], lengths.len());
    Arc::new(MapArray::new(
        field,
        OffsetBuffer::from_lengths(lengths),
        entries,
        rows,
        false,
    ))
}

fn union(numbers: &ArrayRef, words: ArrayRef, dense: bool) -> ArrayRef {
    let len = numbers.len().min(words.len());
    let fields = [
        (3_i8, Field::new("n", numbers.data_type().clone(), true)),
        (5, Field::new("w", DataType::Utf8, true)),
    ];
    let fields = fields.into_iter().map(|(id, field)| (id, Arc::new(field))).collect();
    let ids = (0..len)
        .map(|row| if row % 3 == 1 { 5 } else { 3 })
        .collect::<Vec<i8>>();
    let offsets = dense.then(|| (0..i32::try_from(len).unwrap()).collect::<Vec<_>>().into());
    let children = vec![numbers.slice(0, len), words.slice(0, len)];
    Arc::new(UnionArray::try_new(fields, ids.into(), offsets, children).unwrap())
}

fn field_of(array: &dyn Array) -> FieldRef {
    let metadata = HashMap::from([("k".to_owned(), "v".to_owned())]);
    Arc::new(Field::new("x", array.data_type().clone(), true).with_metadata(metadata))
}

fn pointers(data: &ArrayData) -> Vec<*const u8> {
    let own = data
        .buffers()
        .iter()
        .filter(|buffer| !buffer.is_empty())
        .map(|buffer| buffer.as_ptr());
    own.chain(data.child_data().iter().flat_map(pointers)).collect()
}

/// Bytes of an item by its position among the rows, by arrow-rs' own way down.
fn row_bytes(view: &StridedView<'_>, row: usize) -> Vec<u8> {
    view.index_axis(0, row.cast_signed())
        .unwrap()
        .to_bytes(viewbridge::Order::C)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arrays_become_views_and_come_back(array in viewable(), as_tensor in any::<bool>()) {
        let field = described(&array, as_tensor);
        let column = Column::from_field(&field, &array, Nulls::Separate).unwrap();
        prop_assert_eq!(column.array(), &array);
        prop_assert_eq!(column.field(), &field);
        prop_assert_eq!(pointers(&column.array().to_data()), pointers(&array.to_data()));
        prop_assert_eq!(column.array().nulls(), array.nulls());
        let view = column.view();
        prop_assert_eq!(view.shape()[0], array.len());
        // A slice of the array is a slice of the view.
        if array.len() > 1 {
            let middle = array.len() / 2;
            let half = Column::from_field(&field, &array.slice(middle, array.len() - middle), Nulls::Separate).unwrap();
            prop_assert_eq!(row_bytes(half.view(), 0), row_bytes(view, middle));
            if let (Some(whole), Some(part)) = (column.validity().unwrap().value, half.validity().unwrap().value) {
                prop_assert_eq!(row_bytes(&part, 0), row_bytes(&whole, middle));
            }
        }
        // The view alone goes back to an array of the same items, whatever the nesting was.
        let rebuilt = view.to_arrow(CopyPolicy::IfNeeded).unwrap();
        let again = Column::from_array(&rebuilt.value, Nulls::Forbid).unwrap();
        prop_assert_eq!(again.view().shape(), view.shape());
        prop_assert_eq!((again.view().dtype(), again.view().logical()), (view.dtype(), view.logical()));
        prop_assert_eq!(again.view().to_bytes(viewbridge::Order::C).unwrap(), view.to_bytes(viewbridge::Order::C).unwrap());
        if view.is_c_contiguous() && view.is_aligned() {
            prop_assert!(rebuilt.is_shared());
        }
        let count = column.null_count();
        prop_assert_eq!(Column::from_field(&field, &array, Nulls::Forbid).is_err(), count > 0);
    }

    #[test]
    fn some_rows_of_a_view_are_some_of_its_array(array in viewable(), as_tensor in any::<bool>(), from in any::<prop::sample::Index>(), step in -3..4_isize, most in 1..9_usize) {
        prop_assume!(step != 0 && !array.is_empty());
        let field = described(&array, as_tensor);
        let column = Column::from_field(&field, &array, Nulls::Separate).unwrap();
        let from = from.index(array.len());
        let slice = Slice::new(Some(from.cast_signed()), None, step);
        let view = column.view().slice_axis(0, slice).unwrap().slice_axis(0, ..most.cast_signed()).unwrap();
        let part = column.with_view(&view, CopyPolicy::IfNeeded).unwrap();
        prop_assert_eq!(part.is_shared(), step == 1 || view.shape()[0] == 1);
        let part = part.value;
        prop_assert_eq!((part.field(), part.array().len()), (&field, view.shape()[0]));
        prop_assert_eq!(part.view().to_bytes(viewbridge::Order::C).unwrap(), view.to_bytes(viewbridge::Order::C).unwrap());
        for k in 0..part.array().len() {
            let row = from.wrapping_add_signed(step * k.cast_signed());
            prop_assert_eq!(&part.array().slice(k, 1), &array.slice(row, 1));
        }
    }

    #[test]
    fn arrays_cross_the_c_interface(array in any_array()) {
        let field = field_of(&array);
        let schema = ArrowSchema::from_field(&field).unwrap();
        let exported = ArrowArray::from_array(&array);
        // SAFETY: the two belong together.
        let back = unsafe { ffi::import(&schema, exported.value) }.unwrap();
        prop_assert!(back.is_shared());
        prop_assert_eq!(&back.value.0, &field);
        prop_assert_eq!(&back.value.1, &array);
        prop_assert_eq!(back.value.1.null_count(), array.null_count());
        back.value.1.to_data().validate_full().unwrap();
        let _ = Parts::of(&field, &back.value.1);
    }
}
