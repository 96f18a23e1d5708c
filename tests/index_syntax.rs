//! NumPy's index syntax: as a macro, and as text.
#![allow(missing_docs)]

use proptest::prelude::*;
use viewbridge::{Error, Index, IndexExpr, IndexSyntax, IndexSyntaxError, Layout, LayoutError, Slice, StridedView, s};

fn slice(start: Option<isize>, stop: Option<isize>, step: isize) -> Index {
    Index::Slice(Slice::new(start, stop, step))
}

const ALL: Index = Index::Slice(Slice::ALL);

#[test]
fn the_macro_reads_as_numpy_does() {
    let (i, j, n) = (2_usize, -3_isize, 7_i32);
    let nothing: [Index; 0] = s![];
    assert_eq!(nothing, []);
    assert_eq!(s![3], [Index::At(3)]);
    assert_eq!(
        s![-1, i, j, n],
        [Index::At(-1), Index::At(2), Index::At(-3), Index::At(7)]
    );
    assert_eq!(s![i + 1, (j), n - 1,], [Index::At(3), Index::At(-3), Index::At(6)]);
    assert_eq!(s![:, ::, ::1], [ALL, ALL, ALL]);
    assert_eq!(
        s![1:, :2, -3:-1],
        [
            slice(Some(1), None, 1),
            slice(None, Some(2), 1),
            slice(Some(-3), Some(-1), 1)
        ]
    );
    assert_eq!(
        s![::-1, 10:2:-1, 1::2, :5:3, 1: :2],
        [
            slice(None, None, -1),
            slice(Some(10), Some(2), -1),
            slice(Some(1), None, 2),
            slice(None, Some(5), 3),
            slice(Some(1), None, 2)
        ]
    );
    assert_eq!(
        s![i:n - 1, i + 1:(isize::MAX):j],
        [slice(Some(2), Some(6), 1), slice(Some(3), Some(isize::MAX), -3)]
    );
    assert_eq!(
        s![..., None, NewAxis],
        [Index::Ellipsis, Index::NewAxis, Index::NewAxis]
    );
    assert_eq!(
        s![.., ::-1, 3, NewAxis, -2..],
        [
            ALL,
            slice(None, None, -1),
            Index::At(3),
            Index::NewAxis,
            slice(Some(-2), None, 1)
        ]
    );
    assert_eq!(
        s![..=-1, 1..=2, i..],
        [
            slice(None, None, 1),
            slice(Some(1), Some(3), 1),
            slice(Some(2), None, 1)
        ]
    );
    assert_eq!(s![(Slice::new(None, Some(4), 2))], [slice(None, Some(4), 2)]);
    // No axis is so long: out of range for an index, the end for a slice.
    assert_eq!(
        s![(usize::MAX), :(usize::MAX)],
        [Index::At(isize::MAX), slice(None, Some(isize::MAX), 1)]
    );
}

fn parse(text: &str) -> Result<IndexExpr, IndexSyntaxError> {
    text.parse()
}

#[test]
fn text_reads_as_numpy_does() {
    assert_eq!(*parse("::-1, ..., 3").unwrap(), s![::-1, ..., 3]);
    assert_eq!(
        *parse(" 1 : , :-2,+3:4 ,None,newaxis , np.newaxis,").unwrap(),
        s![1:, :-2, 3:4, None, None, None]
    );
    assert_eq!(*parse("...").unwrap(), s![...]);
    assert_eq!(*parse("").unwrap(), s![]);
    assert_eq!(*parse("10:2:-1,:,::").unwrap(), s![10:2:-1, :, ::]);
}

#[test]
fn bad_text_is_refused_where_it_goes_wrong() {
    use IndexSyntax as S;
    let cases = [
        ("a", 0, Some('a'), S::ExpectedEntry),
        ("1,,2", 2, Some(','), S::ExpectedEntry),
        (",", 0, Some(','), S::ExpectedEntry),
        ("1 2", 2, Some('2'), S::ExpectedComma),
        ("1:2:3:4", 5, Some(':'), S::ExpectedComma),
        ("....", 3, Some('.'), S::ExpectedComma),
        ("1, -", 3, Some('-'), S::ExpectedDigits),
        ("::-", 2, Some('-'), S::ExpectedDigits),
        ("[1]", 0, Some('['), S::ExpectedEntry),
        ("9223372036854775808", 0, Some('9'), S::NumberTooLarge),
        ("1.5", 1, Some('.'), S::ExpectedComma),
        ("ä", 0, Some('ä'), S::ExpectedEntry),
        ("Nonesuch", 4, Some('s'), S::ExpectedComma),
        ("1:ä", 2, Some('ä'), S::ExpectedComma),
    ];
    for (text, position, found, fault) in cases {
        let expected = IndexSyntaxError { position, found, fault };
        assert_eq!(parse(text).unwrap_err(), expected, "{text:?}");
        assert!(expected.to_string().contains(&format!("byte {position}: expected")));
    }
    let end = IndexSyntaxError {
        position: 1,
        found: None,
        fault: S::ExpectedDigits,
    };
    assert!(end.to_string().ends_with("found the end of the text"));
    let error = Error::from(parse("x").unwrap_err());
    assert!(std::error::Error::source(&error).is_some());
    assert!(error.to_string().contains("expected an integer, a slice, '...'"));
}

#[test]
fn errors_of_an_index_name_the_axis() {
    let a = StridedView::from_vec(vec![0_u8; 6]).reshape(&[2, 3]).unwrap();
    let error = |text: &str| match a.index(&parse(text).unwrap()) {
        Err(Error::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let out_of_range = LayoutError::IndexOutOfRange {
        axis: 1,
        index: -4,
        size: 3,
    };
    assert_eq!(error("None, :, -4"), out_of_range);
    assert_eq!(error("..., ::0"), LayoutError::ZeroStep { axis: 1 });
    assert_eq!(error("0, 0, 0"), LayoutError::TooManyIndices { given: 3, ndim: 2 });
    assert_eq!(error("..., 0, ..."), LayoutError::SecondEllipsis { position: 2 });
    let _: fn(&Layout, &[Index]) -> Result<Layout, LayoutError> = Layout::index;
}

fn entry() -> impl Strategy<Value = Index> {
    let bound = || prop::option::of(any::<isize>());
    prop_oneof![
        any::<isize>().prop_map(Index::At),
        (bound(), bound(), any::<isize>()).prop_map(|(start, stop, step)| slice(start, stop, step)),
        Just(Index::Ellipsis),
        Just(Index::NewAxis),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(entries in prop::collection::vec(entry(), 0..6)) {
        let expression = IndexExpr::from(entries);
        prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_inside_of_it(text in "[-+0-9:., Nonewaxisp\\[ä]{0,16}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.is_char_boundary(error.position));
            prop_assert_eq!(text[error.position..].chars().next(), error.found);
        }
    }
}
