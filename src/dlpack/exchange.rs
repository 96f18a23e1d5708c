//! The table of functions that Python types offer for exchange without Python (`__dlpack_c_exchange_api__`): its layout, its names, and the way
//! through its versions.
//!
//! A type that has the attribute keeps in it a capsule named [`CAPSULE`], whose pointer is a [`DLPackExchangeAPI`] that lives as long as the process.
//! All functions follow the current stream and synchronise nothing; all but the allocator report errors as Python exceptions. May be NULL:
//! `dltensor_from_py_object_no_sync`, and no other.
//!
//! # Safety
//!
//! Invariant *live table*: whoever calls [`find`] has the pointer from such a capsule, so that it and those that it leads to stay alive.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::offset_of;

use dlpack_rs::ffi::{DLPackExchangeAPI, DLPackExchangeAPIHeader, DLPackVersion};

use super::abi::VERSION;

/// The attribute of a type that offers the table.
pub const ATTRIBUTE: &CStr = c"__dlpack_c_exchange_api__";

/// Name of the capsule with the table.
pub const CAPSULE: &CStr = c"dlpack_exchange_api";

/// Name of a capsule with a versioned tensor that nobody has consumed yet, and what its consumer calls it.
pub const VERSIONED_CAPSULE: (&CStr, &CStr) = (c"dltensor_versioned", c"used_dltensor_versioned");

/// Name of a capsule with a legacy tensor that nobody has consumed yet, and what its consumer calls it.
pub const LEGACY_CAPSULE: (&CStr, &CStr) = (c"dltensor", c"used_dltensor");

/// The longest way back through older versions. There is one major version so far.
const MOST_VERSIONS: usize = 16;

/// The stamp on what we hand out: of tensors, and of a table of our own.
#[must_use]
pub const fn version() -> DLPackVersion {
    let (major, minor) = VERSION;
    DLPackVersion { major, minor }
}

/// Whether a consumer that named `max_version` (the Python keyword) is to get a versioned tensor; if not, a legacy one.
///
/// ```
/// use viewbridge::dlpack::exchange::takes_versioned;
///
/// assert!(takes_versioned(Some((1, 0))) && takes_versioned(Some((2, 7))));
/// assert!(!takes_versioned(Some((0, 8))) && !takes_versioned(None));
/// ```
#[must_use]
pub const fn takes_versioned(max_version: Option<(u32, u32)>) -> bool {
    matches!(max_version, Some((major, _)) if major >= VERSION.0)
}

/// The newest table that this crate understands, from one of any version. `None` if there is none, or if a function that must be there is not.
///
/// # Safety
///
/// `table` is NULL or the pointer of a capsule named [`CAPSULE`], which lives as long as the process, as do all that its header leads to.
#[must_use]
pub unsafe fn find(table: *const DLPackExchangeAPI) -> Option<&'static DLPackExchangeAPI> {
    let mut header: *const DLPackExchangeAPIHeader = table.cast();
    for _ in 0..MOST_VERSIONS {
        // SAFETY: *live table*; the header is the same in every version.
        let DLPackExchangeAPIHeader { version, prev_api } = *unsafe { header.as_ref() }?;
        if version.major == VERSION.0 {
            // SAFETY: *live table*, of the version that has these functions.
            return unsafe { header.cast::<DLPackExchangeAPI>().as_ref() }.filter(|table| is_complete(table));
        }
        header = prev_api;
    }
    None
}

fn is_complete(table: &DLPackExchangeAPI) -> bool {
    table.managed_tensor_allocator.is_some()
        && table.managed_tensor_from_py_object_no_sync.is_some()
        && table.managed_tensor_to_py_object_no_sync.is_some()
        && table.current_work_stream.is_some()
}

// The layout that the C header has on 64-bit machines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<DLPackExchangeAPIHeader>() == 16 && offset_of!(DLPackExchangeAPIHeader, prev_api) == 8);
    assert!(size_of::<DLPackExchangeAPI>() == 56 && align_of::<DLPackExchangeAPI>() == 8);
    assert!(offset_of!(DLPackExchangeAPI, header) == 0);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_allocator) == 16);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_from_py_object_no_sync) == 24);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_to_py_object_no_sync) == 32);
    assert!(offset_of!(DLPackExchangeAPI, dltensor_from_py_object_no_sync) == 40);
    assert!(offset_of!(DLPackExchangeAPI, current_work_stream) == 48);
};
