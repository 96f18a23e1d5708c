//! Records: named fields at byte offsets, seen as views.
#![allow(missing_docs)]

mod support;

use proptest::prelude::*;
use support::items;
use viewbridge::{
    Buffer, Complex, CopyPolicy, CopyReason, DType, DTypeFault, Error, Field, Index, Kind, Layout, Logical, Order,
    Record, Refusal, Requirements, StridedView, StridedViewMut, TimeUnit,
};

fn bytes(len: u8) -> StridedView<'static> {
    StridedView::from_vec((0..len).collect())
}

/// `[('a', '<u2'), ('b', 'u1', (2, 2)), ('c', '<M8[s]')]`
fn record() -> Record {
    let seconds = Logical::Timestamp {
        unit: TimeUnit::Second,
        zone: None,
    };
    Record::packed([
        Field::new("a", DType::U16),
        Field::new("b", DType::U8).with_shape(&[2, 2]),
        Field::new("c", DType::I64).with_logical(seconds).with_title("time"),
    ])
    .unwrap()
}

#[test]
fn packed_records_have_no_gaps_and_aligned_ones_what_c_has() {
    let offsets = |record: &Record| record.fields().iter().map(Field::offset).collect::<Vec<_>>();
    let packed = record();
    assert_eq!((offsets(&packed), packed.itemsize()), (vec![0, 2, 6], 14));
    assert_eq!(DType::from(packed).alignment(), 1);

    let aligned = Record::aligned(record().fields().iter().cloned()).unwrap();
    assert_eq!((offsets(&aligned), aligned.itemsize()), (vec![0, 2, 8], 16));
    assert_eq!(DType::from(aligned).alignment(), 8);
}

#[test]
fn a_field_is_a_view_with_the_stride_of_the_record() {
    let records = bytes(42).view_as(record().into()).unwrap();
    assert_eq!((records.shape(), records.strides()), (&[3][..], &[14][..]));

    let a = records.field("a").unwrap();
    assert_eq!(
        (a.dtype(), a.strides(), a.layout().offset()),
        (&DType::U16, &[14][..], 0)
    );
    let b = records.flip(0).unwrap().field("b").unwrap();
    assert_eq!((b.shape(), b.strides()), (&[3, 2, 2][..], &[-14, 2, 1][..]));
    assert_eq!(b.index_axis(0, 0).unwrap().to_vec::<u8>().unwrap(), [30, 31, 32, 33]);
    let c = records.field("c").unwrap();
    assert_eq!(c.logical(), record().fields()[2].logical());
    assert_eq!(records.field("time").unwrap().strides(), c.strides());
    assert!(!c.is_aligned());
}

#[test]
fn fields_of_records_without_items_are_views_too() {
    let none = bytes(42).view_as(record().into()).unwrap().slice_axis(0, 3..).unwrap();
    assert_eq!(none.field("b").unwrap().shape(), [0, 2, 2]);
}

#[test]
fn nested_records_are_views_of_views() {
    let outer = Record::packed([
        Field::new("k", DType::U8),
        Field::new("in", record().into()).with_shape(&[2]),
    ])
    .unwrap();
    assert_eq!(outer.itemsize(), 29);
    let records = bytes(58).view_as(outer.into()).unwrap();
    let a = records.field("in").unwrap().field("a").unwrap();
    assert_eq!((a.shape(), a.strides()), (&[2, 2][..], &[29, 14][..]));
    assert_eq!(a.get::<u16>(&[1, 1]).unwrap(), u16::from_le_bytes([44, 45]));
}

#[test]
fn several_fields_stay_where_they_are() {
    let records = bytes(42).view_as(record().into()).unwrap();
    let two = records.select_fields(&["c", "a"]).unwrap();
    assert_eq!((two.strides(), two.dtype().itemsize()), (&[14][..], 14));
    let names: Vec<_> = two.dtype().fields().iter().map(Field::name).collect();
    assert_eq!(names, ["c", "a"]);
    assert_eq!(
        two.field("a").unwrap().to_vec::<u16>().unwrap(),
        records.field("a").unwrap().to_vec::<u16>().unwrap()
    );
}

#[test]
fn fields_are_written_through() {
    let mut memory = [0_u8; 28];
    let records = StridedViewMut::from_slice(&mut memory)
        .view_as(record().into())
        .unwrap();
    let fives = StridedView::from_slice(&[5_u16, 5]);
    fives.copy_into(&mut records.field("a").unwrap()).unwrap();
    assert_eq!((memory[0], memory[2], memory[14], memory[16]), (5, 0, 5, 0));
}

#[test]
fn byte_order_is_that_of_every_field() {
    let dtype = DType::from(record());
    assert!(dtype.is_native());
    let swapped = dtype.clone().swapped();
    assert!(!swapped.is_native());
    assert_eq!(swapped.field("a").unwrap().dtype(), &DType::U16.swapped());
    assert_eq!(swapped.field("b").unwrap().dtype(), &DType::U8);
    assert_eq!(swapped.into_native(), dtype);
}

#[test]
fn halves_of_complex_numbers_are_views_in_the_same_byte_order() {
    let z = StridedView::from_vec(vec![Complex { re: 1.0_f32, im: -1.0 }, Complex { re: 2.0, im: -2.0 }]);
    let backwards = z.flip(0).unwrap();
    assert_eq!(backwards.imag().unwrap().to_vec::<f32>().unwrap(), [-2.0, -1.0]);
    let swapped = z.view_as(DType::C64.swapped()).unwrap();
    assert_eq!(swapped.real().unwrap().dtype(), &DType::F32.swapped());
    let real = StridedView::from_vec(vec![1_i32]);
    assert_eq!(real.real().unwrap().dtype(), &DType::I32);
    assert!(matches!(real.imag(), Err(Error::DType(DTypeFault::NoComplex { .. }))));
}

#[test]
fn records_that_cannot_be_are_errors() {
    let field = |name: &str| Field::new(name, DType::I32);
    let twice = [field("a"), field("b").with_title("a")];
    assert_eq!(Record::packed(twice), Err(DTypeFault::FieldName { name: "a".into() }));
    assert_eq!(
        Record::new([field("a").at(2)], 5),
        Err(DTypeFault::FieldBeyond {
            name: "a".into(),
            offset: 2,
            itemsize: 5
        })
    );
    assert!(matches!(
        Record::new([field("a").at(usize::MAX)], 8),
        Err(DTypeFault::FieldBeyond { .. })
    ));
    assert_eq!(
        Record::packed([Field::new("bits", DType::BIT)]),
        Err(DTypeFault::PackedField { name: "bits".into() })
    );
    assert_eq!(
        Record::new([field("a").at(2)], 8).unwrap().with_alignment(),
        Err(DTypeFault::FieldAlignment {
            name: "a".into(),
            offset: 2,
            alignment: 4
        })
    );
    assert_eq!(
        Record::packed([field("a").with_shape(&[usize::MAX, 2])]),
        Err(DTypeFault::TooLarge)
    );
    assert_eq!(Record::new([], 1 << 32), Err(DTypeFault::TooLarge));

    let mut dtype = DType::U8;
    let fault = loop {
        match Record::packed([Field::new("in", dtype)]) {
            Ok(record) => dtype = record.into(),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, DTypeFault::TooDeep { limit: 32 });

    let records = bytes(28).view_as(record().into()).unwrap();
    assert!(matches!(records.field("x"), Err(Error::DType(DTypeFault::NoField { name })) if *name == *"x"));
    assert!(matches!(
        bytes(1).field("x"),
        Err(Error::DType(DTypeFault::NoRecord { .. }))
    ));
    assert!(matches!(
        records.select_fields(&["a", "a"]),
        Err(Error::DType(DTypeFault::FieldName { .. }))
    ));
}

const NATIVE: Requirements = Requirements::any("native").native();

/// So many bytes of no particular content.
fn content(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|k| ((k + seed) * 37 % 251).to_le_bytes()[0]).collect()
}

/// Six items in memory, reversed and with the axes swapped.
fn view_of(dtype: &DType, seed: usize) -> StridedView<'static> {
    let memory = Buffer::from_vec(content(6 * dtype.itemsize(), seed));
    let layout = Layout::contiguous(&[2, 3], dtype, Order::C).unwrap();
    let view = StridedView::new(memory, dtype.clone(), layout).unwrap();
    view.transpose().flip(1).unwrap()
}

/// Every field that is no record, however deep.
fn leaves<'a>(view: &StridedView<'a>) -> Vec<StridedView<'a>> {
    if view.dtype().as_record().is_none() {
        return vec![view.clone()];
    }
    let fields = view
        .dtype()
        .fields()
        .iter()
        .map(|field| view.field(field.name()).unwrap());
    fields.flat_map(|field| leaves(&field)).collect()
}

fn values(view: &StridedView<'_>) -> Vec<Vec<u8>> {
    let native = |leaf: &StridedView<'_>| {
        leaf.convert(&NATIVE, CopyPolicy::IfNeeded)
            .unwrap()
            .value
            .to_bytes(Order::C)
            .unwrap()
    };
    leaves(view).iter().map(native).collect()
}

/// Which bytes of one item lie in a field.
fn in_fields(dtype: &DType) -> Vec<bool> {
    let memory = vec![0_u8; dtype.itemsize()];
    let mut covered = vec![false; dtype.itemsize()];
    let item = StridedView::from_slice(&memory).view_as(dtype.clone()).unwrap();
    for leaf in leaves(&item) {
        let size = leaf.dtype().itemsize();
        leaf.layout().offsets().for_each(|at| covered[at..at + size].fill(true));
    }
    covered
}

#[test]
fn swapped_fields_are_turned_in_one_copy() {
    let dtype: DType = "u1, >i4, (2,)>f8, <u2, >c8, >U2".parse().unwrap();
    let view = view_of(&dtype, 1);
    let plan = view.plan(&NATIVE);
    assert_eq!(plan.bytes_copied(), 6 * dtype.itemsize());
    assert!(matches!(plan.reasons(), [CopyReason::ByteOrder { .. }]));
    let native = view.convert(&NATIVE, CopyPolicy::IfNeeded).unwrap();
    assert_eq!(native.report.bytes_copied(), 6 * dtype.itemsize());
    assert!(native.value.dtype().is_native());
    assert_eq!(values(&native.value), values(&view));
}

#[test]
fn records_larger_than_the_cache_are_turned_too() {
    let dtype: DType = "u1, >i4, (3,)>f8".parse().unwrap();
    let memory = content(dtype.itemsize() * 6000, 0);
    let view = StridedView::from_vec(memory)
        .view_as(dtype)
        .unwrap()
        .reshape(&[60, 100])
        .unwrap();
    let native = view.transpose().convert(&NATIVE, CopyPolicy::IfNeeded).unwrap().value;
    assert_eq!(values(&native), values(&view.transpose()));

    // No axis is left to tell the numbers of an array apart.
    let deep = view.reshape(&[&[1; 62][..], &[60, 100]].concat()).unwrap();
    let native = deep.convert(&NATIVE, CopyPolicy::IfNeeded).unwrap().value;
    assert_eq!(
        native
            .reshape(&[6000])
            .unwrap()
            .field("f2")
            .unwrap()
            .to_vec::<f64>()
            .unwrap(),
        {
            let field = view.reshape(&[6000]).unwrap().field("f2").unwrap();
            field
                .convert(&NATIVE, CopyPolicy::Always)
                .unwrap()
                .value
                .to_vec::<f64>()
                .unwrap()
        }
    );
}

#[test]
fn overlapping_fields_of_other_byte_order_are_refused() {
    let text = "{'names': ['a', 'b'], 'formats': ['>i4', 'u1'], 'offsets': [0, 0]}";
    let view = view_of(&text.parse().unwrap(), 0);
    let found = view.dtype().clone();
    assert_eq!(view.plan(&NATIVE).refusal(), Some(&Refusal::FieldOrders { found }));
    assert!(matches!(
        view.convert(&NATIVE, CopyPolicy::IfNeeded),
        Err(Error::Refused { .. })
    ));
    assert!(view.to_contiguous(Order::C).is_ok());
}

#[test]
fn what_lies_between_fields_is_left_alone() {
    let mut memory: Vec<u8> = (0..42).collect();
    let records = StridedViewMut::from_slice(&mut memory)
        .view_as(record().into())
        .unwrap();
    let mut two = records.select_fields(&["c", "a"]).unwrap();
    let zeroes = StridedView::from_vec(vec![0_u8; 42])
        .view_as(two.dtype().clone())
        .unwrap();
    zeroes.copy_into(&mut two).unwrap();
    let middle = |memory: &[u8]| memory.chunks(14).map(|item| item[2..6].to_vec()).collect::<Vec<_>>();
    assert_eq!(middle(&memory), [[2, 3, 4, 5], [16, 17, 18, 19], [30, 31, 32, 33]]);
    assert_eq!(memory.iter().filter(|&&byte| byte == 0).count(), 30);

    let records = StridedViewMut::from_slice(&mut memory)
        .view_as(record().into())
        .unwrap();
    records.select_fields(&["a"]).unwrap().fill_bytes(&[7; 14]).unwrap();
    assert_eq!((memory[1], memory[2], memory[6], memory[41]), (7, 2, 0, 0));
}

#[test]
fn overlapping_assignment_is_as_if_copied_first() {
    let gaps: DType = "{'names': ['a', 'b'], 'formats': ['u1', '>u2'], 'offsets': [0, 2], 'itemsize': 5}"
        .parse()
        .unwrap();
    let mut memory: Vec<u8> = (0..50).collect();
    let expected: Vec<u8> = (0..50)
        .map(|k| if k >= 5 && k % 5 != 1 && k % 5 != 4 { k - 5 } else { k })
        .collect();
    let mut records = StridedViewMut::from_slice(&mut memory).view_as(gaps).unwrap();
    records.copy_within(&[Index::from(..9)], &[Index::from(1..)]).unwrap();
    assert_eq!(memory, expected);
}

/// What no field covers is 0 in memory that held nothing before, and never what happened to lie there.
#[test]
fn gaps_of_fresh_records_hold_no_bytes_of_others() {
    let gaps = |order: &str| -> DType {
        format!("{{'names': ['a', 'b'], 'formats': ['u1', '{order}u2'], 'offsets': [0, 2], 'itemsize': 5}}")
            .parse()
            .unwrap()
    };
    let records = bytes(10).view_as(gaps(">")).unwrap();
    let native = Requirements::any("the test").contiguous(Order::C).native();
    let mut memory = [0xa5_u8; 10].map(std::mem::MaybeUninit::new);
    let copy = records
        .convert_into(&native, CopyPolicy::IfNeeded, &mut memory)
        .unwrap()
        .value;
    assert_eq!(copy.dtype(), &gaps("<"));
    let raw = copy.view_as(DType::raw(5)).unwrap().to_bytes(Order::C).unwrap();
    assert_eq!(raw, [0, 0, 3, 2, 0, 5, 0, 8, 7, 0]);
}

#[test]
fn gaps_close_and_open_when_fields_are_copied_by_name() {
    let aligned: DType = "{'names': ['f0', 'f1'], 'formats': ['u1', '>f8'], 'aligned': True}"
        .parse()
        .unwrap();
    let packed: DType = "u1, <f8".parse().unwrap();
    let from = view_of(&aligned, 3);
    let mut into = StridedViewMut::from_vec(vec![0_u8; 54])
        .view_as(packed)
        .unwrap()
        .reshape(&[3, 2])
        .unwrap();
    from.copy_into(&mut into).unwrap();
    assert_eq!(values(&into.as_view()), values(&from));

    let mut other = StridedViewMut::from_vec(vec![0_u8; 54])
        .view_as("f1, <f8".parse().unwrap_or(DType::raw(9)))
        .unwrap();
    assert!(matches!(
        from.copy_into(&mut other),
        Err(Error::ShapeMismatch { .. } | Error::DTypeMismatch { .. })
    ));
}

proptest! {
    #[test]
    fn fields_keep_their_values_in_any_byte_order(item in items(), seed in 0_usize..100) {
        let view = view_of(item.dtype(), seed);
        match view.convert(&NATIVE, CopyPolicy::IfNeeded) {
            Ok(native) => {
                prop_assert!(native.value.dtype().is_native());
                prop_assert_eq!(values(&native.value), values(&view));
            }
            Err(Error::Refused { refusal: Refusal::FieldOrders { .. }, .. }) => {
                prop_assert!(view.dtype().kind() == Kind::Record && !view.dtype().is_native());
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn copies_write_fields_and_nothing_else(item in items(), seed in 0_usize..100) {
        let dtype = item.dtype();
        // Of any bytes, most are no booleans, and a copy of booleans says so.
        prop_assume!(*dtype != DType::BOOL);
        let view = view_of(dtype, seed);
        let mut memory = vec![0xAA_u8; view.nbytes()];
        if memory.is_empty() {
            return Ok(());
        }
        let target = StridedViewMut::from_slice(&mut memory).view_as(dtype.clone()).unwrap();
        view.copy_into(&mut target.reshape(view.shape()).unwrap()).unwrap();
        let written = StridedView::from_slice(&memory).view_as(dtype.clone()).unwrap().reshape(view.shape()).unwrap();
        prop_assert_eq!(values(&written), values(&view));
        let fields = in_fields(dtype);
        for (k, &byte) in memory.iter().enumerate() {
            prop_assert!(fields[k % dtype.itemsize()] || byte == 0xAA);
        }
        // Fresh memory gets all there is.
        let whole = view.to_contiguous(Order::C).unwrap().value;
        prop_assert_eq!(whole.to_bytes(Order::C).unwrap(), view.to_bytes(Order::C).unwrap());
    }
}
