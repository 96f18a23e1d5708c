//! Another library, which hands out tensors.
//!
//! # Safety
//!
//! Structs are boxed, outlive their use, and are consumed once.
#![allow(dead_code, reason = "each test uses its part")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor};

/// A producer in the role of another library: it counts how often its deleter runs.
pub(crate) struct Producer {
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
    pub(crate) data: Vec<u64>,
    pub(crate) deleted: Arc<AtomicUsize>,
}

impl Producer {
    pub(crate) fn new(shape: &[i64], strides: &[i64]) -> Self {
        Self {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            data: (0..64).collect(),
            deleted: Arc::default(),
        }
    }

    pub(crate) fn tensor(&mut self) -> DLTensor {
        DLTensor {
            data: self.data.as_mut_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: i32::try_from(self.shape.len()).unwrap(),
            dtype: DLDataType {
                code: 0,
                bits: 64,
                lanes: 1,
            },
            shape: self.shape.as_mut_ptr(),
            strides: self.strides.as_mut_ptr(),
            byte_offset: 0,
        }
    }

    /// Hands out a versioned tensor after `edit` had its way with it.
    pub(crate) fn versioned(
        mut self,
        edit: impl FnOnce(&mut DLManagedTensorVersioned),
    ) -> *mut DLManagedTensorVersioned {
        let tensor = self.tensor();
        let mut managed = Box::new(DLManagedTensorVersioned {
            version: DLPackVersion { major: 1, minor: 3 },
            manager_ctx: Box::into_raw(Box::new(self)).cast(),
            deleter: Some(delete_versioned),
            flags: 0,
            dl_tensor: tensor,
        });
        edit(&mut managed);
        Box::into_raw(managed)
    }

    pub(crate) fn legacy(mut self, edit: impl FnOnce(&mut DLManagedTensor)) -> *mut DLManagedTensor {
        let tensor = self.tensor();
        let mut managed = Box::new(DLManagedTensor {
            dl_tensor: tensor,
            manager_ctx: Box::into_raw(Box::new(self)).cast(),
            deleter: Some(delete_legacy),
        });
        edit(&mut managed);
        Box::into_raw(managed)
    }
}

fn count(context: *mut c_void) {
    // SAFETY: the context is the producer, boxed above; a second call would be a double free, which the tests run without.
    let producer = unsafe { Box::from_raw(context.cast::<Producer>()) };
    producer.deleted.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn delete_versioned(this: *mut DLManagedTensorVersioned) {
    // SAFETY: boxed above.
    count(unsafe { Box::from_raw(this) }.manager_ctx);
}

unsafe extern "C" fn delete_legacy(this: *mut DLManagedTensor) {
    // SAFETY: boxed above.
    count(unsafe { Box::from_raw(this) }.manager_ctx);
}
