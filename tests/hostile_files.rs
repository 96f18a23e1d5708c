//! Files with numbers at their limits, in every field: an error or an array, and no allocation that the file does not justify.
//!
//! Every place of small files is overwritten with numbers at which arithmetic breaks, words of all widths in binary formats and digits in text, and every
//! way to open them is tried.
//!
//! # Safety
//!
//! The allocator counts and defers to the system's, whose contract it therefore keeps.
#![cfg(all(feature = "arrow", feature = "npz", feature = "safetensors"))]
#![allow(unsafe_code, reason = "a global allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use viewbridge::files::npz::Compression;
use viewbridge::files::{ipc, npy, npz, safetensors};
use viewbridge::{Buffer, CopyPolicy, StridedView};

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Largest;

fn note(bytes: usize) {
    LARGEST.with(|largest| largest.set(largest.get().max(bytes)));
}

// SAFETY: it is the system's allocator; noting sizes does not allocate.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        note(block.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, block: Block) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, block) }
    }

    unsafe fn alloc_zeroed(&self, block: Block) -> *mut u8 {
        note(block.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(block) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, block: Block, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, block, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

/// More than any of the files justifies: the largest compressed part is of some hundred bytes, of which each can stand for 32 KiB.
const UNJUSTIFIED: usize = 32 << 20;

/// A way to open a file.
type Open = fn(&[u8], &Path);

fn in_memory<T, E: std::fmt::Display>(result: Result<T, E>) {
    if let Err(error) = result {
        assert!(!error.to_string().is_empty());
    }
}

/// Opens a broken file in every way.
fn open_all(bytes: &[u8], path: &Path, open: Open, what: &dyn Fn() -> String) {
    LARGEST.with(|largest| largest.set(0));
    open(bytes, path);
    let largest = LARGEST.with(Cell::get);
    assert!(largest < UNJUSTIFIED, "{}: {largest} bytes", what());
}

/// Overwrites words of each width at every place.
fn break_words(whole: &[u8], step: usize, open: Open) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let words: [&[u8]; 4] = [
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0, 0, 0, 0, 0, 1, 0, 0],
        &[0xff; 4],
        &[0xff; 2],
    ];
    for position in (0..whole.len()).step_by(step) {
        // Fields of a format without text are no narrower than the step.
        let wide = |word: &&&[u8]| word.len() >= step && (position % word.len() == 0 || step == 1);
        // Padding of text, of which one place is as good as the next.
        if step == 1 && whole[position..].starts_with(b"   ") {
            continue;
        }
        for word in words.iter().filter(wide) {
            let mut broken = whole.to_vec();
            for (byte, new) in broken[position..].iter_mut().zip(*word) {
                *byte = *new;
            }
            open_all(&broken, file.path(), open, &|| format!("{word:x?} at {position}"));
        }
    }
    for len in (0..whole.len()).step_by(step) {
        open_all(&whole[..len], file.path(), open, &|| format!("{len} bytes"));
    }
}

/// Replaces every number in the text of a header.
fn break_numbers(whole: &[u8], text: std::ops::Range<usize>, open: Open) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let header = &whole[text.clone()];
    let starts =
        (0..header.len()).filter(|&k| header[k].is_ascii_digit() && (k == 0 || !header[k - 1].is_ascii_digit()));
    for start in starts {
        let len = header[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        for number in [
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "4294967296",
            "-1",
            "1e30",
            "0",
        ] {
            let parts = [&header[..start], number.as_bytes(), &header[start + len..]];
            let broken = [&whole[..text.start], &parts.concat(), &whole[text.end..]].concat();
            open_all(&broken, file.path(), open, &|| format!("{number} at {start}"));
        }
    }
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// A new file each time: one that is overwritten is waited for by some file systems.
fn write(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

fn open_npy(bytes: &[u8], path: &Path) {
    write(path, bytes);
    in_memory(npy::read(path));
    in_memory(npy::parse(Buffer::from_slice(bytes)));
    in_memory(npy::describe(Cursor::new(bytes)));
}

#[test]
fn npy() {
    for name in [
        "npy/little_i4_c.npy",
        "npy/record_nested.npy",
        "npy/other/format_2.npy",
        "npy/other/format_3.npy",
    ] {
        let whole = golden(name);
        let (_, data) = npy::Header::parse(&whole).unwrap();
        break_words(&whole[..whole.len().min(data + 8)], 1, open_npy);
        break_numbers(&whole, 10..data, open_npy);
    }
}

fn open_npz(bytes: &[u8], path: &Path) {
    write(path, bytes);
    in_memory(npz::read(path));
    in_memory(npz::parse(Buffer::from_slice(bytes)));
    in_memory(npz::describe(Cursor::new(bytes)));
}

#[test]
fn npz() {
    let (a, b) = (
        StridedView::from_vec(vec![1_u8, 2, 3]),
        StridedView::from_vec(vec![0.5_f64; 4]),
    );
    for compression in [Compression::Stored, Compression::Deflated] {
        let mut file = Cursor::new(Vec::new());
        npz::write_to(&mut file, &[("a", &a), ("b", &b)], compression).unwrap();
        break_words(file.get_ref(), 1, open_npz);
    }
}

fn open_safetensors(bytes: &[u8], path: &Path) {
    write(path, bytes);
    in_memory(safetensors::read(path));
    in_memory(safetensors::parse(Buffer::from_slice(bytes)));
    in_memory(safetensors::describe(Cursor::new(bytes)));
}

#[test]
fn safetensors() {
    let (a, b) = (
        StridedView::from_vec(vec![1_u8, 2, 3]),
        StridedView::from_vec(vec![0.5_f64; 6]),
    );
    let b = b.reshape(&[2, 3]).unwrap();
    let mut file = Vec::new();
    safetensors::write_to(&mut file, &[("a", &a), ("b", &b)], [("k", "1")]).unwrap();
    break_words(&file, 1, open_safetensors);
    break_numbers(&file, 8..file.len() - 51, open_safetensors);
}

fn open_ipc_file(bytes: &[u8], path: &Path) {
    write(path, bytes);
    in_memory(ipc::read(path));
    in_memory(ipc::describe(Cursor::new(bytes)));
}

fn open_ipc_stream(bytes: &[u8], path: &Path) {
    write(path, bytes);
    in_memory(ipc::read_stream(path));
    in_memory(ipc::describe_stream(Cursor::new(bytes)));
}

fn open_ipc_tensor(bytes: &[u8], _: &Path) {
    in_memory(ipc::tensor_of(Buffer::from_vec(bytes.to_vec())));
    in_memory(ipc::describe_tensor(Cursor::new(bytes)));
}

fn batch() -> RecordBatch {
    let lists = StridedView::from_vec(vec![0_i16; 6]).reshape(&[3, 2]).unwrap();
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("b", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("t", Arc::new(StringArray::from(vec!["a", "", "ü"]))),
        ("l", lists.to_arrow(CopyPolicy::Never).unwrap().value),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The fields of Arrow's metadata lie on multiples of four bytes.
#[test]
fn arrow_files() {
    let batch = batch();
    let fields = batch.schema().fields().iter().cloned().collect::<Vec<_>>();
    let columns: Vec<_> = fields.into_iter().zip(batch.columns().iter().cloned()).collect();
    let mut file = Vec::new();
    ipc::write(&mut file, &columns).unwrap();
    break_words(&file, 4, open_ipc_file);
}

#[test]
fn arrow_streams() {
    let batch = batch();
    let mut file = Vec::new();
    ipc::write_stream(&mut file, &batch.schema(), std::slice::from_ref(&batch)).unwrap();
    break_words(&file, 4, open_ipc_stream);
}

#[test]
fn arrow_tensors() {
    let view = StridedView::from_vec(vec![0_f32; 6]).reshape(&[2, 3]).unwrap();
    let mut file = Vec::new();
    ipc::write_tensor(&mut file, &view.transpose(), &["x", "y"]).unwrap();
    break_words(&file, 4, open_ipc_tensor);
}

/// Written by pyarrow: see `tests/data/ipc/make.py`. What is compressed says how long it was.
#[test]
fn compressed_arrow_files() {
    for name in ["ipc/lz4.arrow", "ipc/zstd.arrow"] {
        break_words(&golden(name), 4, open_ipc_file);
    }
}
