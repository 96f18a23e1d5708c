//! Bytes that go out piece by piece: the same as those of a copy, with no more memory than the buffer has.
#![allow(missing_docs)]

use std::io::{Error as IoError, ErrorKind, Write};
use std::ops::ControlFlow;

use viewbridge::convert::{Packing, Streamed};
use viewbridge::{Buffer, CopyPolicy, CopyReason, DType, Error, Kind, Layout, Order, Requirements, StridedView};

const FILE: Requirements = Requirements::any("a file").contiguous(Order::C);

/// Views whose bytes take every path: as they lie, transposed, reversed, broadcast, swapped, packed, empty.
fn views() -> Vec<StridedView<'static>> {
    let numbers = StridedView::from_vec((0_u32..420).collect())
        .reshape(&[3, 4, 5, 7])
        .unwrap();
    let bytes = StridedView::from_vec((0..1000).map(|k: u16| k.to_le_bytes()[0] ^ 0x5a).collect::<Vec<u8>>());
    let strided = |shape: &[usize], strides: &[isize], offset, dtype: DType| {
        let layout = Layout::strided(shape, strides, offset, &dtype).unwrap();
        StridedView::new(bytes.buffer().clone(), dtype, layout).unwrap()
    };
    vec![
        numbers.clone(),
        numbers.transpose(),
        numbers.permute(&[2, 0, 3, 1]).unwrap(),
        numbers.flip(3).unwrap(),
        numbers.slice_axis(3, 2..5).unwrap(),
        numbers.slice_axis(1, ..0).unwrap(),
        numbers.index_axis(0, 1).unwrap().broadcast_to(&[3, 4, 5, 7]).unwrap(),
        numbers.transpose().view_as(DType::U32.swapped()).unwrap(),
        strided(&[], &[], 8, DType::F64),
        strided(&[7, 9], &[100, 11], 3, DType::raw(11)),
        strided(&[100, 7], &[7, 1], 0, DType::BIT),
        strided(&[99, 7], &[7, 1], 5, DType::BIT),
        strided(&[30, 29], &[1, 37], 6, DType::BIT),
        strided(&[3, 4, 5, 6], &[1000, 17, 170, 2], 1, DType::BIT),
        strided(&[13, 5], &[12, 180], 4, DType::new(Kind::Int, 12)),
        strided(&[33, 3], &[3, 1], 0, DType::BIT.with_lanes(1)),
        strided(&[33, 2], &[8, 3], 1, DType::BIT.with_lanes(3)),
        strided(&[50], &[-5], 900, DType::new(Kind::Float4E2m1fn, 4)),
    ]
}

/// Streams a view, and checks what can be said of the pieces one by one.
fn collect(
    view: &StridedView<'_>,
    wanted: &Requirements,
    policy: CopyPolicy,
    buffer: Option<usize>,
) -> (Vec<u8>, Streamed) {
    let mut stream = view.stream(wanted, policy).unwrap();
    // What one item may need, with the bits of its neighbours.
    let mut most = stream.dtype().itemsize().max(1) + 1;
    if let Some(buffer) = buffer {
        stream = stream.with_buffer(buffer);
        most = most.max(buffer);
    } else {
        most = most.max(1 << 20);
    }
    let mut bytes = Vec::new();
    let done = stream
        .for_each(|piece| {
            assert!(!piece.bytes.is_empty() && piece.bytes.len() <= most);
            assert_eq!((piece.offset, piece.total), (bytes.len(), stream.nbytes()));
            bytes.extend_from_slice(piece.bytes);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(done.is_complete());
    assert_eq!((done.bytes, done.total), (bytes.len(), stream.nbytes()));
    assert_eq!(
        done.report.reasons().collect::<Vec<_>>(),
        stream.reasons().iter().collect::<Vec<_>>()
    );
    (bytes, done)
}

#[test]
fn the_bytes_are_those_of_a_copy() {
    for view in views() {
        for order in [Order::C, Order::F] {
            let plain = FILE.contiguous(order);
            let consumers = [
                plain.clone(),
                plain.clone().native(),
                plain.clone().packing(Packing::BoolBytes),
                plain.clone().packing(Packing::BoolBits),
            ];
            for wanted in &consumers {
                let copy = view.convert(wanted, CopyPolicy::Always).unwrap();
                let expected = copy.value.to_bytes(order).unwrap();
                for buffer in [Some(0), Some(1), Some(7), Some(64), Some(500), None] {
                    let (found, done) = collect(&view, wanted, CopyPolicy::Always, buffer);
                    assert_eq!(found, expected, "{view:?} in {order:?} order through {buffer:?}");
                    assert_eq!(done.report, copy.report);
                    let (found, _) = collect(&view, wanted, CopyPolicy::IfNeeded, buffer);
                    assert_eq!(
                        found, expected,
                        "{view:?} in {order:?} order through {buffer:?}, if needed"
                    );
                }
            }
        }
    }
}

#[test]
fn bytes_that_lie_as_wanted_go_out_from_where_they_are() {
    let view = StridedView::from_vec((0_u16..1000).collect())
        .reshape(&[10, 100])
        .unwrap();
    let tail = view.reshape(&[1000]).unwrap().slice_axis(0, 1..).unwrap();
    for (view, order) in [(view.clone(), Order::C), (view.transpose(), Order::F), (tail, Order::C)] {
        let memory = view.data_ptr().addr();
        let stream = view.stream(&FILE.contiguous(order), CopyPolicy::Never).unwrap();
        let done = stream
            .with_buffer(300)
            .for_each(|piece| {
                assert_eq!(piece.bytes.as_ptr().addr(), memory + piece.offset);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(done.report.is_shared());
    }
}

#[test]
fn what_would_have_to_be_gathered_can_be_refused() {
    let view = StridedView::from_vec(vec![0_u8; 6]).reshape(&[2, 3]).unwrap();
    let refused = view.transpose().stream(&FILE, CopyPolicy::Never);
    assert!(matches!(
        refused,
        Err(Error::CopyForbidden {
            consumer: "a file",
            bytes: 6,
            ..
        })
    ));
    // Bits that begin inside of a byte are contiguous, and yet no bytes.
    let bits = Layout::strided(&[10], &[1], 3, &DType::BIT).unwrap();
    let bits = StridedView::new(view.buffer().clone(), DType::BIT, bits).unwrap();
    match bits.stream(&FILE, CopyPolicy::Never) {
        Err(Error::CopyForbidden { bytes: 2, reasons, .. }) => {
            assert_eq!(reasons, [CopyReason::BitOffset { offset: 3 }])
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_break_ends_it_and_the_report_is_exact() {
    let view = StridedView::from_vec((0_u32..1000).collect())
        .reshape(&[10, 100])
        .unwrap();
    for (view, gathered) in [(view.clone(), false), (view.transpose(), true)] {
        let mut pieces = 0;
        let stream = view.stream(&FILE, CopyPolicy::IfNeeded).unwrap().with_buffer(400);
        let done = stream
            .for_each(|_| {
                pieces += 1;
                if pieces == 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        assert_eq!(
            (pieces, done.bytes, done.total, done.is_complete()),
            (3, 1200, 4000, false)
        );
        assert_eq!(done.report.bytes_copied(), if gathered { 1200 } else { 0 });
    }
}

/// Not even with the bits of a byte that had only just begun.
#[test]
fn nothing_comes_after_a_break() {
    let bits = StridedView::from_vec(vec![0x5a_u8; 100]);
    let layout = Layout::strided(&[40, 7], &[19, 1], 3, &DType::BIT).unwrap();
    let bits = StridedView::new(bits.buffer().clone(), DType::BIT, layout).unwrap();
    for buffer in [0, 1, 2, 3, 9] {
        for last in 1..4 {
            let mut calls = 0;
            let stream = bits.stream(&FILE, CopyPolicy::IfNeeded).unwrap().with_buffer(buffer);
            let done = stream
                .for_each(|_| {
                    calls += 1;
                    if calls == last {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .unwrap();
            assert!((calls, done.is_complete()) == (last, false), "{buffer} {last} {calls}");
        }
    }
}

#[test]
fn more_than_there_is_memory() {
    // 64 TiB of two bytes, of which the first 8 MiB are taken.
    let view = StridedView::from_vec(vec![1_u8, 2])
        .broadcast_to(&[1 << 35, 1 << 10, 2])
        .unwrap();
    let mut taken = 0;
    let done = view
        .stream(&FILE, CopyPolicy::IfNeeded)
        .unwrap()
        .for_each(|piece| {
            assert!(piece.bytes.chunks(2).all(|pair| pair == [1, 2]));
            taken += piece.bytes.len();
            if taken < 8 << 20 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
        .unwrap();
    assert_eq!((done.bytes, done.total), (8 << 20, 1 << 46));
}

#[test]
fn rows_of_a_transposed_matrix_come_in_blocks() {
    // One row of the result has 1.6 MB: so many rows come at once that lines of the source are read once.
    let view = StridedView::from_vec(vec![0_u8; 64 * 400_000])
        .reshape(&[400_000, 64])
        .unwrap();
    let mut pieces = 0;
    let stream = view.transpose().stream(&FILE, CopyPolicy::IfNeeded).unwrap();
    let count = |_: viewbridge::convert::Piece<'_>| {
        pieces += 1;
        ControlFlow::Continue(())
    };
    stream.for_each(count).unwrap();
    assert_eq!(pieces, 1);
}

/// A writer that fails after so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(IoError::from(ErrorKind::StorageFull))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn writers_get_all_bytes_or_say_why_not() {
    let view = StridedView::from_vec((0_u32..1000).collect())
        .reshape(&[10, 100])
        .unwrap()
        .transpose();
    let stream = view.stream(&FILE, CopyPolicy::IfNeeded).unwrap().with_buffer(1000);
    let mut file = Vec::new();
    assert_eq!(stream.write_to(&mut file).unwrap().bytes_copied(), 4000);
    assert_eq!(file, view.to_bytes(Order::C).unwrap());
    match stream.write_to(Full(3500)) {
        Err(Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
    // Progress is told of what has been written, and can end it.
    let mut file = Vec::new();
    let halfway = |piece: viewbridge::convert::Piece<'_>| {
        if piece.offset + piece.bytes.len() < piece.total / 2 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let done = stream.write_with(&mut file, halfway).unwrap();
    assert_eq!((done.bytes, file.len(), done.report.bytes_copied()), (2000, 2000, 2000));
}

#[test]
fn npy_files_tell_how_far_they_are() {
    let view = StridedView::from_vec((0_u64..1 << 19).collect())
        .reshape(&[1 << 9, 1 << 10])
        .unwrap();
    let view = view.slice_axis(1, ..1000).unwrap();
    let mut file = Vec::new();
    let mut told = Vec::new();
    let done = viewbridge::files::npy::write_with(&mut file, &view, |piece| {
        told.push(piece.offset + piece.bytes.len());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(told.len() > 2 && told.is_sorted());
    assert_eq!((told.last(), done.bytes), (Some(&done.total), view.nbytes()));
    let read = viewbridge::files::npy::parse(Buffer::from_vec(file)).unwrap();
    assert_eq!(read.to_vec::<u64>().unwrap(), view.to_vec::<u64>().unwrap());
}
