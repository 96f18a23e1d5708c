//! A tour of NumPy's memory views, block by block, with the NumPy lines in comments and every claim asserted.
//!
//!     cargo run --example numpy_memory_views
//!
//! Where the usual telling is imprecise, the block says so: an array of one axis is not always contiguous; `base` is the owner of the memory, not the
//! view that a view was made from; and a copy that NumPy makes in silence is a value here, with a report.
#![allow(
    unsafe_code,
    reason = "mapping a file, and writing memory that others may write, take a promise"
)]

use std::error::Error as StdError;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;
use viewbridge::convert::requirements;
use viewbridge::dlpack::VersionedTensor;
use viewbridge::files::mmap::map_file;
use viewbridge::{
    CopyPolicy, CopyReason, DType, Error, Layout, LayoutError, Order, Overlap, OwnerKind, StridedView, StridedViewMut,
    s,
};

type Outcome = Result<(), Box<dyn StdError>>;
type Block = fn() -> Outcome;

fn main() -> Outcome {
    let blocks: [(&str, Block); 15] = [
        ("The memory model", memory_model),
        ("Strides", strides),
        ("Negative strides", negative_strides),
        ("Zero strides", zero_strides),
        ("Contiguity", contiguity),
        ("The buffer protocol", buffer_protocol),
        ("Memory-mapped arrays, and slices of them", memory_maps),
        ("NumPy to PyTorch and back", torch),
        ("NumPy to Pandas", pandas),
        ("NumPy to bytes", to_bytes),
        ("as_strided", as_strided),
        ("sliding_window_view", sliding_windows),
        ("Diagnosing memory issues", array_info),
        ("Reference counting", reference_counting),
        ("A small view of a large array", small_view_of_large_array),
    ];
    for (title, block) in blocks {
        println!("\n── {title}");
        block()?;
    }
    println!("\nEvery claim holds.");
    Ok(())
}

/// `np.arange(n, dtype=np.float64)`
fn arange(n: u32) -> StridedView<'static> {
    StridedView::from_vec((0..n).map(f64::from).collect())
}

fn memory_model() -> Outcome {
    // a = np.arange(12.0).reshape(3, 4)
    let a = arange(12).reshape(&[3, 4])?;
    assert_eq!(
        (a.shape(), a.strides(), a.dtype()),
        (&[3, 4][..], &[32, 8][..], &DType::F64)
    );

    // b = a[1:3]                                  # view of rows 1-2
    let b = a.index(&s![1..3])?;
    assert_eq!((b.shape(), b.strides()), (&[2, 4][..], &[32, 8][..])); // the same strides

    // b.ctypes.data == a.ctypes.data + 32
    assert_eq!(b.data_ptr().addr(), a.data_ptr().addr() + 32);

    // b.base is a. Imprecise: NumPy collapses chains of bases to whoever owns the memory. Here both name the owner.
    let c = b.index(&s![0])?;
    assert!(b.buffer().same_owner(a.buffer()) && c.buffer().same_owner(a.buffer()));
    println!("{b}");
    Ok(())
}

fn strides() -> Outcome {
    // a = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    // print(a.strides)                            # (96, 32, 8)
    let a = arange(24).reshape(&[2, 3, 4])?;
    assert_eq!(a.strides(), [96, 32, 8]); // bytes: a plane, a row, a column
    assert_eq!(a.layout().element_strides().as_deref(), Some(&[12, 4, 1][..]));
    println!("{a}");
    Ok(())
}

fn negative_strides() -> Outcome {
    let a = arange(24).reshape(&[2, 3, 4])?;
    // b = a[::-1]
    // print(b.strides)                            # (-96, 32, 8)
    let b = a.index(&s![::-1])?;
    assert_eq!(b.strides(), [-96, 32, 8]);
    // b.data points to the last plane; each step goes backward
    assert_eq!(b.data_ptr().addr(), a.data_ptr().addr() + 96);
    assert_eq!(b.get::<f64>(&[1, 0, 0])?, 0.0);
    Ok(())
}

fn zero_strides() -> Outcome {
    // c = np.broadcast_to(np.array([1, 2, 3]), (1000, 3))
    // print(c.strides)                            # (0, 8)
    let c = StridedView::from_vec(vec![1_i64, 2, 3]).broadcast_to(&[1000, 3])?;
    assert_eq!(c.strides(), [0, 8]);
    assert_eq!((c.nbytes(), c.buffer().len()), (24_000, 24)); // the same three items for all rows

    // print(c.flags.writeable)                    # False
    // NumPy lets the flag be set again, and writes then hit all rows. Here no way leads back.
    assert!(!c.access().is_writable());
    let (c, error) = c.into_mut().unwrap_err();
    assert!(matches!(error, Error::SelfOverlap { axis: 0, stride: 0, .. }));
    println!("{c}\n{error}");
    Ok(())
}

fn contiguity() -> Outcome {
    // a = np.arange(12).reshape(3, 4)
    let a = StridedView::from_vec((0..12_i64).collect()).reshape(&[3, 4])?;
    // print(a.flags['C_CONTIGUOUS'])              # True
    // print(a.flags['F_CONTIGUOUS'])              # False
    assert!(a.is_c_contiguous() && !a.is_f_contiguous());

    // b = np.asfortranarray(a)                    # copies, without a word
    // print(b.flags['F_CONTIGUOUS'])              # True
    let b = a.to_contiguous(Order::F)?;
    assert!(b.value.is_f_contiguous());
    assert_eq!(b.report.bytes_copied(), 96);
    println!("asfortranarray: {}", b.report);

    // A 1D array is both C and F contiguous
    // c = np.arange(10)
    let c = StridedView::from_vec((0..10_i64).collect());
    assert!(c.is_c_contiguous() && c.is_f_contiguous());
    // Imprecise: only if its items are adjacent. c[::2] is neither.
    let even = c.index(&s![::2])?;
    assert!(!even.is_c_contiguous() && !even.is_f_contiguous());

    // "Passing a non-contiguous array triggers an implicit copy." Here it can be asked for, and refused.
    let refused = even.convert(&requirements::C_CONTIGUOUS, CopyPolicy::Never);
    assert!(matches!(refused, Err(Error::CopyForbidden { bytes: 40, .. })));
    println!("{}", even.plan(&requirements::C_CONTIGUOUS));
    Ok(())
}

fn buffer_protocol() -> Outcome {
    // a = np.arange(12, dtype=np.int32)
    // mv = memoryview(a)
    let mut a = StridedViewMut::from_vec((0..12_i32).collect::<Vec<_>>());
    {
        // Another view of the same memory, for as long as it is borrowed.
        let mut mv = a.reborrow();
        // print(mv.format)                        # 'i'
        // print(mv.shape)                         # (12,)
        // print(mv.strides)                       # (4,)
        assert_eq!(mv.dtype().to_numpy().as_deref(), Some("<i4"));
        assert_eq!((mv.shape(), mv.strides()), (&[12][..], &[4][..]));
        // mv[0] = 99
        mv.set(&[0], 99_i32)?;
    }
    // print(a[0])                                 # 99
    assert_eq!(a.get::<i32>(&[0])?, 99);
    println!("{a}");
    Ok(())
}

fn memory_maps() -> Outcome {
    const ITEMS: u32 = 1_250_000; // a hundredth of the usual gigabyte
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("big_data.dat");
    create_map(&path, u64::from(ITEMS) * 8)?;

    // mmap = np.memmap('big_data.dat', dtype='float64', mode='r+', shape=(125_000_000,))
    // SAFETY: nobody else knows the file, and it is not written any more.
    let file = unsafe { map_file(&path)? };
    let layout = Layout::contiguous(&[usize::try_from(ITEMS)?], &DType::F64, Order::C)?;
    let mmap = StridedView::new(file, DType::F64, layout)?;
    // chunk = mmap[500:600]                       # only 800 bytes paged in
    let chunk = mmap.index(&s![500..600])?;
    assert_eq!(chunk.nbytes(), 800); // and the pages that they lie on
    assert_eq!(chunk.get::<f64>(&[0])?, 500.0);

    // subset = mmap[1000:2000]
    // print(type(subset))                         # numpy.memmap
    // print(subset.base is mmap)                  # True (or a chain of bases)
    // Imprecise again: there is no chain. The owner is the map, whichever view one came from.
    let subset = mmap.index(&s![1000..2000])?;
    assert_eq!(subset.owner_kind(), OwnerKind::MappedFile);
    assert!(subset.index(&s![10..])?.buffer().same_owner(mmap.buffer()));

    // selected = mmap[[0, 500, 999]]
    // print(type(selected))                       # numpy.ndarray: no longer memory-mapped
    let selected = mmap.take_axis(0, &[0, 500, 999])?;
    assert_eq!(selected.value.owner_kind(), OwnerKind::Heap);
    assert_eq!(selected.report.reasons().collect::<Vec<_>>(), [&CopyReason::Gather]);
    assert_eq!(selected.value.to_vec::<f64>()?, [0.0, 500.0, 999.0]);
    println!("mmap[[0, 500, 999]]: {}\n{}", selected.report, subset.info());
    drop((mmap, chunk, subset));
    fs::remove_file(&path)?;
    Ok(())
}

/// A file of `len` bytes whose first thousand floats are 0, 1, 2, …
fn create_map(path: &Path, len: u64) -> Outcome {
    // mmap = np.memmap('big_data.dat', dtype='float64', mode='w+', shape=(125_000_000,))
    let file = File::options().read(true).write(true).create_new(true).open(path)?;
    file.set_len(len)?;
    // SAFETY: nobody else knows the file.
    let mut map = unsafe { MmapMut::map_mut(&file)? };
    let mut mmap = StridedViewMut::from_slice(&mut map[..]).view_as(DType::F64)?;
    // mmap[:1000] = np.random.randn(1000)
    mmap.reborrow().index(&s![..1000])?.assign(&arange(1000))?;
    // del mmap                                    # flush to disk
    map.flush()?;
    Ok(())
}

fn torch() -> Outcome {
    // a = np.random.randn(1000, 1000)
    // NumPy's arrays may all write the same memory. In Rust that is a step of its own: `share`.
    let a = StridedViewMut::from_vec(vec![0.5_f64; 1_000_000])
        .share()
        .reshape(&[1000, 1000])?;

    // t = torch.from_numpy(a)                     # zero-copy
    let tensor: VersionedTensor = a.to_dlpack(CopyPolicy::Never)?.value;
    let t = tensor.into_view()?; // what the other side does
    assert_eq!(t.data_ptr(), a.data_ptr());

    // t[0, 0] = 999
    // SAFETY: nobody else reads or writes the memory meanwhile.
    unsafe { t.index(&s![0, 0])?.assign_shared(&StridedView::from_slice(&[999.0]))? };
    // print(a[0, 0])                              # 999.0: same memory
    assert_eq!(a.get::<f64>(&[0, 0])?, 999.0);

    // t2 = torch.randn(100)
    // a2 = t2.numpy()                             # zero-copy (CPU tensors only)
    let t2 = StridedView::from_vec(vec![1.0_f32; 100]);
    let address = t2.data_ptr();
    let a2 = t2.to_dlpack(CopyPolicy::Never)?.value.into_view()?;
    assert_eq!((a2.data_ptr(), a2.owner_kind()), (address, OwnerKind::Dlpack));
    // Tensors of other devices come over as well; it is reading them that is refused (`Error::DeviceMemory`).
    assert!(a2.device().is_cpu_readable());
    println!("{}", a2.info());
    Ok(())
}

fn pandas() -> Outcome {
    // a = np.random.randn(1000)
    // s = pd.Series(a, copy=False)                # shares memory (pandas ≤1.x)
    // "pandas 2.x with Arrow backend may not share memory": an Arrow array has to be immutable, and so this one is shared.
    let a = arange(1000);
    let series = a.to_arrow(CopyPolicy::Never)?;
    assert!(series.is_shared());
    let address = series.value.to_data().buffers()[0].as_ptr();
    assert_eq!(address, a.data_ptr());

    // What NumPy could still write is copied, and the reason is in the report.
    let writable = StridedViewMut::from_vec(vec![0.0_f64; 1000]).share();
    let series = writable.to_arrow(CopyPolicy::IfNeeded)?;
    assert_eq!(series.report.bytes_copied(), 8000);
    println!("an Arrow array of a writable array: {}", series.report);
    Ok(())
}

fn to_bytes() -> Outcome {
    // a = np.random.randn(1000).astype(np.float32)
    let a = StridedView::from_vec((0..1000_u16).map(f32::from).collect());
    // raw = a.tobytes()                           # copy to bytes
    let raw = a.to_bytes(Order::C)?;
    // b = np.frombuffer(raw, dtype=np.float32)    # view into raw bytes
    let b = StridedView::from_slice(&raw).view_as(DType::F32)?;
    // print(np.shares_memory(a, b))               # False: tobytes creates a copy
    assert_eq!(a.shares_memory(&b, 1), Overlap::Disjoint);
    assert_eq!(b.shares_memory(&StridedView::from_slice(&raw), 1), Overlap::Shared);
    assert_eq!(b.to_vec::<f32>()?, a.to_vec::<f32>()?);
    // Bytes need not lie where floats may: a view does not mind, a slice of floats would.
    println!("aligned for float32 by chance: {}", b.is_aligned());
    Ok(())
}

fn as_strided() -> Outcome {
    // a = np.arange(10, dtype=np.float64)
    // window_size = 4
    // n_windows = len(a) - window_size + 1
    let a = arange(10);
    let (window_size, stride) = (4, a.strides()[0]);
    let n_windows = a.len() - window_size + 1;
    // windows = as_strided(a, shape=(n_windows, window_size), strides=(a.strides[0], a.strides[0]))
    let windows = a.as_strided(&[n_windows, window_size], &[stride, stride], 0)?;
    // print(windows)                              # [[0 1 2 3] [1 2 3 4] … [6 7 8 9]]
    assert_eq!(windows.index(&s![-1])?.to_vec::<f64>()?, [6.0, 7.0, 8.0, 9.0]);
    println!("{windows}");

    // "as_strided does not bounds-check." Here it does, to the byte.
    let beyond = a.as_strided(&[n_windows + 1, window_size], &[stride, stride], 0);
    assert!(matches!(
        beyond,
        Err(Error::Layout(LayoutError::OutOfBounds {
            highest: 88,
            available: 80,
            ..
        }))
    ));
    println!("one window more: {}", beyond.unwrap_err());
    Ok(())
}

fn sliding_windows() -> Outcome {
    // windows = sliding_window_view(a, window_shape=4)
    let a = arange(10);
    let windows = a.sliding_windows(&[(0, 4)])?;
    assert_eq!((windows.shape(), windows.strides()), (&[7, 4][..], &[8, 8][..]));
    assert_eq!(windows.data_ptr(), a.data_ptr());
    // Overlapping items are never written.
    assert!(windows.into_mut().is_err());
    Ok(())
}

fn array_info() -> Outcome {
    // array_info(a.T[1:])
    let a = arange(12).reshape(&[3, 4])?;
    let info = a.transpose().index(&s![1..])?.info();
    assert_eq!((&info.shape[..], &info.strides[..]), (&[3, 3][..], &[8, 32][..]));
    assert_eq!((info.itemsize, info.byte_span.clone()), (8, 8..96));
    assert!(!info.c_contiguous && !info.f_contiguous && info.aligned);
    assert_eq!((info.nbytes, info.memory_bytes), (72, 96));
    println!("{info}");
    Ok(())
}

/// An owner that tells when it is dropped.
struct Owner {
    items: Vec<i64>,
    drops: Arc<AtomicUsize>,
}

impl AsRef<[i64]> for Owner {
    fn as_ref(&self) -> &[i64] {
        &self.items
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

fn reference_counting() -> Outcome {
    let drops = Arc::new(AtomicUsize::new(0));
    let owner = Owner {
        items: vec![0; 1_000_000],
        drops: Arc::clone(&drops),
    };
    // a = np.arange(1_000_000)                    # allocates ~8 MB
    let a = StridedView::from_owner(owner);
    // b = a[::2]                                  # a's buffer is kept alive
    let b = a.index(&s![::2])?;
    // del a                                       # NOT freed: b still references it
    drop(a);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    // del b                                       # NOW the buffer is freed
    drop(b);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    Ok(())
}

fn small_view_of_large_array() -> Outcome {
    // a = np.arange(10_000_000)
    let a = StridedView::from_vec(vec![0_i64; 10_000_000]);
    let view = a.index(&s![..100])?;
    assert_eq!((view.nbytes(), view.pinned_bytes()), (800, 80_000_000));
    // subset = a[:100].copy()                     # independent 800-byte array
    let subset = view.compact()?;
    println!("compact: {}", subset.report);
    assert_eq!(subset.value.pinned_bytes(), 800);
    // del a                                       # 80 MB freed immediately
    // Imprecise: only if no other view is left.
    drop(view);
    let a = a.into_mut().map_err(|(_, error)| io::Error::other(error.to_string()))?; // the last one: it could even be written
    drop(a);
    assert_eq!(subset.value.get::<i64>(&[99])?, 0);
    Ok(())
}
