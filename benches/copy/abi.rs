//! The crate as a library for races in other languages: a copy is described once, and run so many times per call, so that the cost of a call
//! counts for nothing.
//!
//! # Safety
//!
//! *caller's memory*: source and destination are allocated, initialised and as long as said; they stay so until the job is dropped, and nobody
//! else writes them while it runs.
#![allow(unsafe_code, reason = "a C interface")]

use std::ffi::{CStr, c_char};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use viewbridge::convert::Packing;
use viewbridge::{Access, Buffer, CopyPolicy, DType, Device, Layout, Order, Requirements, StridedView};

/// A view and where its copy goes, in row-major order and native byte order.
#[repr(C)]
#[derive(Debug)]
pub struct Description {
    source: *mut u8,
    source_len: usize,
    destination: *mut u8,
    destination_len: usize,
    /// Of the first item: bytes, or bits of bits.
    offset: usize,
    ndim: usize,
    shape: *const usize,
    /// In bytes, or bits of bits.
    strides: *const isize,
    /// A name of NumPy's, or `bit`; ends with a 0.
    dtype: *const c_char,
    /// Whether booleans become bits.
    packed: bool,
    /// Whether the rows of the view are columns that know nothing of each other, and become a matrix.
    stacked: bool,
    threads: usize,
}

/// A copy that has been prepared.
#[derive(Debug)]
pub struct Job {
    view: StridedView<'static>,
    /// Those of the matrix, if it is to become one.
    columns: Vec<StridedView<'static>>,
    wanted: Requirements,
    destination: *mut MaybeUninit<u8>,
    destination_len: usize,
    pool: &'static ThreadPool,
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

static ONE: LazyLock<ThreadPool> = LazyLock::new(|| pool(1));
static TWO: LazyLock<ThreadPool> = LazyLock::new(|| pool(2));

/// Prepares a copy; NULL if something is wrong with its description.
///
/// # Safety
///
/// *caller's memory*; the pointers of the description are what their fields say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn race_prepare(description: &Description) -> *mut Job {
    let d = description;
    // SAFETY: the caller's promise.
    let (shape, strides) = unsafe {
        (
            std::slice::from_raw_parts(d.shape, d.ndim),
            std::slice::from_raw_parts(d.strides, d.ndim),
        )
    };
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(d.dtype) }.to_str().unwrap_or_default();
    let dtype = if name == "bit" {
        Some(DType::BIT)
    } else {
        name.parse().ok()
    };
    let job = dtype.zip(NonNull::new(d.source)).and_then(|(dtype, source)| {
        // SAFETY: *caller's memory*.
        let memory = unsafe { Buffer::from_raw_borrowed(source, d.source_len, Access::ReadOnly, Device::CPU) };
        let layout = Layout::strided(shape, strides, d.offset, &dtype).ok()?;
        let packing = if d.packed {
            Packing::BoolBits
        } else {
            Packing::BoolBytes
        };
        let view = StridedView::new(memory, dtype, layout).ok()?;
        let columns = if d.stacked { view.shape()[0] } else { 0 };
        let columns = (0..columns).map(|k| view.index_axis(0, k.cast_signed()));
        Some(Job {
            columns: columns.collect::<Result<_, _>>().ok()?,
            view,
            wanted: Requirements::any("a race")
                .contiguous(Order::C)
                .native()
                .packing(packing),
            destination: d.destination.cast(),
            destination_len: d.destination_len,
            pool: if d.threads == 1 { &ONE } else { &TWO },
        })
    });
    job.map_or(std::ptr::null_mut(), |job| Box::into_raw(Box::new(job)))
}

/// Makes a copy so many times. Whether that went well.
///
/// # Safety
///
/// *caller's memory*; `job` comes from [`race_prepare`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn race_run(job: &mut Job, iterations: usize) -> bool {
    // SAFETY: *caller's memory*.
    let memory = unsafe { std::slice::from_raw_parts_mut(job.destination, job.destination_len) };
    let (view, columns, wanted, pool) = (&job.view, &job.columns, &job.wanted, job.pool);
    pool.install(|| {
        (0..iterations).all(|_| {
            let memory = black_box(&mut *memory);
            let copy = if columns.is_empty() {
                black_box(view).convert_into(black_box(wanted), CopyPolicy::Always, memory)
            } else {
                StridedView::stack_into(black_box(columns), 1, memory)
            };
            black_box(&copy).is_ok()
        })
    })
}

/// Copies bytes as they are so many times: what the others are held against.
///
/// # Safety
///
/// *caller's memory*, of `len` bytes each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn race_memcpy(destination: *mut u8, source: *const u8, len: usize, iterations: usize) {
    for _ in 0..iterations {
        // SAFETY: *caller's memory*.
        unsafe { black_box(destination).copy_from_nonoverlapping(black_box(source), len) };
    }
}

/// Forgets a job.
///
/// # Safety
///
/// `job` comes from [`race_prepare`], and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn race_drop(job: *mut Job) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(job) });
}
