//! Chains of operations as text: one line each, the same for this crate and for NumPy.
//!
//! ```text
//! ROOT;OPERATION;OPERATION…        ROOT = misalignment|access|dtype|shape|strides|offset
//! ```
//!
//! Lists are joined by commas; the empty list is `-`. The root lies in 8192 bytes, byte k of all memory around them holding k % 251. The answer has one
//! description for the root and one for each operation: `shape|strides|offset|flags|checksum in C order|checksum in F order`, or `X` and the kind of
//! error, after which the chain goes on with the view as it was. Flags: C, F, aligned, writeable.

use std::fmt;
use std::str::FromStr;

/// Where a chain begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    pub misalignment: usize,
    pub writable: bool,
    /// NumPy's dtype string, or `record`.
    pub dtype: String,
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Basic indexing, by text.
    Index(String),
    Permute(Vec<usize>),
    Transpose,
    Swap(usize, usize),
    Move(Vec<usize>, Vec<usize>),
    Flip(Vec<usize>),
    FlipAll,
    Rot90(isize, usize, usize),
    Insert(Vec<usize>),
    SqueezeAll,
    Squeeze(Vec<usize>),
    /// The order is C, F or A; −1 is the unknown dimension.
    Reshape(char, Vec<isize>),
    Broadcast(Vec<usize>),
    /// Together with a view of some shape.
    Together(Vec<usize>),
    Windows(Vec<(usize, usize)>),
    Diagonal(isize, usize, usize),
    /// Rule, axis, numbers of the rule, which piece.
    Part(Rule, usize, Vec<isize>, usize),
    View(String),
    Strided(Vec<usize>, Vec<isize>, isize),
    Real,
    Imag,
    Field(String),
    /// Writes item k (modulo their number) through the view; answered by a checksum of all memory.
    Write(usize),
    /// Whether the view shares memory with the k-th one of the chain: by bounds, and exactly.
    Overlap(usize),
    /// Overwrites the view with the k-th one of the chain, if it has the same type; answered by a checksum of all memory.
    Assign(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    Even,
    Near,
    Chunks,
    At,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    pub root: Root,
    pub ops: Vec<Op>,
}

fn list<T: fmt::Display>(values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(ToString::to_string).collect();
    if words.is_empty() { "-".into() } else { words.join(",") }
}

pub fn parse_list<T: FromStr>(text: &str) -> Vec<T> {
    let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("{text:?}"));
    text.split(',')
        .filter(|word| !matches!(*word, "-" | ""))
        .map(number)
        .collect()
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = if self.writable { 'W' } else { 'R' };
        let (shape, strides) = (list(&self.shape), list(&self.strides));
        let Self {
            misalignment,
            dtype,
            offset,
            ..
        } = self;
        write!(f, "{misalignment}|{access}|{dtype}|{shape}|{strides}|{offset}")
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(text) => write!(f, "index {}", text.replace(' ', "")),
            Self::Permute(axes) => write!(f, "permute {}", list(axes)),
            Self::Transpose => f.write_str("transpose"),
            Self::Swap(a, b) => write!(f, "swap {a} {b}"),
            Self::Move(from, to) => write!(f, "move {} {}", list(from), list(to)),
            Self::Flip(axes) => write!(f, "flip {}", list(axes)),
            Self::FlipAll => f.write_str("flip_all"),
            Self::Rot90(turns, a, b) => write!(f, "rot90 {turns} {a} {b}"),
            Self::Insert(axes) => write!(f, "insert {}", list(axes)),
            Self::SqueezeAll => f.write_str("squeeze_all"),
            Self::Squeeze(axes) => write!(f, "squeeze {}", list(axes)),
            Self::Reshape(order, dims) => write!(f, "reshape {order} {}", list(dims)),
            Self::Broadcast(shape) => write!(f, "broadcast {}", list(shape)),
            Self::Together(shape) => write!(f, "together {}", list(shape)),
            Self::Windows(windows) => {
                let pairs: Vec<String> = windows.iter().map(|(axis, size)| format!("{axis}:{size}")).collect();
                write!(f, "windows {}", list(&pairs))
            }
            Self::Diagonal(offset, a, b) => write!(f, "diagonal {offset} {a} {b}"),
            Self::Part(rule, axis, numbers, k) => {
                let rule = match rule {
                    Rule::Even => "even",
                    Rule::Near => "near",
                    Rule::Chunks => "chunks",
                    Rule::At => "at",
                };
                write!(f, "part {rule} {axis} {} {k}", list(numbers))
            }
            Self::View(dtype) => write!(f, "view {dtype}"),
            Self::Strided(shape, strides, offset) => write!(f, "strided {} {} {offset}", list(shape), list(strides)),
            Self::Real => f.write_str("real"),
            Self::Imag => f.write_str("imag"),
            Self::Field(name) => write!(f, "field {name}"),
            Self::Write(k) => write!(f, "write {k}"),
            Self::Overlap(k) => write!(f, "overlap {k}"),
            Self::Assign(k) => write!(f, "assign {k}"),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)?;
        self.ops.iter().try_for_each(|op| write!(f, ";{op}"))
    }
}

impl Root {
    fn parse(text: &str) -> Self {
        let [misalignment, access, dtype, shape, strides, offset] =
            text.split('|').collect::<Vec<_>>().try_into().expect("six parts");
        Self {
            misalignment: misalignment.parse().unwrap(),
            writable: access == "W",
            dtype: dtype.into(),
            shape: parse_list(shape),
            strides: parse_list(strides),
            offset: offset.parse().unwrap(),
        }
    }
}

impl Op {
    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        let number = |k: usize| words[k].parse::<usize>().unwrap();
        let signed = |k: usize| words[k].parse::<isize>().unwrap();
        let axes = |k: usize| parse_list::<usize>(words[k]);
        match name {
            "index" => Self::Index(rest.into()),
            "permute" => Self::Permute(axes(0)),
            "transpose" => Self::Transpose,
            "swap" => Self::Swap(number(0), number(1)),
            "move" => Self::Move(axes(0), axes(1)),
            "flip" => Self::Flip(axes(0)),
            "flip_all" => Self::FlipAll,
            "rot90" => Self::Rot90(signed(0), number(1), number(2)),
            "insert" => Self::Insert(axes(0)),
            "squeeze_all" => Self::SqueezeAll,
            "squeeze" => Self::Squeeze(axes(0)),
            "reshape" => Self::Reshape(words[0].chars().next().unwrap(), parse_list(words[1])),
            "broadcast" => Self::Broadcast(axes(0)),
            "together" => Self::Together(axes(0)),
            "windows" => {
                let pair = |pair: String| {
                    let (axis, size) = pair.split_once(':').expect("axis:size");
                    (axis.parse().unwrap(), size.parse().unwrap())
                };
                Self::Windows(parse_list::<String>(words[0]).into_iter().map(pair).collect())
            }
            "diagonal" => Self::Diagonal(signed(0), number(1), number(2)),
            "part" => {
                let rule = match words[0] {
                    "even" => Rule::Even,
                    "near" => Rule::Near,
                    "chunks" => Rule::Chunks,
                    _ => Rule::At,
                };
                Self::Part(rule, number(1), parse_list(words[2]), number(3))
            }
            "view" => Self::View(rest.into()),
            "strided" => Self::Strided(axes(0), parse_list(words[1]), signed(2)),
            "real" => Self::Real,
            "imag" => Self::Imag,
            "field" => Self::Field(rest.into()),
            "write" => Self::Write(number(0)),
            "overlap" => Self::Overlap(number(0)),
            "assign" => Self::Assign(number(0)),
            _ => panic!("{text:?}"),
        }
    }
}

impl Chain {
    pub fn parse(line: &str) -> Self {
        let mut parts = line.split(';');
        Self {
            root: Root::parse(parts.next().unwrap()),
            ops: parts.map(Op::parse).collect(),
        }
    }
}
