//! Tensors made to hurt, by rule: every field at its limits, and every pair of fields at theirs.
//!
//! A check that says less than "it did not crash" would be easy to pass, so an oracle of its own, in 128-bit numbers, says what is wrong with each. The
//! import must name one of these faults, or show the view that the fields describe.
//!
//! # Safety
//!
//! No `data` points to memory, and neither do shape and strides where `ndim` is no rank: what follows a pointer that it should not ends the process.
//! Shape and strides have 64 entries otherwise. Structs are boxed, and freed by the deleter or, where there is none, by the test.
#![cfg(all(feature = "dlpack", target_pointer_width = "64"))]
#![allow(unsafe_code, reason = "the other side of a C interface is played here")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;

use dlpack_rs::ffi::{DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor};
use viewbridge::dlpack::{Abi, LegacyTensor, ManagedTensor, VersionedTensor};
use viewbridge::{Access, Device, DlpackFault, Error, LayoutError, OwnerKind, Result, StridedView, Unit};

thread_local! {
    static DELETED: Cell<usize> = const { Cell::new(0) };
}

/// A tensor as data.
#[derive(Debug, Clone)]
struct Spec {
    /// `None`: the struct of before 1.0.
    version: Option<(u32, u32)>,
    flags: u64,
    ndim: i32,
    /// The first two of 64 entries, the others being 1. `None`: NULL.
    shape: Option<[i64; 2]>,
    strides: Option<[i64; 2]>,
    data: usize,
    byte_offset: u64,
    dtype: (u8, u8, u16),
    device: (u32, i32),
    deletes: bool,
}

const PLAIN: Spec = Spec {
    version: Some((1, 3)),
    flags: 0,
    ndim: 2,
    shape: Some([2, 3]),
    strides: Some([3, 1]),
    data: 0x1000,
    byte_offset: 0,
    dtype: (2, 32, 1),
    device: (1, 0),
    deletes: true,
};

type Edit = Box<dyn Fn(&mut Spec)>;

macro_rules! limits {
    ($field:ident: $($value:expr),* $(,)?) => {
        (stringify!($field), vec![$(Box::new(|spec: &mut Spec| spec.$field = $value) as Edit),*])
    };
}

/// The fields, each with the values at which it may go wrong.
fn fields() -> Vec<(&'static str, Vec<Edit>)> {
    const MAX: i64 = i64::MAX;
    const MIN: i64 = i64::MIN;
    vec![
        limits!(version: None, Some((0, 8)), Some((1, 0)), Some((1, 1)), Some((1, 2)), Some((1, u32::MAX)), Some((2, 0)), Some((u32::MAX, u32::MAX))),
        limits!(flags: 1, 2, 4, 7, 1 << 63, u64::MAX),
        limits!(ndim: -1, 0, 1, 7, 64, 65, i32::MIN, i32::MAX),
        limits!(shape: None, Some([0, 3]), Some([3, 0]), Some([1, 1]), Some([-1, 3]), Some([2, MIN]), Some([MAX, 1]), Some([1, MAX]), Some([MAX, MAX]), Some([0, MAX]), Some([1 << 31, 1 << 31]), Some([1 << 32, 1 << 32]), Some([1 << 60, 1]), Some([1 << 61, 1])),
        limits!(strides: None, Some([-3, -1]), Some([0, 0]), Some([1, 1]), Some([MAX, 1]), Some([MIN, 1]), Some([3, MIN]), Some([MAX, MIN]), Some([1 << 60, 1]), Some([1 << 61, 1 << 61]), Some([-(1 << 60), 1 << 60])),
        limits!(data: 0, 1, 0x1008, usize::MAX, usize::MAX - 22, usize::MAX - 23, usize::MAX - 24, 1 << 63),
        limits!(byte_offset: 1, 24, u64::MAX, u64::MAX - 0x1000, (1 << 63) - 1, 1 << 63, (1 << 63) - 24),
        limits!(dtype: (0, 0, 1), (0, 8, 0), (1, 1, 1), (0, 64, 1), (3, 64, 1), (4, 16, 1), (4, 32, 1), (5, 63, 1), (5, 128, 1), (6, 8, 1), (6, 1, 1), (6, 8, 2), (7, 16, 1), (14, 8, 1), (15, 6, 1), (15, 8, 1), (16, 5, 1), (17, 4, 1), (17, 4, 2), (17, 8, 1), (18, 32, 1), (18, 64, 1), (2, 32, u16::MAX), (77, 24, 3), (255, 248, u16::MAX)),
        limits!(device: (0, 0), (2, 1), (3, 0), (4, 0), (8, 0), (13, 0), (u32::MAX, -1)),
        limits!(deletes: false),
    ]
}

/// Each value alone, and each pair of values of two fields.
fn corpus() -> Vec<(String, Spec)> {
    let fields = fields();
    let mut corpus = vec![("plain".to_owned(), PLAIN)];
    for (k, (name, edits)) in fields.iter().enumerate() {
        for (i, edit) in edits.iter().enumerate() {
            let mut single = PLAIN;
            edit(&mut single);
            for (other, more) in &fields[k + 1..] {
                for (j, another) in more.iter().enumerate() {
                    let mut pair = single.clone();
                    another(&mut pair);
                    corpus.push((format!("{name} {i}, {other} {j}"), pair));
                }
            }
            corpus.push((format!("{name} {i}"), single));
        }
    }
    corpus
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Version,
    Rank,
    DataType,
    NullShape,
    NullStrides,
    Dimension,
    /// More bytes than an address space, or strides that lead out of it.
    Extent,
    NullData,
    Address,
}

impl Spec {
    fn rank(&self) -> Option<usize> {
        usize::try_from(self.ndim).ok().filter(|&rank| rank <= 64)
    }

    fn entries(&self, first: [i64; 2]) -> Vec<i128> {
        let all = first.into_iter().chain([1; 62]);
        all.take(self.rank().unwrap_or(0)).map(i128::from).collect()
    }

    fn sizes(&self) -> Vec<i128> {
        self.entries(self.shape.unwrap_or_default())
    }

    /// In items.
    fn distances(&self) -> Vec<i128> {
        if let Some(strides) = self.strides {
            return self.entries(strides);
        }
        let sizes = self.sizes();
        let after = |axis: usize| sizes[axis + 1..].iter().map(|&dim| dim.clamp(1, 1 << 62));
        // Saturating: two of the largest sizes are beyond all bounds.
        let product = |axis| after(axis).fold(1_i128, |a, b| a.saturating_mul(b));
        (0..sizes.len()).map(product).collect()
    }

    fn has_items(&self) -> bool {
        !self.sizes().contains(&0)
    }

    fn is_padded(&self) -> bool {
        self.version.is_some() && self.flags & 4 != 0 && self.dtype.1 < 8
    }

    fn item_bits(&self) -> i128 {
        let (_, bits, lanes) = self.dtype;
        let bits = if self.is_padded() { 8 } else { bits };
        i128::from(bits) * i128::from(lanes)
    }

    /// Bits of what the layout counts in: bytes, but for packed items of less.
    fn unit_bits(&self) -> i128 {
        if self.item_bits() % 8 == 0 { 8 } else { 1 }
    }

    /// Lowest and one past the highest unit reached, from the first item.
    fn reach(&self) -> (i128, i128) {
        let item = self.item_bits() / self.unit_bits();
        let steps = self.sizes().into_iter().zip(self.distances());
        let reaches = steps.map(|(dim, stride)| (dim - 1).saturating_mul(stride).saturating_mul(item));
        reaches.fold((0, item), |(low, high): (i128, i128), reach| {
            (low.saturating_add(reach.min(0)), high.saturating_add(reach.max(0)))
        })
    }

    fn is_type(&self) -> bool {
        let (code, bits, lanes) = self.dtype;
        let width = match code {
            4 => bits == 16,
            5 => bits.is_multiple_of(2),
            6 => bits == 8 && lanes == 1,
            7..=14 => bits == 8,
            15 | 16 => bits == 6,
            17 => bits == 4,
            18 => bits == 32,
            _ => true,
        };
        width && bits > 0 && lanes > 0
    }

    fn is_handle(&self) -> bool {
        ![1, 2, 3, 10, 11, 13, 14].contains(&self.device.0)
    }

    /// Everything that is wrong.
    fn faults(&self) -> Vec<Fault> {
        if self.version.is_some_and(|(major, _)| major != 1) {
            return vec![Fault::Version];
        }
        let Some(rank) = self.rank() else {
            let mut faults = vec![Fault::Rank];
            faults.extend((!self.is_type()).then_some(Fault::DataType));
            return faults;
        };
        let mut faults = Vec::new();
        let mut check = |wrong: bool, fault| faults.extend(wrong.then_some(fault));
        check(!self.is_type(), Fault::DataType);
        check(rank > 0 && self.shape.is_none(), Fault::NullShape);
        let required = self.version.is_some_and(|version| version >= (1, 2));
        check(rank > 0 && self.strides.is_none() && required, Fault::NullStrides);
        check(self.sizes().iter().any(|&dim| dim < 0), Fault::Dimension);
        if faults.is_empty() {
            faults = self.extent_faults();
        }
        faults
    }

    fn extent_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |wrong: bool, fault| faults.extend(wrong.then_some(fault));
        let most = i128::from(i64::MAX);
        let (unit, item) = (self.unit_bits(), self.item_bits() / self.unit_bits());
        let sizes = self.sizes();
        let size = sizes
            .iter()
            .fold(item.max(1), |size, &dim| size.saturating_mul(dim.max(1)));
        check(size > most, Fault::Extent);
        if self.has_items() {
            let (low, high) = self.reach();
            let mut steps = sizes.iter().zip(self.distances());
            check(
                steps.any(|(&dim, stride)| dim > 1 && !fits(stride.saturating_mul(item))),
                Fault::Extent,
            );
            // Where the lowest bit is inside of a byte, the memory begins with the byte.
            let per_byte = 8 / unit;
            let down = low.saturating_neg();
            let below = down.div_euclid(per_byte) + i128::from(down.rem_euclid(per_byte) != 0);
            check(
                below.saturating_mul(per_byte).saturating_add(high) > most,
                Fault::Extent,
            );
            check(self.data == 0, Fault::NullData);
            let offset = i128::from(self.byte_offset);
            if self.is_handle() {
                let first = offset * per_byte;
                check(offset > most || first.saturating_add(low) < 0, Fault::Address);
                check(offset > most || first.saturating_add(high) > most, Fault::Address);
            } else {
                let first = i128::try_from(self.data).unwrap() + offset;
                let above = high.div_euclid(per_byte) + i128::from(high.rem_euclid(per_byte) != 0);
                check(
                    first.saturating_sub(below) < 1 || first > i128::from(u64::MAX),
                    Fault::Address,
                );
                check(first.saturating_add(above) > i128::from(u64::MAX), Fault::Address);
            }
        }
        faults
    }
}

fn fits(value: i128) -> bool {
    i64::try_from(value).is_ok()
}

/// The fault that an error names.
fn named(error: &Error, spec: &Spec) -> Fault {
    match error {
        Error::Dlpack(DlpackFault::Version { .. }) => Fault::Version,
        Error::Dlpack(DlpackFault::Rank { .. }) => Fault::Rank,
        Error::Dlpack(DlpackFault::DataType { .. }) => Fault::DataType,
        Error::Dlpack(DlpackFault::NullShape { .. }) => Fault::NullShape,
        Error::Dlpack(DlpackFault::NullStrides { .. }) => Fault::NullStrides,
        Error::Dlpack(DlpackFault::Dimension { .. }) => Fault::Dimension,
        Error::Dlpack(DlpackFault::NullData { .. }) => Fault::NullData,
        Error::Dlpack(DlpackFault::ByteOffset { .. }) => Fault::Address,
        Error::Dlpack(DlpackFault::Stride { .. }) | Error::Layout(LayoutError::SizeOverflow { .. }) => Fault::Extent,
        // Of a handle the layout knows the offset, too.
        Error::Layout(LayoutError::OutOfBounds { .. })
            if spec.is_handle() && !spec.faults().contains(&Fault::Extent) =>
        {
            Fault::Address
        }
        Error::Layout(LayoutError::OutOfBounds { .. }) => Fault::Extent,
        other => panic!("{spec:?}: {other:?}"),
    }
}

/// What a tensor points to.
struct Lists {
    shape: Vec<i64>,
    strides: Vec<i64>,
}

impl Lists {
    fn tensor(&mut self, spec: &Spec) -> DLTensor {
        // Where there is no rank nobody knows how many entries there are, and none may be read.
        let is_rank = spec.rank().is_some();
        let list = |list: &mut Vec<i64>, there: bool| match there {
            false => ptr::null_mut(),
            true if is_rank => list.as_mut_ptr(),
            true => ptr::without_provenance_mut(8),
        };
        let (code, bits, lanes) = spec.dtype;
        let (device_type, device_id) = spec.device;
        DLTensor {
            data: ptr::without_provenance_mut(spec.data),
            device: DLDevice { device_type, device_id },
            ndim: spec.ndim,
            dtype: DLDataType { code, bits, lanes },
            shape: list(&mut self.shape, spec.shape.is_some()),
            strides: list(&mut self.strides, spec.strides.is_some()),
            byte_offset: spec.byte_offset,
        }
    }

    fn new(spec: &Spec) -> Box<Self> {
        let entries = |first: Option<[i64; 2]>| first.unwrap_or_default().into_iter().chain([1; 62]).collect();
        Box::new(Self {
            shape: entries(spec.shape),
            strides: entries(spec.strides),
        })
    }
}

fn free(context: *mut c_void) {
    // SAFETY: boxed by `Lists::new`, and freed once.
    drop(unsafe { Box::from_raw(context.cast::<Lists>()) });
}

unsafe extern "C" fn delete_versioned(this: *mut DLManagedTensorVersioned) {
    DELETED.set(DELETED.get() + 1);
    // SAFETY: boxed below. A second call would be a double free.
    free(unsafe { Box::from_raw(this) }.manager_ctx);
}

unsafe extern "C" fn delete_legacy(this: *mut DLManagedTensor) {
    DELETED.set(DELETED.get() + 1);
    // SAFETY: as above.
    free(unsafe { Box::from_raw(this) }.manager_ctx);
}

/// Holds one tensor against the oracle. Says what became of it.
fn examine<A: Abi>(name: &str, spec: &Spec, tensor: Result<ManagedTensor<A>>) -> Option<Fault> {
    let faults = spec.faults();
    let borrowed = tensor
        .as_ref()
        .ok()
        .map(|tensor| tensor.view().map(|view| check_view(name, spec, &view)));
    let result = tensor.and_then(ManagedTensor::into_view);
    assert_eq!(
        borrowed.is_some_and(|borrowed| borrowed.is_ok()),
        result.is_ok(),
        "{name}: {spec:?}"
    );
    match result {
        Ok(view) => {
            assert!(faults.is_empty(), "{name}: {faults:?} went through: {spec:?}");
            check_view(name, spec, &view);
            assert_eq!((view.owner_kind(), DELETED.get()), (OwnerKind::Dlpack, 0), "{name}");
            None
        }
        Err(error) => {
            let fault = named(&error, spec);
            assert!(faults.contains(&fault), "{name}: {error}, but {faults:?}: {spec:?}");
            Some(fault)
        }
    }
}

fn check_view(name: &str, spec: &Spec, view: &StridedView<'_>) {
    let wide = |values: &[isize]| values.iter().map(|&value| value as i128).collect::<Vec<_>>();
    let shape: Vec<i128> = view.shape().iter().map(|&dim| dim as i128).collect();
    assert_eq!(shape, spec.sizes(), "{name}");
    let unit = if view.layout().unit() == Unit::Bit { 1 } else { 8 };
    assert_eq!(unit, spec.unit_bits(), "{name}: {}", view.dtype());
    assert_eq!(view.layout().itemsize() as i128 * unit, spec.item_bits(), "{name}");
    let (device_type, device_id) = spec.device;
    assert_eq!(view.device(), Device { device_type, device_id }, "{name}");
    let read_only = spec.version.is_some() && spec.flags & 1 != 0;
    assert_eq!(
        view.access(),
        if read_only { Access::ReadOnly } else { Access::Shared },
        "{name}"
    );
    if spec.has_items() {
        let item = view.layout().itemsize() as i128;
        let strides = wide(view.strides()).into_iter().zip(spec.distances()).zip(&shape);
        strides.for_each(|((found, items), &dim)| assert!(dim == 1 || found == items * item, "{name}: {spec:?}"));
        // The sum of a handle and an offset may wrap: it means nothing.
        let first = spec.data.wrapping_add(usize::try_from(spec.byte_offset).unwrap());
        assert_eq!(view.data_ptr().addr(), first, "{name}: {spec:?}");
    }
}

#[test]
fn hostile_tensors_are_named_or_right() {
    let mut outcomes: BTreeMap<Option<Fault>, usize> = BTreeMap::new();
    let corpus = corpus();
    for (name, spec) in &corpus {
        DELETED.set(0);
        let mut lists = Lists::new(spec);
        let dl_tensor = lists.tensor(spec);
        let manager_ctx = Box::into_raw(lists).cast();
        let outcome = match spec.version {
            Some((major, minor)) => {
                let managed = Box::into_raw(Box::new(DLManagedTensorVersioned {
                    version: DLPackVersion { major, minor },
                    manager_ctx,
                    deleter: spec.deletes.then_some(delete_versioned),
                    flags: spec.flags,
                    dl_tensor,
                }));
                // SAFETY: a live tensor of this test; what it claims of its memory is never put to use.
                let outcome = examine(name, spec, unsafe { VersionedTensor::from_raw(managed) });
                if !spec.deletes {
                    // SAFETY: without a deleter it is still ours.
                    free(unsafe { Box::from_raw(managed) }.manager_ctx);
                }
                outcome
            }
            None => {
                let managed = Box::into_raw(Box::new(DLManagedTensor {
                    dl_tensor,
                    manager_ctx,
                    deleter: spec.deletes.then_some(delete_legacy),
                }));
                // SAFETY: as above.
                let outcome = examine(name, spec, unsafe { LegacyTensor::from_raw(managed) });
                if !spec.deletes {
                    // SAFETY: as above.
                    free(unsafe { Box::from_raw(managed) }.manager_ctx);
                }
                outcome
            }
        };
        assert_eq!(DELETED.get(), usize::from(spec.deletes), "{name}: the deleter");
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert!(corpus.len() > 2000, "{}", corpus.len());
    // Every kind of fault was there, and views, too.
    assert_eq!(outcomes.len(), 10, "{outcomes:?}");
    assert!(outcomes.values().all(|&count| count >= 10), "{outcomes:?}");
}
