//! The names of plain types: NumPy's where it has one, and for all else names of the same manner.

use std::ffi::{c_int, c_long, c_longlong, c_short};

use super::{ByteOrder, DType, Kind};

/// Kinds that come in one width.
const FIXED: [(&str, Kind, u8); 13] = [
    ("bool", Kind::Bool, 8),
    ("bit", Kind::Bool, 1),
    ("float8_e3m4", Kind::Float8E3m4, 8),
    ("float8_e4m3", Kind::Float8E4m3, 8),
    ("float8_e4m3b11fnuz", Kind::Float8E4m3b11fnuz, 8),
    ("float8_e4m3fn", Kind::Float8E4m3fn, 8),
    ("float8_e4m3fnuz", Kind::Float8E4m3fnuz, 8),
    ("float8_e5m2", Kind::Float8E5m2, 8),
    ("float8_e5m2fnuz", Kind::Float8E5m2fnuz, 8),
    ("float8_e8m0fnu", Kind::Float8E8m0fnu, 8),
    ("float6_e2m3fn", Kind::Float6E2m3fn, 6),
    ("float6_e3m2fn", Kind::Float6E3m2fn, 6),
    ("float4_e2m1fn", Kind::Float4E2m1fn, 4),
];

/// Kinds whose name ends with their width in bits.
const SIZED: [(&str, Kind); 7] = [
    ("int", Kind::Int),
    ("uint", Kind::UInt),
    ("float", Kind::Float),
    ("bfloat", Kind::Bfloat),
    ("complex", Kind::Complex),
    ("bcomplex", Kind::Bcomplex),
    ("handle", Kind::OpaqueHandle),
];

/// Kinds of characters and bytes: NumPy's letter and the bits of one.
pub(super) const STRINGS: [(char, Kind, u64); 3] = [('S', Kind::Bytes, 8), ('U', Kind::Text, 32), ('V', Kind::Raw, 8)];

const POINTER: u64 = usize::BITS as u64;

const fn c_bits(size: usize) -> u64 {
    size as u64 * 8
}

/// Other names that NumPy reads: letters, words of C and of Python.
const ALIASES: [(&[&str], Kind, u64); 16] = [
    (&["?", "bool_"], Kind::Bool, 8),
    (&["b", "byte"], Kind::Int, 8),
    (&["B", "ubyte"], Kind::UInt, 8),
    (&["h", "short"], Kind::Int, c_bits(size_of::<c_short>())),
    (&["H", "ushort"], Kind::UInt, c_bits(size_of::<c_short>())),
    (&["i", "intc"], Kind::Int, c_bits(size_of::<c_int>())),
    (&["I", "uintc"], Kind::UInt, c_bits(size_of::<c_int>())),
    (&["l", "long"], Kind::Int, c_bits(size_of::<c_long>())),
    (&["L", "ulong"], Kind::UInt, c_bits(size_of::<c_long>())),
    (&["q", "longlong"], Kind::Int, c_bits(size_of::<c_longlong>())),
    (&["Q", "ulonglong"], Kind::UInt, c_bits(size_of::<c_longlong>())),
    (&["p", "n", "int", "int_", "intp"], Kind::Int, POINTER),
    (&["P", "N", "uint", "uintp"], Kind::UInt, POINTER),
    (&["e", "half"], Kind::Float, 16),
    (&["f", "single"], Kind::Float, 32),
    (&["d", "float", "double"], Kind::Float, 64),
];

/// Names for complex numbers and strings.
const MORE: [(&[&str], Kind, u64); 6] = [
    (&["F", "csingle"], Kind::Complex, 64),
    (&["D", "complex", "cdouble"], Kind::Complex, 128),
    (&["c"], Kind::Bytes, 8),
    (&["S", "bytes", "bytes_"], Kind::Bytes, 0),
    (&["U", "str", "str_"], Kind::Text, 0),
    (&["V", "void"], Kind::Raw, 0),
];

impl DType {
    /// The kind and width of one lane as a word, without byte order and lanes.
    pub(super) fn word(&self) -> String {
        let (kind, bits) = (self.kind, self.bits);
        if let Some((name, ..)) = FIXED.iter().find(|fixed| (fixed.1, u64::from(fixed.2)) == (kind, bits)) {
            return (*name).into();
        }
        if let Some((name, _)) = SIZED.iter().find(|sized| sized.1 == kind) {
            return format!("{name}{bits}");
        }
        match (STRINGS.iter().find(|string| string.1 == kind), kind) {
            (Some((letter, _, unit)), _) if bits.is_multiple_of(*unit) => format!("{letter}{}", bits / unit),
            (_, Kind::Other(code)) => format!("dlpack{code}_{bits}"),
            // Of a kind that NumPy or DLPack has, in a width that neither has.
            _ => format!("{kind:?}_{bits}"),
        }
    }

    /// The name of a plain type with everything that [`word`](Self::word) leaves out.
    pub(super) fn own_name(&self) -> String {
        let sign = match self.byte_order() {
            _ if self.is_native() => "",
            ByteOrder::Little => "<",
            ByteOrder::Big => ">",
        };
        let lanes = if self.lanes == 1 {
            String::new()
        } else {
            format!("x{}", self.lanes)
        };
        let padded = if self.padded { " (padded)" } else { "" };
        format!("{sign}{}{lanes}{padded}", self.word())
    }

    /// The type of [`own_name`](Self::own_name) without its sign: a word, lanes, a note on padding.
    pub(super) fn of_own_name(name: &str) -> Option<Self> {
        if let Some(name) = name.strip_suffix(" (padded)") {
            return Self::of_own_name(name).map(Self::padded).filter(Self::is_padded);
        }
        let lanes = || {
            let (word, lanes) = name.rsplit_once('x')?;
            Some(Self::of_word(word)?.with_lanes(number(lanes)?))
        };
        Self::of_word(name).or_else(lanes)
    }

    /// The type of a name for one lane.
    fn of_word(word: &str) -> Option<Self> {
        if let Some(&(_, kind, bits)) = FIXED.iter().find(|fixed| fixed.0 == word) {
            return Some(Self::new(kind, bits));
        }
        if let Some(&(_, kind, bits)) = ALIASES.iter().chain(&MORE).find(|alias| alias.0.contains(&word)) {
            return Some(Self::native(kind, bits));
        }
        if let Some((code, bits)) = word.strip_prefix("dlpack").and_then(|rest| rest.split_once('_')) {
            return Some(Self::new(Kind::Other(number(code)?), number(bits)?));
        }
        // With a length, for strings that are lanes.
        let mut rest = word.chars();
        let letter = rest.next();
        if let Some(&(_, kind, unit)) = STRINGS.iter().find(|string| Some(string.0) == letter)
            && let Some(len) = number::<u32>(rest.as_str())
        {
            return Some(Self::native(kind, u64::from(len) * unit));
        }
        if word == "complex256" {
            return Some(Self::native(Kind::Complex, 256));
        }
        SIZED.iter().find_map(|&(name, kind)| {
            let bits: u8 = number(word.strip_prefix(name)?)?;
            (bits > 0).then(|| Self::new(kind, bits))
        })
    }
}

/// A decimal number without a sign.
pub(super) fn number<N: std::str::FromStr>(digits: &str) -> Option<N> {
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| valid)
}
