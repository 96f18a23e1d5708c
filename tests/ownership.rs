//! Owners are dropped once, as late as possible and no later, whoever holds the last claim and whatever fails on the way.
//!
//! # Safety
//!
//! Raw parts point into memory that the owner passed with them holds.
#![allow(missing_docs)]
#![allow(unsafe_code, reason = "from_raw_parts is one of the doors to be tested")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use viewbridge::{
    Access, Buffer, Converted, CopyPolicy, CopyReason, CopyReport, DType, Device, Error, Layout, Order, OwnerKind,
    Plan, Requirements, StridedView, StridedViewMut, TypedView,
};

/// Counts the drops of its owners.
#[derive(Clone, Default)]
struct Ledger(Arc<AtomicUsize>);

impl Ledger {
    fn drops(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn owner(&self, bytes: impl Into<Vec<u8>>) -> Owner {
        let (ledger, bytes, panics) = (self.clone(), bytes.into(), false);
        Owner { bytes, ledger, panics }
    }
}

struct Owner {
    bytes: Vec<u8>,
    ledger: Ledger,
    panics: bool,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Whoever reads on after this, reads nonsense.
        self.bytes.fill(0xdd);
        self.ledger.0.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "an owner that panics on cue");
    }
}

#[test]
fn the_last_claim_drops_the_owner_once() {
    let ledger = Ledger::default();
    let view = StridedView::from_owner(ledger.owner([1, 2, 3, 4, 5, 6]));
    let claims = [
        view.clone(),
        view.slice_axis(0, 4..).unwrap(),
        view.reshape(&[2, 3]).unwrap().transpose(),
        view.flip(0).unwrap(),
        view.broadcast_to(&[5, 6]).unwrap(),
        view.view_as(DType::I16).unwrap(),
        view.to_contiguous(Order::C).unwrap().value,
        view.to_static(CopyPolicy::Never).unwrap().value,
    ];
    let buffer = view.buffer().clone();
    drop(view);
    for claim in claims {
        assert_eq!(ledger.drops(), 0);
        drop(claim);
    }
    assert_eq!(ledger.drops(), 0);
    drop(buffer);
    assert_eq!(ledger.drops(), 1);
}

#[test]
fn copies_do_not_hold_the_owner() {
    let ledger = Ledger::default();
    let view = StridedView::from_owner(ledger.owner([1, 2, 3]));
    let copy = view
        .convert(&Requirements::any("a copy"), CopyPolicy::Always)
        .unwrap()
        .value;
    drop(view);
    assert_eq!(ledger.drops(), 1);
    assert_eq!(copy.to_vec::<u8>().unwrap(), [1, 2, 3]);
}

#[test]
fn owners_die_on_any_thread() {
    let ledger = Ledger::default();
    let view = StridedView::from_owner(ledger.owner([7; 8]));
    let half = view.slice_axis(0, 4..).unwrap();
    drop(view);
    let sum = thread::spawn(move || half.to_vec::<u8>().unwrap().iter().map(|&b| u32::from(b)).sum::<u32>());
    assert_eq!(sum.join().unwrap(), 28);
    assert_eq!(ledger.drops(), 1);
}

#[test]
fn racing_claims_drop_the_owner_once() {
    for _ in 0..50 {
        let ledger = Ledger::default();
        let view = StridedView::from_owner(ledger.owner([7; 8]));
        thread::scope(|scope| {
            for _ in 0..4 {
                let claim = view.clone();
                scope.spawn(move || assert_eq!(claim.get::<u8>(&[3]).unwrap(), 7));
            }
            drop(view);
        });
        assert_eq!(ledger.drops(), 1);
    }
}

#[test]
fn failures_half_way_lose_nothing() {
    let ledger = Ledger::default();
    let view = StridedView::from_owner(ledger.owner([1, 2, 3, 4, 5, 6]));
    assert!(view.index_axis(0, 9).is_err());
    assert!(view.reshape(&[4]).is_err());
    assert!(view.view_as(DType::F32).is_err());
    assert!(view.typed::<f32>().is_err());
    let columns = Requirements::any("columns").contiguous(Order::F);
    let matrix = view.reshape(&[2, 3]).unwrap();
    assert!(matrix.convert(&columns, CopyPolicy::Never).is_err());
    assert!(StridedView::new(view.buffer().clone(), DType::F32, matrix.layout().clone()).is_err());
    let far = Layout::strided(&[2], &[6], 0, &DType::U8).unwrap();
    assert!(StridedView::new(view.buffer().clone(), DType::U8, far).is_err());
    let giant = view.index_axis(0, 0).unwrap().broadcast_to(&[1 << 62]).unwrap();
    assert!(matches!(giant.to_contiguous(Order::C), Err(Error::OutOfMemory { .. })));
    drop((matrix, giant));
    assert_eq!(ledger.drops(), 0);
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }), "{error}");
    assert_eq!(view.get::<u8>(&[5]).unwrap(), 6);
    drop(view);
    assert_eq!(ledger.drops(), 1);
}

/// An owner whose `as_ref` panics never becomes a view, and is dropped all the same.
#[test]
fn owners_that_panic_before_they_are_views() {
    struct Shy(Owner);
    impl AsRef<[u8]> for Shy {
        fn as_ref(&self) -> &[u8] {
            panic!("no bytes today, {} or not", self.0.bytes.len())
        }
    }
    let ledger = Ledger::default();
    let shy = Shy(ledger.owner([1]));
    assert!(catch_unwind(AssertUnwindSafe(|| StridedView::from_owner::<u8, _>(shy))).is_err());
    assert_eq!(ledger.drops(), 1);
}

#[test]
fn owners_that_panic_in_drop_unwind_once() {
    let (ledger, other) = (Ledger::default(), Ledger::default());
    let bystander = StridedView::from_owner(other.owner([9]));
    let mut owner = ledger.owner([1, 2]);
    owner.panics = true;
    let view = StridedView::from_owner(owner);
    let clone = view.clone();
    drop(view);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(clone))).is_err());
    assert_eq!((ledger.drops(), other.drops()), (1, 0));
    assert_eq!(bystander.get::<u8>(&[0]).unwrap(), 9);
    drop(bystander);
    assert_eq!(other.drops(), 1);
}

/// The items of an array move with it, so that the view must take their address where the array stays.
#[test]
fn inline_owners_do_not_move() {
    let bytes: [u8; 64] = std::array::from_fn(|k| u8::try_from(k).unwrap());
    let view = StridedView::from_owner::<u8, _>(bytes);
    let address = view.data_ptr();
    let boxed = Box::new(view);
    let moved = thread::spawn(move || vec![*boxed]).join().unwrap().remove(0);
    assert_eq!(moved.data_ptr(), address);
    assert_eq!(moved.to_vec::<u8>().unwrap(), bytes);
}

#[test]
fn vectors_stay_where_they_are() {
    let items = vec![1_i32, 2, 3];
    let address = items.as_ptr().cast::<u8>();
    assert_eq!(StridedView::from_vec(items).data_ptr(), address);
    let boxed: Box<[i32]> = Box::new([1, 2, 3]);
    let address = boxed.as_ptr().cast::<u8>();
    assert_eq!(StridedView::from_boxed_slice(boxed).data_ptr(), address);
    let empty = StridedView::from_vec(Vec::<f64>::new());
    assert!(empty.is_empty() && empty.typed::<f64>().unwrap().as_slice().unwrap().is_empty());
}

#[test]
fn raw_parts_drop_their_owner_once() {
    for access in [Access::Immutable, Access::ReadOnly, Access::Shared] {
        let ledger = Ledger::default();
        let owner = ledger.owner([1, 2, 3]);
        let (ptr, len) = (NonNull::from(owner.bytes.as_slice()).cast(), owner.bytes.len());
        // SAFETY: the owner keeps the bytes where they are until it is dropped, and nobody writes them before that.
        let buffer = unsafe { Buffer::from_raw_parts(ptr, len, access, Device::CPU, OwnerKind::Foreign, owner) };
        let layout = Layout::contiguous(&[3], &DType::U8, Order::C).unwrap();
        let view = StridedView::new(buffer, DType::U8, layout).unwrap();
        assert_eq!((view.owner_kind(), view.pinned_bytes()), (OwnerKind::Foreign, 3));
        assert_eq!(view.to_vec::<u8>().unwrap(), [1, 2, 3]);
        let (view, _) = view.into_mut().unwrap_err();
        assert_eq!(ledger.drops(), 0);
        drop(view);
        assert_eq!(ledger.drops(), 1);
    }
}

#[test]
fn shared_owners_get_their_share_back() {
    let items: Arc<[i64]> = Arc::from([1, 2, 3]);
    let view = StridedView::from_owner(Arc::clone(&items));
    let slice = view.slice_axis(0, 1..).unwrap();
    assert_eq!(Arc::strong_count(&items), 2);
    drop(view);
    assert_eq!(Arc::strong_count(&items), 2);
    drop(slice);
    assert_eq!(Arc::strong_count(&items), 1);
}

#[test]
fn write_access_comes_back_with_the_last_claim_only() {
    let view = StridedView::from_vec(vec![1_i32, 2, 3]);
    let other = view.slice_axis(0, 1..).unwrap();
    let (view, error) = view.into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { owner: OwnerKind::Heap }), "{error}");
    let buffer = other.buffer().clone();
    drop(other);
    let (view, _) = view.into_mut().unwrap_err();
    drop(buffer);
    let mut exclusive = view.into_mut().map_err(|(_, e)| e).unwrap();
    *exclusive.typed_mut::<i32>().unwrap().get_mut(&[1]).unwrap() = 20;
    assert_eq!(exclusive.freeze().to_vec::<i32>().unwrap(), [1, 20, 3]);
}

#[test]
fn write_access_is_for_memory_of_our_own() {
    let shared: Arc<[u8]> = Arc::from([1, 2]);
    let (_, error) = StridedView::from_owner(shared).into_mut().unwrap_err();
    assert!(matches!(error, Error::NotUnique { .. }), "{error}");
    let items = [1_u8, 2];
    let (_, error) = StridedView::from_slice(&items).into_mut().unwrap_err();
    assert!(
        matches!(
            error,
            Error::ReadOnly {
                owner: OwnerKind::Borrowed
            }
        ),
        "{error}"
    );
    // A copy is ours.
    let copy = StridedView::from_slice(&items).to_static(CopyPolicy::IfNeeded).unwrap();
    assert!(copy.value.into_mut().is_ok());
}

#[test]
fn borrowed_memory_becomes_owned_by_a_reported_copy() {
    let items = [1_u16, 2, 3];
    let view = StridedView::from_slice(&items);
    let refused = view.to_static(CopyPolicy::Never).unwrap_err();
    assert!(
        matches!(&refused, Error::CopyForbidden { bytes: 6, reasons, .. } if reasons[..] == [CopyReason::Borrowed])
    );
    let owned = view.to_static(CopyPolicy::IfNeeded).unwrap();
    assert_eq!(owned.report.reasons().collect::<Vec<_>>(), [&CopyReason::Borrowed]);
    assert_ne!(owned.value.data_ptr(), view.data_ptr());
    let again = owned.value.to_static(CopyPolicy::IfNeeded).unwrap();
    assert!(again.is_shared() && again.value.data_ptr() == owned.value.data_ptr());
    // What an exclusive view lends out is borrowed too.
    let exclusive = StridedViewMut::from_vec(vec![1_u8]);
    assert!(!exclusive.as_view().to_static(CopyPolicy::IfNeeded).unwrap().is_shared());
}

#[test]
fn pinned_is_the_whole_and_nbytes_what_is_seen() {
    let mut items = Vec::with_capacity(100);
    items.extend([0_f64; 10]);
    let capacity = items.capacity();
    let view = StridedView::from_vec(items);
    let part = view.slice_axis(0, 2..4).unwrap();
    assert_eq!((part.nbytes(), part.pinned_bytes()), (16, capacity * 8));
    let copy = part
        .convert(&Requirements::any("a copy"), CopyPolicy::Always)
        .unwrap()
        .value;
    assert_eq!((copy.nbytes(), copy.pinned_bytes()), (16, 16));
    let borrowed = [0_u8; 9];
    let borrowed = StridedView::from_slice(&borrowed);
    assert_eq!((borrowed.nbytes(), borrowed.pinned_bytes()), (9, 0));
    assert_eq!(borrowed.broadcast_to(&[3, 9]).unwrap().nbytes(), 27);
}

#[test]
fn exclusive_views_lend_and_end() {
    let mut items = [0_i32; 6];
    let mut view = StridedViewMut::from_slice(&mut items).reshape(&[2, 3]).unwrap();
    view.reborrow()
        .typed_mut::<i32>()
        .unwrap()
        .as_mut_slice()
        .unwrap()
        .fill(1);
    let mut column = view.reborrow().index_axis(1, 1).unwrap();
    column.typed_mut::<i32>().unwrap().get_mut(&[1]).unwrap().clone_from(&5);
    assert_eq!(view.as_view().to_vec::<i32>().unwrap(), [1, 1, 1, 1, 5, 1]);
    let frozen = view.freeze();
    assert_eq!(frozen.get::<i32>(&[1, 1]).unwrap(), 5);
    assert_eq!(items, [1, 1, 1, 1, 5, 1]);
}

#[test]
fn views_cross_threads() {
    fn cross<T: Send + Sync>() {}
    cross::<Buffer<'static>>();
    cross::<StridedView<'static>>();
    cross::<StridedViewMut<'static>>();
    cross::<TypedView<'static, f64>>();
    cross::<Layout>();
    cross::<DType>();
    cross::<Plan>();
    cross::<CopyReport>();
    cross::<Converted<StridedView<'static>>>();
    cross::<Error>();
}
