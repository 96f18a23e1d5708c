//! What a view can do: NumPy's names for the operations of the crate.

use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyTuple};

use super::dtype;
use super::export::{detached, policy};
use super::import;
use super::index::Key;
use super::predict;
use super::scalar;
use super::view::PyView;
use crate::convert::CopyPolicy;
use crate::error::{Error, LayoutError};
use crate::layout::Dim;
use crate::memory::Order;
use crate::view::StridedView;

/// An axis that may count from the end.
fn axis(axis: isize, ndim: usize) -> PyResult<usize> {
    let position = if axis < 0 {
        axis.checked_add_unsigned(ndim)
    } else {
        Some(axis)
    };
    let found = position.and_then(|position| usize::try_from(position).ok());
    found
        .filter(|axis| *axis < ndim)
        .ok_or_else(|| PyIndexError::new_err(format!("axis {axis} is out of bounds for a view with {ndim} axes")))
}

/// One axis or several, as Python passes them.
#[derive(FromPyObject)]
pub(super) enum Axes {
    One(isize),
    Many(Vec<isize>),
}

impl Axes {
    pub(super) fn resolve(&self, ndim: usize) -> PyResult<Vec<usize>> {
        match self {
            Self::One(one) => Ok(vec![axis(*one, ndim)?]),
            Self::Many(many) => many.iter().map(|&one| axis(one, ndim)).collect(),
        }
    }

    /// As sizes, which are not negative.
    pub(super) fn into_sizes(self) -> PyResult<Vec<usize>> {
        let size =
            |size| usize::try_from(size).map_err(|_| PyValueError::new_err(format!("negative dimension {size}")));
        match self {
            Self::One(one) => Ok(vec![size(one)?]),
            Self::Many(many) => many.into_iter().map(size).collect(),
        }
    }
}

/// Sizes as arguments or as one tuple.
pub(super) fn sizes(args: &Bound<'_, PyTuple>) -> PyResult<Vec<isize>> {
    match args.len() {
        1 => match args.get_item(0)?.extract::<Axes>()? {
            Axes::One(size) => Ok(vec![size]),
            Axes::Many(sizes) => Ok(sizes),
        },
        _ => args.extract(),
    }
}

/// C, F, or the one that the memory has.
fn order(name: &str, view: &StridedView<'_>) -> PyResult<Order> {
    match name {
        "C" => Ok(Order::C),
        "F" => Ok(Order::F),
        "A" if view.is_f_contiguous() && !view.is_c_contiguous() => Ok(Order::F),
        "A" => Ok(Order::C),
        _ => Err(PyValueError::new_err(format!(
            "order is {name:?}, expected \"C\", \"F\" or \"A\""
        ))),
    }
}

fn dims(shape: &[isize]) -> PyResult<Vec<Dim>> {
    let dim = |&size: &isize| match usize::try_from(size) {
        Ok(size) => Ok(Dim::Size(size)),
        Err(_) if size == -1 => Ok(Dim::Rest),
        Err(_) => Err(PyValueError::new_err(format!("negative dimension {size}"))),
    };
    shape.iter().map(dim).collect()
}

#[pymethods]
impl PyView {
    /// The axes in reverse order.
    #[getter(T)]
    fn transposed(&self, py: Python<'_>) -> Self {
        self.with_view(py, self.view().transpose())
    }

    /// The real parts of complex numbers; real numbers as they are.
    #[getter]
    fn real(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(self.with_view(py, self.view().real()?))
    }

    /// The imaginary parts of complex numbers.
    #[getter]
    fn imag(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(self.with_view(py, self.view().imag()?))
    }

    /// The axes in another order; in reverse without arguments.
    #[pyo3(signature = (*axes))]
    fn transpose(&self, axes: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = axes.py();
        if axes.is_empty() || (axes.len() == 1 && axes.get_item(0)?.is_none()) {
            return Ok(self.transposed(py));
        }
        let ndim = self.view().ndim();
        let axes = Axes::Many(sizes(axes)?).resolve(ndim)?;
        Ok(self.with_view(py, self.view().permute(&axes)?))
    }

    /// Two axes exchanged.
    fn swapaxes(&self, py: Python<'_>, axis1: isize, axis2: isize) -> PyResult<Self> {
        let ndim = self.view().ndim();
        Ok(self.with_view(py, self.view().swap_axes(axis(axis1, ndim)?, axis(axis2, ndim)?)?))
    }

    /// Axes moved to other positions, the others in their order.
    fn moveaxis(&self, py: Python<'_>, source: Axes, destination: Axes) -> PyResult<Self> {
        let ndim = self.view().ndim();
        let (from, to) = (source.resolve(ndim)?, destination.resolve(ndim)?);
        Ok(self.with_view(py, self.view().move_axes(&from, &to)?))
    }

    /// Without axes of size 1: all of them, or those named.
    #[pyo3(signature = (axis=None))]
    fn squeeze(&self, py: Python<'_>, axis: Option<Axes>) -> PyResult<Self> {
        let view = match axis {
            None => self.view().squeeze(),
            Some(axes) => self.view().squeeze_axes(&axes.resolve(self.view().ndim())?)?,
        };
        Ok(self.with_view(py, view))
    }

    /// Axes backwards: all of them, or those named.
    #[pyo3(signature = (axis=None))]
    fn flip(&self, py: Python<'_>, axis: Option<Axes>) -> PyResult<Self> {
        let view = match axis {
            None => self.view().flip_all()?,
            Some(axes) => self.view().flip_axes(&axes.resolve(self.view().ndim())?)?,
        };
        Ok(self.with_view(py, view))
    }

    /// Repeated to a larger shape with strides of 0. The result is read-only.
    #[pyo3(signature = (*shape))]
    fn broadcast_to(&self, shape: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let sizes = Axes::Many(sizes(shape)?).into_sizes()?;
        Ok(self.with_view(shape.py(), self.view().broadcast_to(&sizes)?))
    }

    /// A diagonal of two axes, as the last axis. The result is read-only.
    #[pyo3(signature = (offset=0, axis1=0, axis2=1))]
    fn diagonal(&self, py: Python<'_>, offset: isize, axis1: isize, axis2: isize) -> PyResult<Self> {
        let ndim = self.view().ndim();
        if ndim < 2 {
            return Err(PyValueError::new_err("a diagonal needs two axes"));
        }
        let (first, second) = (axis(axis1, ndim)?, axis(axis2, ndim)?);
        Ok(self.with_view(py, self.view().diagonal(offset, first, second)?))
    }

    /// The same items in another shape.
    ///
    /// Parameters
    /// ----------
    /// *shape : int or tuple of int
    ///     One size may be -1.
    /// order : {"C", "F", "A"}
    ///     In which order the items are counted.
    /// copy : bool, optional
    ///     True copies always, None if needed, False never.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the number of items differs, or if a copy is needed and ``copy`` is False: the message names the axes that do not merge.
    #[pyo3(signature = (*shape, order="C", copy=None))]
    fn reshape(&self, shape: &Bound<'_, PyTuple>, order: &str, copy: Option<bool>) -> PyResult<Self> {
        let py = shape.py();
        let (order, dims) = (self::order(order, self.view())?, dims(&sizes(shape)?)?);
        let shared = match copy {
            Some(true) => None,
            _ => match self.view().reshape_with(&dims, order) {
                Err(Error::Layout(LayoutError::ReshapeBlocked { .. })) if copy.is_none() => None,
                other => Some(other?),
            },
        };
        if let Some(view) = shared {
            return Ok(self.with_view(py, view));
        }
        let view = self.view();
        let copied = detached(py, view.nbytes(), || view.flatten(order))?;
        let copied = copied.try_map(|flat| flat.reshape_with(&dims, order))?;
        Ok(self.converted(py, copied))
    }

    /// One axis of all items, contiguous; copies if the items are not.
    #[pyo3(signature = (order="C"))]
    fn ravel(&self, py: Python<'_>, order: &str) -> PyResult<Self> {
        let order = self::order(order, self.view())?;
        let view = self.view();
        let made = detached(py, view.nbytes(), || view.ravel(order))?;
        Ok(self.converted(py, made))
    }

    /// The same bytes as items of another type; no value is converted.
    #[pyo3(name = "view", signature = (dtype=None))]
    fn view_as(slf: &Bound<'_, Self>, dtype: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let (py, this) = (slf.py(), slf.get());
        match dtype {
            None => Ok(this.clone_ref(py)),
            Some(dtype) => Ok(this.with_view(py, this.view().view_as_item(&dtype::parse(dtype)?)?)),
        }
    }

    /// The same view without what its items mean: times become integers, decimals their unscaled digits.
    fn storage(&self, py: Python<'_>) -> Self {
        self.with_view(py, self.view().clone().into_storage())
    }

    /// The same view, not to be written.
    fn readonly(&self, py: Python<'_>) -> PyResult<Self> {
        let view = self.view();
        Ok(self.with_view(py, view.broadcast_to(view.shape())?))
    }

    /// A copy, which is writable.
    ///
    /// Parameters
    /// ----------
    /// order : {"C", "F", "A", "K"}
    ///     The order of the copy; "K" keeps that of the axes' strides.
    #[pyo3(signature = (order="C"))]
    fn copy(&self, py: Python<'_>, order: &str) -> PyResult<Self> {
        let view = self.view();
        let requirements = match order {
            "K" => crate::convert::Requirements::any("a copy"),
            name => crate::convert::Requirements::any("a copy").contiguous(self::order(name, view)?),
        };
        let made = detached(py, view.nbytes(), || view.convert(&requirements, CopyPolicy::Always))?;
        Ok(self.converted(py, made))
    }

    /// The bytes of the items, in an order.
    #[pyo3(signature = (order="C"))]
    fn tobytes<'py>(&self, py: Python<'py>, order: &str) -> PyResult<Bound<'py, PyBytes>> {
        let view = self.view();
        let order = self::order(order, view)?;
        let bytes = detached(py, view.nbytes(), || view.to_bytes(order))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The items as nested lists.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let view = self.view();
        let list = scalar::list(py, view)?;
        list.ok_or_else(|| {
            PyTypeError::new_err(format!("Python has no objects for items of type {}", view.item_type()))
        })
    }

    /// The only item.
    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.size_now() != 1 {
            return Err(PyValueError::new_err("only a view of one item has an item"));
        }
        self.with_view(py, self.view().reshape(&[])?).tolist(py)
    }

    /// The items at positions of an axis: a copy.
    #[pyo3(signature = (indices, axis=0))]
    fn take(&self, py: Python<'_>, indices: Vec<isize>, axis: isize) -> PyResult<Self> {
        let view = self.view();
        let axis = self::axis(axis, view.ndim())?;
        let made = detached(py, view.nbytes(), || view.take_axis(axis, &indices))?;
        Ok(self.converted(py, made))
    }

    /// The items where a mask of booleans is true: a copy.
    fn select(&self, py: Python<'_>, mask: Self) -> PyResult<Self> {
        let view = self.view();
        let mask = mask.view();
        let made = detached(py, view.nbytes(), || view.select(mask))?;
        Ok(self.converted(py, made))
    }

    /// A view that a consumer takes as it is: this one, or one copy.
    ///
    /// Parameters
    /// ----------
    /// target : str
    ///     The consumer, by its name in `explain`.
    /// copy : bool, optional
    ///     True copies always, None if needed, False never.
    #[pyo3(signature = (target, *, copy=None))]
    fn prepare(&self, py: Python<'_>, target: &str, copy: Option<bool>) -> PyResult<Self> {
        let view = self.view();
        let requirements = predict::profile(py, self, target)?;
        let made = detached(py, view.nbytes(), || view.convert(&requirements, policy(copy)))?;
        Ok(self.converted(py, made))
    }

    fn __len__(&self) -> PyResult<usize> {
        let first = self.view().shape().first().copied();
        first.ok_or_else(|| PyTypeError::new_err("a view without axes has no length"))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let view = self.view();
        let key = Key::of(key, view.ndim())?;
        let part = key.part(view)?;
        if matches!(key, Key::Basic(_, true))
            && part.device().is_cpu_readable()
            && let Some(item) = scalar::read(py, &part)?
        {
            return Ok(item);
        }
        Ok(Bound::new(py, self.with_view(py, part))?.into_any())
    }

    fn __setitem__(&self, py: Python<'_>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = self.view();
        let target = Key::of(key, view.ndim())?.part(view)?;
        let source = match import::take(value, None) {
            Ok(source) => source.into_view(),
            Err(error) if error.is_instance_of::<PyTypeError>(py) => scalar::encode(value, &target.item_type())?,
            Err(error) => return Err(error),
        };
        if source.logical() != target.logical() {
            let (found, expected) = (source.item_type(), target.item_type());
            return Err(PyTypeError::new_err(format!(
                "items are {expected}, and those given {found}; storage() gives up the meaning"
            )));
        }
        super::write::assign(py, &target, &source)
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        let (py, this) = (slf.py(), slf.get());
        let length = this.__len__()?;
        // Each part is made when it is asked for.
        let positions = py.import("builtins")?.getattr("range")?.call1((length,))?;
        let part = slf.getattr("__getitem__")?;
        py.import("builtins")?
            .getattr("map")?
            .call1((part, positions))?
            .try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        super::show::repr(py, self.view())
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        match self.size_now() {
            1 => self.item(py)?.is_truthy(),
            _ => Err(PyValueError::new_err(
                "the truth value of a view of several items, or of none, is ambiguous",
            )),
        }
    }

    fn __reduce_ex__<'py>(slf: &Bound<'py, Self>, protocol: u32) -> PyResult<Bound<'py, PyTuple>> {
        super::pickle::reduce(slf, protocol)
    }
}

impl PyView {
    fn size_now(&self) -> usize {
        self.view().len()
    }
}
