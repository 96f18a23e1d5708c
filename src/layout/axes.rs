//! Shape and strides, in place up to six axes.

use super::INLINE_NDIM;

/// Shape and strides, one entry each per axis.
///
/// Both lie at fixed places, so that a copy is one of a fixed size and adding an axis moves nothing else. Entries behind the last axis mean
/// nothing.
#[derive(Debug, Clone)]
pub(super) enum Axes {
    /// Up to [`INLINE_NDIM`].
    Inline {
        ndim: u8,
        shape: [usize; INLINE_NDIM],
        strides: [isize; INLINE_NDIM],
    },
    /// More.
    Heap(Box<Many>),
}

#[derive(Debug, Clone)]
pub(super) struct Many {
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Axes {
    pub(super) const NONE: Self = Self::Inline {
        ndim: 0,
        shape: [0; INLINE_NDIM],
        strides: [0; INLINE_NDIM],
    };

    /// `ndim` axes without items.
    pub(super) fn blank(ndim: usize) -> Self {
        let (shape, strides) = ([0; INLINE_NDIM], [0; INLINE_NDIM]);
        match u8::try_from(ndim) {
            Ok(count) if ndim <= INLINE_NDIM => Self::Inline {
                ndim: count,
                shape,
                strides,
            },
            _ => Self::Heap(Box::new(Many {
                shape: vec![0; ndim],
                strides: vec![0; ndim],
            })),
        }
    }

    /// The axes of two lists of equal length.
    pub(super) fn new(shape: &[usize], strides: &[isize]) -> Self {
        let mut axes = Self::blank(shape.len());
        let (own_shape, own_strides) = axes.parts_mut();
        own_shape.copy_from_slice(shape);
        own_strides.copy_from_slice(strides);
        axes
    }

    #[inline(always)]
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            // The minimum says to the compiler what is always so, and costs less than a check.
            Self::Inline { ndim, shape, .. } => &shape[..usize::from(*ndim).min(INLINE_NDIM)],
            Self::Heap(many) => &many.shape,
        }
    }

    #[inline(always)]
    pub(super) fn strides(&self) -> &[isize] {
        match self {
            Self::Inline { ndim, strides, .. } => &strides[..usize::from(*ndim).min(INLINE_NDIM)],
            Self::Heap(many) => &many.strides,
        }
    }

    /// Shape and strides, to be changed.
    #[inline(always)]
    pub(super) fn parts_mut(&mut self) -> (&mut [usize], &mut [isize]) {
        match self {
            Self::Inline { ndim, shape, strides } => {
                let ndim = usize::from(*ndim).min(INLINE_NDIM);
                (&mut shape[..ndim], &mut strides[..ndim])
            }
            Self::Heap(many) => (&mut many.shape, &mut many.strides),
        }
    }

    /// Gives one axis another size and stride.
    #[inline(always)]
    pub(super) fn set(&mut self, axis: usize, dim: usize, stride: isize) {
        let (shape, strides) = self.parts_mut();
        shape[axis] = dim;
        strides[axis] = stride;
    }

    /// Takes one axis out.
    #[inline]
    pub(super) fn remove(&mut self, axis: usize) {
        let (shape, strides) = self.parts_mut();
        shape.copy_within(axis + 1.., axis);
        strides.copy_within(axis + 1.., axis);
        let ndim = shape.len() - 1;
        self.truncate(ndim);
    }

    /// Puts an axis in front of axis `axis`.
    #[inline]
    pub(super) fn insert(&mut self, axis: usize, dim: usize, stride: isize) {
        self.push(dim, stride);
        let (shape, strides) = self.parts_mut();
        shape[axis..].rotate_right(1);
        strides[axis..].rotate_right(1);
    }

    /// Adds an axis behind the last one.
    #[inline]
    pub(super) fn push(&mut self, dim: usize, stride: isize) {
        match self {
            Self::Inline { ndim, shape, strides } if usize::from(*ndim) < INLINE_NDIM => {
                shape[usize::from(*ndim)] = dim;
                strides[usize::from(*ndim)] = stride;
                *ndim += 1;
            }
            _ => self.push_beyond(dim, stride),
        }
    }

    #[cold]
    fn push_beyond(&mut self, dim: usize, stride: isize) {
        if let Self::Inline { shape, strides, .. } = self {
            *self = Self::Heap(Box::new(Many {
                shape: shape.to_vec(),
                strides: strides.to_vec(),
            }));
        }
        if let Self::Heap(many) = self {
            many.shape.push(dim);
            many.strides.push(stride);
        }
    }

    /// Keeps the first `count` axes. What is on the heap stays there.
    fn truncate(&mut self, count: usize) {
        match self {
            Self::Inline { ndim, .. } => *ndim = u8::try_from(count).map_or(*ndim, |count| count.min(*ndim)),
            Self::Heap(many) => {
                many.shape.truncate(count);
                many.strides.truncate(count);
            }
        }
    }
}

/// By the axes there are, wherever they lie.
impl PartialEq for Axes {
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.strides() == other.strides()
    }
}

impl Eq for Axes {}

impl FromIterator<(usize, isize)> for Axes {
    fn from_iter<I: IntoIterator<Item = (usize, isize)>>(axes: I) -> Self {
        let mut result = Self::NONE;
        axes.into_iter().for_each(|(dim, stride)| result.push(dim, stride));
        result
    }
}
