//! The structs of the Arrow C Data Interface as the specification has them, for tests and fuzzers to break.

use std::ffi::{c_char, c_void};

#[repr(C)]
pub(crate) struct RawSchema {
    pub(crate) format: *const c_char,
    pub(crate) name: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) flags: i64,
    pub(crate) n_children: i64,
    pub(crate) children: *mut *mut RawSchema,
    pub(crate) dictionary: *mut RawSchema,
    pub(crate) release: Option<unsafe extern "C" fn(*mut RawSchema)>,
    pub(crate) private_data: *mut c_void,
}

#[repr(C)]
pub(crate) struct RawArray {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) n_buffers: i64,
    pub(crate) n_children: i64,
    pub(crate) buffers: *mut *const c_void,
    pub(crate) children: *mut *mut RawArray,
    pub(crate) dictionary: *mut RawArray,
    pub(crate) release: Option<unsafe extern "C" fn(*mut RawArray)>,
    pub(crate) private_data: *mut c_void,
}
