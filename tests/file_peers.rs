//! NumPy, PyTorch's safetensors and pyarrow read what this crate writes, and this crate what they write: `tests/peers/files.py`. Where the format fixes
//! the bytes, they are the same.
//!
//! Runs where `VIEWBRIDGE_PYTHON` names an interpreter that has them, as in CI; elsewhere it says that it did not.
#![cfg(all(feature = "arrow", feature = "mmap", feature = "npz", feature = "safetensors"))]
#![allow(unsafe_code, reason = "maps files of a folder that nobody else knows")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use viewbridge::arrow::{Column, Nulls};
use viewbridge::files::ipc::ListedColumn;
use viewbridge::files::mmap::Mode;
use viewbridge::files::npz::Compression;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::files::{Listed, NamedView, ipc, npy, npz, safetensors};
use viewbridge::{Order, StridedView};

/// Bytes in front of the first item of a raw file, as in the script.
const OFFSET: u64 = 7;

#[test]
fn other_libraries_read_and_write_the_same_files() {
    let Some(python) = std::env::var_os("VIEWBRIDGE_PYTHON") else {
        println!("skipped: VIEWBRIDGE_PYTHON names no interpreter");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path();
    let script = |action: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/files.py");
        let output = Command::new(&python)
            .arg(path)
            .arg(action)
            .arg(theirs)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{action}: {said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success());
        assert_eq!(said.matches("ok ").count(), 5);
    };
    script("write");
    let ours = theirs.join("ours");
    fs::create_dir(&ours).unwrap();
    let count = with_extension(theirs, "npy")
        .inspect(|file| npy_file(file, &ours))
        .count();
    assert!(count > 150, "{count}");
    with_extension(theirs, "bin").for_each(|file| raw_file(&file, &ours));
    with_extension(theirs, "npz").for_each(|file| npz_file(&file, &ours));
    with_extension(theirs, "safetensors").for_each(|file| safetensors_file(&file, &ours));
    arrow_files(theirs, &ours);
    script("check");
}

fn with_extension(folder: &Path, extension: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(move |path| path.extension().is_some_and(|found| found == extension))
}

fn assert_same(a: &StridedView<'_>, b: &StridedView<'_>, what: &dyn std::fmt::Debug) {
    let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).unwrap();
    assert_eq!(
        (a.shape(), a.dtype(), a.logical()),
        (b.shape(), b.dtype(), b.logical()),
        "{what:?}"
    );
    assert_eq!(bytes(a), bytes(b), "{what:?}");
}

fn assert_same_file(a: &Path, b: &Path) {
    let (x, y) = (fs::read(a).unwrap(), fs::read(b).unwrap());
    let different = x.iter().zip(&y).position(|(x, y)| x != y);
    let around = |bytes: &[u8]| {
        let at = different.unwrap_or(bytes.len());
        bytes[at.saturating_sub(80)..bytes.len().min(at + 80)]
            .escape_ascii()
            .to_string()
    };
    assert!(x == y, "{a:?}, byte {different:?}:\n{}\n{}", around(&x), around(&y));
}

/// The headers alone say what the arrays are, and where in the file.
fn assert_described(listed: &Listed, mapped: &StridedView<'_>, what: &dyn std::fmt::Debug) {
    assert_eq!(
        (
            listed.dtype(),
            listed.logical(),
            listed.layout().shape(),
            listed.layout().strides()
        ),
        (mapped.dtype(), mapped.logical(), mapped.shape(), mapped.strides()),
        "{what:?}"
    );
    if mapped.nbytes() > 0 && mapped.file().is_some() {
        assert_eq!(Some(listed.file_range()), mapped.file_range(), "{what:?}");
    }
}

fn open(file: &Path) -> fs::File {
    fs::File::open(file).unwrap()
}

/// Read and mapped alike, and written byte for byte as it was; and once more as a view that is not contiguous.
fn npy_file(file: &Path, ours: &Path) {
    let view = npy::read(file).unwrap().value;
    // SAFETY: nobody writes the file.
    assert_described(
        &npy::describe(open(file)).unwrap(),
        &unsafe { npy::map(file) }.unwrap(),
        &file,
    );
    // SAFETY: nobody writes the file.
    assert_same(&unsafe { npy::map(file) }.unwrap(), &view, &file);
    let name = file.file_name().unwrap().to_str().unwrap();
    npy::write(ours.join(name), &view).unwrap();
    assert_same_file(&ours.join(name), file);
    let flipped = if view.ndim() > 0 { view.flip(0).unwrap() } else { view };
    npy::write(ours.join(format!("flipped_{name}")), &flipped).unwrap();
}

/// Mapped as the `.npy` file of the same name describes it, and written through a new map.
fn raw_file(file: &Path, ours: &Path) {
    let expected = npy::read(file.with_extension("npy")).unwrap().value;
    let (header, _) = npy::Header::parse(&fs::read(file.with_extension("npy")).unwrap()).unwrap();
    let mut items = RawArray::new(header.dtype)
        .shape(&header.shape)
        .order(header.order)
        .offset(OFFSET);
    if let Some(logical) = header.logical {
        items = items.logical(logical);
    }
    assert_same(&raw::read(file, &items).unwrap().value, &expected, &file);
    for mode in [Mode::Read, Mode::CopyOnWrite, Mode::ReadWrite] {
        // SAFETY: nobody writes the file.
        assert_same(&unsafe { raw::map(file, mode, &items) }.unwrap(), &expected, &file);
    }
    let path = ours.join(file.file_name().unwrap());
    // SAFETY: nobody else knows the file.
    let mut view = unsafe { raw::map_mut(&path, Mode::Create, &items) }.unwrap();
    view.assign(&expected).unwrap();
    view.flush().unwrap();
    drop(view);
    assert_same_file(&path, file);
}

fn list<'l, 'a>(arrays: &'l [NamedView<'a>]) -> Vec<(&'l str, &'l StridedView<'a>)> {
    arrays.iter().map(|array| (array.name.as_str(), &array.view)).collect()
}

fn npz_file(file: &Path, ours: &Path) {
    let arrays = npz::read(file).unwrap().value;
    // SAFETY: nobody writes the file.
    let mapped = unsafe { npz::map(file) }.unwrap();
    assert_eq!(mapped.is_shared(), !file.ends_with("deflated.npz"));
    let described = npz::describe(open(file)).unwrap();
    assert_eq!(described.len(), arrays.len());
    for (listed, mapped) in described.iter().zip(&mapped.value) {
        assert_described(listed, &mapped.view, &mapped.name);
    }
    for (mapped, read) in mapped.value.iter().zip(&arrays) {
        assert_eq!(mapped.name, read.name);
        assert_same(&mapped.view, &read.view, &read.name);
    }
    let stem = file.file_stem().unwrap().to_str().unwrap();
    for (name, compression) in [("stored", Compression::Stored), ("deflated", Compression::Deflated)] {
        npz::write(ours.join(format!("{stem}_{name}.npz")), &list(&arrays), compression).unwrap();
    }
}

/// Written byte for byte as it was; and once more with every tensor turned around.
fn safetensors_file(file: &Path, ours: &Path) {
    let model = safetensors::read(file).unwrap().value;
    // SAFETY: nobody writes the file.
    let mapped = unsafe { safetensors::map(file) }.unwrap();
    let described = safetensors::describe(open(file)).unwrap();
    assert_eq!(described.len(), model.tensors.len());
    for (listed, mapped) in described.iter().zip(&mapped.tensors) {
        assert_described(listed, &mapped.view, &mapped.name);
    }
    for (mapped, read) in mapped.tensors.iter().zip(&model.tensors) {
        assert_eq!(mapped.name, read.name);
        assert_same(&mapped.view, &read.view, &read.name);
    }
    let path = ours.join(file.file_name().unwrap());
    let metadata = || model.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    safetensors::write(&path, &list(&mapped.tensors), metadata()).unwrap();
    assert_same_file(&path, file);
    if !model.tensors.is_empty() {
        let turn = |tensor: &NamedView<'static>| {
            // PyTorch counts its packed items in pairs, along the last axis.
            let packed = tensor.view.dtype().is_packed();
            let view = if packed {
                tensor.view.clone()
            } else {
                tensor.view.transpose()
            };
            NamedView {
                name: tensor.name.clone(),
                view,
            }
        };
        let turned: Vec<_> = model.tensors.iter().map(turn).collect();
        safetensors::write(ours.join("turned.safetensors"), &list(&turned), metadata()).unwrap();
    }
}

/// Each column is described as the view that it is; those without one, with the reason.
fn arrow_columns(described: &[ListedColumn], batches: &[arrow_array::RecordBatch]) {
    assert_eq!(
        described.len(),
        batches.iter().map(|batch| batch.num_columns()).sum::<usize>()
    );
    for listed in described {
        let array = batches[listed.batch].column_by_name(listed.field.name()).unwrap();
        match (&listed.array, Column::from_field(&listed.field, array, Nulls::Forbid)) {
            (Ok(listed), Ok(column)) => assert_described(listed, column.view(), column.field()),
            (Err(told), Err(found)) => assert_eq!(told.to_string(), found.to_string()),
            (told, found) => panic!("{told:?} but {found:?}"),
        }
    }
}

/// The file as a stream and the stream as a file, out of maps.
fn arrow_files(theirs: &Path, ours: &Path) {
    // SAFETY: nobody writes the file.
    let batches = unsafe { ipc::map(theirs.join("a.arrow")) }.unwrap();
    assert!(batches.is_shared());
    arrow_columns(&ipc::describe(open(&theirs.join("a.arrow"))).unwrap(), &batches.value);
    let file = fs::File::create(ours.join("a.arrows")).unwrap();
    ipc::write_stream(file, &batches.value[0].schema(), &batches.value).unwrap();
    // SAFETY: nobody writes the file.
    let batches = unsafe { ipc::map_stream(theirs.join("a.arrows")) }.unwrap();
    assert!(batches.is_shared());
    arrow_columns(
        &ipc::describe_stream(open(&theirs.join("a.arrows"))).unwrap(),
        &batches.value,
    );
    let [batch] = &*batches.value else { panic!("one batch") };
    let fields = batch.schema().fields().iter().cloned().collect::<Vec<_>>();
    let columns: Vec<_> = fields.into_iter().zip(batch.columns().iter().cloned()).collect();
    ipc::write(fs::File::create(ours.join("a.arrow")).unwrap(), &columns).unwrap();
}
