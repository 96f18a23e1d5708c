//! The heart: require → plan → copy → report.
//!
//! A consumer states what it accepts ([`Requirements`]). One planner holds a view against it ([`StridedView::plan`]); one executor carries
//! the plan out ([`StridedView::convert`]), into whatever memory the caller chooses; the report lists the reasons of the plan.

mod copies;
mod destination;
mod outline;
mod plan;
mod reasons;
mod records;
mod report;
pub mod requirements;
pub(crate) mod run;
mod stack;
mod stream;
#[cfg(feature = "rayon")]
mod threads;

pub use crate::copy::{Kernel, use_instructions};
pub use outline::Outline;
pub use plan::Plan;
pub use report::{Converted, CopyRecord, CopyReport, Part};
pub use requirements::{Alignment, LayoutClass, MemoryUse, Packing, Requirements, StrideSign};
pub use stream::{Piece, Stream, Streamed};

use crate::error::Result;
use crate::memory::Order;
use crate::view::StridedView;

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
    /// [`Error::CopyForbidden`](crate::Error::CopyForbidden) under [`CopyPolicy::Never`], [`Error::Refused`](crate::Error::Refused), [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn convert(&self, requirements: &Requirements, policy: CopyPolicy) -> Result<Converted<Self>> {
        match Plan::new(self, requirements, policy).into_copy(policy)? {
            None => Ok(Converted::shared(self.clone())),
            Some(names) if names.reasons.is_empty() => Ok(Converted::shared(self.renamed(names))),
            Some(copy) => {
                let report = copy.report();
                let value = self.copied(copy)?;
                Ok(Converted { value, report })
            }
        }
    }

    /// The items in row-major or column-major order. Copies if they are not ([`CopyPolicy::IfNeeded`]).
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) if they would have to be copied from a device, [`Error::OutOfMemory`](crate::Error::OutOfMemory).
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
    /// [`Error::CopyForbidden`](crate::Error::CopyForbidden) under [`CopyPolicy::Never`], [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn to_static(&self, policy: CopyPolicy) -> Result<Converted<StridedView<'static>>> {
        const STATIC: Requirements = Requirements::any("an owned view").outlives_borrow();
        let converted = self.convert(&STATIC, policy)?;
        Ok(converted.map(|view| view.into_static().expect("planned not to be borrowed")))
    }
}
