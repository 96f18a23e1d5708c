//! What a forced copy costs, as a multiple of a memcpy of the same bytes, beside ndarray.
//!
//! `cargo bench -p viewbridge-benches --bench copy`

use std::hint::black_box;

use criterion::Criterion;
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use viewbridge::{Element, Order, Slice, StridedView, StridedViewMut};
use viewbridge_benches::{Contender, criterion, race};

/// A way to see one root array: with this crate and with ndarray.
struct Case<T> {
    name: &'static str,
    root: &'static [usize],
    view: fn(StridedView<'_>) -> viewbridge::Result<StridedView<'_>>,
    peer: fn(ArrayViewD<'_, T>) -> ArrayViewD<'_, T>,
}

fn main() {
    let mut criterion = criterion();
    let criterion = &mut criterion;
    run(
        criterion,
        f32::from,
        &[
            Case {
                name: "contiguous 2048² f32",
                root: &[2048, 2048],
                view: |a| Ok(a),
                peer: |a| a,
            },
            transposed("transpose 2048² f32", &[2048, 2048]),
            transposed("transpose 32² f32", &[32, 32]),
            transposed("transpose 8² f32", &[8, 8]),
            Case {
                name: "rows of 64 bytes, pitch 128, f32",
                root: &[1 << 18, 32],
                view: |a| a.slice_axis(1, ..16),
                peer: |a| a.slice_axis_move(Axis(1), ndarray::Slice::from(..16)),
            },
        ],
    );
    run(
        criterion,
        f64::from,
        &[
            transposed("transpose 1024² f64", &[1024, 1024]),
            Case {
                name: "a[::2] f64, 2 Mi items",
                root: &[4 << 20],
                view: |a| a.slice_axis(0, Slice::ALL.step_by(2)),
                peer: |a| a.slice_axis_move(Axis(0), ndarray::Slice::new(0, None, 2)),
            },
            reversed("a[::-1] f64, 2 Mi items", &[2 << 20]),
            Case {
                name: "broadcast (3,) to (1 Mi, 3) f64",
                root: &[3],
                view: |a| a.broadcast_to(&[1 << 20, 3]),
                // A view that outlives the closure cannot come from `broadcast`; it leaks its three items.
                peer: |a| {
                    let root: &'static ArrayD<f64> = Box::leak(Box::new(a.to_owned()));
                    root.broadcast(IxDyn(&[1 << 20, 3])).unwrap()
                },
            },
        ],
    );
    run(
        criterion,
        |k| k.to_le_bytes()[0],
        &[
            transposed("transpose 2048² u8", &[2048, 2048]),
            reversed("a[::-1] u8, 16 Mi items", &[16 << 20]),
            Case {
                name: "NHWC to NCHW u8 [16, 256, 256, 3]",
                root: &[16, 256, 256, 3],
                view: |a| a.permute(&[0, 3, 1, 2]),
                peer: |a| a.permuted_axes(IxDyn(&[0, 3, 1, 2])),
            },
        ],
    );
    byte_swap(criterion);
    criterion.final_summary();
}

fn transposed<T: Element>(name: &'static str, root: &'static [usize]) -> Case<T> {
    Case {
        name,
        root,
        view: |a| Ok(a.transpose()),
        peer: |a| a.reversed_axes(),
    }
}

fn reversed<T: Element>(name: &'static str, root: &'static [usize]) -> Case<T> {
    fn peer<T>(mut a: ArrayViewD<'_, T>) -> ArrayViewD<'_, T> {
        a.invert_axis(Axis(0));
        a
    }
    Case {
        name,
        root,
        view: |a| a.flip(0),
        peer: peer::<T>,
    }
}

/// Copies each case into warm memory: memcpy, this crate, ndarray. The results are compared before anything is timed.
fn run<T: Element + PartialEq + Default>(criterion: &mut Criterion, item: fn(u16) -> T, cases: &[Case<T>]) {
    for case in cases {
        let items: Vec<T> = (0..=u16::MAX)
            .cycle()
            .map(item)
            .take(case.root.iter().product())
            .collect();
        let root = ArrayViewD::from_shape(IxDyn(case.root), &items).unwrap();
        let peer = (case.peer)(root);
        let view = (case.view)(StridedView::from_slice(&items).reshape(case.root).unwrap()).unwrap();
        let contiguous = view.to_vec::<T>().unwrap();
        assert!(peer.iter().eq(&contiguous), "{}: the peer sees other items", case.name);

        let mut plain = vec![T::default(); contiguous.len()];
        let mut out = plain.clone();
        let mut destination = StridedViewMut::from_slice(&mut out).reshape(view.shape()).unwrap();
        let mut array = ArrayD::from_elem(IxDyn(view.shape()), T::default());
        race(
            criterion,
            case.name,
            vec![
                Contender::new("memcpy", || plain.copy_from_slice(black_box(&contiguous))),
                Contender::new("viewbridge", || {
                    black_box(&view).copy_into(black_box(&mut destination)).unwrap();
                }),
                Contender::new("ndarray", || black_box(&mut array).assign(black_box(&peer))),
            ],
        );
        assert!(
            out == contiguous && array.iter().eq(&contiguous),
            "{}: a copy went wrong",
            case.name
        );
    }
}

fn byte_swap(criterion: &mut Criterion) {
    let items: Vec<u64> = (0..1 << 21).collect();
    let swapped = StridedView::from_slice(&items);
    let swapped = swapped.view_as(swapped.dtype().clone().swapped()).unwrap();
    let expected = swapped.to_bytes(Order::C).unwrap();
    let (mut plain, mut out, mut peer) = (items.clone(), items.clone(), items.clone());
    let mut destination = StridedViewMut::from_slice(&mut out);
    race(
        criterion,
        "byte swap u64, 2 Mi items",
        vec![
            Contender::new("memcpy", || plain.copy_from_slice(black_box(&items))),
            Contender::new("viewbridge", || {
                black_box(&swapped).copy_into(black_box(&mut destination)).unwrap();
            }),
            Contender::new("a loop of swap_bytes", || {
                for (to, from) in peer.iter_mut().zip(black_box(&items)) {
                    *to = from.swap_bytes();
                }
            }),
        ],
    );
    assert!(out == peer && expected == StridedView::from_slice(&items).to_bytes(Order::C).unwrap());
}
