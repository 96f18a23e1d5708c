//! The picture as text.

use std::fmt::Write;

use crate::picture::{Picture, colour};

/// Draws a picture: bytes of the items on the left, items of the memory on the right.
pub(crate) fn draw(picture: &Picture, in_colour: bool) -> String {
    let mut text = format!("── {}: {}\n\n", picture.title, picture.caption);
    let (grid, memory) = (grid(picture, in_colour), memory(picture, in_colour));
    let width = grid.iter().map(|(_, width)| *width).max().unwrap_or(0).max(20);
    let _ = writeln!(
        text,
        "   {:<width$}   memory, {}; · is a hole",
        "byte of each item",
        picture.grain()
    );
    for k in 0..grid.len().max(memory.len()) {
        let (left, taken) = grid.get(k).map_or(("", 0), |(line, width)| (line, *width));
        let right = memory.get(k).map_or("", String::as_str);
        let gap = " ".repeat(width - taken);
        let _ = writeln!(text, "{}", format!("   {left}{gap}   {right}").trim_end());
    }
    if let Some(note) = &picture.note {
        let _ = writeln!(text, "   ({note})");
    }
    text
}

/// The lines of the logical grid, and how wide each looks.
fn grid(picture: &Picture, in_colour: bool) -> Vec<(String, usize)> {
    let widest = picture.items.iter().max().map_or(1, |byte| byte.to_string().len());
    let mut lines = Vec::new();
    let mut items = picture.items.iter();
    for plane in 0..picture.planes {
        if items.len() == 0 {
            break;
        }
        if plane > 0 {
            lines.push((String::new(), 0));
        }
        for _ in 0..picture.rows.min(items.len()) {
            let mut line = String::new();
            for byte in items.by_ref().take(picture.columns) {
                let word = format!(" {byte:>widest$} ");
                line.push_str(&paint(&word, picture.height(*byte), in_colour));
            }
            if !line.is_empty() {
                lines.push((line, picture.columns.min(picture.items.len()) * (widest + 2)));
            }
        }
    }
    lines
}

/// The lines of the memory: how many items share each cell, and which, if it is one.
fn memory(picture: &Picture, in_colour: bool) -> Vec<String> {
    let names: Vec<String> = picture.memory.iter().map(|items| name(items)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let rows = names.chunks(picture.cells_per_row).enumerate();
    rows.map(|(row, cells)| {
        let first = row * picture.cells_per_row;
        let mut line = format!("{:>5} │", first * picture.cell);
        for (k, name) in cells.iter().enumerate() {
            let word = format!(" {name:>widest$} ");
            let reached = !picture.memory[first + k].is_empty();
            let height = picture.height((first + k) * picture.cell);
            line.push_str(&paint(&word, height, in_colour && reached));
        }
        line
    })
    .collect()
}

/// What a cell of the memory is called: by its item, or by how many there are.
pub(crate) fn name(items: &[usize]) -> String {
    match items {
        [] => "·".to_owned(),
        [item] => format!("#{item}"),
        many => format!("×{}", many.len()),
    }
}

fn paint(word: &str, height: f64, in_colour: bool) -> String {
    if !in_colour {
        return word.to_owned();
    }
    let [red, green, blue] = colour(height);
    let ink = if height < 0.55 { 97 } else { 30 };
    format!("\x1b[{ink};48;2;{red};{green};{blue}m{word}\x1b[0m")
}
