//! Descriptions of data types, held against what NumPy says of them.
#![allow(missing_docs)]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::{items, shape};
use viewbridge::{ByteOrder, DType, DTypeFault, Field, ItemType, Kind, Logical, Record, TimeUnit};

/// Lines that `tests/data/numpy_dtypes.py` had NumPy write.
const GOLDEN: &str = include_str!("data/numpy_dtypes.txt");

fn item(text: &str) -> ItemType {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn descriptions_mean_and_print_what_numpy_says() {
    let mut cases = 0;
    for line in GOLDEN.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let parsed = columns[0].parse::<ItemType>();
        if columns[1] == "error" {
            assert!(parsed.is_err(), "{line}");
            continue;
        }
        let item = parsed.unwrap_or_else(|fault| panic!("{line}: {fault}"));
        assert_eq!(item.to_string(), columns[1], "{line}");
        assert_eq!(item.nbytes().unwrap().to_string(), columns[2], "{line}");
        assert_eq!(item.dtype().alignment().to_string(), columns[3], "{line}");
        assert_eq!(item.to_descr().as_deref().unwrap_or("-"), columns[4], "{line}");
        cases += 1;
    }
    assert!(cases > 400, "{cases} cases");
}

/// What is printed, in any of the forms, means the same.
fn assert_lossless(item: &ItemType) {
    assert_eq!(item.to_string().parse::<ItemType>().as_ref(), Ok(item));
    if let Some(text) = item.to_numpy() {
        assert_eq!(text.parse::<ItemType>().as_ref(), Ok(item), "{text}");
    }
}

#[test]
fn what_numpy_prints_comes_back() {
    for line in GOLDEN.lines() {
        if let Ok(item) = line.split('\t').next().unwrap().parse::<ItemType>() {
            assert_lossless(&item);
        }
    }
}

#[test]
fn types_that_numpy_lacks_have_names_too() {
    for (dtype, name) in [
        (DType::BF16, "bfloat16"),
        (DType::BF16.swapped(), ">bfloat16"),
        (DType::BIT, "bit"),
        (DType::C32, "complex32"),
        (DType::new(Kind::Float8E4m3fn, 8), "float8_e4m3fn"),
        (DType::new(Kind::Float4E2m1fn, 4).with_lanes(2), "float4_e2m1fnx2"),
        (DType::new(Kind::Float6E2m3fn, 6).padded(), "float6_e2m3fn (padded)"),
        (DType::F32.with_lanes(4), "float32x4"),
        (DType::bytes(1).with_lanes(9), "S1x9"),
        (DType::text(3).with_lanes(2).swapped(), ">U3x2"),
        (DType::new(Kind::Int, 4), "int4"),
        (DType::new(Kind::Bcomplex, 32), "bcomplex32"),
        (DType::new(Kind::Other(77), 24), "dlpack77_24"),
        (DType::new(Kind::OpaqueHandle, 64), "handle64"),
    ] {
        assert_eq!(dtype.to_string(), name);
        assert_eq!(dtype.to_numpy(), None);
        assert_lossless(&dtype.into());
    }
}

#[test]
fn what_numpy_loses_is_not_lost() {
    let inner = Record::aligned([Field::new("x", DType::U8), Field::new("y", DType::F64)]).unwrap();
    let outer = ItemType::new(Record::packed([Field::new("in", inner.into())]).unwrap().into());
    // NumPy prints the inner list alone, of 9 bytes.
    assert_eq!(outer.nbytes(), Some(16));
    assert_lossless(&outer);
    let nameless = Record::packed([Field::new("", DType::I32)]).unwrap();
    assert_lossless(&ItemType::new(nameless.into()));
}

#[test]
fn meanings_of_arrow_have_no_name_in_numpy() {
    let zoned = Logical::Timestamp {
        unit: TimeUnit::Second,
        zone: Some("UTC".into()),
    };
    for logical in [zoned, Logical::Date { unit: TimeUnit::Day }, Logical::Interval] {
        let item = ItemType::new(DType::I64).with_logical(logical.clone());
        assert_eq!((item.to_numpy(), item.to_descr()), (None, None));
        assert_eq!(item.to_string(), format!("int64 ({logical})"));
        let field = Field::new("t", DType::I64).with_logical(logical);
        let record = ItemType::new(Record::packed([field]).unwrap().into());
        assert_eq!((record.to_numpy(), record.to_descr()), (None, None));
    }
    // Times that are no 64-bit integers.
    let short = ItemType::new(DType::I32).with_logical(Logical::Duration { unit: TimeUnit::Second });
    assert_eq!(short.to_numpy(), None);
}

#[test]
fn storage_alone_is_a_dtype() {
    assert_eq!("<i4".parse(), Ok(DType::I32));
    assert_eq!(DType::from_numpy(">f8"), Ok(DType::F64.swapped()));
    for text in ["M8[ns]", "(2,)i4"] {
        let found = Box::new(item(text));
        assert_eq!(text.parse::<DType>(), Err(DTypeFault::NotPlain { found }));
    }
    let record: DType = "M8[ns], i4".parse().unwrap();
    assert_eq!(record.fields()[0].logical(), item("M8[ns]").logical());
}

#[test]
fn faults_say_where() {
    let fault = |text: &str| text.parse::<ItemType>().unwrap_err();
    let unknown = |position, name: &str| DTypeFault::Unknown {
        position,
        name: name.into(),
    };
    for (text, expected) in [
        ("f3", unknown(0, "f3")),
        ("i4, >x8", unknown(5, "x8")),
        ("M8[parsec]", unknown(0, "M8[parsec]")),
        ("[('a', '<i4'), ('b', 'u3')]", unknown(22, "u3")),
        ("[('a', 'O')]", DTypeFault::Objects { position: 8 }),
        ("[('a', '<i4') ('b', 'u1')]", DTypeFault::Syntax { position: 14 }),
        ("[('a', '<i4')", DTypeFault::Syntax { position: 13 }),
        ("[('a', '<i4')] ]", DTypeFault::Syntax { position: 15 }),
        ("{'names': ['a'], 'forms': []}", DTypeFault::Key { position: 17 }),
        (" {'names': ['a'], 'formats': []}", DTypeFault::Key { position: 1 }),
        ("(2,3", DTypeFault::Syntax { position: 4 }),
        ("i4 f8", DTypeFault::Syntax { position: 2 }),
        ("[('a', 'u1', (9999999999,))]", DTypeFault::TooLarge),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
    let long = "é".repeat(1000);
    assert!(matches!(fault(&long), DTypeFault::Unknown { name, .. } if name.len() == 100));
}

#[test]
fn nesting_ends_somewhere() {
    for open in ["[('a', ", "(", "('", "{'formats': [", "((", "[", "{"] {
        let text = open.repeat(100_000);
        assert!(text.parse::<ItemType>().is_err(), "{open}");
    }
    let nested = |depth: usize| format!("{}'u1'{}", "[('a', ".repeat(depth), ")]".repeat(depth));
    assert!(nested(32).parse::<ItemType>().is_ok());
    assert_eq!(nested(33).parse::<ItemType>(), Err(DTypeFault::TooDeep { limit: 32 }));
    let shaped = |depth: usize| format!("{}'u1'{}", "(".repeat(depth), ", 1)".repeat(depth));
    assert_eq!(shaped(33).parse::<ItemType>(), Err(DTypeFault::TooDeep { limit: 32 }));
}

#[test]
fn zero_steps_are_no_unit() {
    // NumPy takes the first, and the second ends its process.
    for text in ["M8[0s]", "M8[s/0]"] {
        assert!(text.parse::<ItemType>().is_err(), "{text}");
    }
}

/// A live NumPy (`VIEWBRIDGE_PYTHON` names the interpreter) reads what is printed here, and what it prints is read.
#[test]
fn numpy_agrees_about_random_types() {
    let Some(python) = std::env::var_os("VIEWBRIDGE_PYTHON") else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    let drawn = (0..4000).map(|_| items().new_tree(&mut runner).unwrap().current());
    let asked: Vec<(ItemType, String)> = drawn
        .filter_map(|item| Some((item.clone(), item.to_numpy()?)))
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/numpy_dtypes.py");
    let mut child = Command::new(python)
        .args([script, "--ask"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = asked.iter().map(|(_, text)| format!("{text}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.split_terminator('\n').count(), asked.len());
    for ((item, text), answer) in asked.iter().zip(answers.split_terminator('\n')) {
        let columns: Vec<&str> = answer.split('\t').collect();
        let [_, printed, itemsize, alignment, _] = columns[..] else {
            panic!("NumPy cannot read {text}: {answer}");
        };
        assert_eq!(itemsize, item.nbytes().unwrap().to_string(), "{text}");
        assert_eq!(alignment, item.dtype().alignment().to_string(), "{text}");
        // NumPy's own text loses the gaps of aligned records inside of records.
        if !text.contains("'aligned'") {
            assert_eq!(printed.parse::<ItemType>().as_ref(), Ok(item), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn printing_and_parsing_is_lossless(item in items(), shape in shape()) {
        assert_lossless(&item.clone().with_shape(&shape));
        let swapped = ItemType::new(item.dtype().clone().with_byte_order(ByteOrder::Big));
        assert_lossless(&swapped);
    }

    #[test]
    fn any_text_is_a_type_or_an_error(text in "[\\[({'\"a-z0-9<>|=, M8:})\\]/]{0,40}") {
        if let Ok(item) = text.parse::<ItemType>() {
            assert_lossless(&item);
        }
    }
}
