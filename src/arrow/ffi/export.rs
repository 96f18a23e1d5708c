//! Arrays out.
//!
//! The format gives validity and values one common offset. arrow-rs keeps one for each, so that the two of a sliced array can disagree; arrow-rs' own
//! exporter then copies the bitmap. Here it is shared where the values before the slice are still there to be counted; else it is copied and
//! the report says so.

use std::ffi::c_void;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer};
use arrow_data::{ArrayData, BufferSpec, layout};
use arrow_schema::DataType;
use smallvec::SmallVec;

use super::abi::ArrowArray;
use super::array::{Node, Owner, Tree};
use super::lists;
use crate::arrow::primitive;
use crate::convert::{Converted, CopyRecord, CopyReport, Part};
use crate::reason::CopyReason;

impl ArrowArray {
    /// An array as the C Data Interface has it, sharing its memory. One allocation for up to two levels; none for numbers, and lists of them, without
    /// nulls, where an array that this thread released has left its block.
    ///
    /// The report has a record of each bitmap of a sliced array that had to be moved to the offset of its values ([`CopyReason::BitOffset`]): some
    /// nested ones.
    pub fn from_array(array: &dyn Array) -> Converted<Self> {
        if let Some(array) = plain(array) {
            return Converted::shared(array);
        }
        let mut exporter = Exporter::default();
        exporter.add_all(array.to_data());
        Converted {
            value: exporter.tree.into_array(),
            report: CopyReport::from_records(exporter.records),
        }
    }
}

/// Numbers, or lists of them, without nulls: no intermediate description is made.
#[inline(always)]
fn plain(mut array: &dyn Array) -> Option<ArrowArray> {
    let mut lengths: SmallVec<[usize; 4]> = SmallVec::new();
    loop {
        if array.null_count() > 0 {
            return None;
        }
        lengths.push(array.len());
        if let Some(values) = primitive::values(array) {
            let owner = Owner::Arrow(values.clone());
            let (rows, below) = lengths.split_first()?;
            return Some(lists::array(*rows, below, values.as_ptr(), owner));
        }
        array = array.as_fixed_size_list_opt()?.values();
    }
}

#[derive(Default)]
struct Exporter {
    tree: Tree,
    records: Vec<CopyRecord>,
}

impl Exporter {
    /// Any array, breadth first, so that the children of a node follow each other.
    fn add_all(&mut self, root: ArrayData) {
        let mut pending = vec![root];
        while let Some(data) = pending.get(self.tree.nodes.len()).cloned() {
            let mut node = self.node(&data);
            let is_dictionary = matches!(data.data_type(), DataType::Dictionary(..));
            let start = pending.len();
            pending.extend(data.child_data().iter().cloned());
            if is_dictionary {
                node.dictionary = Some(start);
            } else {
                node.children = start..pending.len();
            }
            self.tree.nodes.push(node);
        }
    }

    fn node(&mut self, data: &ArrayData) -> Node {
        let layout = layout(data.data_type());
        let nulls = data.nulls().filter(|_| layout.can_contain_null_mask);
        let start = self.tree.buffers.len();
        let mut offset = data.offset();
        let mut back = 0;
        if layout.can_contain_null_mask {
            match nulls {
                Some(nulls) => (offset, back) = self.validity(nulls, data),
                None => self.tree.buffers.push(std::ptr::null()),
            }
        }
        for (position, buffer) in data.buffers().iter().enumerate() {
            let width = match layout.buffers.get(position) {
                Some(BufferSpec::FixedWidth { byte_width, .. }) => *byte_width,
                _ => 0,
            };
            self.push(buffer.as_ptr().wrapping_sub(back * width), buffer);
        }
        if layout.variadic {
            // The last buffer of a view type: the sizes of those before it.
            let sizes = data
                .buffers()
                .iter()
                .skip(1)
                .map(|buffer| i64::try_from(buffer.len()).expect("a size in memory"));
            let sizes = ArrowBuffer::from_vec(sizes.collect::<Vec<i64>>());
            self.push(sizes.as_ptr(), &sizes);
        }
        Node {
            length: data.len(),
            null_count: nulls.map_or(0, NullBuffer::null_count),
            offset,
            buffers: start..self.tree.buffers.len(),
            children: 0..0,
            dictionary: None,
        }
    }

    /// Adds the bitmap, and says the offset common to it and the values, and by how many items the values have to begin earlier.
    fn validity(&mut self, nulls: &NullBuffer, data: &ArrayData) -> (usize, usize) {
        let (bits, offset) = (nulls.offset(), data.offset());
        let first = nulls.buffer().as_ptr();
        // A whole number of bytes apart: only the pointer moves.
        if bits >= offset && (bits - offset).is_multiple_of(8) {
            self.push(first.wrapping_add((bits - offset) / 8), nulls.buffer());
            return (offset, 0);
        }
        let back = bits % 8;
        if offset == 0 && can_begin_earlier(data, back) {
            self.push(first.wrapping_add(bits / 8), nulls.buffer());
            return (back, back);
        }
        let moved = at_offset(nulls, offset);
        let (part, bytes) = (Part::Validity, moved.len());
        let reasons = vec![CopyReason::BitOffset { offset: back.max(1) }];
        self.records.push(CopyRecord {
            part,
            bytes,
            reasons: reasons.into(),
        });
        self.push(moved.as_ptr(), &moved);
        (offset, 0)
    }

    fn push(&mut self, first: *const u8, owner: &ArrowBuffer) {
        self.tree.buffers.push(first.cast::<c_void>());
        self.tree.owners.push(Owner::Arrow(owner.clone()));
    }
}

/// Whether so many items more lie in the same allocation before the first: one buffer of items of a fixed width, without children.
fn can_begin_earlier(data: &ArrayData, items: usize) -> bool {
    let spec = layout(data.data_type()).buffers;
    let ([BufferSpec::FixedWidth { byte_width, .. }], [buffer]) = (&spec[..], data.buffers()) else {
        return false;
    };
    let dense = data.child_data().is_empty() || matches!(data.data_type(), DataType::Dictionary(..));
    dense && buffer.ptr_offset() >= items * byte_width
}

/// The bits again, the first of them `offset` bits into the buffer.
fn at_offset(nulls: &NullBuffer, offset: usize) -> ArrowBuffer {
    let bits = nulls.inner();
    let padded = BooleanBuffer::collect_bool(offset + bits.len(), |k| k >= offset && bits.value(k - offset));
    padded.into_inner()
}
