//! Arrays on devices.
//!
//! # Safety
//!
//! Importing relies on *owned struct* (see [`super::abi`]). Memory of a device that the CPU cannot read is described and never followed.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::ptr::{self, NonNull};

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::abi::ArrowArray;
use super::items::DeviceItems;
use crate::arrow::dtype::storage;
use crate::buffer::Buffer;
use crate::convert::Converted;
use crate::error::{CDataFault, Error, LayoutError, Result};
use crate::layout::Layout;
use crate::memory::{Access, Device, Order, OwnerKind};
use crate::view::StridedView;

/// Arrow's number of the CPU, which has no numbers.
const NO_ID: i64 = -1;

/// An array, and where its memory is: `struct ArrowDeviceArray` of the Arrow C Device Data Interface, 128 bytes.
///
/// Device types are numbered as in DLPack. Arrow numbers the CPU −1 where DLPack has 0; [`device`](Self::device) translates.
#[repr(C)]
pub struct ArrowDeviceArray {
    array: ArrowArray,
    device_id: i64,
    device_type: i32,
    sync_event: *mut c_void,
    reserved: [i64; 3],
}

const _: () = assert!(size_of::<ArrowDeviceArray>() == 128);

// SAFETY: as `ArrowArray`; the event is a handle that is only passed on.
unsafe impl Send for ArrowDeviceArray {}
// SAFETY: a shared reference only reads the struct.
unsafe impl Sync for ArrowDeviceArray {}

impl ArrowDeviceArray {
    /// A struct that holds nothing: one that is to be filled by a producer.
    #[must_use]
    pub const fn empty() -> Self {
        Self::on(ArrowArray::empty(), Device::CPU)
    }

    /// An array of the CPU's memory.
    pub fn from_array(array: &dyn Array) -> Converted<Self> {
        ArrowArray::from_array(array).map(|array| Self::on(array, Device::CPU))
    }

    /// An array whose memory is on a device, where all that was written is there to be read.
    pub(super) const fn on(array: ArrowArray, device: Device) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "DLPack's device types are small")]
        let device_type = device.device_type as i32;
        let device_id = if numbered(device) {
            device.device_id as i64
        } else {
            NO_ID
        };
        Self {
            array,
            device_id,
            device_type,
            sync_event: ptr::null_mut(),
            reserved: [0; 3],
        }
    }

    /// Moves a struct out of its place, which is marked as released.
    ///
    /// # Errors
    ///
    /// [`CDataFault::NullStruct`], [`CDataFault::Released`].
    ///
    /// # Safety
    ///
    /// As [`ArrowArray::take`]; buffers are addresses of the device that the struct names.
    pub unsafe fn take(place: *mut Self) -> Result<Self> {
        let name = "ArrowDeviceArray";
        if place.is_null() {
            return Err(CDataFault::NullStruct { name }.into());
        }
        // SAFETY: the caller's promise.
        let taken = unsafe { place.read() };
        // SAFETY: as above. The value there has moved into `taken`, and must not be dropped.
        unsafe { place.write(Self::empty()) };
        if taken.is_released() {
            return Err(CDataFault::Released { name }.into());
        }
        Ok(taken)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_released(&self) -> bool {
        self.array.is_released()
    }

    /// Where the memory is, in DLPack's numbers.
    ///
    /// # Errors
    ///
    /// [`CDataFault::Device`] for numbers that DLPack does not have.
    pub fn device(&self) -> Result<Device> {
        let device_type = u32::try_from(self.device_type).ok().filter(|code| *code > 0);
        let device_id = i32::try_from(self.device_id).ok().filter(|id| *id >= -1);
        match (device_type, device_id) {
            (Some(device_type), Some(device_id)) => Ok(Device {
                device_type,
                device_id: device_id.max(0),
            }),
            _ => Err(self.elsewhere()),
        }
    }

    /// The event after which the memory may be read: for CUDA a `cudaEvent_t *`. `None` if it may be read at once.
    #[must_use]
    pub fn sync_event(&self) -> Option<NonNull<c_void>> {
        NonNull::new(self.sync_event)
    }

    /// The same array as one whose memory may be read at once.
    ///
    /// # Safety
    ///
    /// Its event has happened.
    #[must_use]
    pub unsafe fn assume_ready(mut self) -> Self {
        self.sync_event = ptr::null_mut();
        self
    }

    /// The array, if the CPU can read it.
    ///
    /// # Errors
    ///
    /// [`CDataFault::Device`], [`CDataFault::SyncEvent`]; those of [`ArrowArray::into_array`].
    ///
    /// # Safety
    ///
    /// As [`ArrowArray::into_array`].
    pub unsafe fn into_array(self, data_type: &DataType) -> Result<Converted<ArrayRef>> {
        self.check_ready()?;
        if !self.device()?.is_cpu_readable() {
            return Err(self.elsewhere());
        }
        // SAFETY: the caller's promise.
        unsafe { self.array.into_array(data_type) }
    }

    /// The values as a view, wherever they are: numbers and booleans, FixedSizeBinary, and FixedSizeLists of them, without nulls. Nothing is followed
    /// but the structs themselves; a DLPack tensor can be made of the view.
    ///
    /// # Errors
    ///
    /// [`CDataFault`]; [`Error::Nulls`]; [`ArrowFault::UnsupportedType`](crate::ArrowFault::UnsupportedType); [`LayoutError::SizeOverflow`].
    ///
    /// # Safety
    ///
    /// As [`ArrowArray::into_array`].
    pub unsafe fn into_view(self, data_type: &DataType) -> Result<StridedView<'static>> {
        self.check_ready()?;
        let device = self.device()?;
        // SAFETY: the caller's promise.
        let items = unsafe { DeviceItems::read(&self.array, data_type) }?;
        let storage = storage(&items.leaf)?;
        let (mut shape, offset) = (items.shape, items.offset);
        shape.extend(storage.axis);
        let compact = Layout::contiguous(&shape, &storage.dtype, Order::C)?;
        let unit = compact.itemsize();
        let too_large = || LayoutError::SizeOverflow {
            shape: shape.clone(),
            itemsize: unit,
        };
        let offset = offset
            .checked_mul(storage.axis.unwrap_or(1))
            .and_then(|offset| offset.checked_mul(unit))
            .ok_or_else(too_large)?;
        let layout = Layout::strided(&shape, compact.strides(), offset, &storage.dtype)?;
        let bits = if storage.dtype.is_packed() { 8 } else { 1 };
        let len = offset
            .checked_add(compact.len() * unit)
            .map(|end| end.div_ceil(bits))
            .filter(|len| isize::try_from(*len).is_ok())
            .ok_or_else(too_large)?;
        let first = match NonNull::new(items.values.cast_mut().cast::<u8>()) {
            Some(first) => first,
            None if compact.is_empty() => NonNull::dangling(),
            None => {
                return Err(CDataFault::NullBuffer {
                    index: 1,
                    expected: len,
                }
                .into());
            }
        };
        let len = if compact.is_empty() { 0 } else { len };
        let (access, kind) = (Access::Immutable, OwnerKind::Arrow);
        // SAFETY: *owned struct*: the array keeps its memory alive and unwritten, and is the owner.
        let memory = unsafe { Buffer::from_raw_parts(first, len, access, device, kind, self) };
        let view = StridedView::new(memory, storage.dtype, layout)?;
        Ok(match storage.logical {
            Some(logical) => view.with_logical(logical),
            None => view,
        })
    }

    fn check_ready(&self) -> Result<()> {
        if self.is_released() {
            return Err(CDataFault::Released {
                name: "ArrowDeviceArray",
            }
            .into());
        }
        match self.sync_event() {
            Some(_) => Err(CDataFault::SyncEvent.into()),
            None => Ok(()),
        }
    }

    fn elsewhere(&self) -> Error {
        CDataFault::Device {
            device_type: self.device_type,
            device_id: self.device_id,
        }
        .into()
    }
}

/// Whether devices of this type are numbered: all but the CPU.
const fn numbered(device: Device) -> bool {
    device.device_type != Device::CPU.device_type
}

impl fmt::Debug for ArrowDeviceArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowDeviceArray")
            .field("array", &self.array)
            .field("device_type", &self.device_type)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}
