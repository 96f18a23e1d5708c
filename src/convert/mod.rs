//! The heart: require → plan → copy → report.
//!
//! A consumer states what it accepts ([`Requirements`]). One planner holds a view against it ([`StridedView::plan`]); one executor carries
//! the plan out ([`StridedView::convert`]); the report lists the reasons of the plan.
//!
//! # Safety
//!
//! The two calls of the copy engine rely on *alive*, *initialised* and *in bounds* for the source, and on *exclusive* or fresh memory for the
//! destination.
#![allow(unsafe_code)]

mod copies;
mod plan;
mod reasons;
mod report;
pub mod requirements;

pub use plan::Plan;
pub use report::{Converted, CopyRecord, CopyReport, Part};
pub use requirements::{Alignment, LayoutClass, MemoryUse, Packing, Requirements, StrideSign};

use crate::allocation::Allocation;
use crate::copy::{CopyPlan, Kernel, execute};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::memory::Order;
use crate::reason::CopyReason;
use crate::view::StridedView;
use crate::view_mut::StridedViewMut;

/// Whether a conversion may copy: the `copy` argument of the array API standard (`False`, `None`, `True`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CopyPolicy {
    /// Share or fail, with the reasons in the error.
    Never,
    /// Share if possible, else copy.
    #[default]
    IfNeeded,
    /// Copy in any case.
    Always,
}

impl<'a> StridedView<'a> {
    /// What handing this view to a consumer would cost. Touches no item; O(rank).
    pub fn plan(&self, requirements: &Requirements) -> Plan {
        Plan::new(self, requirements, CopyPolicy::IfNeeded)
    }

    /// This view in a form that a consumer accepts: shared if possible, else copied once, whatever the number of reasons.
    ///
    /// Copies are contiguous: in the order required, or with the axes in the order of their present strides where any order will do.
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`] under [`CopyPolicy::Never`], [`Error::Refused`], [`Error::OutOfMemory`].
    pub fn convert(&self, requirements: &Requirements, policy: CopyPolicy) -> Result<Converted<Self>> {
        match Plan::new(self, requirements, policy).into_copy(policy)? {
            None => Ok(Converted::shared(self.clone())),
            Some(names) if names.reasons.is_empty() => {
                let (buffer, logical) = (self.buffer().clone(), self.shared_logical());
                let value = Self::from_parts(buffer, names.dtype, names.layout, logical);
                Ok(Converted::shared(value))
            }
            Some(copy) => {
                let bytes = copy.layout.nbytes();
                let value = self.copied(copy.dtype, copy.layout, copy.alignment)?;
                let report = CopyReport::copied(CopyRecord::of_items(bytes, copy.reasons));
                Ok(Converted { value, report })
            }
        }
    }

    /// The items in row-major or column-major order. Copies if they are not ([`CopyPolicy::IfNeeded`]).
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if they would have to be copied from a device, [`Error::OutOfMemory`].
    pub fn to_contiguous(&self, order: Order) -> Result<Converted<Self>> {
        let requirements = match order {
            Order::C => requirements::C_CONTIGUOUS,
            Order::F => requirements::F_CONTIGUOUS,
        };
        self.convert(&requirements, CopyPolicy::IfNeeded)
    }

    /// A view that does not depend on a borrow. Copies borrowed memory, shares all other.
    ///
    /// # Errors
    ///
    /// [`Error::CopyForbidden`] under [`CopyPolicy::Never`], [`Error::OutOfMemory`].
    pub fn to_static(&self, policy: CopyPolicy) -> Result<Converted<StridedView<'static>>> {
        const STATIC: Requirements = Requirements::any("an owned view").outlives_borrow();
        let converted = self.convert(&STATIC, policy)?;
        Ok(converted.map(|view| view.into_static().expect("planned not to be borrowed")))
    }

    /// Fills `destination` with the items of this view, in one pass. Byte order and packing may differ.
    ///
    /// The shapes must be equal: broadcast this view first if need be. O(items), no allocation.
    ///
    /// # Errors
    ///
    /// [`Error::ShapeMismatch`], [`Error::DTypeMismatch`], [`Error::DeviceMemory`], [`Error::InvalidItem`] for a `bool` that is
    /// neither 0 nor 1: the destination may be a slice of `bool`. Nothing is written then.
    pub fn copy_into(&self, destination: &mut StridedViewMut<'_>) -> Result<CopyReport> {
        self.check_readable()?;
        if self.shape() != destination.shape() {
            return Err(Error::ShapeMismatch {
                expected: destination.shape().to_vec(),
                found: self.shape().to_vec(),
            });
        }
        let plan = self.copy_plan(destination.dtype(), destination.layout())?;
        if self.dtype() == destination.dtype() {
            self.check_items(destination.dtype())?;
        }
        let memory = destination.base_ptr();
        // SAFETY: source *alive*, *initialised*, *in bounds*; destination *exclusive*, hence disjoint from the source.
        unsafe { execute(&plan, self.buffer().as_ptr(), memory) };
        let bytes = destination.layout().nbytes();
        Ok(CopyReport::copied(CopyRecord::of_items(
            bytes,
            vec![CopyReason::Requested],
        )))
    }

    /// The items as a `Vec`, in row-major order, whatever the layout and byte order. Always copies.
    ///
    /// # Errors
    ///
    /// As [`StridedView::get`]; [`Error::OutOfMemory`].
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let items = Requirements::any("a Vec")
            .contiguous(Order::C)
            .native()
            .packing(Packing::BoolBytes);
        let copy = self.convert(&items, CopyPolicy::Always)?.value;
        let typed = copy.typed::<T>()?;
        let items = typed.as_slice()?;
        let mut result = Vec::new();
        let bytes = size_of_val(items);
        result
            .try_reserve_exact(items.len())
            .map_err(|_| Error::OutOfMemory { bytes })?;
        result.extend_from_slice(items);
        Ok(result)
    }

    /// The bytes of the items in `order`, in the byte order that they have (NumPy's `tobytes`). Always copies.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the bytes lie on a device, [`Error::OutOfMemory`].
    pub fn to_bytes(&self, order: Order) -> Result<Vec<u8>> {
        let ordered = Requirements::any("bytes").contiguous(order).cpu_readable();
        let copy = self.convert(&ordered, CopyPolicy::Always)?.value;
        StridedView::of_items(copy.buffer().clone(), DType::U8).to_vec()
    }

    /// A copy in fresh memory.
    fn copied(&self, dtype: DType, layout: Layout, alignment: usize) -> Result<StridedView<'static>> {
        let plan = self.copy_plan(&dtype, &layout)?;
        // Bits are written into bytes that must be there already.
        let mut memory = match plan.kernel {
            Kernel::Bits { .. } => Allocation::zeroed(layout.nbytes(), alignment)?,
            _ => Allocation::uninit(layout.nbytes(), alignment)?,
        };
        // SAFETY: source *alive*, *initialised*, *in bounds*, and readable by plan; the destination is fresh and large enough.
        unsafe { execute(&plan, self.buffer().as_ptr(), memory.as_mut_ptr()) };
        // SAFETY: a compact layout covers every byte, so that the copy has written all; or they were zeroed.
        let buffer = unsafe { memory.into_buffer() };
        Ok(StridedView::from_parts(buffer, dtype, layout, self.shared_logical()))
    }

    pub(crate) fn copy_plan(&self, dtype: &DType, layout: &Layout) -> Result<CopyPlan> {
        CopyPlan::new((self.dtype(), self.layout()), (dtype, layout)).ok_or_else(|| Error::DTypeMismatch {
            expected: dtype.clone(),
            found: self.dtype().clone(),
        })
    }
}
