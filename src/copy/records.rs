//! Which bytes of a record a copy moves: those of its fields, each in the byte order that it is to have, and not what lies between them.
//!
//! Pure arithmetic on one item.

use crate::dtype::{DType, Field, Kind, Record};

/// Most runs that a record is taken apart into. Only arrays of records of which some field is swapped, or that have gaps, come near.
const MAX_RUNS: usize = 1 << 16;

/// Adjacent bytes of a record that move together, `src` bytes into the one item and `dst` into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) src: usize,
    pub(crate) dst: usize,
    pub(crate) len: usize,
    /// Each number of so many bytes is reversed; 1 leaves the bytes as they are.
    pub(crate) swap: usize,
}

impl Run {
    const fn end(self) -> usize {
        self.dst + self.len
    }

    const fn shift(self) -> (usize, usize) {
        (self.src.wrapping_sub(self.dst), self.swap)
    }

    /// The type of the numbers of a run, in source and destination.
    pub(crate) fn dtypes(self) -> (DType, DType) {
        let number = match self.swap {
            // Bytes have no order: both types are one.
            1 => DType::raw(u32::try_from(self.len).unwrap_or(u32::MAX)),
            2 => DType::U16,
            4 => DType::U32,
            8 => DType::U64,
            _ => DType::new(Kind::UInt, 128),
        };
        (number.clone().swapped(), number)
    }
}

/// The runs of a copy from records into others, by ascending destination and disjoint there. `None` if the two are not the same fields in the same
/// order (but for offsets and byte order), or if a number would have to be both swapped and not, because fields overlap.
pub(crate) fn runs(src: &Record, dst: &Record) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    collect(src, dst, (0, 0), &mut runs)?;
    runs.retain(|run| run.len > 0);
    runs.sort_by_key(|run| (run.dst, run.len));
    merge(runs)
}

/// Whether the fields of a type leave no byte of an item out.
pub(crate) fn is_dense(dtype: &DType) -> bool {
    dtype.as_record().is_none_or(|record| {
        let runs = runs(record, record);
        runs.is_some_and(|runs| covers(&runs, record.itemsize()))
    })
}

/// Whether runs that are disjoint fill an item.
pub(crate) fn covers(runs: &[Run], itemsize: usize) -> bool {
    runs.iter().map(|run| run.len).sum::<usize>() == itemsize
}

fn collect(src: &Record, dst: &Record, at: (usize, usize), runs: &mut Vec<Run>) -> Option<()> {
    if src.fields().len() != dst.fields().len() {
        return None;
    }
    for (from, to) in src.fields().iter().zip(dst.fields()) {
        let at = (at.0 + from.offset(), at.1 + to.offset());
        collect_field(from, to, at, runs)?;
        if runs.len() > MAX_RUNS {
            return None;
        }
    }
    Some(())
}

fn collect_field(from: &Field, to: &Field, (src, dst): (usize, usize), runs: &mut Vec<Run>) -> Option<()> {
    if (from.name(), from.shape(), from.logical()) != (to.name(), to.shape(), to.logical()) {
        return None;
    }
    let (len, items) = (from.nbytes()?, from.shape().iter().product());
    let (Some(inner_src), Some(inner_dst)) = (from.dtype().as_record(), to.dtype().as_record()) else {
        let swapped = from.dtype().byte_order() != to.dtype().byte_order();
        let swap = if swapped { from.dtype().swap_unit() } else { 1 };
        let same = from.dtype().clone().into_native() == to.dtype().clone().into_native();
        runs.push(Run { src, dst, len, swap });
        return same.then_some(());
    };
    let inner = self::runs(inner_src, inner_dst)?;
    let sizes = (inner_src.itemsize(), inner_dst.itemsize());
    if let [whole @ Run { src: 0, dst: 0, .. }] = inner[..]
        && sizes.0 == sizes.1
        && whole.len == sizes.0
    {
        runs.push(Run { src, dst, len, ..whole });
        return Some(());
    }
    if inner.len().checked_mul(items)? > MAX_RUNS {
        return None;
    }
    runs.extend((0..items).flat_map(|k| {
        let at = (src + k * sizes.0, dst + k * sizes.1);
        inner.iter().map(move |run| Run {
            src: at.0 + run.src,
            dst: at.1 + run.dst,
            ..*run
        })
    }));
    Some(())
}

/// Makes one run of neighbours that move alike. Where runs overlap, they move alike or not at all.
fn merge(runs: Vec<Run>) -> Option<Vec<Run>> {
    let mut merged: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match merged.last_mut() {
            Some(last) if run.dst < last.end() => {
                let in_step = (run.dst - last.dst).is_multiple_of(run.swap);
                if run.shift() != last.shift() || !in_step {
                    return None;
                }
                last.len = last.len.max(run.end() - last.dst);
            }
            Some(last) if run.dst == last.end() && run.shift() == last.shift() => last.len += run.len,
            _ => merged.push(run),
        }
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(src: &str, dst: &str) -> Option<Vec<(usize, usize, usize, usize)>> {
        let record = |text: &str| text.parse::<DType>().unwrap().as_record().unwrap().clone();
        let runs = runs(&record(src), &record(dst))?;
        Some(runs.iter().map(|run| (run.src, run.dst, run.len, run.swap)).collect())
    }

    #[test]
    fn fields_that_move_alike_are_one_run() {
        assert_eq!(of("u1,i4,(3,)f8", "u1,i4,(3,)f8"), Some(vec![(0, 0, 29, 1)]));
        assert_eq!(
            of("u1,>i4,>f4,<f8", "u1,<i4,<f4,<f8"),
            Some(vec![(0, 0, 1, 1), (1, 1, 8, 4), (9, 9, 8, 1)])
        );
        assert_eq!(of(">c16,>U2,", "<c16,<U2,"), Some(vec![(0, 0, 16, 8), (16, 16, 8, 4)]));
    }

    #[test]
    fn gaps_stay_out() {
        let gaps = "{'names': ['f0', 'f1'], 'formats': ['u1', 'i4'], 'offsets': [0, 4], 'itemsize': 12}";
        assert_eq!(of(gaps, gaps), Some(vec![(0, 0, 1, 1), (4, 4, 4, 1)]));
        assert_eq!(of(gaps, "u1,i4"), Some(vec![(0, 0, 1, 1), (4, 1, 4, 1)]));
        assert_eq!(of("u1,i4", gaps), Some(vec![(0, 0, 1, 1), (1, 4, 4, 1)]));
        assert!(!is_dense(&gaps.parse().unwrap()));
        assert!(is_dense(&"u1,i4".parse().unwrap()) && is_dense(&DType::F32));
    }

    #[test]
    fn nested_arrays_are_one_run_where_nothing_parts_them() {
        assert_eq!(
            of("[('a', 'u1,<i4', (3,))]", "[('a', 'u1,<i4', (3,))]"),
            Some(vec![(0, 0, 15, 1)])
        );
        let swapped = of("[('a', 'u1,>i2', (2,))]", "[('a', 'u1,<i2', (2,))]");
        assert_eq!(
            swapped,
            Some(vec![(0, 0, 1, 1), (1, 1, 2, 2), (3, 3, 1, 1), (4, 4, 2, 2)])
        );
        assert_eq!(of("[('a', 'u1,>i2', (99999,))]", "[('a', 'u1,<i2', (99999,))]"), None);
        // The same records, further apart on one side.
        let apart = "{'names': ['f0', 'f1'], 'formats': ['u1', 'i2'], 'offsets': [0, 1], 'itemsize': 5}";
        let (near, far) = ("[('a', 'u1,i2', (2,))]".to_owned(), format!("[('a', {apart}, (2,))]"));
        assert_eq!(of(&near, &far), Some(vec![(0, 0, 3, 1), (3, 5, 3, 1)]));
        assert_eq!(of(&far, &near), Some(vec![(0, 0, 3, 1), (5, 3, 3, 1)]));
    }

    #[test]
    fn overlapping_fields_agree_or_there_is_no_copy() {
        let over = |a: &str, b: &str, at: usize| {
            format!("{{'names': ['f0', 'f1'], 'formats': ['{a}', '{b}'], 'offsets': [0, {at}], 'itemsize': 8}}")
        };
        let same = |text: String| of(&text, &text);
        assert_eq!(same(over("i8", "i2", 2)), Some(vec![(0, 0, 8, 1)]));
        assert_eq!(
            of(&over(">i4", ">i4", 0), &over("i4", "i4", 0)),
            Some(vec![(0, 0, 4, 4)])
        );
        assert_eq!(
            of(&over(">i4", ">i4", 4), &over("i4", "i4", 4)),
            Some(vec![(0, 0, 8, 4)])
        );
        for (a, b, at) in [
            (">i8", ">i2", 2),
            (">i4", "u1", 0),
            (">i4", "<i4", 0),
            (">i4", ">i4", 2),
        ] {
            let native = |code: &str| code.replace('>', "<");
            assert_eq!(of(&over(a, b, at), &over(&native(a), &native(b), at)), None);
        }
    }

    #[test]
    fn other_fields_are_no_copy() {
        for (src, dst) in [
            ("u1,i4", "u1,u4"),
            ("u1,i4", "u1,i4,"),
            ("i4,", "(1,)i4,"),
            ("M8[s],", "i8,"),
            ("[('a', 'u1')]", "u1,"),
        ] {
            let same = src == dst;
            assert_eq!(of(src, dst).is_some(), same || dst == "u1,i4,", "{src} into {dst}");
        }
    }
}
