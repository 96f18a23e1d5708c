//! pyarrow, nanoarrow and polars write and read what this crate writes and reads: `tests/peers/arrow.py`.
//!
//! Runs where `VIEWBRIDGE_PYTHON` names an interpreter that has them, as in CI; elsewhere it says that it did not.
#![cfg(feature = "arrow")]

use std::path::PathBuf;
use std::process::Command;

#[test]
fn other_libraries_of_arrow_agree() {
    let Some(python) = std::env::var_os("VIEWBRIDGE_PYTHON") else {
        println!("skipped: VIEWBRIDGE_PYTHON names no interpreter");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/arrow.py");
    let output = Command::new(python)
        .arg(script)
        .arg(library())
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    assert_eq!(said.matches("ok ").count(), 9);
}

/// The library that Cargo built out of `examples/arrow_peers.rs`, beside this test.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let examples = test.parent().unwrap().parent().unwrap().join("examples");
    let name = format!(
        "{}arrow_peers{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    examples.join(name)
}
