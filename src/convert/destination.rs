//! Where copies go: fresh memory, memory of the caller that holds nothing yet, and views that are there already.
//!
//! # Safety
//!
//! *filled*: a compact layout covers each of its bytes, so that [`StridedView::fill`] initialises all of them.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::plan::PlannedCopy;
use super::run::Target;
use super::{Alignment, Converted, CopyPolicy, CopyRecord, CopyReport, Packing, Plan, Requirements};
use crate::allocation::{Allocation, vec_of};
use crate::buffer::Buffer;
use crate::copy::{CopyPlan, Kernel, Plain, execute_plain};
use crate::dtype::{DType, Element, Kind};
use crate::error::{Error, Result};
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Memory as the items that it holds.
///
/// # Safety
///
/// All of them are initialised.
unsafe fn initialised<T>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    let (items, len) = (memory.as_mut_ptr().cast(), memory.len());
    // SAFETY: the same memory, borrowed as long, and initialised.
    unsafe { std::slice::from_raw_parts_mut(items, len) }
}

/// What a slice of `T` is.
const ITEMS: Requirements = Requirements::any("a Vec")
    .contiguous(Order::C)
    .native()
    .packing(Packing::BoolBytes);

/// What bytes in an order are.
const fn bytes_in(order: Order) -> Requirements {
    Requirements::any("bytes").contiguous(order).cpu_readable()
}

impl<'a> StridedView<'a> {
    /// Fills `destination` with the items of this view, in one pass. Byte order and packing may differ.
    ///
    /// The shapes must be equal: broadcast this view first if need be. O(items), no allocation.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`], [`Error::DTypeMismatch`], [`Error::DeviceMemory`], [`Error::InvalidItem`] for a `bool` that is
    /// neither 0 nor 1: the destination may be a slice of `bool`. Nothing is written then.
    #[inline(always)]
    pub fn copy_into(&self, destination: &mut StridedViewMut<'_>) -> Result<CopyReport> {
        let bytes = match self.copy_plain(destination) {
            Some(bytes) => bytes,
            None => self.copy_over(destination)?,
        };
        let record = CopyRecord::of_items(bytes, &[CopyReason::Requested]);
        Ok(CopyReport::copied(record))
    }

    /// [`copy_over`](Self::copy_over), if nothing about the copy is unusual and it is small. `None` decides nothing, and nothing has been written then.
    fn copy_plain(&self, destination: &mut StridedViewMut<'_>) -> Option<usize> {
        let (memory, dtype, layout) = (destination.base_ptr(), destination.dtype(), destination.layout());
        let mut plan = Plain::blank();
        // Booleans are looked at one by one.
        let plain = self.dtype().kind() != Kind::Bool
            && self.device().is_cpu_readable()
            && plan.look((self.dtype(), self.layout()), (dtype, layout));
        // SAFETY: source *alive*, *initialised*, *in bounds*; shapes and device have been looked at; *exclusive*, hence disjoint from this view.
        (plain && unsafe { execute_plain(&plan, self.buffer().as_ptr(), memory) }).then_some(plan.bytes)
    }

    /// [`copy_into`](Self::copy_into) without the report, which is best put together in the frame of the caller: moved from here, it would
    /// have to wait until all that has been copied has left for the cache. Returns the bytes written.
    #[inline(never)]
    fn copy_over(&self, destination: &mut StridedViewMut<'_>) -> Result<usize> {
        self.check_readable()?;
        self.check_shape(destination.shape())?;
        if self.dtype() == destination.dtype() {
            self.check_items(destination.dtype())?;
        }
        let (memory, bytes) = (destination.base_ptr(), destination.layout().nbytes());
        let (dtype, layout) = (destination.dtype(), destination.layout());
        // SAFETY: shapes and device have been checked; *exclusive*, hence disjoint from this view.
        unsafe { self.overwrite(&Target { dtype, layout }, memory) }?;
        Ok(bytes)
    }

    /// How [`copy_into`](Self::copy_into) would fill `destination`; `None` for records whose fields move one by one. Touches no item, allocates nothing
    /// up to rank 8, and takes some nanoseconds: O(rank²).
    ///
    /// ```
    /// use viewbridge::{StridedView, StridedViewMut};
    ///
    /// let a = StridedView::from_vec(vec![0_u16; 15]).reshape(&[3, 5])?.transpose();
    /// let destination = StridedViewMut::from_vec(vec![0_u16; 15]).reshape(&[5, 3])?;
    /// let kernel = a.kernel_into(&destination)?.unwrap();
    /// assert!(kernel.to_string().starts_with("transpose of 5 × 3 items of 2 bytes"));
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`], [`Error::DTypeMismatch`].
    pub fn kernel_into(&self, destination: &StridedViewMut<'_>) -> Result<Option<Kernel>> {
        let (dtype, layout) = (destination.dtype(), destination.layout());
        if let Some(kernel) = Kernel::look((self.dtype(), self.layout()), (dtype, layout)) {
            return Ok(Some(kernel));
        }
        self.check_shape(layout.shape())?;
        if self.field_moves(dtype, layout)?.is_some() {
            return Ok(None);
        }
        let mut plan = CopyPlan::blank();
        self.make_copy_plan(&mut plan, &Target { dtype, layout })?;
        Ok(Some(Kernel::of(&plan)))
    }

    #[inline(always)]
    fn check_shape(&self, expected: &[usize]) -> Result<()> {
        if self.shape() == expected {
            return Ok(());
        }
        Err(Error::ShapeMismatch {
            expected: expected.to_vec(),
            found: self.shape().to_vec(),
        })
    }

    /// As [`convert`](Self::convert), but a copy goes into `memory`, which may be uninitialised, and borrows it.
    ///
    /// Copying into memory that has been touched before is several times faster than into fresh memory. Bytes of `memory` beyond the copy
    /// are left alone; where the view is shared, all are. The result lives as long as the borrow of `memory`, whatever the requirements say
    /// of lifetimes.
    ///
    /// ```
    /// use std::mem::MaybeUninit;
    /// use viewbridge::{CopyPolicy, StridedView, convert::requirements::C_CONTIGUOUS};
    ///
    /// let a = StridedView::from_vec(vec![1_u8, 2, 3, 4, 5, 6]).reshape(&[2, 3])?;
    /// let mut scratch = [MaybeUninit::uninit(); 64];
    /// let copy = a.transpose().convert_into(&C_CONTIGUOUS, CopyPolicy::IfNeeded, &mut scratch)?;
    /// assert_eq!(copy.value.typed::<u8>()?.as_slice()?, [1, 4, 2, 5, 3, 6]);
    /// assert!(a.convert_into(&C_CONTIGUOUS, CopyPolicy::IfNeeded, &mut scratch)?.is_shared());
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`convert`](Self::convert); [`Error::TooShort`] for less memory than [`Plan::bytes_copied`] says, [`Error::Misaligned`] if the
    /// requirements ask for an alignment that it does not have.
    pub fn convert_into<'m>(
        &self,
        requirements: &Requirements,
        policy: CopyPolicy,
        memory: &'m mut [MaybeUninit<u8>],
    ) -> Result<Converted<StridedView<'m>>>
    where
        'a: 'm,
    {
        let Some(copy) = Plan::new(self, requirements, policy).into_copy(policy)? else {
            return Ok(Converted::shared(self.clone()));
        };
        if copy.reasons.is_empty() {
            return Ok(Converted::shared(self.renamed(copy)));
        }
        let required = match requirements.alignment {
            Alignment::Any => 1,
            Alignment::Item => copy.dtype.alignment(),
            Alignment::Bytes(bytes) => bytes.max(copy.dtype.alignment()),
        };
        let found = memory.as_ptr().addr().cast_signed();
        if !found.unsigned_abs().is_multiple_of(required.max(1)) {
            return Err(Error::Misaligned { found, required });
        }
        let report = copy.report();
        let PlannedCopy { dtype, layout, .. } = copy;
        self.fill(
            &Target {
                dtype: &dtype,
                layout: &layout,
            },
            memory,
        )?;
        // SAFETY: *filled*.
        let bytes = unsafe { initialised(&mut memory[..layout.nbytes()]) };
        let value = StridedView::from_parts(Buffer::from_slice::<u8>(bytes), dtype, layout, self.shared_logical());
        Ok(Converted { value, report })
    }

    /// The items in row-major order, whatever the layout and byte order, at the beginning of `memory`, which may be uninitialised. Always
    /// copies.
    ///
    /// ```
    /// use viewbridge::StridedView;
    ///
    /// let columns = StridedView::from_vec(vec![1.0_f32, 2.0, 3.0, 4.0]).reshape(&[2, 2])?.transpose();
    /// let mut items = Vec::with_capacity(4);
    /// assert_eq!(columns.copy_into_slice::<f32>(items.spare_capacity_mut())?, [1.0, 3.0, 2.0, 4.0]);
    /// # items.push(0.0_f32);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_vec`](Self::to_vec); [`Error::TooShort`].
    pub fn copy_into_slice<'m, T: Element>(&self, memory: &'m mut [MaybeUninit<T>]) -> Result<&'m mut [T]> {
        let copy = self.planned_items::<T>()?;
        let (expected, found) = (copy.layout.nbytes(), size_of_val(memory));
        let items = memory
            .get_mut(..self.len())
            .ok_or(Error::TooShort { expected, found })?;
        let ptr = items.as_mut_ptr().cast();
        // SAFETY: the same memory, borrowed mutably; its bytes need not be initialised.
        let bytes = unsafe { std::slice::from_raw_parts_mut(ptr, size_of_val(items)) };
        let PlannedCopy { dtype, layout, .. } = &copy;
        self.fill(&Target { dtype, layout }, bytes)?;
        // SAFETY: *filled*.
        let bytes = unsafe { initialised(bytes) };
        if *self.dtype() == DType::BOOL
            && let Some(position) = bytes.iter().position(|&byte| byte > 1)
        {
            let expected = DType::BOOL;
            return Err(Error::InvalidItem { position, expected });
        }
        // SAFETY: *filled*; the type of the items is that of `T`, whose only invalid bytes have been looked for.
        Ok(unsafe { initialised(items) })
    }

    /// The bytes of the items in `order`, in the byte order that they have, at the beginning of `memory`, which may be uninitialised. Always
    /// copies.
    ///
    /// # Errors
    ///
    /// As [`to_bytes`](Self::to_bytes); [`Error::TooShort`].
    pub fn copy_into_bytes<'m>(&self, order: Order, memory: &'m mut [MaybeUninit<u8>]) -> Result<&'m mut [u8]> {
        let PlannedCopy { dtype, layout, .. } = &self.planned(&bytes_in(order))?;
        self.fill(&Target { dtype, layout }, memory)?;
        // SAFETY: *filled*.
        Ok(unsafe { initialised(&mut memory[..layout.nbytes()]) })
    }

    /// The items as a `Vec`, in row-major order, whatever the layout and byte order. Always copies.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] (the byte order does not count, nor whether booleans are packed), [`Error::Refused`] if the bytes lie on a
    /// device, [`Error::InvalidItem`] for a `bool` that is neither 0 nor 1, [`Error::OutOfMemory`].
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.planned_items::<T>()?;
        let mut items = vec_of(self.len())?;
        let len = self.copy_into_slice::<T>(items.spare_capacity_mut())?.len();
        // SAFETY: so many items have just been written.
        unsafe { items.set_len(len) };
        Ok(items)
    }

    /// As [`to_vec`](Self::to_vec), if `requirements` ask for a copy; `None` if the view can be shared.
    #[cfg(any(feature = "candle", feature = "ndarray"))]
    pub(crate) fn to_vec_if_needed<T: Element>(
        &self,
        requirements: &Requirements,
        policy: CopyPolicy,
    ) -> Result<Option<Converted<Vec<T>>>> {
        match Plan::new(self, requirements, policy).into_copy(policy)? {
            Some(copy) if !copy.reasons.is_empty() => {
                let report = copy.report();
                let value = self.to_vec::<T>()?;
                Ok(Some(Converted { value, report }))
            }
            _ => Ok(None),
        }
    }

    /// The bytes of the items in `order`, in the byte order that they have (NumPy's `tobytes`). Always copies.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the bytes lie on a device, [`Error::OutOfMemory`].
    pub fn to_bytes(&self, order: Order) -> Result<Vec<u8>> {
        let mut bytes = vec_of(self.planned(&bytes_in(order))?.layout.nbytes())?;
        let len = self.copy_into_bytes(order, bytes.spare_capacity_mut())?.len();
        // SAFETY: so many bytes have just been written.
        unsafe { bytes.set_len(len) };
        Ok(bytes)
    }

    /// The copy that leads to what `requirements` ask for, needed or not.
    fn planned(&self, requirements: &Requirements) -> Result<PlannedCopy> {
        let plan = Plan::new(self, requirements, CopyPolicy::Always);
        Ok(plan
            .into_copy(CopyPolicy::Always)?
            .expect("a copy that was requested is planned"))
    }

    /// As [`planned`](Self::planned), for items of type `T`.
    fn planned_items<T: Element>(&self) -> Result<PlannedCopy> {
        let copy = self.planned(&ITEMS)?;
        if copy.dtype == T::DTYPE {
            return Ok(copy);
        }
        let (expected, found) = (T::DTYPE, self.dtype().clone());
        Err(Error::DTypeMismatch { expected, found })
    }

    /// A copy in fresh memory.
    pub(super) fn copied(&self, copy: PlannedCopy) -> Result<StridedView<'static>> {
        let PlannedCopy { dtype, layout, .. } = copy;
        let mut memory = Allocation::uninit(layout.nbytes(), copy.alignment)?;
        self.fill(
            &Target {
                dtype: &dtype,
                layout: &layout,
            },
            memory.as_uninit(),
        )?;
        // SAFETY: *filled*, and the memory is no longer than that.
        let buffer = unsafe { memory.into_buffer() };
        Ok(StridedView::from_parts(buffer, dtype, layout, self.shared_logical()))
    }

    /// The same memory under the names of a copy that there is nothing to do for.
    pub(super) fn renamed(&self, copy: PlannedCopy) -> Self {
        Self::from_parts(self.buffer().clone(), copy.dtype, copy.layout, self.shared_logical())
    }
}
