//! Streams of arrays and record batches, out and in.
//!
//! # Safety
//!
//! Importing relies on *owned struct* (see [`super::abi`]). Exporting: `private_data` of an exported stream is the [`Producer`] that
//! [`ArrowArrayStream::new`] boxed, until `release`; the callbacks get no other stream, and never two calls at once (the specification's rule).
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, FieldRef, SchemaRef};

use super::abi::{ArrowArray, ArrowSchema, drop_quietly, owned_struct};
use super::schema::schema_of;
use crate::arrow::library;
use crate::convert::Converted;
use crate::error::{ArrowFault, CDataFault, Error, Result};

/// Arrays that come one after the other: `struct ArrowArrayStream` of the Arrow C Stream Interface.
#[repr(C)]
pub struct ArrowArrayStream {
    get_schema: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowSchema) -> c_int>,
    get_next: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowArray) -> c_int>,
    get_last_error: Option<unsafe extern "C" fn(*mut ArrowArrayStream) -> *const c_char>,
    release: Option<unsafe extern "C" fn(*mut ArrowArrayStream)>,
    private_data: *mut c_void,
}

owned_struct!(
    ArrowArrayStream,
    Self {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: ptr::null_mut(),
    }
);

impl fmt::Debug for ArrowArrayStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowArrayStream")
            .field("released", &self.is_released())
            .finish_non_exhaustive()
    }
}

/// `EIO`: what a stream returns when its source fails.
const FAILED: c_int = 5;

/// What stands behind an exported stream.
struct Producer {
    field: FieldRef,
    arrays: Box<dyn Iterator<Item = Result<ArrayRef>> + Send>,
    error: Option<CString>,
}

impl ArrowArrayStream {
    /// Record batches as a stream. They are asked for one by one, as the consumer goes; an error ends up as the consumer's.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Int32Array, RecordBatch};
    /// use viewbridge::arrow::ffi::ArrowArrayStream;
    ///
    /// let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    /// let batch = RecordBatch::try_from_iter([("x", column)])?;
    /// let stream = ArrowArrayStream::new(batch.schema(), vec![Ok(batch.clone())]);
    ///
    /// let batches: Vec<_> = stream.into_reader()?.into_batches()?.collect::<Result<_, _>>()?;
    /// assert_eq!(batches[0].value, batch);
    /// assert!(batches[0].is_shared());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new<I>(schema: SchemaRef, batches: I) -> Self
    where
        I: IntoIterator<Item = Result<RecordBatch>>,
        I::IntoIter: Send + 'static,
    {
        let columns = DataType::Struct(schema.fields().clone());
        let field = Field::new("", columns, false).with_metadata(schema.metadata().clone());
        let arrays = batches
            .into_iter()
            .map(|batch| batch.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef));
        Self::of_arrays(Arc::new(field), arrays)
    }

    /// The chunks of one column as a stream.
    #[must_use]
    pub fn of_arrays<I>(field: FieldRef, chunks: I) -> Self
    where
        I: IntoIterator<Item = Result<ArrayRef>>,
        I::IntoIter: Send + 'static,
    {
        let producer = Box::new(Producer {
            field,
            arrays: Box::new(chunks.into_iter()),
            error: None,
        });
        Self {
            get_schema: Some(get_schema),
            get_next: Some(get_next),
            get_last_error: Some(get_last_error),
            release: Some(release),
            private_data: Box::into_raw(producer).cast(),
        }
    }

    /// The stream, ready to be read: its schema has been asked for and checked.
    ///
    /// # Errors
    ///
    /// [`CDataFault`]; those of [`ArrowSchema::to_field`].
    pub fn into_reader(mut self) -> Result<StreamReader> {
        if self.is_released() {
            return Err(CDataFault::Released {
                name: "ArrowArrayStream",
            }
            .into());
        }
        let null = |member| CDataFault::NullPointer { member };
        let get_schema = self.get_schema.ok_or(null("get_schema"))?;
        self.get_next.ok_or(null("get_next"))?;
        let mut schema = ArrowSchema::empty();
        // SAFETY: *owned struct*.
        let code = unsafe { get_schema(&raw mut self, &raw mut schema) };
        self.check(code)?;
        let field = Arc::new(schema.to_field()?);
        Ok(StreamReader { stream: self, field })
    }

    /// The producer's error, if the code says that there is one.
    fn check(&mut self, code: c_int) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let message = match self.get_last_error {
            // SAFETY: *owned struct*.
            Some(get_last_error) => unsafe { get_last_error(self) },
            None => ptr::null(),
        };
        let message = if message.is_null() {
            "it gave no reason".into()
        } else {
            // SAFETY: *owned struct*: a C string until the next call.
            unsafe { CStr::from_ptr(message) }.to_string_lossy().into()
        };
        Err(CDataFault::Stream { code, message }.into())
    }
}

/// The arrays of a stream, one by one, each sharing the producer's memory and outliving the stream.
///
/// Ends at the first error.
#[derive(Debug)]
pub struct StreamReader {
    stream: ArrowArrayStream,
    field: FieldRef,
}

impl StreamReader {
    /// What all arrays of the stream are.
    #[must_use]
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// The schema of the batches.
    ///
    /// # Errors
    ///
    /// [`ArrowFault::UnsupportedType`] if the stream is one of single columns.
    pub fn schema(&self) -> Result<SchemaRef> {
        schema_of(&self.field)
    }

    /// The stream as record batches.
    ///
    /// # Errors
    ///
    /// As [`StreamReader::schema`].
    pub fn into_batches(self) -> Result<BatchReader> {
        let schema = self.schema()?;
        Ok(BatchReader { reader: self, schema })
    }

    fn read(&mut self) -> Result<Option<Converted<ArrayRef>>> {
        let Some(get_next) = self.stream.get_next else {
            return Ok(None);
        };
        let mut array = ArrowArray::empty();
        // SAFETY: *owned struct*.
        let code = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        self.stream.check(code)?;
        if array.is_released() {
            return Ok(None);
        }
        // SAFETY: the stream's schema is that of its arrays.
        unsafe { array.into_array(self.field.data_type()) }.map(Some)
    }
}

impl Iterator for StreamReader {
    type Item = Result<Converted<ArrayRef>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stream.is_released() {
            return None;
        }
        let next = self.read().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.stream = ArrowArrayStream::empty();
        }
        next
    }
}

/// The record batches of a stream.
#[derive(Debug)]
pub struct BatchReader {
    reader: StreamReader,
    schema: SchemaRef,
}

impl BatchReader {
    /// What all batches are.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Iterator for BatchReader {
    type Item = Result<Converted<RecordBatch>>;

    fn next(&mut self) -> Option<Self::Item> {
        let array = match self.reader.next()? {
            Ok(array) => array,
            Err(error) => return Some(Err(error)),
        };
        Some(array.try_map(|array| to_batch(&array, &self.schema)))
    }
}

/// A struct array as a batch.
///
/// # Errors
///
/// [`Error::Nulls`] for rows that are null as a whole, which a batch has no place for.
pub(super) fn to_batch(array: &ArrayRef, schema: &SchemaRef) -> Result<RecordBatch> {
    use arrow_array::cast::AsArray;
    let Some(columns) = array.as_struct_opt() else {
        return Err(ArrowFault::UnsupportedType(array.data_type().to_string().into()).into());
    };
    if columns.null_count() > 0 {
        return Err(Error::Nulls {
            count: columns.null_count(),
        });
    }
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(columns.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.columns().to_vec(), &options).map_err(library)
}

/// Runs a step of the producer; what goes wrong, a panic included, becomes the stream's error.
///
/// # Safety
///
/// `stream` is one of [`ArrowArrayStream::of_arrays`], not released.
unsafe fn step(stream: *mut ArrowArrayStream, run: impl FnOnce(&mut Producer) -> Result<()>) -> c_int {
    // SAFETY: the caller's promise.
    let producer = unsafe { (*stream).private_data }.cast::<Producer>();
    // SAFETY: as above; no other call runs meanwhile.
    let producer = unsafe { &mut *producer };
    producer.error = None;
    let message = match catch_unwind(AssertUnwindSafe(|| run(producer))) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            drop_quietly(panic);
            "the source of the stream panicked".into()
        }
    };
    producer.error = CString::new(message.replace('\0', " ")).ok();
    FAILED
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    let run = |producer: &mut Producer| {
        let schema = ArrowSchema::from_field(&producer.field)?;
        // SAFETY: the consumer's place, which holds nothing yet.
        unsafe { out.write(schema) };
        Ok(())
    };
    // SAFETY: the consumer calls it with this stream.
    unsafe { step(stream, run) }
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    let run = |producer: &mut Producer| {
        let array = match producer.arrays.next().transpose()? {
            Some(array) if array.data_type() != producer.field.data_type() => {
                return Err(ArrowFault::FieldType {
                    field: producer.field.data_type().to_string().into(),
                    array: array.data_type().to_string().into(),
                }
                .into());
            }
            Some(array) => ArrowArray::from_array(&array).value,
            None => ArrowArray::empty(),
        };
        // SAFETY: the consumer's place, which holds nothing yet.
        unsafe { out.write(array) };
        Ok(())
    };
    // SAFETY: the consumer calls it with this stream.
    unsafe { step(stream, run) }
}

unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
    // SAFETY: the consumer calls it with this stream.
    let producer = unsafe { (*stream).private_data }.cast::<Producer>();
    // SAFETY: as above.
    unsafe { &*producer }
        .error
        .as_ref()
        .map_or(ptr::null(), |error| error.as_ptr())
}

unsafe extern "C" fn release(stream: *mut ArrowArrayStream) {
    // SAFETY: the consumer calls it with this stream, once.
    let producer = unsafe { (*stream).private_data }.cast::<Producer>();
    // SAFETY: as above.
    unsafe { (*stream).release = None };
    // SAFETY: as above.
    drop_quietly(unsafe { Box::from_raw(producer) });
}
