//! A view without its memory: all that planning looks at.

use super::{CopyPolicy, Plan, Requirements};
use crate::dtype::{DType, Logical};
use crate::layout::Layout;
use crate::memory::{Access, Device, OwnerKind};
use crate::view::StridedView;

/// What planning looks at of a view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'v> {
    pub(super) dtype: &'v DType,
    pub(super) layout: &'v Layout,
    pub(super) logical: Option<&'v Logical>,
    pub(super) access: Access,
    pub(super) device: Device,
    pub(super) owner: OwnerKind,
    /// Of the first item.
    pub(super) address: usize,
}

impl<'v> Facts<'v> {
    pub(super) fn of(view: &'v StridedView<'_>) -> Self {
        Self {
            dtype: view.dtype(),
            layout: view.layout(),
            logical: view.logical(),
            access: view.access(),
            device: view.device(),
            owner: view.owner_kind(),
            address: view.data_ptr().addr(),
        }
    }
}

/// A view without its memory: what the items are, how they lie, and where they would be. Enough to plan by, and nothing to read.
///
/// [`files`](crate::files) describes the arrays of a file so, before it is opened.
///
/// ```
/// use viewbridge::{Order, Requirements, StridedView};
///
/// let view = StridedView::from_vec(vec![0_f32; 6]).reshape(&[2, 3])?.transpose();
/// let outline = view.outline();
/// let wanted = Requirements::any("consumer").contiguous(Order::C);
/// assert_eq!(outline.plan(&wanted), view.plan(&wanted));
/// assert_eq!(outline.layout().strides(), [4, 12]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub(crate) dtype: DType,
    pub(crate) logical: Option<Logical>,
    pub(crate) layout: Layout,
    pub(crate) access: Access,
    pub(crate) device: Device,
    pub(crate) owner: OwnerKind,
    pub(crate) address: usize,
}

impl Outline {
    /// As [`StridedView::plan`]. O(rank).
    pub fn plan(&self, requirements: &Requirements) -> Plan {
        Plan::of_facts(&self.facts(), requirements, CopyPolicy::IfNeeded)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            dtype: &self.dtype,
            layout: &self.layout,
            logical: self.logical.as_ref(),
            access: self.access,
            device: self.device,
            owner: self.owner,
            address: self.address,
        }
    }

    /// The type of one item.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// What the items mean beyond their bits.
    #[must_use]
    pub fn logical(&self) -> Option<&Logical> {
        self.logical.as_ref()
    }

    /// How the items lie. The offset is counted from the start of the memory that they would be in.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Who would keep the memory alive.
    #[must_use]
    pub fn owner_kind(&self) -> OwnerKind {
        self.owner
    }

    /// The highest power of two, in bytes, that the address of the first item is known to be a multiple of; `None` without items.
    #[must_use]
    pub fn alignment(&self) -> Option<usize> {
        let known = !self.layout.is_empty() && self.address > 0;
        known.then(|| 1 << self.address.trailing_zeros())
    }

    /// Whether every item is aligned as its type is.
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        self.layout.misalignment(self.address, self.dtype.alignment()).is_none()
    }
}

impl StridedView<'_> {
    /// All that planning looks at of this view, without its memory.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let facts = Facts::of(self);
        Outline {
            dtype: facts.dtype.clone(),
            logical: facts.logical.cloned(),
            layout: facts.layout.clone(),
            access: facts.access,
            device: facts.device,
            owner: facts.owner,
            address: facts.address,
        }
    }
}
