//! The picture as SVG.

use std::fmt::Write;

use crate::picture::{Picture, as_float, colour};
use crate::text::name;

/// Sizes in pixels.
const CELL: (f64, f64) = (44.0, 28.0);
const MARGIN: f64 = 24.0;
const HEAD: f64 = 78.0;
const BETWEEN: f64 = 72.0;
/// A grid takes so much room, for what is written above it.
const LEAST: f64 = 110.0;
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

/// Draws pictures into one file: two side by side where there are several.
pub(crate) fn draw(pictures: &[Picture]) -> String {
    let columns = pictures.len().min(2);
    let sizes: Vec<(f64, f64)> = pictures
        .iter()
        .map(|picture| one(&mut String::new(), picture, (0.0, 0.0)))
        .collect();
    let column = sizes.iter().fold(0.0, |width: f64, size| width.max(size.0));
    let mut body = String::new();
    let mut top = 0.0;
    for (row, sizes) in pictures.chunks(2).zip(sizes.chunks(2)) {
        for (k, picture) in row.iter().enumerate() {
            one(&mut body, picture, (as_float(k) * column, top));
        }
        top += sizes.iter().fold(0.0, |height: f64, size| height.max(size.1));
    }
    let (width, height) = (as_float(columns) * column, top + MARGIN / 2.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"{FONT}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Draws one picture; its width and height.
fn one(body: &mut String, picture: &Picture, (x, top): (f64, f64)) -> (f64, f64) {
    let x = x + MARGIN;
    label(body, (x, top + 30.0), "start", (16.0, "#1b1f24", true), &picture.title);
    label(
        body,
        (x, top + 50.0),
        "start",
        (12.0, "#57606a", false),
        &picture.caption,
    );
    let start = top + HEAD;
    let grid = grid(body, picture, (x, start));
    let aside = grid.0.max(LEAST) + BETWEEN;
    let memory = memory(body, picture, (x + aside, start));
    // The caption needs room as well.
    let caption = 7.4 * as_float(picture.caption.chars().count());
    let width = MARGIN + (aside + memory.0).max(caption) + MARGIN;
    (width, HEAD + grid.1.max(memory.1) + MARGIN / 2.0)
}

/// The logical grid, plane below plane, each item with the byte that it begins at.
fn grid(body: &mut String, picture: &Picture, (left, top): (f64, f64)) -> (f64, f64) {
    label(
        body,
        (left, top - 8.0),
        "start",
        (11.0, "#57606a", false),
        "byte of each item",
    );
    let mut bottom = top;
    let mut items = picture.items.iter().enumerate();
    for plane in 0..picture.planes {
        if items.len() == 0 {
            break;
        }
        if plane > 0 {
            bottom += CELL.1 / 2.0;
        }
        for _ in 0..picture.rows.min(items.len()) {
            for column in 0..picture.columns {
                let Some((item, &byte)) = items.next() else { break };
                let at = (left + as_float(column) * CELL.0, bottom);
                cell(body, at, Some(picture.height(byte)), &byte.to_string(), item == 0);
            }
            bottom += CELL.1;
        }
    }
    (
        as_float(picture.columns.min(picture.items.len())) * CELL.0,
        bottom - top,
    )
}

/// The memory from byte 0 on, row by row, each cell with its item.
fn memory(body: &mut String, picture: &Picture, (left, top): (f64, f64)) -> (f64, f64) {
    let caption = format!("memory, {}", picture.grain());
    label(body, (left, top - 8.0), "start", (11.0, "#57606a", false), &caption);
    let rows = picture.memory.len().div_ceil(picture.cells_per_row);
    for (k, items) in picture.memory.iter().enumerate() {
        let (row, column) = (k / picture.cells_per_row, k % picture.cells_per_row);
        let at = (left + as_float(column) * CELL.0, top + as_float(row) * CELL.1);
        if column == 0 {
            let beside = (at.0 - 8.0, at.1 + CELL.1 / 2.0 + 4.0);
            label(
                body,
                beside,
                "end",
                (11.0, "#8c959f", false),
                &(k * picture.cell).to_string(),
            );
        }
        let height = (!items.is_empty()).then(|| picture.height(k * picture.cell));
        let begins = items.contains(&0) && picture.items.first() == Some(&(k * picture.cell));
        // A name where the item begins: one is enough.
        let first = items.iter().any(|&item| picture.items[item] == k * picture.cell);
        let text = if first || items.is_empty() {
            name(items)
        } else {
            String::new()
        };
        cell(body, at, height, &text, begins && picture.cells_per_item > 0);
    }
    (as_float(picture.cells_per_row) * CELL.0, as_float(rows) * CELL.1)
}

/// A cell: in the colour of its height or, if nothing lies there, pale. The first item has a frame.
fn cell(body: &mut String, (x, y): (f64, f64), height: Option<f64>, text: &str, first: bool) {
    let fill = height.map_or("#f0f2f4".to_owned(), |height| {
        let [red, green, blue] = colour(height);
        format!("#{red:02x}{green:02x}{blue:02x}")
    });
    let ink = match height {
        None => "#b1b8bf",
        Some(height) if height < 0.55 => "#ffffff",
        Some(_) => "#1b1f24",
    };
    let (x, y, width, tall) = (x + 1.5, y + 1.5, CELL.0 - 3.0, CELL.1 - 3.0);
    let frame = if first {
        " stroke=\"#cf222e\" stroke-width=\"2.5\""
    } else {
        ""
    };
    let _ = writeln!(
        body,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{tall}\" rx=\"3\" fill=\"{fill}\"{frame}/>"
    );
    label(
        body,
        (x + width / 2.0, y + tall / 2.0 + 4.0),
        "middle",
        (11.5, ink, false),
        text,
    );
}

/// Text at a place: size, colour, bold or not.
fn label(body: &mut String, (x, y): (f64, f64), anchor: &str, (size, ink, bold): (f64, &str, bool), text: &str) {
    if text.is_empty() {
        return;
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let weight = if bold { " font-weight=\"600\"" } else { "" };
    let _ = writeln!(
        body,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{ink}\"{weight}>{text}</text>"
    );
}
