//! Tensors to and from plain C: `tests/c/peer.c`, compiled here.
//!
//! # Safety
//!
//! The functions of the library are those of `peer.c`, with the types that it gives them, and the library stays loaded. Each tensor is consumed once.
#![cfg(all(feature = "dlpack", unix, target_pointer_width = "64"))]
#![allow(unsafe_code, reason = "the other side of the interface is C")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::offset_of;
use std::path::PathBuf;
use std::process::Command;

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLTensor};
use viewbridge::dlpack::{LegacyTensor, VersionedTensor};
use viewbridge::{Access, CopyPolicy, DType, Slice, StridedView, StridedViewMut};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

const RTLD_NOW: c_int = 2;

/// The functions of `peer.c`.
struct Peer {
    layout: unsafe extern "C" fn(usize) -> usize,
    sum: unsafe extern "C" fn(*const DLTensor) -> f64,
    consume: unsafe extern "C" fn(*mut DLManagedTensorVersioned) -> f64,
    consume_legacy: unsafe extern "C" fn(*mut DLManagedTensor) -> f64,
    write: unsafe extern "C" fn(*mut DLManagedTensorVersioned, f64) -> c_int,
    produce: unsafe extern "C" fn(i64, i64, u64) -> *mut DLManagedTensorVersioned,
    produce_legacy: unsafe extern "C" fn(i64, i64) -> *mut DLManagedTensor,
    deleted: unsafe extern "C" fn() -> c_int,
}

/// The peer as a library, or `None` without a C compiler.
fn compile() -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c/peer.c");
    let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("libpeer-{}.so", std::process::id()));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut command = Command::new(&compiler);
    command.args([
        "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
    ]);
    match command.arg(&library).arg(source).status() {
        Err(error) => {
            eprintln!("SKIPPED: tensors to and from C, because there is no C compiler ({compiler}: {error})");
            None
        }
        Ok(status) => {
            assert!(status.success(), "{source} compiles");
            Some(library)
        }
    }
}

fn load() -> Option<Peer> {
    let library = compile()?;
    let path = CString::new(library.to_str().expect("a plain path")).unwrap();
    // SAFETY: a library without initialisers.
    let loaded = unsafe { dlopen(path.as_ptr(), RTLD_NOW) };
    assert!(!loaded.is_null(), "{}", library.display());
    std::fs::remove_file(&library).unwrap();
    // SAFETY: the functions have the types of the fields that they are put into.
    Some(unsafe { functions(loaded) })
}

/// # Safety
///
/// `loaded` is the library of `peer.c`.
unsafe fn functions(loaded: *mut c_void) -> Peer {
    Peer {
        // SAFETY: as the field says.
        layout: unsafe { function(loaded, c"peer_layout") },
        // SAFETY: as the field says.
        sum: unsafe { function(loaded, c"peer_sum") },
        // SAFETY: as the field says.
        consume: unsafe { function(loaded, c"peer_consume") },
        // SAFETY: as the field says.
        consume_legacy: unsafe { function(loaded, c"peer_consume_legacy") },
        // SAFETY: as the field says.
        write: unsafe { function(loaded, c"peer_write") },
        // SAFETY: as the field says.
        produce: unsafe { function(loaded, c"peer_produce") },
        // SAFETY: as the field says.
        produce_legacy: unsafe { function(loaded, c"peer_produce_legacy") },
        // SAFETY: as the field says.
        deleted: unsafe { function(loaded, c"peer_deleted") },
    }
}

/// A function of a library, as the type that it has.
///
/// # Safety
///
/// `F` is that type.
unsafe fn function<F: Copy>(loaded: *mut c_void, name: &CStr) -> F {
    // SAFETY: the library is loaded.
    let function = unsafe { dlsym(loaded, name.as_ptr()) };
    assert!(!function.is_null(), "{name:?}");
    assert_eq!(size_of::<F>(), size_of_val(&function));
    // SAFETY: a pointer to a function of that type.
    unsafe { std::mem::transmute_copy(&function) }
}

/// What `peer_sum` makes of a view.
fn sum(view: &StridedView<'_>) -> f64 {
    let items = view.to_vec::<f64>().unwrap();
    items.iter().zip(1..).map(|(item, k)| f64::from(k) * item).sum()
}

/// One test, because the peer counts its deletions for all.
#[test]
fn c_and_we_understand_each_other() {
    let Some(peer) = load() else { return };
    structs_are_laid_out_as_c_says(&peer);
    c_consumes_our_tensors(&peer);
    c_borrows_our_views(&peer);
    c_writes_what_it_may(&peer);
    we_consume_tensors_of_c(&peer);
}

fn structs_are_laid_out_as_c_says(peer: &Peer) {
    let ours = [
        size_of::<DLTensor>(),
        offset_of!(DLTensor, data),
        offset_of!(DLTensor, device),
        offset_of!(DLTensor, ndim),
        offset_of!(DLTensor, dtype),
        offset_of!(DLTensor, shape),
        offset_of!(DLTensor, strides),
        offset_of!(DLTensor, byte_offset),
        size_of::<DLManagedTensor>(),
        offset_of!(DLManagedTensor, dl_tensor),
        offset_of!(DLManagedTensor, manager_ctx),
        offset_of!(DLManagedTensor, deleter),
        size_of::<DLManagedTensorVersioned>(),
        offset_of!(DLManagedTensorVersioned, version),
        offset_of!(DLManagedTensorVersioned, manager_ctx),
        offset_of!(DLManagedTensorVersioned, deleter),
        offset_of!(DLManagedTensorVersioned, flags),
        offset_of!(DLManagedTensorVersioned, dl_tensor),
        size_of::<DLDataType>(),
        offset_of!(DLDataType, bits),
        offset_of!(DLDataType, lanes),
        size_of::<DLDevice>(),
        offset_of!(DLDevice, device_id),
    ];
    // SAFETY: any number will do.
    let theirs: Vec<usize> = (0..)
        .map(|k| unsafe { (peer.layout)(k) })
        .take_while(|&n| n != usize::MAX)
        .collect();
    assert_eq!(theirs, ours);
}

fn views() -> Vec<StridedView<'static>> {
    let a = StridedViewMut::from_vec((0..24).map(f64::from).collect()).share();
    let a = a.reshape(&[2, 3, 4]).unwrap();
    vec![
        a.clone(),
        a.transpose(),
        a.flip(2).unwrap(),
        a.slice_axis(2, Slice::ALL.step_by(-3))
            .unwrap()
            .permute(&[1, 2, 0])
            .unwrap(),
        a.index_axis(0, 1)
            .unwrap()
            .index_axis(0, 2)
            .unwrap()
            .index_axis(0, 3)
            .unwrap(),
        a.slice_axis(1, 3..).unwrap(),
    ]
}

fn c_consumes_our_tensors(peer: &Peer) {
    for view in views() {
        let tensor = view.to_dlpack(CopyPolicy::Never).unwrap().value;
        // SAFETY: handed over.
        let found = unsafe { (peer.consume)(tensor.into_raw()) };
        assert_eq!(found, sum(&view), "{view:?}");
        let tensor = view.to_dlpack_legacy(CopyPolicy::Never).unwrap().value;
        // SAFETY: handed over.
        let found = unsafe { (peer.consume_legacy)(tensor.into_raw()) };
        assert_eq!(found, sum(&view), "{view:?}");
    }
    let other = StridedView::from_vec(vec![1_u8])
        .to_dlpack(CopyPolicy::Never)
        .unwrap()
        .value;
    // SAFETY: handed over.
    let refused = unsafe { (peer.consume)(other.into_raw()) };
    assert_eq!(refused, -1.0);
}

fn c_borrows_our_views(peer: &Peer) {
    for view in views() {
        let tensor = view.borrow_dlpack().unwrap();
        let fields = tensor.as_dl_tensor();
        // SAFETY: the view and its description outlive the call.
        let found = unsafe { (peer.sum)(&raw const fields) };
        assert_eq!(found, sum(&view), "{view:?}");
    }
}

fn c_writes_what_it_may(peer: &Peer) {
    let items = StridedViewMut::from_vec(vec![0.0_f64; 3]).share();
    let last = items
        .slice_axis(0, 2..)
        .unwrap()
        .to_dlpack(CopyPolicy::Never)
        .unwrap()
        .value;
    let raw = last.into_raw();
    // SAFETY: a live tensor over memory that everybody may write.
    assert_eq!(unsafe { (peer.write)(raw, 5.0) }, 1);
    // SAFETY: written, and now handed over.
    assert_eq!(unsafe { (peer.consume)(raw) }, 5.0);
    assert_eq!(items.to_vec::<f64>().unwrap(), [0.0, 0.0, 5.0]);
    let frozen = StridedView::from_vec(vec![1.0_f64])
        .to_dlpack(CopyPolicy::Never)
        .unwrap()
        .value;
    // SAFETY: a live tensor; the flag says no.
    assert_eq!(unsafe { (peer.write)(frozen.as_ptr().cast_mut(), 5.0) }, 0);
}

fn we_consume_tensors_of_c(peer: &Peer) {
    // SAFETY: it has no arguments.
    let deleted = || unsafe { (peer.deleted)() };
    let before = deleted();
    // SAFETY: small sizes.
    let raw = unsafe { (peer.produce)(3, 2, 1) };
    // SAFETY: a live tensor of the peer, true in all its fields.
    let view = unsafe { VersionedTensor::from_raw(raw) }.unwrap().into_view().unwrap();
    assert_eq!((view.shape(), view.strides()), (&[3, 2][..], &[-16, 8][..]));
    assert_eq!((view.dtype(), view.access()), (&DType::F64, Access::ReadOnly));
    assert_eq!(view.to_vec::<f64>().unwrap(), [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]);
    // Back to C, through us, and the peer's memory goes when C is done with it.
    let again = view.to_dlpack(CopyPolicy::Never).unwrap().value;
    let expected = sum(&view);
    drop(view);
    assert_eq!(deleted(), before);
    // SAFETY: handed over.
    assert_eq!(unsafe { (peer.consume)(again.into_raw()) }, expected);
    assert_eq!(deleted(), before + 1);

    // SAFETY: small sizes.
    let raw = unsafe { (peer.produce_legacy)(2, 2) };
    // SAFETY: a live tensor of the peer, true in all its fields.
    let legacy = unsafe { LegacyTensor::from_raw(raw) }.unwrap();
    assert_eq!(legacy.view().unwrap().to_vec::<f64>().unwrap(), [2.0, 3.0, 0.0, 1.0]);
    drop(legacy);
    assert_eq!(deleted(), before + 2);

    // What C copied for us is ours to write.
    // SAFETY: small sizes.
    let raw = unsafe { (peer.produce)(1, 2, 2) };
    // SAFETY: a live tensor of the peer, true in all its fields.
    let copy = unsafe { VersionedTensor::from_raw(raw) }.unwrap();
    let mut copy = copy.into_view_mut().unwrap();
    StridedView::from_slice(&[8.0, 9.0])
        .reshape(&[1, 2])
        .unwrap()
        .copy_into(&mut copy)
        .unwrap();
    assert_eq!(copy.freeze().to_vec::<f64>().unwrap(), [8.0, 9.0]);
    assert_eq!(deleted(), before + 3);
}
