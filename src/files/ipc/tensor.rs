//! Tensor messages: one array of numbers with shape, byte strides and names of its axes, as `pyarrow.ipc.write_tensor` writes and
//! `pyarrow.ipc.read_tensor` reads it.
//!
//! # Safety
//!
//! The only unsafe call passes the promise of the caller of [`map_tensor`] on to [`map_file`].
#![allow(unsafe_code)]

use std::io::{Read, Seek, Write};
use std::ops::Range;
use std::path::Path;

use arrow_ipc::{
    Buffer as BodyRange, FloatingPoint, FloatingPointArgs, Int, IntArgs, Message, MessageArgs, MessageHeader,
    MetadataVersion, Precision, Tensor, TensorArgs, TensorDim, TensorDimArgs, Type, root_as_message,
};
use arrow_schema::ArrowError;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::describe::next_message;
use super::scalar::readable;
use super::stream::message_at;
use crate::arrow::library;
use crate::buffer::Buffer;
use crate::convert::{Converted, CopyPolicy, CopyRecord, CopyReport, LayoutClass, Requirements, StrideSign};
use crate::dtype::{DType, Kind};
use crate::error::{ArrowFault, LayoutError, Result};
use crate::files::listed::{self, Listed, Stored};
#[cfg(feature = "mmap")]
use crate::files::mmap::map_file;
use crate::files::{in_memory, read_file, wide};
use crate::layout::{Layout, MAX_NDIM};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;

/// Where bodies begin, and what they are padded to, in bytes.
const ALIGNMENT: usize = 64;

/// What a tensor message accepts: numbers whose axes, in any order, are contiguous.
pub const TENSOR: Requirements = Requirements::any("an Arrow IPC tensor")
    .layout_class(LayoutClass::Permuted)
    .strides(StrideSign::NonNegative)
    .native()
    .dtypes(is_number)
    .storage_only()
    .cpu_readable();

/// A tensor out of a message.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NamedTensor {
    /// The items, sharing the memory of the file.
    pub view: StridedView<'static>,
    /// A name for each axis; empty where it has none.
    pub names: Vec<String>,
}

/// Writes a view as a tensor message: its bytes in the order that they have, if its axes are contiguous in any order, else in row-major order, a reported copy.
///
/// ```
/// use viewbridge::StridedView;
/// use viewbridge::files::ipc;
///
/// let view = StridedView::from_vec(vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).reshape(&[2, 3])?.transpose();
/// let mut file = Vec::new();
/// assert!(ipc::write_tensor(&mut file, &view, &["x", "y"])?.is_shared());
///
/// let tensor = ipc::tensor_of(viewbridge::Buffer::from_vec(file))?;
/// assert_eq!((tensor.view.shape(), tensor.view.strides()), (&[3, 2][..], &[4, 12][..]));
/// assert_eq!(tensor.names, ["x", "y"]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); [`Error::Refused`](crate::Error::Refused) for items that are no numbers of 8 to 64 bits; [`ArrowFault::DimNames`] unless there is a name
/// for each axis, or none at all.
pub fn write_tensor<W: Write>(mut writer: W, view: &StridedView<'_>, names: &[&str]) -> Result<CopyReport> {
    if !names.is_empty() && names.len() != view.ndim() {
        let (found, ndim) = (names.len(), view.ndim());
        return Err(ArrowFault::DimNames { found, ndim }.into());
    }
    // In the order that they have, if they are contiguous in some order; else row by row.
    let as_they_are = view.plan(&TENSOR).is_shared();
    let (layout, body) = if as_they_are {
        (view.layout().clone(), view.permute(&view.layout().axes_by_stride())?)
    } else {
        (Layout::contiguous(view.shape(), view.dtype(), Order::C)?, view.clone())
    };
    let body = body.stream(&TENSOR.contiguous(Order::C), CopyPolicy::IfNeeded)?;
    let metadata = metadata(view.dtype(), &layout, names);
    // The body begins on a multiple of its alignment, and so does what follows it.
    let padded = (8 + metadata.len()).next_multiple_of(ALIGNMENT);
    let len = i32::try_from(padded - 8).map_err(|_| ArrowFault::ListSize { items: padded })?;
    writer.write_all(&[0xff; 4])?;
    writer.write_all(&len.to_le_bytes())?;
    writer.write_all(&metadata)?;
    writer.write_all(&vec![0; padded - 8 - metadata.len()])?;
    let report = body.write_to(&mut writer)?;
    let bytes = layout.nbytes();
    writer.write_all(&vec![0; bytes.next_multiple_of(8) - bytes])?;
    Ok(report)
}

fn metadata(dtype: &DType, layout: &Layout, names: &[&str]) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let (type_type, type_) = type_of(&mut builder, dtype);
    let number = |value: usize| i64::try_from(value).expect("what is in memory can be counted");
    let dims = layout.shape().iter().enumerate().map(|(axis, &size)| {
        let name = names.get(axis).map(|name| builder.create_string(name));
        let size = number(size);
        TensorDim::create(&mut builder, &TensorDimArgs { size, name })
    });
    let dims: Vec<_> = dims.collect();
    let shape = builder.create_vector(&dims);
    let strides: Vec<i64> = layout
        .strides()
        .iter()
        .map(|&stride| number(stride.unsigned_abs()))
        .collect();
    let strides = builder.create_vector(&strides);
    let body = layout.nbytes().next_multiple_of(8);
    let data = BodyRange::new(0, number(layout.nbytes()));
    let tensor = Tensor::create(
        &mut builder,
        &TensorArgs {
            type_type,
            type_: Some(type_),
            shape: Some(shape),
            strides: Some(strides),
            data: Some(&data),
        },
    );
    let message = Message::create(
        &mut builder,
        &MessageArgs {
            version: MetadataVersion::V5,
            header_type: MessageHeader::Tensor,
            header: Some(tensor.as_union_value()),
            bodyLength: number(body),
            custom_metadata: None,
        },
    );
    builder.finish(message, None);
    builder.finished_data().to_vec()
}

fn type_of(builder: &mut FlatBufferBuilder<'_>, dtype: &DType) -> (Type, WIPOffset<UnionWIPOffset>) {
    if dtype.kind() == Kind::Float {
        let precision = match dtype.bits() {
            16 => Precision::HALF,
            32 => Precision::SINGLE,
            _ => Precision::DOUBLE,
        };
        let float = FloatingPoint::create(builder, &FloatingPointArgs { precision });
        return (Type::FloatingPoint, float.as_union_value());
    }
    let args = IntArgs {
        bitWidth: i32::try_from(dtype.bits()).expect("at most 64"),
        is_signed: dtype.kind() == Kind::Int,
    };
    (Type::Int, Int::create(builder, &args).as_union_value())
}

/// Whether the items are numbers that a tensor message has a type for.
fn is_number(dtype: &DType) -> bool {
    let wide = match dtype.kind() {
        Kind::Int | Kind::UInt => [8, 16, 32, 64].contains(&dtype.bits()),
        Kind::Float => [16, 32, 64].contains(&dtype.bits()),
        _ => false,
    };
    wide && dtype.lanes() == 1
}

/// Reads a file with a tensor message into memory, once; the view shares that memory.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io), [`Error::OutOfMemory`](crate::Error::OutOfMemory); those of [`tensor_of`].
pub fn read_tensor(path: impl AsRef<Path>) -> Result<Converted<NamedTensor>> {
    let memory = read_file(path)?;
    let record = CopyRecord::of_items(memory.len(), vec![CopyReason::FileRead]);
    Ok(Converted {
        value: tensor_of(memory)?,
        report: CopyReport::copied(record),
    })
}

/// Maps a file with a tensor message; the view shares the mapping.
///
/// # Safety
///
/// As [`map`](super::map).
///
/// # Errors
///
/// As [`read_tensor`].
#[cfg(feature = "mmap")]
pub unsafe fn map_tensor(path: impl AsRef<Path>) -> Result<NamedTensor> {
    // SAFETY: the caller's promise is the one asked for.
    tensor_of(unsafe { map_file(path) }?)
}

/// The tensor of a message in memory, sharing it. Never copies.
///
/// # Errors
///
/// [`ArrowFault::Block`] for a message that is not there in full; [`ArrowFault::UnsupportedType`] for another message, or items that are no numbers;
/// [`ArrowFault::Library`] for metadata that is none; [`LayoutError`] for shapes and strides that lead out of the body.
pub fn tensor_of(memory: Buffer<'static>) -> Result<NamedTensor> {
    let bytes = StridedView::of_items(memory.clone(), DType::U8);
    let typed = bytes.typed::<u8>()?;
    let file = typed.as_slice()?;
    let placed = message_at(file, 0)?.ok_or(no_message(file.len()))?;
    let Meaning {
        dtype,
        layout,
        place,
        names,
    } = Meaning::of(&file[placed.metadata], placed.body.len())?;
    let layout = layout.place_at(placed.body.start + place.start)?;
    let view = StridedView::new(memory, dtype, layout)?;
    Ok(NamedTensor { view, names })
}

/// What a file with a tensor message holds, and the names of its axes. Only the metadata is read.
///
/// # Errors
///
/// As [`tensor_of`]; [`Error::Io`](crate::Error::Io).
pub fn describe_tensor(mut reader: impl Read + Seek) -> Result<(Listed, Vec<String>)> {
    let available = listed::available(&mut reader)?;
    let message = next_message(&mut reader, 0, available)?;
    let message = message.ok_or(no_message(in_memory(available)?))?;
    let body = in_memory(message.body.end - message.body.start)?;
    let meaning = Meaning::of(&message.metadata, body)?;
    let start = message.body.start;
    let listed = Listed {
        name: None,
        dtype: meaning.dtype,
        logical: None,
        layout: meaning.layout,
        range: start + wide(meaning.place.start)..start + wide(meaning.place.end),
        stored: Stored::Plain,
        whole: true,
        arrow: None,
    };
    Ok((listed, meaning.names))
}

fn no_message(found: usize) -> ArrowFault {
    ArrowFault::Length { expected: 8, found }
}

/// What the metadata of a tensor message says.
struct Meaning {
    dtype: DType,
    /// From the first byte of its place on, which is all that it reaches.
    layout: Layout,
    /// The bytes of the body that are the tensor's.
    place: Range<usize>,
    names: Vec<String>,
}

impl Meaning {
    fn of(metadata: &[u8], body: usize) -> Result<Self> {
        let parse = |error: flatbuffers::InvalidFlatbuffer| library(ArrowError::ParseError(error.to_string()));
        let metadata = &readable(metadata);
        let message = root_as_message(metadata).map_err(parse)?;
        let unsupported = |what: String| ArrowFault::UnsupportedType(what.into());
        let tensor = message
            .header_as_tensor()
            .ok_or_else(|| unsupported(format!("message {:?} as a tensor", message.header_type())))?;
        let dtype = dtype_of(&tensor).ok_or_else(|| unsupported(format!("tensor of {:?}", tensor.type_type())))?;

        let dims = tensor.shape();
        if dims.len() > MAX_NDIM {
            return Err(LayoutError::RankTooHigh { ndim: dims.len() }.into());
        }
        let (mut shape, mut names) = (Vec::new(), Vec::new());
        for dim in dims {
            let too_large = |_| unsupported(format!("tensor with an axis of {}", dim.size()));
            shape.push(usize::try_from(dim.size()).map_err(too_large)?);
            names.push(dim.name().unwrap_or("").to_owned());
        }
        let (start, len) = (tensor.data().offset(), tensor.data().length());
        let outside = || ArrowFault::Block {
            offset: start,
            metadata: i32::try_from(metadata.len()).unwrap_or(i32::MAX),
            body: len,
            available: body,
        };
        let inside = || {
            let start = usize::try_from(start).ok()?;
            let end = start.checked_add(usize::try_from(len).ok()?)?;
            (end <= body).then_some(start..end)
        };
        let place = inside().ok_or_else(outside)?;
        let layout = match tensor.strides().filter(|strides| !strides.is_empty()) {
            None => Layout::contiguous(&shape, &dtype, Order::C)?,
            Some(strides) => {
                let strides: Result<Vec<isize>, _> = strides.iter().map(isize::try_from).collect();
                Layout::strided(&shape, &strides.map_err(|_| outside())?, 0, &dtype)?
            }
        };
        // The bytes named are all that the tensor may reach, whatever lies around them.
        layout.check_within(place.len())?;
        Ok(Self {
            dtype,
            layout,
            place,
            names,
        })
    }
}

fn dtype_of(tensor: &Tensor<'_>) -> Option<DType> {
    if let Some(int) = tensor.type_as_int() {
        let kind = if int.is_signed() { Kind::Int } else { Kind::UInt };
        let bits = u8::try_from(int.bitWidth()).ok()?;
        return Some(DType::new(kind, bits)).filter(is_number);
    }
    Some(match tensor.type_as_floating_point()?.precision() {
        Precision::HALF => DType::F16,
        Precision::SINGLE => DType::F32,
        Precision::DOUBLE => DType::F64,
        _ => return None,
    })
}
