//! A `DLTensor` for the duration of a call: neither owner nor deleter, and nothing allocated.
//!
//! # Safety
//!
//! Nothing here is followed: a [`DLTensor`] is a struct of raw pointers, and whoever follows them does so under the contract of
//! [`BorrowedTensor::as_dl_tensor`].
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;

use dlpack_rs::ffi::{DLDataType, DLTensor};

use super::dtype;
use super::export::{LEGACY, describe, tidy, to_i64};
use crate::convert::{CopyPolicy, MemoryUse, Requirements};
use crate::error::Result;
use crate::layout::{INLINE_NDIM, whole_items};
use crate::view::StridedView;

type Dims = smallvec::SmallVec<[i64; 2 * INLINE_NDIM]>;

/// What a bare `DLTensor` can express. It has no flags, so that read-only memory is refused.
pub const BORROWED: Requirements = LEGACY.named("a borrowed DLPack tensor").may_be_borrowed();

/// A view as DLPack describes it, for as long as the view is borrowed. Allocates nothing up to rank 6.
///
/// It is what C functions take for an argument, and what the exchange API's `dltensor_from_py_object_no_sync` fills in.
///
/// ```
/// use viewbridge::dlpack::ffi::DLTensor;
/// use viewbridge::{StridedView, StridedViewMut};
///
/// /// Stands for a function in C.
/// unsafe extern "C" fn first(tensor: *const DLTensor) -> f32 {
///     unsafe { *(*tensor).data.cast() }
/// }
///
/// let mut items = [1.0_f32, 2.0, 3.0];
/// let shared = StridedViewMut::from_slice(&mut items).share();
/// let reversed = shared.flip(0)?;
/// let tensor = reversed.borrow_dlpack()?; // shares, or says why it cannot
/// // SAFETY: the function follows the pointers during the call alone.
/// assert_eq!(unsafe { first(&tensor.as_dl_tensor()) }, 3.0);
/// # Ok::<(), viewbridge::Error>(())
/// ```
pub struct BorrowedTensor<'a> {
    /// All fields; `shape` and `strides` are put in when the tensor is asked for, because `dims` moves with `self`.
    tensor: DLTensor,
    /// The shape, then the strides in items.
    dims: Dims,
    memory: PhantomData<&'a [u8]>,
}

// SAFETY: as for the view that it describes; the pointers are given out and never followed.
unsafe impl Send for BorrowedTensor<'_> {}
// SAFETY: as above.
unsafe impl Sync for BorrowedTensor<'_> {}

impl StridedView<'_> {
    /// This view as a tensor without an owner, for the duration of a call ([`BORROWED`]). Never copies.
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`](crate::Error::CopyForbidden) for what DLPack cannot express; [`Error::Refused`](crate::Error::Refused) for data types
    /// that it does not have, and for read-only memory, because the callee may write.
    pub fn borrow_dlpack(&self) -> Result<BorrowedTensor<'_>> {
        borrow(self, &BORROWED)
    }

    /// As [`borrow_dlpack`](Self::borrow_dlpack), of read-only memory, too.
    ///
    /// # Errors
    ///
    /// As [`borrow_dlpack`](Self::borrow_dlpack).
    ///
    /// # Safety
    ///
    /// If the memory is read-only, nobody writes it through the tensor.
    pub unsafe fn borrow_dlpack_trusted(&self) -> Result<BorrowedTensor<'_>> {
        const TRUSTED: Requirements = BORROWED.memory(MemoryUse::Read);
        borrow(self, &TRUSTED)
    }
}

fn borrow<'a>(view: &'a StridedView<'_>, limits: &Requirements) -> Result<BorrowedTensor<'a>> {
    let shared = view.convert(limits, CopyPolicy::Never)?.value;
    let dtype = dtype::export(shared.dtype()).expect("the requirements exclude other types");
    Ok(BorrowedTensor::new(&shared, dtype))
}

impl BorrowedTensor<'_> {
    fn new(view: &StridedView<'_>, dtype: DLDataType) -> Self {
        let (itemsize, empty) = (view.layout().itemsize(), view.is_empty());
        let sizes = view.shape().iter().map(|dim| to_i64(dim.cast_signed()));
        let strides = view.shape().iter().zip(view.strides()).map(|(&dim, &stride)| {
            let items = whole_items(stride, itemsize, empty || dim == 1);
            to_i64(items.expect("the requirements exclude other strides"))
        });
        let mut dims: Dims = sizes.chain(strides).collect();
        tidy(view.shape(), &mut dims[view.ndim()..]);
        let nowhere = (std::ptr::null_mut(), std::ptr::null_mut());
        Self {
            tensor: describe(view, dtype, (view.ndim(), empty), nowhere),
            dims,
            memory: PhantomData,
        }
    }

    /// The struct. Its `shape` and `strides` point into `self`, its `data` to the memory of the view.
    ///
    /// Whoever follows the pointers must do so while `self` is borrowed, hence neither moved nor dropped, and must not write shape or strides.
    #[must_use]
    pub fn as_dl_tensor(&self) -> DLTensor {
        let shape = self.dims.as_ptr().cast_mut();
        let strides = shape.wrapping_add(self.dims.len() / 2);
        DLTensor {
            shape,
            strides,
            ..self.tensor
        }
    }

    /// The same tensor without the borrow: for an object that holds both the view and its description.
    ///
    /// # Safety
    ///
    /// No tensor taken from the result is followed after the memory of the view has gone.
    #[must_use]
    pub unsafe fn detach(self) -> BorrowedTensor<'static> {
        BorrowedTensor {
            tensor: self.tensor,
            dims: self.dims,
            memory: PhantomData,
        }
    }
}

impl fmt::Debug for BorrowedTensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shape, strides) = self.dims.split_at(self.dims.len() / 2);
        f.debug_struct("BorrowedTensor")
            .field("data", &self.tensor.data)
            .field("shape", &shape)
            .field("strides", &strides)
            .finish()
    }
}
