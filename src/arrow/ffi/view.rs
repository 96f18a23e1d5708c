//! Views out, without an arrow-rs array in between.

use std::ffi::CStr;
use std::sync::Arc;

use arrow_schema::{DataType, Field};
use smallvec::SmallVec;

use super::abi::{ArrowArray, ArrowSchema};
use super::array::{Node, Owner, Tree};
use super::device::ArrowDeviceArray;
use super::{format, lists};
use crate::arrow::dtype::Leaf;
use crate::arrow::export::{check_list_sizes, list_size, planned, refused_by};
use crate::arrow::{REQUIREMENTS, device_requirements};
use crate::claim::Claim;
use crate::convert::{Alignment, Converted, CopyPolicy, Plan, Requirements};
use crate::error::{Error, Result};
use crate::layout::{INLINE_NDIM, Unit};
use crate::view::StridedView;

impl StridedView<'_> {
    /// The view as [`to_arrow`](Self::to_arrow) gives it, straight as the structs of the C Data Interface: shares, copies and refuses as that does.
    ///
    /// ```
    /// use viewbridge::{CopyPolicy, StridedView};
    /// use viewbridge::arrow::ffi;
    ///
    /// let view = StridedView::from_vec(vec![1.0_f32; 6]).reshape(&[3, 2])?;
    /// let (schema, array) = view.to_arrow_c(CopyPolicy::Never)?.value;
    /// // SAFETY: the two belong together.
    /// let (_, array) = unsafe { ffi::import(&schema, array) }?.value;
    /// assert_eq!(&array, &view.to_arrow(CopyPolicy::Never)?.value);
    /// # Ok::<(), viewbridge::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_arrow`](Self::to_arrow).
    pub fn to_arrow_c(&self, policy: CopyPolicy) -> Result<Converted<(ArrowSchema, ArrowArray)>> {
        let Some(plain) = Plain::of(self, policy) else {
            return export(self, policy, REQUIREMENTS);
        };
        let (rows, owner) = (self.shape()[0], Owner::View(plain.owner));
        Ok(Converted::shared((
            lists::schema(plain.leaf, 0, &plain.lists),
            lists::array(rows, &plain.lengths, self.data_ptr(), owner),
        )))
    }

    /// The view as an array of the C Device Data Interface, wherever its memory is. Memory that the CPU cannot read is neither read nor copied.
    ///
    /// # Errors
    ///
    /// As [`to_arrow`](Self::to_arrow); a copy that memory of a device would need is refused.
    pub fn to_arrow_device(&self, policy: CopyPolicy) -> Result<Converted<(ArrowSchema, ArrowDeviceArray)>> {
        let converted = export(self, policy, device_requirements())?;
        let device = if converted.is_shared() {
            self.device()
        } else {
            crate::Device::CPU
        };
        Ok(converted.map(|(schema, array)| (schema, ArrowDeviceArray::on(array, device))))
    }
}

/// What is left to ask of a view whose data type, address and axes the export itself looks at, because it has to translate them anyway.
const PLAIN: Requirements = REQUIREMENTS.dtypes(|_| true).alignment(Alignment::Any);

/// Numbers that are Arrow arrays, or lists of them, as they lie: what their structs are made of.
struct Plain {
    leaf: &'static CStr,
    lists: SmallVec<[(i32, i64); INLINE_NDIM]>,
    lengths: SmallVec<[usize; INLINE_NDIM]>,
    owner: Claim,
}

impl Plain {
    /// `None` decides nothing.
    #[inline(always)]
    fn of(view: &StridedView<'_>, policy: CopyPolicy) -> Option<Self> {
        let leaf = format::of_numbers(view.dtype())?;
        // Of a power of two, as the sizes of all numbers are.
        let aligned = view.data_ptr().addr() & (view.layout().itemsize() - 1) == 0;
        if !aligned || view.logical().is_some() || !Plan::is_plain(view, &PLAIN, policy) {
            return None;
        }
        let (shape, _) = view.layout().few_axes()?;
        let (mut lists, mut lengths) = (SmallVec::new(), SmallVec::new());
        let mut length = *shape.first()?;
        for &size in &shape[1..] {
            length *= size;
            lists.push((i32::try_from(size).ok()?, 0));
            lengths.push(length);
        }
        let owner = view.buffer().claim()?;
        Some(Self {
            leaf,
            lists,
            lengths,
            owner,
        })
    }
}

fn export(
    view: &StridedView<'_>,
    policy: CopyPolicy,
    base: Requirements,
) -> Result<Converted<(ArrowSchema, ArrowArray)>> {
    let leaf = Leaf::of(view).map_err(refused_by(&base))?;
    check_list_sizes(view)?;
    let converted = view.convert(&planned(Ok(&leaf), base), policy)?;
    converted.try_map(|view| {
        let shape = &view.shape()[..view.ndim() - leaf.axes];
        let schema = schema(shape, leaf.data_type)?;
        Ok((schema, array(view, leaf.axes)?))
    })
}

/// Items in a list for each axis behind the first.
fn schema(shape: &[usize], leaf: DataType) -> Result<ArrowSchema> {
    let data_type = shape.iter().skip(1).rev().try_fold(leaf, |items, &size| {
        let item = Arc::new(Field::new_list_field(items, false));
        Ok::<_, Error>(DataType::FixedSizeList(item, list_size(size)?))
    })?;
    ArrowSchema::from_field(&Field::new("", data_type, false))
}

/// A row-major view that fulfils the requirements.
fn array(view: StridedView<'_>, leaf_axes: usize) -> Result<ArrowArray> {
    let (first, bit) = match view.layout().unit() {
        Unit::Byte => (view.data_ptr(), 0),
        Unit::Bit => (view.data_ptr(), view.layout().offset() % 8),
    };
    let axes = view.ndim() - leaf_axes;
    let shape = view.shape();
    let mut tree = Tree::default();
    let mut length = 1;
    for (axis, &size) in shape[..axes].iter().enumerate() {
        length *= size;
        let is_leaf = axis + 1 == axes;
        let start = tree.buffers.len();
        tree.buffers.push(std::ptr::null());
        if is_leaf {
            tree.buffers.push(first.cast());
        }
        tree.nodes.push(Node {
            length,
            null_count: 0,
            offset: if is_leaf { bit } else { 0 },
            buffers: start..tree.buffers.len(),
            children: if is_leaf { 0..0 } else { axis + 1..axis + 2 },
            dictionary: None,
        });
    }
    // What was planned is owned.
    let expected = view.nbytes();
    let claim = view.buffer().claim().ok_or(Error::TooShort { expected, found: 0 })?;
    tree.owners.push(Owner::View(claim));
    Ok(tree.into_array())
}
