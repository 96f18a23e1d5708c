//! What opening and writing files costs, beside the crates made for each format.
//!
//! `cargo bench -p viewbridge-benches --bench files`
//!
//! # Safety
//!
//! The files that are mapped lie in a folder of this process's own, and nobody writes them meanwhile.
#![allow(unsafe_code, reason = "maps files, as the peers do")]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;

use criterion::Criterion;
use memmap2::Mmap;
use ndarray::Array2;
use ndarray_npy::{ViewNpyExt, WriteNpyExt};
use safetensors::SafeTensors;
use viewbridge::StridedView;
use viewbridge::files::{npy, safetensors as ours};
use viewbridge_benches::{Contender, criterion, race};

/// Tensors of the model: 64 × 64 floats each, 16 MiB in all.
const TENSORS: usize = 1000;

/// Rows and columns of the matrix: 64 MiB.
const SIDE: usize = 4096;

fn main() {
    let mut criterion = criterion();
    // In memory where there is such a file system: on a disk, what earlier rounds left to be written decides who waits.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    open_safetensors(&mut criterion, &folder.path().join("model.safetensors"));
    map_npy(&mut criterion, &folder.path().join("matrix.npy"));
    write_npy(&mut criterion, folder.path());
    criterion.final_summary();
}

/// A map of a file of this process.
fn map(path: &Path) -> Mmap {
    // SAFETY: as the module says.
    unsafe { Mmap::map(&File::open(path).unwrap()) }.unwrap()
}

fn open_safetensors(criterion: &mut Criterion, path: &Path) {
    let tensor = StridedView::from_vec(vec![0_f32; 64 * 64]).reshape(&[64, 64]).unwrap();
    let names: Vec<String> = (0..TENSORS)
        .map(|k| format!("model.layers.{k}.self_attn.q_proj.weight"))
        .collect();
    let tensors: Vec<_> = names.iter().map(|name| (name.as_str(), &tensor)).collect();
    ours::write(path, &tensors, []).unwrap();

    let contenders = vec![
        Contender::new("safetensors crate over memmap2", || {
            let file = map(path);
            let model = SafeTensors::deserialize(&file).unwrap();
            // Each tensor as the crate gives it: name, type, shape and bytes.
            let tensors = model.tensors();
            assert_eq!(black_box(&tensors).len(), TENSORS);
        }),
        Contender::new("viewbridge", || {
            // SAFETY: as the module says.
            let model = unsafe { ours::map(path) }.unwrap();
            assert_eq!(black_box(&model.tensors).len(), TENSORS);
        }),
    ];
    race(
        criterion,
        "open a safetensors file of 1,000 tensors, and view all",
        contenders,
    );
}

fn map_npy(criterion: &mut Criterion, path: &Path) {
    npy::write(path, &matrix()).unwrap();
    let contenders = vec![
        Contender::new("ndarray-npy over memmap2", || {
            let file = map(path);
            let view = ndarray::ArrayView2::<f32>::view_npy(&file).unwrap();
            assert_eq!(black_box(&view).dim(), (SIDE, SIDE));
        }),
        Contender::new("viewbridge", || {
            // SAFETY: as the module says.
            let view = unsafe { npy::map(path) }.unwrap();
            let view = view.typed::<f32>().unwrap();
            assert_eq!(black_box(&view).shape(), [SIDE, SIDE]);
        }),
    ];
    race(criterion, "map a .npy file of 64 MiB, and view it", contenders);
}

fn matrix() -> StridedView<'static> {
    StridedView::from_vec(vec![1_f32; SIDE * SIDE])
        .reshape(&[SIDE, SIDE])
        .unwrap()
}

/// A writer that copies what it gets into the same memory over and over, as a pipe does.
struct Sink(Vec<u8>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let len = bytes.len().min(self.0.len());
        self.0[..len].copy_from_slice(&bytes[..len]);
        black_box(&self.0);
        Ok(len)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_npy(criterion: &mut Criterion, folder: &Path) {
    let rows = matrix();
    // A part of wider rows, so that its transpose is not column-major either, and has to be gathered.
    let wide = StridedView::from_vec(vec![1_f32; SIDE * (SIDE + 16)])
        .reshape(&[SIDE, SIDE + 16])
        .unwrap();
    let columns = wide
        .slice_axis(1, ..isize::try_from(SIDE).unwrap())
        .unwrap()
        .transpose();
    let array = Array2::<f32>::ones((SIDE, SIDE));
    let turned = array.t().into_owned();
    let turned = turned.slice(ndarray::s![.., ..;-1]);

    let path = |name: &str| folder.join(name);
    let contenders = vec![
        Contender::new("viewbridge, contiguous", || {
            assert!(npy::write(path("contiguous.npy"), &rows).unwrap().is_shared());
        }),
        Contender::new("viewbridge, transposed", || {
            npy::write(path("transposed.npy"), &columns).unwrap();
        }),
        Contender::new("ndarray-npy, contiguous", || {
            array
                .write_npy(BufWriter::new(File::create(path("peer.npy")).unwrap()))
                .unwrap();
        }),
        Contender::new("ndarray-npy, reversed columns", || {
            turned
                .write_npy(BufWriter::new(File::create(path("peer.npy")).unwrap()))
                .unwrap();
        }),
    ];
    race(criterion, "write 64 MiB as .npy to a file", contenders);

    let sink = || Sink(vec![0; 256 << 10]);
    let contenders = vec![
        Contender::new("viewbridge, contiguous", || {
            npy::write_to(sink(), &rows).unwrap();
        }),
        Contender::new("viewbridge, transposed", || {
            npy::write_to(sink(), &columns).unwrap();
        }),
    ];
    race(criterion, "write 64 MiB as .npy to a sink of 256 KiB", contenders);
}
