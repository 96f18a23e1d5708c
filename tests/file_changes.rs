//! Files that another process changes while this one uses them: shortened under every safe reader, and written through maps.
//!
//! # Safety
//!
//! What is mapped lies in a folder of the test's own, and is not shortened.
#![cfg(all(
    target_os = "linux",
    feature = "arrow",
    feature = "mmap",
    feature = "npz",
    feature = "safetensors"
))]
#![allow(unsafe_code, reason = "maps files of a folder that nobody else knows")]

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_schema::Field;
use viewbridge::files::mmap::Mode;
use viewbridge::files::npz::Compression;
use viewbridge::files::raw::{self, RawArray};
use viewbridge::files::{ipc, npy, npz, read_file, safetensors};
use viewbridge::{CopyPolicy, DType, Error, Result, StridedView};

/// Bytes of the array in each file: reading them takes long enough for another process to step in between.
const LEN: usize = 64 << 20;

/// Runs one test of this file in a process of its own, which finds its task in the environment.
fn child(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("VIEWBRIDGE_TEST_FILE", path)
        .env("VIEWBRIDGE_TEST_PARENT", std::process::id().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The file that a child process is to work on; `None` in the parent, where the test has nothing to do.
fn task() -> Option<PathBuf> {
    std::env::var_os("VIEWBRIDGE_TEST_FILE").map(PathBuf::from)
}

/// How far the parent has read a file, if it has it open.
fn position(parent: &str, path: &Path) -> Option<usize> {
    let open = fs::read_dir(format!("/proc/{parent}/fd")).ok()?.flatten();
    let mut found = open.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path));
    let name = found.next()?.file_name().into_string().ok()?;
    let info = fs::read_to_string(format!("/proc/{parent}/fdinfo/{name}")).ok()?;
    info.lines().next()?.strip_prefix("pos:")?.trim().parse().ok()
}

#[test]
fn child_shortens_the_file_once_it_is_read() {
    let Some(path) = task() else { return };
    let parent = std::env::var("VIEWBRIDGE_TEST_PARENT").unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        // Behind the headers, and in front of whatever stands at the end.
        let reading = |at: &usize| (1 << 20..LEN / 2).contains(at);
        if position(&parent, &path).as_ref().is_some_and(reading) {
            let file = File::options().write(true).open(path).unwrap();
            return file.set_len(1 << 20).unwrap();
        }
    }
}

/// Reading is the safe way: a file that shrinks meanwhile is an error, never a signal, and never half of an array.
#[test]
fn every_safe_reader_reports_a_file_that_shrinks() {
    if task().is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let view = StridedView::from_vec(vec![7_u8; LEN]);
    let array = view.to_arrow(CopyPolicy::Never).unwrap().value;
    let columns = [(Arc::new(Field::new("x", array.data_type().clone(), false)), array)];
    let arrow = |path: &Path| ipc::write(File::create(path)?, &columns);
    let arrows = |path: &Path| {
        let batch = arrow_array::RecordBatch::try_from_iter([("x", columns[0].1.clone())]).unwrap();
        ipc::write_stream(File::create(path)?, &batch.schema(), std::slice::from_ref(&batch))
    };
    let tensor = |path: &Path| ipc::write_tensor(File::create(path)?, &view, &[]).map(drop);
    let items = RawArray::new(DType::U8).shape(&[LEN]);
    type Act<'a> = &'a dyn Fn(&Path) -> Result<()>;
    let formats: [(&str, Act<'_>, Act<'_>); 8] = [
        ("npy", &|path| npy::write(path, &view).map(drop), &|path| {
            npy::read(path).map(drop)
        }),
        (
            "npz",
            &|path| npz::write(path, &[("x", &view)], Compression::Stored).map(drop),
            &|path| npz::read(path).map(drop),
        ),
        (
            "safetensors",
            &|path| safetensors::write(path, &[("x", &view)], []).map(drop),
            &|path| safetensors::read(path).map(drop),
        ),
        ("bin", &|path| raw::write(path, &view).map(drop), &|path| {
            raw::read(path, &items).map(drop)
        }),
        ("file", &|path| raw::write(path, &view).map(drop), &|path| {
            read_file(path).map(drop)
        }),
        ("arrow", &arrow, &|path| ipc::read(path).map(drop)),
        ("arrows", &arrows, &|path| ipc::read_stream(path).map(drop)),
        ("tensor", &tensor, &|path| ipc::read_tensor(path).map(drop)),
    ];
    for (name, write, read) in formats {
        let path = folder.join(name);
        let shortened = (0..10).any(|_| {
            write(&path).unwrap();
            let mut child = child("child_shortens_the_file_once_it_is_read", &path);
            let mut outcome = Ok(());
            // Again and again, until the child has caught one in the middle.
            while outcome.is_ok() && child.try_wait().unwrap().is_none() {
                outcome = read(&path);
            }
            assert!(child.wait().unwrap().success());
            let error = match outcome {
                // It was over a moment too early for the child.
                Ok(()) => return false,
                Err(Error::Array { error, .. }) => *error,
                Err(error) => error,
            };
            match error {
                // An archive notices by its checksum.
                Error::Io(error) if name == "npz" => assert_eq!(error.kind(), ErrorKind::InvalidData),
                Error::Io(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{name}"),
                // The child was late, and the file was short from the start the next time.
                _ => return false,
            }
            true
        });
        assert!(shortened, "{name}: the child never came in between");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn child_adds_one_to_each_item() {
    let Some(path) = task() else { return };
    // SAFETY: the parent waits meanwhile.
    let mut view = unsafe { npy::map_mut(path, Mode::ReadWrite) }.unwrap();
    for item in view.typed_mut::<u16>().unwrap().as_mut_slice().unwrap() {
        *item += 1;
    }
    view.flush().unwrap();
}

#[test]
fn child_changes_a_private_copy() {
    let Some(path) = task() else { return };
    // SAFETY: as above.
    let mut view = unsafe { npy::map_mut(path, Mode::CopyOnWrite) }.unwrap();
    view.fill(9_u16).unwrap();
    view.flush().unwrap();
    assert_eq!(view.as_view().get::<u16>(&[0]).unwrap(), 9);
}

/// What another process writes through its map and flushes is seen in a map of this one; what it changes privately is not.
#[test]
fn flushes_of_another_process_are_seen_and_private_changes_are_not() {
    if task().is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    npy::write(&path, &StridedView::from_vec(vec![0_u16; 1000])).unwrap();
    let items = RawArray::new(DType::U16).shape(&[1000]).offset(128);
    // SAFETY: the child alone writes the file, and nothing is read meanwhile.
    let shared = unsafe { raw::map(&path, Mode::ReadWrite, &items) }.unwrap();
    for round in 1..=3 {
        let added = child("child_adds_one_to_each_item", &path).wait().unwrap();
        let private = child("child_changes_a_private_copy", &path).wait().unwrap();
        assert!(added.success() && private.success());
        assert_eq!(shared.to_vec::<u16>().unwrap(), vec![round; 1000]);
        assert_eq!(
            npy::read(&path).unwrap().value.to_vec::<u16>().unwrap(),
            vec![round; 1000]
        );
    }
}
