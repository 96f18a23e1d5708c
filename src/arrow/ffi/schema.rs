//! Fields out and in.
//!
//! # Safety
//!
//! Invariant *one block*: what an exported schema points to (strings, children, the list of children) lies in one [`Block`], which every struct of the
//! tree knows by its `private_data`. `live` counts the structs that have not been released; whoever releases the last one frees the block. A
//! child that a consumer moved away keeps the block alive, as the specification demands.
//!
//! Importing relies on *owned struct*.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use smallvec::SmallVec;

use super::abi::{self, ArrowSchema, child, release_tree};
use super::{MAX_CHILDREN, MAX_DEPTH, format, lists, metadata};
use crate::error::{ArrowFault, CDataFault, Result};

const DICTIONARY_ORDERED: i64 = 1;
const NULLABLE: i64 = 2;
const MAP_KEYS_SORTED: i64 = 4;

impl ArrowSchema {
    /// A field as the C Data Interface has it: type, name, nullability and metadata, extension types included. Two allocations at most for fields
    /// without children.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::UnsupportedType`]; [`CDataFault::Text`] for a name with a 0 in it, which no C string can hold.
    pub fn from_field(field: &Field) -> Result<Self> {
        if let Some(schema) = plain(field) {
            return Ok(schema);
        }
        Tree::of(field).map(Tree::into_schema)
    }

    /// The schema of record batches: a struct with the columns as its children, and the schema's metadata.
    ///
    /// # Errors
    ///
    /// As [`ArrowSchema::from_field`].
    pub fn from_schema(schema: &Schema) -> Result<Self> {
        let columns = DataType::Struct(schema.fields().clone());
        let field = Field::new("", columns, false).with_metadata(schema.metadata().clone());
        Self::from_field(&field)
    }

    /// The field. O(size of the schema); nothing of the producer's memory is kept.
    ///
    /// # Errors
    ///
    /// [`CDataFault`]: a released struct, NULL pointers, wrong counts, unknown formats, strings that are no UTF-8, more than 64 levels;
    /// [`ArrowFault::UnsupportedType`] for a key, run ends or map entries of a type that cannot be that.
    pub fn to_field(&self) -> Result<Field> {
        if self.is_released() {
            return Err(CDataFault::Released { name: "ArrowSchema" }.into());
        }
        // SAFETY: *owned struct*, which is not released.
        unsafe { read(self, MAX_DEPTH) }
    }

    /// The schema of record batches, from a struct.
    ///
    /// # Errors
    ///
    /// As [`ArrowSchema::to_field`]; [`ArrowFault::UnsupportedType`] if it is no struct.
    pub fn to_schema(&self) -> Result<SchemaRef> {
        schema_of(&self.to_field()?)
    }
}

/// The schema of batches that a struct's field says.
pub(super) fn schema_of(field: &Field) -> Result<SchemaRef> {
    match field.data_type() {
        DataType::Struct(fields) => Ok(Arc::new(Schema::new_with_metadata(
            fields.clone(),
            field.metadata().clone(),
        ))),
        other => Err(ArrowFault::UnsupportedType(format!("{other} as record batches").into()).into()),
    }
}

/// A field without name and metadata, of a type whose format is known beforehand, or lists of such items: no intermediate description is made.
fn plain(field: &Field) -> Option<ArrowSchema> {
    if !field.name().is_empty() || !field.metadata().is_empty() {
        return None;
    }
    let mut levels: SmallVec<[(i32, i64); 4]> = SmallVec::new();
    let mut data_type = field.data_type();
    while let DataType::FixedSizeList(item, size) = data_type {
        if *size < 0 || item.name() != Field::LIST_FIELD_DEFAULT_NAME || !item.metadata().is_empty() {
            return None;
        }
        levels.push((*size, nullable(item.is_nullable())));
        data_type = item.data_type();
    }
    let leaf = format::constant(data_type)?;
    Some(lists::schema(leaf, nullable(field.is_nullable()), &levels))
}

fn nullable(nullable: bool) -> i64 {
    if nullable { NULLABLE } else { 0 }
}

pub(super) type Text = SmallVec<[u8; 64]>;

/// A node that has its place and not its content yet.
struct Pending<'a> {
    data_type: &'a DataType,
    field: Option<&'a Field>,
}

/// One node of the tree, with positions in the block instead of pointers.
struct Node {
    format: usize,
    name: usize,
    metadata: Option<usize>,
    flags: i64,
    /// The nodes of the children.
    children: Range<usize>,
    dictionary: Option<usize>,
}

/// A schema being built. Node 0 is the root.
#[derive(Default)]
struct Tree {
    text: Text,
    nodes: SmallVec<[Node; 2]>,
}

impl Tree {
    fn of(root: &Field) -> Result<Self> {
        let mut tree = Self::default();
        let mut pending: SmallVec<[Pending<'_>; 4]> = SmallVec::new();
        pending.push(Pending {
            data_type: root.data_type(),
            field: Some(root),
        });
        // Breadth first: the children of a node follow each other.
        while let Some(next) = pending.get(tree.nodes.len()) {
            let (data_type, field) = (next.data_type, next.field);
            let mut node = tree.node(data_type, field)?;
            let start = pending.len();
            for_each_child(data_type, |child| {
                pending.push(Pending {
                    data_type: child.data_type(),
                    field: Some(child),
                });
            });
            node.children = start..pending.len();
            if let DataType::Dictionary(_, values) = data_type {
                node.dictionary = Some(pending.len());
                pending.push(Pending {
                    data_type: values,
                    field: None,
                });
            }
            tree.nodes.push(node);
        }
        Ok(tree)
    }

    fn node(&mut self, data_type: &DataType, field: Option<&Field>) -> Result<Node> {
        let format = match format::constant(data_type) {
            Some(format) => self.c_string(format),
            None => match data_type {
                DataType::FixedSizeList(_, size) if *size >= 0 => self.list(*size),
                other => self.string(&format::write(other)?, "format")?,
            },
        };
        let name = self.string(field.map_or("", |field| field.name()), "name")?;
        let metadata = match field.map(Field::metadata).filter(|metadata| !metadata.is_empty()) {
            Some(entries) => {
                let start = self.text.len();
                metadata::write((entries.len(), entries.iter()), &mut self.text)?;
                Some(start)
            }
            None => None,
        };
        let mut flags = nullable(field.is_none_or(Field::is_nullable));
        if field.and_then(Field::dict_is_ordered) == Some(true) {
            flags |= DICTIONARY_ORDERED;
        }
        if matches!(data_type, DataType::Map(_, true)) {
            flags |= MAP_KEYS_SORTED;
        }
        Ok(Node {
            format,
            name,
            metadata,
            flags,
            children: 0..0,
            dictionary: None,
        })
    }

    /// Appends a string that has its 0, and says where.
    fn c_string(&mut self, string: &CStr) -> usize {
        let start = self.text.len();
        self.text.extend_from_slice(string.to_bytes_with_nul());
        start
    }

    /// Appends the format of a list of so many items, without an allocation.
    fn list(&mut self, size: i32) -> usize {
        let start = self.text.len();
        let (text, len) = lists::format_of(size);
        self.text.extend_from_slice(&text[..len]);
        start
    }

    /// Appends a string with its 0, and says where.
    fn string(&mut self, string: &str, member: &'static str) -> Result<usize> {
        if string.as_bytes().contains(&0) {
            return Err(CDataFault::Text { member }.into());
        }
        let start = self.text.len();
        self.text.extend_from_slice(string.as_bytes());
        self.text.push(0);
        Ok(start)
    }

    /// The block, and the root that points into it.
    fn into_schema(self) -> ArrowSchema {
        let count = self.nodes.len();
        let mut block = Box::new(Block {
            live: AtomicUsize::new(count),
            text: self.text,
            nodes: (1..count).map(|_| ArrowSchema::empty()).collect(),
            links: SmallVec::from_elem(ptr::null_mut(), count - 1),
        });
        let (text, nodes, links) = (block.text.as_ptr(), block.nodes.as_mut_ptr(), block.links.as_mut_ptr());
        let block = Box::into_raw(block);
        let fill = |node: &Node| {
            let mut schema = ArrowSchema::empty();
            schema.format = text.wrapping_add(node.format).cast();
            schema.name = text.wrapping_add(node.name).cast();
            schema.metadata = node
                .metadata
                .map_or(ptr::null(), |start| text.wrapping_add(start).cast());
            schema.flags = node.flags;
            schema.n_children = i64::try_from(node.children.len()).expect("children fit in memory");
            if !node.children.is_empty() {
                schema.children = links.wrapping_add(node.children.start - 1);
            }
            if let Some(position) = node.dictionary {
                schema.dictionary = nodes.wrapping_add(position - 1);
            }
            schema.release = Some(release);
            schema.private_data = block.cast();
            schema
        };
        for (position, node) in self.nodes.iter().enumerate().skip(1) {
            let place = nodes.wrapping_add(position - 1);
            // SAFETY: *one block*: a place for each node but the root, which nobody else knows yet.
            unsafe { place.write(fill(node)) };
            // SAFETY: as above.
            unsafe { links.wrapping_add(position - 1).write(place) };
        }
        fill(&self.nodes[0])
    }
}

fn for_each_child<'a>(data_type: &'a DataType, mut visit: impl FnMut(&'a Field)) {
    match data_type {
        DataType::List(child)
        | DataType::LargeList(child)
        | DataType::ListView(child)
        | DataType::LargeListView(child)
        | DataType::FixedSizeList(child, _)
        | DataType::Map(child, _) => visit(child),
        DataType::RunEndEncoded(ends, values) => [ends, values].into_iter().for_each(|child| visit(child)),
        DataType::Struct(fields) => fields.iter().for_each(|child| visit(child)),
        DataType::Union(fields, _) => fields.iter().for_each(|(_, child)| visit(child)),
        _ => {}
    }
}

/// What the structs of one exported schema point to.
struct Block {
    live: AtomicUsize,
    text: Text,
    nodes: SmallVec<[ArrowSchema; 1]>,
    links: SmallVec<[*mut ArrowSchema; 2]>,
}

impl abi::Block for Block {
    fn live(&self) -> &AtomicUsize {
        &self.live
    }

    unsafe fn free(block: NonNull<Self>) {
        // SAFETY: *one block*: boxed in `into_schema`.
        drop(unsafe { Box::from_raw(block.as_ptr()) });
    }
}

/// # Safety
///
/// *one block*, and the struct is not released.
unsafe extern "C" fn release(schema: *mut ArrowSchema) {
    // SAFETY: *one block*.
    unsafe { release_tree::<_, Block>(schema) };
}

/// Reads a schema into a field of our own.
///
/// # Safety
///
/// *owned struct* holds for `schema`, or for the one whose child it is.
unsafe fn read(schema: &ArrowSchema, depth: usize) -> Result<Field> {
    let depth = depth.checked_sub(1).ok_or(CDataFault::Depth { max: MAX_DEPTH })?;
    let count = count("n_children of the schema", schema.n_children)?;
    // SAFETY: *owned struct*.
    let format = unsafe { text(schema.format, "format") }?.ok_or(CDataFault::NullPointer { member: "format" })?;
    let mut children = Vec::new();
    for k in 0..count {
        // SAFETY: *owned struct*.
        let place = unsafe { child(schema.children, k, "a child of the schema") }?;
        // SAFETY: *owned struct* of the parent.
        children.push(Arc::new(unsafe { read(place, depth) }?));
    }
    let mut data_type = format::read(format, children, schema.flags & MAP_KEYS_SORTED != 0)?;
    if !schema.dictionary.is_null() {
        let mut place = schema.dictionary;
        // SAFETY: *owned struct*; a list of one.
        let place = unsafe { child(&raw mut place, 0, "the dictionary of the schema") }?;
        // SAFETY: *owned struct* of the parent.
        let values = unsafe { read(place, depth) }?;
        if !data_type.is_dictionary_key_type() {
            return Err(ArrowFault::UnsupportedType(format!("Dictionary by {data_type}").into()).into());
        }
        data_type = DataType::Dictionary(Box::new(data_type), Box::new(values.data_type().clone()));
    }
    // SAFETY: *owned struct*.
    let name = unsafe { text(schema.name, "name") }?.unwrap_or_default();
    let nullable = schema.flags & NULLABLE != 0;
    let mut field = Field::new(name, data_type, nullable);
    if schema.flags & DICTIONARY_ORDERED != 0 {
        field = field.with_dict_is_ordered(true);
    }
    if schema.metadata.is_null() {
        return Ok(field);
    }
    // SAFETY: *owned struct*.
    Ok(field.with_metadata(unsafe { metadata::read(schema.metadata) }?))
}

/// A number of children that can be.
fn count(member: &'static str, found: i64) -> Result<usize> {
    let fault = CDataFault::Count {
        member,
        found,
        min: 0,
        max: MAX_CHILDREN,
    };
    usize::try_from(found)
        .ok()
        .filter(|_| found <= MAX_CHILDREN)
        .ok_or_else(|| fault.into())
}

/// A C string, for as long as its schema lives; `None` for NULL.
///
/// # Safety
///
/// *owned struct* holds for the schema whose member this is.
unsafe fn text<'a>(string: *const c_char, member: &'static str) -> Result<Option<&'a str>> {
    if string.is_null() {
        return Ok(None);
    }
    // SAFETY: *owned struct*.
    let string = unsafe { CStr::from_ptr(string) };
    let text = string.to_str().map_err(|_| CDataFault::Text { member })?;
    Ok(Some(text))
}
