//! `.npy` files that lie: every one of them is an error, before anything is allocated for it, and none a panic.

use std::fs;

use proptest::prelude::*;
use viewbridge::files::npy::{self, Header};
use viewbridge::{Buffer, DType, Error, LayoutError, NpyFault, Order, StridedView};

fn parse(bytes: &[u8]) -> Result<StridedView<'_>, Error> {
    npy::parse(Buffer::from_slice(bytes))
}

/// A file of format 1.0 with any dictionary.
fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(dictionary.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], dictionary.as_bytes(), data].concat()
}

/// What a file should be: ten numbers behind a header of 128 bytes.
fn whole_file() -> Vec<u8> {
    let mut file = Vec::new();
    npy::write_to(&mut file, &StridedView::from_vec((0..10_i16).collect())).unwrap();
    file
}

#[test]
fn hostile_headers() {
    let header = |dictionary: &str| parse(&file(dictionary, &[0; 64])).map(|_| ()).unwrap_err();
    let with_shape = |shape: &str| {
        header(&format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
        ))
    };

    for shape in ["(1099511627776,)", "(9,)", "(3, 3)"] {
        assert!(
            matches!(with_shape(shape), Error::Npy(NpyFault::Truncated { available: 64, .. })),
            "{shape}"
        );
    }
    for shape in [
        "(4294967296, 4294967296)",
        "(2305843009213693952,)",
        "(18446744073709551615, 0)",
    ] {
        let error = with_shape(shape);
        assert!(
            matches!(error, Error::Layout(LayoutError::SizeOverflow { .. })),
            "{shape}: {error}"
        );
    }
    for shape in [
        "(-1,)",
        "(8)",
        "(99999999999999999999,)",
        "[8]",
        "8",
        "None",
        "(8, (1,))",
        "(",
        "",
    ] {
        assert!(
            matches!(with_shape(shape), Error::Npy(NpyFault::HeaderSyntax { .. })),
            "{shape}"
        );
    }
    let axes = format!("({})", "1,".repeat(65));
    assert!(matches!(
        with_shape(&axes),
        Error::Layout(LayoutError::RankTooHigh { ndim: 65 })
    ));

    let with_descr = |descr: &str| {
        header(&format!(
            "{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}"
        ))
    };
    assert!(matches!(with_descr("'|O'"), Error::Npy(NpyFault::Objects)));
    for descr in [
        "'<f3'",
        "''",
        "'<M8[xs]'",
        "[('a', '<f8'), ('a', '<i4')]",
        "('<f8', (2,))",
        "'é'",
        "'bfloat16'",
        "[('a', 'int4')]",
        "{'names': ['a', 'b'], 'formats': ['u1', 'u1'], 'offsets': [0, 0]}",
        "[('a', '<f8', (9999999999,))]",
    ] {
        assert!(
            matches!(with_descr(descr), Error::Npy(NpyFault::Descr { .. })),
            "{descr}"
        );
    }
    for descr in ["<f8", "'\\x3'", "1", "None", "[[[[[[[[", "[('a', '<f8')", "[('a',)]"] {
        assert!(
            matches!(with_descr(descr), Error::Npy(NpyFault::HeaderSyntax { .. })),
            "{descr}"
        );
    }
}

#[test]
fn hostile_dictionaries() {
    let fault = |dictionary: &str| match parse(&file(dictionary, &[0; 64])) {
        Err(Error::Npy(fault)) => fault,
        other => panic!("{dictionary:?}: {other:?}"),
    };
    for dictionary in [
        "{}",
        "{'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    ] {
        assert!(matches!(fault(dictionary), NpyFault::HeaderKey { .. }), "{dictionary}");
    }
    for dictionary in [
        "",
        "   ",
        "\0",
        "{",
        "{,}",
        "{descr: '<f8'}",
        "{'descr' '<f8'}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': Falsehood, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} {}",
        "{'descr': '<f8', 'fortran_order': False 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False,, 'shape': (1,)}",
        "é",
    ] {
        assert!(
            matches!(fault(dictionary), NpyFault::HeaderSyntax { .. }),
            "{dictionary}"
        );
    }
}

#[test]
fn hostile_preludes() {
    let fault = |bytes: &[u8]| match parse(bytes) {
        Err(Error::Npy(fault)) => fault,
        other => panic!("{bytes:?}: {other:?}"),
    };
    assert_eq!(fault(b""), NpyFault::Magic);
    assert_eq!(fault(b"\x93NUMPX\x01\x00\x00\x00"), NpyFault::Magic);
    assert_eq!(
        fault(b"\x93NUMPY\x04\x00\x00\x00"),
        NpyFault::Version { major: 4, minor: 0 }
    );
    assert_eq!(
        fault(b"\x93NUMPY\x01\x01\x00\x00"),
        NpyFault::Version { major: 1, minor: 1 }
    );
    let huge = fault(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}");
    assert!(matches!(
        huge,
        NpyFault::HeaderLength {
            claimed: 0x1_0000_000B,
            available: 14
        }
    ));
    // Long enough, and yet no header that anybody writes.
    let mut long = b"\x93NUMPY\x02\x00\x00\x00\x20\x00".to_vec();
    long.resize(0x20_0000 + 12, b' ');
    assert!(matches!(
        fault(&long),
        NpyFault::HeaderLength {
            claimed: 0x20_000C,
            available: 0x10_0000
        }
    ));
}

#[test]
fn claims_beyond_a_file_are_errors() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let dtype = DType::F64;
    let (order, shape) = (Order::C, vec![1 << 39]);
    let mut bytes = Header {
        dtype,
        logical: None,
        order,
        shape,
    }
    .encode()
    .unwrap();
    bytes.resize(1024, 0);
    fs::write(file.path(), bytes).unwrap();
    let expected = NpyFault::Truncated {
        claimed: 1 << 42,
        available: 1024 - 128,
    };
    assert!(matches!(npy::read(file.path()), Err(Error::Npy(fault)) if fault == expected));
}

#[test]
fn truncation_at_every_byte() {
    let whole = whole_file();
    let file = tempfile::NamedTempFile::new().unwrap();
    for len in 0..whole.len() {
        assert!(matches!(parse(&whole[..len]), Err(Error::Npy(_))), "{len}");
        fs::write(file.path(), &whole[..len]).unwrap();
        assert!(matches!(npy::read(file.path()), Err(Error::Npy(_))), "{len}");
    }
    // What follows the data is left alone, as NumPy does.
    let longer = [&whole[..], b"more"].concat();
    assert_eq!(parse(&longer).unwrap().len(), 10);
}

#[test]
fn bytes_changed_anywhere_never_panic() {
    let whole = whole_file();
    for position in 0..128 {
        for byte in [0, b'\'', b'(', b')', b'{', b'9', b',', b'-', b'\\', 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[position] = byte;
            let _ = parse(&bytes).map(|view| view.to_bytes(Order::C));
        }
    }
}

proptest! {
    #[test]
    fn junk_never_panics(junk in "\\PC{0,80}", data in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&file(&junk, &data));
        let _ = parse(&data);
    }

    #[test]
    fn nearly_right_headers_never_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "(", ")", "[", ",", ":", "'descr'", "'fortran_order'", "'shape'", "True", "False", "'<f8'", "'|O'", "8", "0",
        "-", "L", " ", "\n", "\"", "'", "\\", "99999999999999999999",
    ]), 0..24)) {
        let _ = parse(&file(&tokens.concat(), &[0; 64]));
    }
}
