//! Shape and strides, in place up to six axes.

use super::INLINE_NDIM;

/// Shape and strides, one entry each per axis.
///
/// Up to [`INLINE_NDIM`] axes both lie here, at fixed places, so that a copy is one of a fixed size, and axes are changed entry by entry, each from a
/// place known beforehand: the result is then written where it is to stay, and nowhere before. Entries behind the last axis mean nothing.
#[derive(Debug, Clone)]
pub(crate) struct Axes {
    /// At most [`INLINE_NDIM`]; means nothing where there are [`Many`].
    ndim: usize,
    shape: [usize; INLINE_NDIM],
    strides: [isize; INLINE_NDIM],
    /// All axes, if they are more.
    many: Option<Box<Many>>,
}

#[derive(Debug, Clone)]
struct Many {
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Axes {
    pub(crate) const NONE: Self = Self {
        ndim: 0,
        shape: [0; INLINE_NDIM],
        strides: [0; INLINE_NDIM],
        many: None,
    };

    /// `ndim` axes without items.
    #[inline]
    pub(crate) fn blank(ndim: usize) -> Self {
        if ndim <= INLINE_NDIM {
            return Self { ndim, ..Self::NONE };
        }
        let (shape, strides) = (vec![0; ndim], vec![0; ndim]);
        let many = Some(Box::new(Many { shape, strides }));
        Self { many, ..Self::NONE }
    }

    /// The axes of two lists of equal length.
    pub(crate) fn new(shape: &[usize], strides: &[isize]) -> Self {
        let mut axes = Self::blank(shape.len());
        let (own_shape, own_strides) = axes.parts_mut();
        own_shape.copy_from_slice(shape);
        own_strides.copy_from_slice(strides);
        axes
    }

    /// The first `ndim` entries of both lists, which are at most [`INLINE_NDIM`].
    #[inline(always)]
    pub(crate) fn inline(ndim: usize, shape: [usize; INLINE_NDIM], strides: [isize; INLINE_NDIM]) -> Self {
        Self {
            ndim,
            shape,
            strides,
            many: None,
        }
    }

    #[inline(always)]
    pub(crate) fn shape(&self) -> &[usize] {
        match &self.many {
            // The minimum says to the compiler what is always so, and costs less than a check.
            None => &self.shape[..self.ndim.min(INLINE_NDIM)],
            Some(many) => &many.shape,
        }
    }

    #[inline(always)]
    pub(crate) fn strides(&self) -> &[isize] {
        match &self.many {
            None => &self.strides[..self.ndim.min(INLINE_NDIM)],
            Some(many) => &many.strides,
        }
    }

    /// Shape and strides, if they lie here.
    #[inline(always)]
    pub(crate) fn inline_parts(&self) -> Option<(&[usize], &[isize])> {
        let ndim = self.ndim.min(INLINE_NDIM);
        self.many
            .is_none()
            .then(|| (&self.shape[..ndim], &self.strides[..ndim]))
    }

    /// Shape and strides, to be changed.
    #[inline(always)]
    pub(crate) fn parts_mut(&mut self) -> (&mut [usize], &mut [isize]) {
        match &mut self.many {
            None => {
                let ndim = self.ndim.min(INLINE_NDIM);
                (&mut self.shape[..ndim], &mut self.strides[..ndim])
            }
            Some(many) => (&mut many.shape, &mut many.strides),
        }
    }

    /// The same axes, one of them with another size and stride.
    #[inline(always)]
    pub(crate) fn with(&self, axis: usize, dim: usize, stride: isize) -> Self {
        let many = self.many.as_ref().map(|many| many.with(axis, dim, stride));
        Self {
            ndim: self.ndim,
            shape: std::array::from_fn(|k| if k == axis { dim } else { self.shape[k] }),
            strides: std::array::from_fn(|k| if k == axis { stride } else { self.strides[k] }),
            many,
        }
    }

    /// `ndim` axes, of which axis `k` is that of number `source(k)` among these. Called for numbers beyond the last one too.
    #[inline(always)]
    pub(crate) fn picked(&self, ndim: usize, source: impl Fn(usize) -> usize) -> Self {
        let many = self.many.as_ref().map(|many| many.picked(ndim, &source));
        Self {
            ndim,
            shape: std::array::from_fn(|k| self.shape.get(source(k)).copied().unwrap_or(0)),
            strides: std::array::from_fn(|k| self.strides.get(source(k)).copied().unwrap_or(0)),
            many,
        }
    }

    /// Gives one axis another size and stride.
    #[inline(always)]
    pub(crate) fn set(&mut self, axis: usize, dim: usize, stride: isize) {
        let (shape, strides) = self.parts_mut();
        shape[axis] = dim;
        strides[axis] = stride;
    }

    /// Puts an axis in front of axis `axis`.
    #[inline]
    pub(crate) fn insert(&mut self, axis: usize, dim: usize, stride: isize) {
        self.push(dim, stride);
        let (shape, strides) = self.parts_mut();
        shape[axis..].rotate_right(1);
        strides[axis..].rotate_right(1);
    }

    /// Adds an axis behind the last one.
    #[inline]
    pub(crate) fn push(&mut self, dim: usize, stride: isize) {
        if self.many.is_none() && self.ndim < INLINE_NDIM {
            (self.shape[self.ndim], self.strides[self.ndim]) = (dim, stride);
            self.ndim += 1;
        } else {
            self.push_beyond(dim, stride);
        }
    }

    #[cold]
    fn push_beyond(&mut self, dim: usize, stride: isize) {
        let many = self.many.get_or_insert_with(|| {
            Box::new(Many {
                shape: self.shape.to_vec(),
                strides: self.strides.to_vec(),
            })
        });
        many.shape.push(dim);
        many.strides.push(stride);
    }
}

impl Many {
    #[cold]
    #[inline(never)]
    fn with(&self, axis: usize, dim: usize, stride: isize) -> Box<Self> {
        let mut many = self.clone();
        many.shape[axis] = dim;
        many.strides[axis] = stride;
        Box::new(many)
    }

    #[cold]
    fn picked(&self, ndim: usize, source: impl Fn(usize) -> usize) -> Box<Self> {
        let shape = (0..ndim).map(|k| self.shape[source(k)]).collect();
        let strides = (0..ndim).map(|k| self.strides[source(k)]).collect();
        Box::new(Self { shape, strides })
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
