//! Single operations against what NumPy made of them: shape, strides (those that mean nothing included), offset, flags, contents.
//!
//! `data/numpy_vectors.py` wrote the cases.
#![allow(missing_docs)]

use viewbridge::{Buffer, DType, Dim, Error, Index, Layout, Order, Slice, StridedView};

fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    let number = |n: &str| n.parse().unwrap_or_else(|_| panic!("{text:?}"));
    text.split(',').filter(|n| !n.is_empty()).map(number).collect()
}

fn dtype(itemsize: &str) -> DType {
    match itemsize {
        "1" => DType::U8,
        "2" => DType::U16,
        "4" => DType::U32,
        "8" => DType::U64,
        other => DType::raw(other.parse().unwrap()),
    }
}

fn entry(token: &str) -> Index {
    match token.split_at(1) {
        ("n", _) => Index::NewAxis,
        ("e", _) => Index::Ellipsis,
        ("i", position) => Index::At(position.parse().unwrap()),
        (_, slice) => {
            let bounds: Vec<Option<isize>> = slice.split(':').map(|n| n.parse().ok()).collect();
            Index::Slice(Slice::new(bounds[0], bounds[1], bounds[2].unwrap_or(1)))
        }
    }
}

fn apply(root: &StridedView<'static>, operation: &str) -> Result<StridedView<'static>, Error> {
    let (name, rest) = operation.split_once(' ').unwrap_or((operation, ""));
    let reshape = |order| {
        let dims: Vec<isize> = list(rest);
        let dims: Vec<Dim> = dims
            .iter()
            .map(|&d| usize::try_from(d).map_or(Dim::Rest, Dim::Size))
            .collect();
        root.reshape_with(&dims, order)
    };
    match name {
        "I" => root.index(&rest.split_whitespace().map(entry).collect::<Vec<_>>()),
        "RC" => reshape(Order::C),
        "RF" => reshape(Order::F),
        "B" => root.broadcast_to(&list(rest)),
        "T" => root.permute(&list(rest)),
        "F" => root.flip(rest.parse().unwrap()),
        "Q" => Ok(root.squeeze()),
        "q" => root.squeeze_axis(rest.parse().unwrap()),
        "E" => root.insert_axis(rest.parse().unwrap()),
        "V" => root.view_as(dtype(rest)),
        _ => panic!("{operation}"),
    }
}

fn describe(view: &StridedView<'_>) -> String {
    let flags = [
        (view.is_c_contiguous(), 'C'),
        (view.is_f_contiguous(), 'F'),
        (view.is_aligned(), 'A'),
    ];
    let flags: String = flags.iter().filter(|(on, _)| *on).map(|&(_, flag)| flag).collect();
    let bytes = view.to_bytes(Order::C).unwrap();
    let checksum = (1..).zip(&bytes).map(|(k, &b)| k * u64::from(b)).sum::<u64>() % 65521;
    let join = |text: Vec<String>| text.join(",");
    format!(
        "{}|{}|{}|{flags}|{checksum}",
        join(view.shape().iter().map(ToString::to_string).collect()),
        join(view.strides().iter().map(ToString::to_string).collect()),
        view.layout().offset(),
    )
}

#[test]
fn operations_do_what_numpy_does() {
    let memory: Vec<u8> = (0..=250).cycle().take(2048).collect();
    // Aligned as NumPy's was.
    let buffer = StridedView::from_vec(vec![0_u64; 256]);
    let mut words = buffer
        .into_mut()
        .map_err(|(_, e)| e)
        .unwrap()
        .view_as(DType::U8)
        .unwrap();
    StridedView::from_slice(&memory).copy_into(&mut words).unwrap();
    let buffer: Buffer<'static> = words.freeze().buffer().clone();

    let mut wrong = Vec::new();
    let lines = include_str!("data/numpy_vectors.txt").lines();
    for line in lines {
        let [shape, strides, offset, itemsize, operation, expected] =
            line.splitn(6, '|').collect::<Vec<_>>().try_into().unwrap();
        let dtype = dtype(itemsize);
        let layout = Layout::strided(&list(shape), &list(strides), offset.parse().unwrap(), &dtype).unwrap();
        let root = StridedView::new(buffer.clone(), dtype, layout).unwrap();
        let found = apply(&root, operation).map_or_else(|_| "X".into(), |view| describe(&view));
        if found != expected {
            wrong.push(format!("{line}\n    found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
