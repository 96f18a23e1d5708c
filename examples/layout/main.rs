//! Draws a view: the logical grid, coloured by address, beside the linear memory, so that holes, broadcasts, negative strides and overlaps
//! can be seen. As text, and with `--svg FILE` as a picture.
//!
//!     cargo run --example layout                                  # all presets, as text
//!     cargo run --example layout -- windows reversed --svg picture.svg
//!     cargo run --example layout -- --shape 4,6 --index "::-1, 1::2" --transpose --svg picture.svg
//!     cargo run --example layout -- --shape 12 --dtype "<i2" --strided 4,3 --strides 4,2
#![allow(missing_docs)]

mod picture;
mod presets;
mod svg;
mod text;

use std::fs;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use viewbridge::{DType, Error, IndexExpr, Layout, Order};

use picture::Picture;
use presets::PRESETS;

/// Draws the memory layout of a view.
#[derive(Debug, Parser)]
struct Options {
    /// Presets; without one, and without a shape, all of them.
    #[arg(value_parser = presets::names())]
    presets: Vec<String>,
    /// Shape of the array that the view is of, row-major: `3,4`.
    #[arg(long, value_delimiter = ',', conflicts_with = "presets")]
    shape: Option<Vec<usize>>,
    /// Type of its items, as NumPy writes it.
    #[arg(long, default_value = "<f8")]
    dtype: String,
    /// An index expression, `::-1, 0`; again to index the result.
    #[arg(long, allow_hyphen_values = true, requires = "shape")]
    index: Vec<String>,
    /// Reverse the axes, after indexing.
    #[arg(long, requires = "shape")]
    transpose: bool,
    /// Broadcast to a shape, after indexing.
    #[arg(long, value_delimiter = ',', requires = "shape")]
    broadcast: Option<Vec<usize>>,
    /// Any shape over the same memory, with `--strides`.
    #[arg(long, value_delimiter = ',', requires = "strides")]
    strided: Option<Vec<usize>>,
    /// Strides of `--strided`, in bytes.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, requires = "strided")]
    strides: Option<Vec<isize>>,
    /// Byte of the first item of `--strided`.
    #[arg(long, default_value_t = 0)]
    offset: usize,
    /// Write an SVG file as well.
    #[arg(long)]
    svg: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Error> {
    let pictures = pictures(options)?;
    let colour = std::io::stdout().is_terminal();
    for picture in &pictures {
        println!("{}", text::draw(picture, colour));
    }
    if let Some(path) = &options.svg {
        fs::write(path, svg::draw(&pictures))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

fn pictures(options: &Options) -> Result<Vec<Picture>, Error> {
    if let Some(shape) = &options.shape {
        return Ok(vec![custom(options, shape)?]);
    }
    let wanted = |name: &str| options.presets.is_empty() || options.presets.iter().any(|wanted| wanted == name);
    let chosen = PRESETS.iter().filter(|preset| wanted(preset.name));
    chosen.map(presets::Preset::picture).collect()
}

/// The view that the options describe.
fn custom(options: &Options, shape: &[usize]) -> Result<Picture, Error> {
    let dtype = DType::from_numpy(&options.dtype)?;
    let root = Layout::contiguous(shape, &dtype, Order::C)?;
    let mut title = String::from("a");
    let mut layout = root.clone();
    for index in &options.index {
        layout = layout.index(&index.parse::<IndexExpr>()?)?;
        title.push_str(&format!("[{index}]"));
    }
    if options.transpose {
        layout = layout.reverse_axes();
        title.push_str(".T");
    }
    if let Some(shape) = &options.broadcast {
        layout = layout.broadcast_to(shape)?;
        title = format!("broadcast_to({title}, {shape:?})");
    }
    if let (Some(shape), Some(strides)) = (&options.strided, &options.strides) {
        layout = Layout::strided(shape, strides, options.offset, &dtype)?;
        layout.check_within(root.byte_span().end)?;
        title = format!("as_strided(a, {shape:?}, {strides:?})");
    }
    Ok(Picture::new(title, &dtype, &root, &layout))
}
