//! Items as Python's own objects, and back.

use half::{bf16, f16};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyList, PySequence, PyString, PyTuple};

use crate::dtype::{Complex, DType, ItemType, Kind};
use crate::error::Error;
use crate::layout::Layout;
use crate::memory::Order;
use crate::view::StridedView;

/// The only item of a view without axes, as Python has it; `None` for types that Python lacks.
pub(super) fn read<'py>(py: Python<'py>, view: &StridedView<'_>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let dtype = view.dtype();
    if view.logical().is_some() || dtype.lanes() != 1 || dtype.is_padded() {
        return Ok(None);
    }
    if let Some(record) = dtype.as_record() {
        let mut parts = Vec::new();
        for field in record.fields() {
            let part = view.field(field.name())?;
            let Some(part) = list(py, &part)? else {
                return Ok(None);
            };
            parts.push(part);
        }
        return Ok(Some(PyTuple::new(py, parts)?.into_any()));
    }
    macro_rules! get {
        ($ty:ty) => {
            view.get::<$ty>(&[])?
        };
    }
    let value = match (dtype.kind(), dtype.bits()) {
        (Kind::Bool, 1 | 8) => get!(bool).into_bound_py_any(py)?,
        (Kind::Int, 8) => get!(i8).into_bound_py_any(py)?,
        (Kind::Int, 16) => get!(i16).into_bound_py_any(py)?,
        (Kind::Int, 32) => get!(i32).into_bound_py_any(py)?,
        (Kind::Int, 64) => get!(i64).into_bound_py_any(py)?,
        (Kind::UInt, 8) => get!(u8).into_bound_py_any(py)?,
        (Kind::UInt, 16) => get!(u16).into_bound_py_any(py)?,
        (Kind::UInt, 32) => get!(u32).into_bound_py_any(py)?,
        (Kind::UInt, 64) => get!(u64).into_bound_py_any(py)?,
        (Kind::Float, 16) => get!(f16).to_f64().into_bound_py_any(py)?,
        (Kind::Bfloat, 16) => get!(bf16).to_f64().into_bound_py_any(py)?,
        (Kind::Float, 32) => f64::from(get!(f32)).into_bound_py_any(py)?,
        (Kind::Float, 64) => get!(f64).into_bound_py_any(py)?,
        (Kind::Complex, 64) => {
            let value = get!(Complex<f32>);
            PyComplex::from_doubles(py, value.re.into(), value.im.into()).into_any()
        }
        (Kind::Complex, 128) => {
            let value = get!(Complex<f64>);
            PyComplex::from_doubles(py, value.re, value.im).into_any()
        }
        (Kind::Bytes, _) => {
            let bytes = view.to_bytes(Order::C)?;
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            PyBytes::new(py, &bytes[..end]).into_any()
        }
        (Kind::Raw, _) => PyBytes::new(py, &view.to_bytes(Order::C)?).into_any(),
        (Kind::Text, _) => text(view)?.into_bound_py_any(py)?,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Text without the zeroes behind it.
fn text(view: &StridedView<'_>) -> PyResult<String> {
    let bytes = view.to_bytes(Order::C)?;
    let native = view.dtype().is_native();
    let codes = bytes.chunks_exact(4).map(|code| {
        let code = [code[0], code[1], code[2], code[3]];
        let code = u32::from_ne_bytes(code);
        if native { code } else { code.swap_bytes() }
    });
    let letters: Option<String> = codes.map(char::from_u32).collect();
    let letters = letters.ok_or_else(|| PyValueError::new_err("the text has codes that are no characters"))?;
    Ok(letters.trim_end_matches('\0').to_owned())
}

/// The items as nested lists; `None` for types that Python lacks.
pub(super) fn list<'py>(py: Python<'py>, view: &StridedView<'_>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if view.ndim() == 0 {
        return read(py, view);
    }
    let parts = PyList::empty(py);
    for position in 0..view.shape()[0] {
        match list(py, &view.index_axis(0, position.cast_signed())?)? {
            Some(part) => parts.append(part)?,
            None => return Ok(None),
        }
    }
    Ok(Some(parts.into_any()))
}

/// A Python number, text or (nested) list of them as a view of its own, of items of a type.
pub(super) fn encode(value: &Bound<'_, PyAny>, item: &ItemType) -> PyResult<StridedView<'static>> {
    let (mut shape, mut bytes) = (Vec::new(), Vec::new());
    append(value, item, 0, &mut shape, &mut bytes)?;
    let dtype = if *item.dtype() == DType::BIT {
        &DType::BOOL
    } else {
        item.dtype()
    };
    let layout = Layout::contiguous(&shape, dtype, Order::C)?;
    let view = StridedView::new(crate::buffer::Buffer::from_vec(bytes), dtype.clone(), layout)?;
    Ok(match item.logical() {
        Some(logical) => view.with_logical(logical.clone()),
        None => view,
    })
}

fn append(
    value: &Bound<'_, PyAny>,
    item: &ItemType,
    depth: usize,
    shape: &mut Vec<usize>,
    bytes: &mut Vec<u8>,
) -> PyResult<()> {
    let scalar = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || (item.dtype().as_record().is_some() && value.is_instance_of::<PyTuple>());
    let Some(items) = value.cast::<PySequence>().ok().filter(|_| !scalar) else {
        if depth != shape.len() {
            return Err(ragged());
        }
        return write(value, item, bytes);
    };
    let count = items.len()?;
    if depth == shape.len() {
        // The first way down says how deep it goes; behind items there is nothing left to open.
        if !bytes.is_empty() || depth >= crate::layout::MAX_NDIM {
            return Err(ragged());
        }
        shape.push(count);
    } else if shape[depth] != count {
        return Err(ragged());
    }
    for entry in items.try_iter()? {
        append(&entry?, item, depth + 1, shape, bytes)?;
    }
    Ok(())
}

fn ragged() -> PyErr {
    PyValueError::new_err("the lists are of different lengths or depths")
}

/// The bytes of one item.
fn write(value: &Bound<'_, PyAny>, item: &ItemType, bytes: &mut Vec<u8>) -> PyResult<()> {
    let dtype = item.dtype();
    if let Some(record) = dtype.as_record() {
        let parts = value.cast::<PyTuple>().map_err(|_| no_item(value, item))?;
        if parts.len() != record.fields().len() {
            return Err(no_item(value, item));
        }
        let start = bytes.len();
        bytes.resize(start + record.itemsize(), 0);
        for (field, part) in record.fields().iter().zip(parts) {
            let encoded = encode(&part, &ItemType::new(field.dtype().clone()))?.to_bytes(Order::C)?;
            let (offset, size) = (start + field.offset(), field.nbytes().unwrap_or(0));
            if encoded.len() != size {
                return Err(no_item(value, item));
            }
            bytes[offset..offset + size].copy_from_slice(&encoded);
        }
        return Ok(());
    }
    let start = bytes.len();
    macro_rules! put {
        ($ty:ty) => {
            bytes.extend_from_slice(bytemuck::bytes_of(
                &value
                    .extract::<$ty>()
                    .map_err(|error| in_range(error, value, item))?,
            ))
        };
    }
    let real = || value.extract::<f64>().map_err(|error| in_range(error, value, item));
    match (dtype.kind(), dtype.bits()) {
        (Kind::Bool, 1 | 8) => bytes.push(u8::from(value.is_truthy()?)),
        (Kind::Int, 8) => put!(i8),
        (Kind::Int, 16) => put!(i16),
        (Kind::Int, 32) => put!(i32),
        (Kind::Int, 64) => put!(i64),
        (Kind::UInt, 8) => put!(u8),
        (Kind::UInt, 16) => put!(u16),
        (Kind::UInt, 32) => put!(u32),
        (Kind::UInt, 64) => put!(u64),
        (Kind::Float, 16) => bytes.extend_from_slice(bytemuck::bytes_of(&f16::from_f64(real()?))),
        (Kind::Bfloat, 16) => bytes.extend_from_slice(bytemuck::bytes_of(&bf16::from_f64(real()?))),
        (Kind::Float, 32) => put!(f32),
        (Kind::Float, 64) => put!(f64),
        (Kind::Complex, bits @ (64 | 128)) => {
            let complex = value.py().get_type::<PyComplex>().call1((value,))?;
            let (re, im): (f64, f64) = (complex.getattr("real")?.extract()?, complex.getattr("imag")?.extract()?);
            if bits == 128 {
                bytes.extend_from_slice(bytemuck::bytes_of(&[re, im]));
            } else {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "rounding to single precision is what is asked for"
                )]
                bytes.extend_from_slice(bytemuck::bytes_of(&[re as f32, im as f32]));
            }
        }
        (Kind::Bytes | Kind::Raw, _) => {
            let given: Vec<u8> = value
                .cast::<PyBytes>()
                .map_err(|_| no_item(value, item))?
                .as_bytes()
                .to_vec();
            fill(bytes, &given, dtype.itemsize(), value, item)?;
        }
        (Kind::Text, _) => {
            let given: String = value.extract().map_err(|_| no_item(value, item))?;
            let codes: Vec<u8> = given
                .chars()
                .flat_map(|letter| u32::from(letter).to_ne_bytes())
                .collect();
            fill(bytes, &codes, dtype.itemsize(), value, item)?;
        }
        _ => return Err(no_item(value, item)),
    }
    if !dtype.is_native() {
        for part in bytes[start..].chunks_exact_mut(dtype.alignment()) {
            part.reverse();
        }
    }
    Ok(())
}

/// What is too long is an error; NumPy cuts it off.
fn fill(bytes: &mut Vec<u8>, given: &[u8], size: usize, value: &Bound<'_, PyAny>, item: &ItemType) -> PyResult<()> {
    if given.len() > size {
        return Err(PyValueError::new_err(format!(
            "{} is too long for an item of type {item}",
            value.repr()?
        )));
    }
    let end = bytes.len() + size;
    bytes.extend_from_slice(given);
    bytes.resize(end, 0);
    Ok(())
}

fn in_range(error: PyErr, value: &Bound<'_, PyAny>, item: &ItemType) -> PyErr {
    if error.is_instance_of::<PyOverflowError>(value.py()) {
        let shown = value.repr().map(|text| text.to_string()).unwrap_or_default();
        return PyOverflowError::new_err(format!("{shown} is out of range for {item}"));
    }
    no_item(value, item)
}

fn no_item(value: &Bound<'_, PyAny>, item: &ItemType) -> PyErr {
    PyTypeError::new_err(format!("{} is no item of type {item}", value.get_type()))
}

impl From<crate::error::DTypeFault> for PyErr {
    fn from(fault: crate::error::DTypeFault) -> Self {
        Error::from(fault).into()
    }
}
