//! Views worth a look.

use viewbridge::{DType, Error, Layout, Order, s};

use crate::picture::Picture;

/// A view of a small array.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    title: &'static str,
    dtype: DType,
    /// The type of the items of the array, if it is another one.
    root: Option<DType>,
    shape: &'static [usize],
    view: fn(&Layout) -> Result<Layout, Error>,
}

impl Preset {
    pub(crate) fn picture(&self) -> Result<Picture, Error> {
        let root = Layout::contiguous(self.shape, self.root.as_ref().unwrap_or(&self.dtype), Order::C)?;
        let view = (self.view)(&root)?;
        Ok(Picture::new(self.title.to_owned(), &self.dtype, &root, &view))
    }
}

pub(crate) static PRESETS: [Preset; 9] = [
    Preset {
        name: "rows",
        title: "a[1:3]",
        dtype: DType::F64,
        root: None,
        shape: &[4, 4],
        view: |a| Ok(a.index(&s![1..3])?),
    },
    Preset {
        name: "steps",
        title: "a[::2, 1::2]",
        dtype: DType::F64,
        root: None,
        shape: &[4, 6],
        view: |a| Ok(a.index(&s![::2, 1::2])?),
    },
    Preset {
        name: "transposed",
        title: "a.T",
        dtype: DType::F64,
        root: None,
        shape: &[3, 4],
        view: |a| Ok(a.reverse_axes()),
    },
    Preset {
        name: "reversed",
        title: "a[::-1, ::-1]",
        dtype: DType::F64,
        root: None,
        shape: &[3, 4],
        view: |a| Ok(a.flip(0)?.flip(1)?),
    },
    Preset {
        name: "broadcast",
        title: "broadcast_to(a, (3, 4))",
        dtype: DType::F64,
        root: None,
        shape: &[4],
        view: |a| Ok(a.broadcast_to(&[3, 4])?),
    },
    Preset {
        name: "windows",
        title: "sliding_window_view(a, 4)",
        dtype: DType::F64,
        root: None,
        shape: &[8],
        view: |a| Ok(a.sliding_windows(&[(0, 4)])?),
    },
    Preset {
        name: "diagonal",
        title: "a.diagonal()",
        dtype: DType::F64,
        root: None,
        shape: &[4, 4],
        view: |a| Ok(a.diagonal(0, 0, 1)?),
    },
    Preset {
        name: "planes",
        title: "a[:, ::-1, ::2]",
        dtype: DType::I32,
        root: None,
        shape: &[2, 3, 4],
        view: |a| Ok(a.index(&s![.., ::-1, ::2])?),
    },
    Preset {
        name: "field",
        title: "a['x'] of packed records (u1, <f4, u1)",
        dtype: DType::F32,
        root: Some(DType::raw(6)),
        shape: &[6],
        view: |_| Ok(Layout::strided(&[6], &[6], 1, &DType::F32)?),
    },
];

pub(crate) fn names() -> [&'static str; 9] {
    std::array::from_fn(|k| PRESETS[k].name)
}
