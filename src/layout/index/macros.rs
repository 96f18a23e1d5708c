//! The macro that reads as NumPy's index syntax does.

/// An index expression, written as NumPy's between the brackets: `&s![::-1, ..., 3]` for [`StridedView::index`](crate::StridedView::index).
///
/// | entry | meaning |
/// |---|---|
/// | `3`, `-1`, `i + 1` | one position, which removes the axis |
/// | `:`, `1:`, `:-2`, `::2`, `10:2:-1`, `i:j + 1` | Python's slice |
/// | `..`, `1..`, `-2..`, `..=3`, `i..j` | Rust's range, as a slice |
/// | `...` | an ellipsis: all axes that are left over |
/// | `NewAxis`, `None` | a new axis of size 1 |
///
/// Numbers are `isize`, `usize` or `i32`. `::` is that of a slice, as in Python: put paths into parentheses (`(i32::MAX)`).
///
/// The value is an array of [`Index`](crate::Index).
///
/// ```
/// use viewbridge::{Index, Slice, StridedView, s};
///
/// let a = StridedView::from_vec((0..24).collect::<Vec<i32>>()).reshape(&[2, 3, 4])?;
/// let (row, width) = (1_usize, 2);
/// assert_eq!(a.index(&s![-1, ::-1, 3])?.to_vec::<i32>()?, [23, 19, 15]);
/// assert_eq!(a.index(&s![..., row, :width])?.to_vec::<i32>()?, [4, 5, 16, 17]);
/// assert_eq!(a.index(&s![.., NewAxis, -2.., 3:0:-2])?.shape(), [2, 1, 2, 2]);
/// assert_eq!(s![..., 10:2:-1], [Index::Ellipsis, Index::Slice(Slice::new(Some(10), Some(2), -1))]);
/// # Ok::<(), viewbridge::Error>(())
/// ```
#[macro_export]
#[doc(alias = "s_")]
#[doc(alias = "index_exp")]
macro_rules! s {
    // Entries done, the entry at hand, the rest of the text.
    (@list [$($done:expr,)*] [] ) => { [$($done),*] as [$crate::Index; _] };
    (@list [$($done:expr,)*] [$($entry:tt)+]) => { $crate::s!(@list [$($done,)* $crate::s!(@entry [] $($entry)+),] []) };
    (@list [$($done:expr,)*] [$($entry:tt)+] , $($rest:tt)*) => {
        $crate::s!(@list [$($done,)* $crate::s!(@entry [] $($entry)+),] [] $($rest)*)
    };
    (@list [$($done:expr,)*] [$($entry:tt)*] $next:tt $($rest:tt)*) => {
        $crate::s!(@list [$($done,)*] [$($entry)* $next] $($rest)*)
    };

    // One entry: whole words, or what stands in front of a colon, then the rest.
    (@entry [] ...) => { $crate::Index::Ellipsis };
    (@entry [] NewAxis) => { $crate::Index::NewAxis };
    (@entry [] None) => { $crate::Index::NewAxis };
    (@entry [$($start:tt)*] : $($rest:tt)*) => { $crate::s!(@stop [$($start)*] [] $($rest)*) };
    (@entry [$($start:tt)*] :: $($step:tt)*) => { $crate::s!(@slice [$($start)*] [] [$($step)*]) };
    (@entry [$($start:tt)*] $next:tt $($rest:tt)*) => { $crate::s!(@entry [$($start)* $next] $($rest)*) };
    (@entry [$($whole:tt)+]) => { $crate::Index::from($($whole)+) };

    (@stop [$($start:tt)*] [$($stop:tt)*] : $($step:tt)*) => { $crate::s!(@slice [$($start)*] [$($stop)*] [$($step)*]) };
    (@stop [$($start:tt)*] [$($stop:tt)*] $next:tt $($rest:tt)*) => { $crate::s!(@stop [$($start)*] [$($stop)* $next] $($rest)*) };
    (@stop [$($start:tt)*] [$($stop:tt)*]) => { $crate::s!(@slice [$($start)*] [$($stop)*] []) };

    (@slice [$($start:tt)*] [$($stop:tt)*] [$($step:tt)*]) => {
        $crate::Index::Slice($crate::Slice::new(
            $crate::s!(@bound $($start)*),
            $crate::s!(@bound $($stop)*),
            $crate::s!(@step $($step)*),
        ))
    };
    (@bound) => { ::core::option::Option::None };
    (@bound $($bound:tt)+) => { $crate::Slice::from(($($bound)+)..).start };
    (@step) => { 1 };
    (@step $($step:tt)+) => { $crate::Slice::ALL.step_by($($step)+).step };

    ($($text:tt)*) => { $crate::s!(@list [] [] $($text)*) };
}
