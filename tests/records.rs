//! Records: named fields at byte offsets, seen as views.
#![allow(missing_docs)]

use viewbridge::{Complex, DType, DTypeFault, Error, Field, Logical, Record, StridedView, StridedViewMut, TimeUnit};

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
