//! One copy, carried out.
//!
//! # Safety
//!
//! The calls of the copy engine rely on *alive*, *initialised* and *in bounds* of the source, and on memory for the destination that the
//! caller holds exclusively.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use crate::copy::{CopyPlan, execute};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::view::StridedView;

/// What a copy writes.
pub(crate) struct Target<'a> {
    pub(crate) dtype: &'a DType,
    pub(crate) layout: &'a Layout,
}

impl StridedView<'_> {
    /// Fills the first bytes of `memory`, so many as `target` has: all of them are initialised afterwards.
    ///
    /// The layout of the target is compact, from offset 0 on, and its shape that of the view, which the CPU can read.
    ///
    /// # Errors
    ///
    /// [`Error::TooShort`]; [`Error::DTypeMismatch`] if the types differ in more than byte order and packing.
    pub(super) fn fill(&self, target: &Target<'_>, memory: &mut [MaybeUninit<u8>]) -> Result<()> {
        let (expected, found) = (target.layout.nbytes(), memory.len());
        let memory = memory.get_mut(..expected).ok_or(Error::TooShort { expected, found })?;
        if self.dtype() != target.dtype
            && let Some(moves) = self.field_moves(target.dtype, target.layout)?
        {
            if moves.leaves_bytes() {
                memory.fill(MaybeUninit::new(0));
            }
            // SAFETY: source *alive*, *initialised*, *in bounds*; the destination is borrowed mutably and as long as its layout, and zeroed where
            // it is left as it is.
            unsafe { moves.execute(self.buffer().as_ptr(), memory.as_mut_ptr().cast()) };
            return Ok(());
        }
        let mut plan = CopyPlan::blank();
        self.make_copy_plan(&mut plan, target)?;
        if plan.reads_destination() {
            memory.fill(MaybeUninit::new(0));
        }
        // SAFETY: source *alive*, *initialised*, *in bounds*; the destination is borrowed mutably and as long as its layout, and zeroed where
        // it is read.
        unsafe { self.carry_out(&plan, target, memory.as_mut_ptr().cast()) };
        Ok(())
    }

    /// Writes the items of `target`, which may be of any strides, in the memory that begins at `memory`; of records, the fields alone.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill).
    ///
    /// # Safety
    ///
    /// The shapes are equal, and the CPU can read this view. Every item of the target lies in initialised memory that the caller holds
    /// exclusively, and no two of them share a bit.
    #[inline]
    pub(crate) unsafe fn overwrite(&self, target: &Target<'_>, memory: *mut u8) -> Result<()> {
        if let Some(moves) = self.field_moves(target.dtype, target.layout)? {
            // SAFETY: source *alive*, *initialised*, *in bounds*; the rest is the caller's promise.
            unsafe { moves.execute(self.buffer().as_ptr(), memory) };
            return Ok(());
        }
        let mut plan = CopyPlan::blank();
        self.make_copy_plan(&mut plan, target)?;
        // SAFETY: source *alive*, *initialised*, *in bounds*; the rest is the caller's promise.
        unsafe { self.carry_out(&plan, target, memory) };
        Ok(())
    }

    /// Carries a plan of [`copy_plan`](Self::copy_plan) out, by several threads if there is enough to do.
    ///
    /// # Safety
    ///
    /// As [`execute`].
    #[inline]
    unsafe fn carry_out(&self, plan: &CopyPlan, target: &Target<'_>, memory: *mut u8) {
        let src = self.buffer().as_ptr();
        #[cfg(feature = "rayon")]
        {
            let whole = target.layout.nbytes();
            let threads = super::threads::threads_for(whole);
            if threads > 1 {
                let job = super::threads::Job {
                    dtypes: (self.dtype(), target.dtype),
                    src,
                    dst: memory,
                    whole,
                };
                // SAFETY: the caller's promise.
                return unsafe { job.run(self.layout(), target.layout, threads) };
            }
        }
        #[cfg(not(feature = "rayon"))]
        let _ = target;
        // SAFETY: the caller's promise.
        unsafe { execute(plan, src, memory) };
    }

    /// The plan of a copy of this view into a layout of the same shape.
    ///
    /// # Errors
    ///
    /// [`Error::DTypeMismatch`] if the types differ in more than byte order and packing; records, if they differ at all.
    pub(crate) fn copy_plan(&self, dtype: &DType, layout: &Layout) -> Result<CopyPlan> {
        CopyPlan::new((self.dtype(), self.layout()), (dtype, layout)).ok_or_else(|| self.mismatch(dtype))
    }

    /// The same, made where it is to lie.
    #[inline(always)]
    pub(super) fn make_copy_plan(&self, plan: &mut CopyPlan, target: &Target<'_>) -> Result<()> {
        if plan.make((self.dtype(), self.layout()), (target.dtype, target.layout)) {
            Ok(())
        } else {
            Err(self.mismatch(target.dtype))
        }
    }
}
