//! What looking at memory in another way costs: slices, transposes, reshapes, beside ndarray's views of dynamic rank.
//!
//! `cargo bench -p viewbridge-benches --bench views`
//!
//! "Borrowed" takes and drops a view that counts no owner, as ndarray's views do; "owning" counts the owner up and down.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use ndarray::{ArrayD, Axis};
use viewbridge::{Dim, Order, Slice, StridedView};
use viewbridge_benches::{Contender, criterion, race};

fn main() {
    let mut criterion = criterion();
    for rank in [2, 4] {
        let shape = vec![8; rank];
        let view = StridedView::from_vec(vec![0_f32; shape.iter().product()])
            .reshape(&shape)
            .unwrap();
        let array = ArrayD::<f32>::zeros(shape);
        slices(&mut criterion, &view, &array);
        picks(&mut criterion, &view, &array);
        transposes(&mut criterion, &view, &array);
        reshapes(&mut criterion, &view, &array);
    }
    criterion.final_summary();
}

/// The name of a job on views of some rank.
fn job(name: &str, view: &StridedView<'_>) -> String {
    format!("{name}, rank {}", view.ndim())
}

fn slices(criterion: &mut Criterion, view: &StridedView<'static>, array: &ArrayD<f32>) {
    let (slice, borrowed) = (Slice::new(Some(1), None, 2), view.as_borrowed());
    let contenders = vec![
        Contender::new("ndarray, dynamic rank", || {
            let mut view = black_box(array).view();
            view.slice_axis_inplace(Axis(black_box(1)), ndarray::Slice::new(1, None, 2));
            black_box(view);
        }),
        Contender::new("viewbridge, borrowed", || {
            black_box(&black_box(view).as_borrowed().slice_axis(black_box(1), slice).unwrap());
        }),
        Contender::new("viewbridge, of a borrowed view", || {
            black_box(&black_box(&borrowed).slice_axis(black_box(1), slice).unwrap());
        }),
        Contender::new("viewbridge, owning", || {
            black_box(&black_box(view).slice_axis(black_box(1), slice).unwrap());
        }),
        Contender::new("viewbridge, layout alone", || {
            black_box(&black_box(view.layout()).slice_axis(black_box(1), slice).unwrap());
        }),
    ];
    race(criterion, &job("slice", view), contenders);
}

fn picks(criterion: &mut Criterion, view: &StridedView<'static>, array: &ArrayD<f32>) {
    let borrowed = view.as_borrowed();
    let contenders = vec![
        Contender::new("ndarray, dynamic rank", || {
            black_box(black_box(array).index_axis(Axis(black_box(1)), black_box(3)));
        }),
        Contender::new("viewbridge, borrowed", || {
            black_box(
                &black_box(view)
                    .as_borrowed()
                    .index_axis(black_box(1), black_box(3))
                    .unwrap(),
            );
        }),
        Contender::new("viewbridge, of a borrowed view", || {
            black_box(&black_box(&borrowed).index_axis(black_box(1), black_box(3)).unwrap());
        }),
        Contender::new("viewbridge, owning", || {
            black_box(&black_box(view).index_axis(black_box(1), black_box(3)).unwrap());
        }),
    ];
    race(criterion, &job("index of an axis", view), contenders);
}

fn transposes(criterion: &mut Criterion, view: &StridedView<'static>, array: &ArrayD<f32>) {
    let (borrowed, owner) = (view.as_borrowed(), Arc::new(()));
    let contenders = vec![
        Contender::new("ndarray, dynamic rank", || {
            black_box(black_box(array).view().reversed_axes());
        }),
        Contender::new("viewbridge, borrowed", || {
            black_box(&black_box(view).as_borrowed().transpose());
        }),
        Contender::new("viewbridge, of a borrowed view", || {
            black_box(&black_box(&borrowed).transpose());
        }),
        Contender::new("viewbridge, owning", || {
            black_box(&black_box(view).transpose());
        }),
        Contender::new("an Arc, counted up and down", || {
            black_box(&Arc::clone(black_box(&owner)));
        }),
        Contender::new("viewbridge, clone", || {
            black_box(&black_box(view).clone());
        }),
    ];
    race(criterion, &job("transpose", view), contenders);
}

fn reshapes(criterion: &mut Criterion, view: &StridedView<'static>, array: &ArrayD<f32>) {
    let half = 1 << (3 * view.ndim() / 2);
    let shape = [Dim::Size(half), Dim::Size(half)];
    let borrowed = view.as_borrowed();
    let turned = borrowed.transpose();
    let contenders = vec![
        Contender::new("ndarray, dynamic rank", || {
            let view = black_box(array).view();
            black_box(view.into_shape_with_order(black_box([half, half].as_slice())).unwrap());
        }),
        Contender::new("viewbridge, borrowed", || {
            black_box(
                &black_box(view)
                    .as_borrowed()
                    .reshape_with(black_box(&shape), Order::C)
                    .unwrap(),
            );
        }),
        Contender::new("viewbridge, of a borrowed view", || {
            black_box(&black_box(&borrowed).reshape_with(black_box(&shape), Order::C).unwrap());
        }),
        Contender::new("viewbridge, owning", || {
            black_box(&black_box(view).reshape_with(black_box(&shape), Order::C).unwrap());
        }),
        Contender::new("viewbridge, of a transpose, F", || {
            black_box(&black_box(&turned).reshape_with(black_box(&shape), Order::F).unwrap());
        }),
    ];
    race(criterion, &job("reshape to rank 2", view), contenders);
}
