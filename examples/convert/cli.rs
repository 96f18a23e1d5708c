//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use viewbridge::files::raw::RawArray;
use viewbridge::{CopyPolicy, DTypeFault, ItemType, Order};

use crate::failure::Failure;
use crate::format::Format;

/// Take arrays from one format to the next, and see what each hop costs.
///
/// Without IN, the sample data makes the tour: .npy, Arrow, Arrow IPC file, DLPack, .npy, as stored, permuted, reversed, strided and
/// broadcast. With IN alone, the arrays of the file make the tour in memory and nothing is written. With OUT or --to, the file is
/// converted, with all its arrays. Every result is compared with the first view, bit by bit.
///
/// Formats: .npy, .npz, .safetensors, .arrow (Arrow IPC file), .arrows (Arrow IPC stream), .tensor (Arrow IPC tensor message), .bin (bare items;
/// --dtype says what they are); .parquet is read, and not written.
///
/// OUT is written beside its place, read back and compared, and only then put there: whatever goes wrong leaves no half of a file, and an
/// existing OUT as it was.
#[derive(Debug, Parser)]
#[command(name = "convert", after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// File to read. Its content tells the format.
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

    /// Drop what items mean beyond their bits: times become integers, decimals their unscaled digits. By default they are refused
    /// where a format has no word for them.
    #[arg(long, requires = "input")]
    pub(crate) storage: bool,

    /// Leave out what no view can show (text, rows of different lengths, nulls) or OUT's format has no word for, and say so. By default the
    /// first such array is an error. From Arrow or Parquet to Arrow, what no view shows is written as it is.
    #[arg(long, requires = "input")]
    pub(crate) skip_unsupported: bool,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print how each array of a file lies, and what handing it to each consumer would cost. Reads headers and no item, unless told to --open.
    Inspect(InspectArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct InspectArgs {
    /// File to look at. Its content tells the format.
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,

    /// Open the file and look at the arrays themselves: also at those whose data tell how they lie, such as Arrow's lists.
    #[arg(long)]
    pub(crate) open: bool,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// How a file is opened, and what of it.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Map the file instead of reading it: no item is touched before it is needed. Nobody may write or shorten the file meanwhile.
    #[arg(long, requires = "input")]
    pub(crate) map: bool,

    /// Only the array (tensor, column) of this name; by default all of them.
    #[arg(long, value_name = "NAME", visible_alias = "column", requires = "input")]
    pub(crate) array: Option<String>,

    /// The file holds nothing but items of this type, as NumPy writes it: '<f4', 'u1', 'datetime64[s]'.
    #[arg(long, requires = "input", value_parser = item_type)]
    dtype: Option<ItemType>,

    /// Items along each axis, as in 1797,8,8; by default one axis of all there are.
    #[arg(long, requires = "dtype", value_delimiter = ',')]
    shape: Option<Vec<usize>>,

    /// Bytes in front of the first item.
    #[arg(
        long,
        value_name = "BYTES",
        requires = "dtype",
        default_value_t = 0,
        hide_default_value = true
    )]
    offset: u64,

    /// The order in which the bare items stand; row-major by default.
    #[arg(long, value_name = "ORDER", requires = "dtype")]
    stored_order: Option<OrderName>,

    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

impl SourceArgs {
    /// What the bare items of a file are, if that is what it holds.
    pub(crate) fn raw(&self) -> Option<RawArray> {
        let item = self.dtype.as_ref()?;
        let mut items = RawArray::new(item.dtype().clone()).offset(self.offset);
        if let Some(logical) = item.logical() {
            items = items.logical(logical.clone());
        }
        if let Some(shape) = &self.shape {
            items = items.shape(shape);
        }
        Some(items.order(self.stored_order.map_or(Order::C, OrderName::order)))
    }
}

/// A type whose items are no arrays: those are what a shape is for.
fn item_type(text: &str) -> Result<ItemType, DTypeFault> {
    let found: ItemType = text.parse()?;
    if found.shape().is_empty() {
        Ok(found)
    } else {
        Err(DTypeFault::NotPlain { found: found.into() })
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, every bit verified
  1  a file cannot be read, written or expressed in the format
  2  the command line is wrong
  3  --copy never, and a hop would have to copy; the reasons are printed
  4  a result differs from the original (a bug: please report it)";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderName {
    /// Row-major.
    C,
    /// Column-major.
    F,
}

impl OrderName {
    fn order(self) -> Order {
        match self {
            Self::C => Order::C,
            Self::F => Order::F,
        }
    }
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
        self.order.map(OrderName::order)
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
        if format == Format::Parquet {
            return Err(Failure::OnlyRead { path });
        }
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(Failure::NoFile { path });
        }
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
