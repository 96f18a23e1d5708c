//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use viewbridge::{CopyPolicy, Order};

use crate::failure::Failure;

/// Take an array from one format to the next, and see what each hop costs.
///
/// Without IN, the sample data makes the tour: .npy, Arrow, Arrow IPC file, DLPack, .npy, as stored, permuted, reversed, strided and
/// broadcast. With IN alone, the file makes the tour in memory and nothing is written. With OUT or --to, the file is converted.
/// Every result is compared with the first view, bit by bit.
#[derive(Debug, Parser)]
#[command(name = "convert", after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// File to read: .npy, or an Arrow IPC file (.arrow); recognised by its first bytes.
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,

    /// File to write, overwritten if it exists. Its extension names the format, unless --to does.
    #[arg(value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,

    /// Format to write. Without OUT, the result lies beside IN, with the format's extension.
    #[arg(long, value_name = "FORMAT", requires = "input")]
    pub(crate) to: Option<Format>,

    /// Bring the items into this order first. By default they stay as they are.
    #[arg(long, requires = "input")]
    order: Option<OrderName>,

    /// Whether hops may copy. Reading a file without --map and gathering scattered items for a file are copies, too.
    #[arg(long, default_value = "if-needed")]
    copy: Copying,

    /// Map IN instead of reading it. Nobody may write or shorten the file meanwhile.
    #[arg(long, requires = "input")]
    pub(crate) map: bool,

    /// Drop what items mean beyond their bits: times become integers, decimals their unscaled digits. By default they are refused
    /// where a format has no word for them.
    #[arg(long, requires = "input")]
    pub(crate) storage: bool,

    /// Column of an Arrow file; the first one by default.
    #[arg(long, requires = "input")]
    pub(crate) column: Option<String>,

    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, every bit verified
  1  a file cannot be read, written or expressed in the format
  2  the command line is wrong
  3  --copy never, and a hop would have to copy; the reasons are printed
  4  a result differs from the original (a bug: please report it)";

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// NumPy's.
    Npy,
    /// Arrow IPC file.
    Arrow,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderName {
    /// Row-major.
    C,
    /// Column-major.
    F,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Copying {
    Never,
    IfNeeded,
    Always,
}

impl Args {
    pub(crate) fn policy(&self) -> CopyPolicy {
        match self.copy {
            Copying::Never => CopyPolicy::Never,
            Copying::IfNeeded => CopyPolicy::IfNeeded,
            Copying::Always => CopyPolicy::Always,
        }
    }

    pub(crate) fn order(&self) -> Option<Order> {
        self.order.map(|order| match order {
            OrderName::C => Order::C,
            OrderName::F => Order::F,
        })
    }

    /// The file to write and its format, if there is one to write.
    pub(crate) fn target(&self, input: &Path) -> Result<Option<(PathBuf, Format)>, Failure> {
        let (path, format) = match (&self.output, self.to) {
            (None, None) => return Ok(None),
            (None, Some(format)) => (input.with_extension(format.extension()), format),
            (Some(path), Some(format)) => (path.clone(), format),
            (Some(path), None) => {
                let format = Format::of_name(path).ok_or_else(|| Failure::UnknownFormat { path: path.clone() })?;
                (path.clone(), format)
            }
        };
        if is_one_file(&path, input) {
            return Err(Failure::SameFile { path });
        }
        Ok(Some((path, format)))
    }
}

/// Whether two names lead to one file, by links or otherwise. If it is mapped, writing it would pull the memory away.
fn is_one_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |path: &Path| path.metadata().map(|data| (data.dev(), data.ino())).ok();
        if identity(a).is_some_and(|a| identity(b) == Some(a)) {
            return true;
        }
    }
    let canonical = |path: &Path| path.canonicalize().ok();
    canonical(a).is_some_and(|a| canonical(b) == Some(a))
}

impl Format {
    fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "npy" => Some(Self::Npy),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// The format that a file's first bytes tell.
    pub(crate) fn of_content(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"\x93NUMPY") {
            Some(Self::Npy)
        } else if first.starts_with(b"ARROW1") {
            Some(Self::Arrow)
        } else {
            None
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Arrow => "arrow",
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_of_all_kinds_lead_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let [file, hard, soft, other, none] = ["file", "hard", "soft", "other", "none"].map(path);
        std::fs::write(&file, "x").unwrap();
        std::fs::write(&other, "x").unwrap();
        std::fs::hard_link(&file, &hard).unwrap();
        std::os::unix::fs::symlink(&file, &soft).unwrap();
        assert!(is_one_file(&hard, &file) && is_one_file(&soft, &file) && is_one_file(&file, &file));
        assert!(!is_one_file(&other, &file) && !is_one_file(&none, &file));
    }
}
