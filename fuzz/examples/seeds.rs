//! Writes the seed corpus: `cargo run --example seeds` in this folder.
//!
//! Files for the targets that read a format, and bytes without a meaning for those that make decisions of them.

use std::fs;
use std::io::{Cursor, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, StringArray, TimestampSecondArray, types,
};
use arrow_schema::{Field, FieldRef};
use viewbridge::files::npz::{self, Compression};
use viewbridge::files::{ipc, npy, safetensors};
use viewbridge::{CopyPolicy, DType, StridedView};

fn main() -> Result<()> {
    npy_files()?;
    archives()?;
    descriptions()?;
    metadata()?;
    ipc_files()?;
    for target in ["layout_ops", "copies", "dlpack_import", "arrow_import", "raw"] {
        for seed in 0..48_u8 {
            write(target, &format!("{seed:02}"), &bytes(seed))?;
        }
    }
    for seed in 0..48_u8 {
        write("assign", &format!("{seed:02}"), &bytes(seed))?;
    }
    Ok(())
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

fn write(target: &str, name: &str, contents: &[u8]) -> Result<()> {
    fs::create_dir_all(folder(target))?;
    fs::write(folder(target).join(name), contents)
}

/// Bytes of a small generator, from 64 to a few hundred of them.
fn bytes(seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..64 + 4 * usize::from(seed)).map(byte).collect()
}

/// Descriptions of data types that NumPy has been asked about: every tenth, and all long ones.
fn descriptions() -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/numpy_dtypes.txt");
    for (k, line) in fs::read_to_string(golden)?.lines().enumerate() {
        let text = line.split('\t').next().unwrap_or_default();
        if k % 10 == 0 || text.len() > 12 {
            write("dtypes", &format!("{k:03}"), text.as_bytes())?;
        }
    }
    Ok(())
}

/// A few of the golden files, which NumPy wrote, and types that those lack.
fn npy_files() -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/npy");
    let names = [
        "b1_c",
        "big_c16_f",
        "big_f8_c",
        "big_U3_c",
        "little_f2_f",
        "little_i4_c",
        "no_items",
        "one_axis",
        "S5_c",
        "scalar",
        "six_axes",
        "V7_f",
        "big_M8_25s",
        "record_gaps",
        "record_nested",
        "record_unicode",
        "other/format_2",
        "other/format_3",
        "other/python_2",
        "other/terse",
    ];
    for name in names {
        let contents = fs::read(golden.join(name).with_extension("npy"))?;
        write("npy", &name.replace('/', "_"), &contents)?;
    }
    let items = StridedView::from_vec(vec![7_u8; 32]);
    for dtype in [DType::raw(16), DType::text(2), DType::bytes(32)] {
        let mut file = Vec::new();
        let view = items.view_as(dtype.clone()).expect("whole items");
        npy::write_to(&mut file, &view).expect("a type of NumPy's");
        write("npy", &dtype.to_string(), &file)?;
    }
    Ok(())
}

/// What NumPy and PyTorch wrote, and the smallest that this crate writes.
fn archives() -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/archives");
    write("npz", "stored", &fs::read(golden.join("stored.npz"))?)?;
    write("npz", "deflated", &fs::read(golden.join("deflated.npz"))?)?;
    write("safetensors", "all", &fs::read(golden.join("all.safetensors"))?)?;

    let bytes = StridedView::from_vec(vec![1_u8, 2, 3]);
    let halves = StridedView::from_vec(vec![0_u16; 4])
        .reshape(&[2, 1, 2])
        .expect("four items");
    let arrays = [("a", &bytes), ("b", &halves)];
    for (name, count, compression) in [
        ("none", 0, Compression::Stored),
        ("one", 1, Compression::Stored),
        ("two_deflated", 2, Compression::Deflated),
    ] {
        let mut file = Cursor::new(Vec::new());
        npz::write_to(&mut file, &arrays[..count], compression).expect("types of NumPy's");
        write("npz", name, file.get_ref())?;
        let mut file = Vec::new();
        safetensors::write_to(&mut file, &arrays[..count], [("k", name)]).expect("types of the format's");
        write("safetensors", name, &file)?;
    }
    Ok(())
}

fn metadata() -> Result<()> {
    let strings = [
        r#"{"shape":[2,3]}"#,
        r#"{"shape":[]}"#,
        r#"{"shape":[2,0]}"#,
        r#"{"shape":[1,2,3],"permutation":[2,0,1],"dim_names":["C","H","W"]}"#,
        r#"{"shape":[2,3],"permutations":[1,0]}"#,
        r#"{"shape":[2,3],"permutations":[1,0],"permutation":null,"colour":{"x":[1.5,true]}}"#,
        r#"{"shape":[18446744073709551615,0]}"#,
        r#"{"shape":[6],"dim_names":["\u00e9\n\"\\"]}"#,
        r#"{"shape":[1,1,1,1,1,1,1,1,1,6],"permutation":[9,8,7,6,5,4,3,2,1,0]}"#,
        r#"{"shape":[-1,2.0,1e3,"2",null,true]}"#,
        "[]",
    ];
    for (k, string) in strings.iter().enumerate() {
        write("tensor_metadata", &format!("{k:02}"), string.as_bytes())?;
    }
    Ok(())
}

fn ipc_files() -> Result<()> {
    let view = StridedView::from_vec((0..12_u8).map(f64::from).collect()).reshape(&[3, 4]);
    let view = view.expect("twelve items");
    let tensor = view.reshape(&[3, 2, 2]).and_then(|view| view.permute(&[0, 2, 1]));
    let tensor = tensor.and_then(|view| view.to_fixed_shape_tensor(CopyPolicy::IfNeeded));
    let lists = view.to_arrow(CopyPolicy::IfNeeded).expect("floats").value;
    let dictionary: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().collect();
    let nested = ListArray::from_iter_primitive::<types::UInt16Type, _, _>([Some([Some(1), None]), None, None]);
    let columns: [(&str, Vec<(FieldRef, ArrayRef)>); 7] = [
        ("none", Vec::new()),
        ("lists", vec![column(lists)]),
        ("tensor", vec![tensor.expect("floats").value]),
        (
            "numbers",
            vec![column(Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])))],
        ),
        (
            "bits_and_times",
            vec![
                column(Arc::new(BooleanArray::from(vec![true, false, true]))),
                column(Arc::new(
                    TimestampSecondArray::from(vec![1, 2, 3]).with_timezone("+01:00"),
                )),
            ],
        ),
        ("dictionary", vec![column(Arc::new(dictionary))]),
        (
            "text",
            vec![
                column(Arc::new(StringArray::from(vec!["x", "", "yz"]))),
                column(Arc::new(nested)),
            ],
        ),
    ];
    for (name, columns) in columns {
        let mut file = Vec::new();
        ipc::write(&mut file, &columns).expect("columns of equal length");
        write("ipc", name, &file)?;
    }
    Ok(())
}

fn column(array: ArrayRef) -> (FieldRef, ArrayRef) {
    let field = Field::new("x", array.data_type().clone(), true);
    (Arc::new(field), array)
}
