//! Writes the seed corpus: `cargo run --example seeds` in this folder. With `--check` it writes nothing, and fails unless the corpus is what it would write.
//!
//! Files for the targets that read a format, and bytes without a meaning for those that make decisions of them. All of it comes out of this file and the
//! golden files of the tests, none out of a compressor, whose bytes change from version to version.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray,
    TimestampSecondArray, types,
};
use arrow_schema::{Field, FieldRef, Schema};
use viewbridge::files::npz::{self, Compression};
use viewbridge::files::{ipc, npy, safetensors};
use viewbridge::{CopyPolicy, DType, StridedView};

/// Seeds by target and name.
type Seeds = BTreeMap<(String, String), Vec<u8>>;

fn main() -> Result<ExitCode> {
    let mut seeds = Seeds::new();
    npy_files(&mut seeds)?;
    archives(&mut seeds)?;
    descriptions(&mut seeds)?;
    metadata(&mut seeds);
    ipc_files(&mut seeds);
    for target in ["layout_ops", "copies", "dlpack_import", "arrow_import", "raw", "assign"] {
        for seed in 0..48_u8 {
            add(&mut seeds, target, &format!("{seed:02}"), &bytes(seed));
        }
    }
    let found = corpus()?;
    if std::env::args().any(|argument| argument == "--check") {
        return Ok(check(&found, &seeds));
    }
    for (target, name) in found.keys().filter(|seed| !seeds.contains_key(seed)) {
        fs::remove_file(root().join(target).join(name))?;
    }
    for ((target, name), contents) in &seeds {
        fs::create_dir_all(root().join(target))?;
        fs::write(root().join(target).join(name), contents)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Names every seed that is not what it should be.
fn check(found: &Seeds, expected: &Seeds) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    let all: BTreeMap<_, _> = found.iter().chain(expected).collect();
    for seed @ (target, name) in all.into_keys() {
        let what = match (found.get(seed), expected.get(seed)) {
            (Some(found), Some(expected)) if found == expected => continue,
            // These are as the release of Arrow writes them that is at hand.
            (Some(_), Some(_)) if target == "ipc" => continue,
            (Some(_), Some(_)) => "differs",
            (None, _) => "is missing",
            (_, None) => "comes from nowhere",
        };
        eprintln!("seeds/{target}/{name} {what}");
        code = ExitCode::FAILURE;
    }
    code
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// What is in the folder.
fn corpus() -> Result<Seeds> {
    let mut seeds = Seeds::new();
    for target in fs::read_dir(root())? {
        let target = target?;
        for seed in fs::read_dir(target.path())? {
            let seed = seed?;
            let [target, name] = [&target, &seed].map(|entry| entry.file_name().to_string_lossy().into_owned());
            seeds.insert((target, name), fs::read(seed.path())?);
        }
    }
    Ok(seeds)
}

fn add(seeds: &mut Seeds, target: &str, name: &str, contents: &[u8]) {
    seeds.insert((target.into(), name.into()), contents.into());
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
fn descriptions(seeds: &mut Seeds) -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/numpy_dtypes.txt");
    for (k, line) in fs::read_to_string(golden)?.lines().enumerate() {
        let text = line.split('\t').next().unwrap_or_default();
        if k % 10 == 0 || text.len() > 12 {
            add(seeds, "dtypes", &format!("{k:03}"), text.as_bytes());
        }
    }
    Ok(())
}

/// A few of the golden files, which NumPy wrote, and types that those lack.
fn npy_files(seeds: &mut Seeds) -> Result<()> {
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
        add(seeds, "npy", &name.replace('/', "_"), &contents);
    }
    let items = StridedView::from_vec(vec![7_u8; 32]);
    for (name, dtype) in [
        ("raw", DType::raw(16)),
        ("text", DType::text(2)),
        ("bytes", DType::bytes(32)),
    ] {
        let mut file = Vec::new();
        let view = items.view_as(dtype).expect("whole items");
        npy::write_to(&mut file, &view).expect("a type of NumPy's");
        add(seeds, "npy", name, &file);
    }
    Ok(())
}

/// What NumPy and PyTorch wrote, and the smallest that this crate writes.
fn archives(seeds: &mut Seeds) -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/archives");
    add(seeds, "npz", "stored", &fs::read(golden.join("stored.npz"))?);
    add(seeds, "npz", "deflated", &fs::read(golden.join("deflated.npz"))?);
    add(seeds, "safetensors", "all", &fs::read(golden.join("all.safetensors"))?);

    let bytes = StridedView::from_vec(vec![1_u8, 2, 3]);
    let halves = StridedView::from_vec(vec![0_u16; 4])
        .reshape(&[2, 1, 2])
        .expect("four items");
    let arrays = [("a", &bytes), ("b", &halves)];
    for (name, count) in [("none", 0), ("one", 1), ("two", 2)] {
        let mut file = Cursor::new(Vec::new());
        npz::write_to(&mut file, &arrays[..count], Compression::Stored).expect("types of NumPy's");
        add(seeds, "npz", name, file.get_ref());
        let mut file = Vec::new();
        safetensors::write_to(&mut file, &arrays[..count], [("k", name)]).expect("types of the format's");
        add(seeds, "safetensors", name, &file);
    }
    Ok(())
}

fn metadata(seeds: &mut Seeds) {
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
        add(seeds, "tensor_metadata", &format!("{k:02}"), string.as_bytes());
    }
}

fn ipc_files(seeds: &mut Seeds) {
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
        add(seeds, "ipc", name, &file);
        let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let Ok(batch) = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays) else {
            continue;
        };
        let mut file = Vec::new();
        ipc::write_stream(&mut file, &batch.schema(), &[batch.clone(), batch]).expect("batches of one schema");
        add(seeds, "ipc", &format!("{name}_stream"), &file);
    }
    for (name, view) in [("rows", view.clone()), ("columns", view.transpose())] {
        let mut file = Vec::new();
        ipc::write_tensor(&mut file, &view, &["x", ""]).expect("floats");
        add(seeds, "ipc", &format!("{name}_tensor"), &file);
    }
}

fn column(array: ArrayRef) -> (FieldRef, ArrayRef) {
    let field = Field::new("x", array.data_type().clone(), true);
    (Arc::new(field), array)
}
