//! Structs of Arrow's C Data Interface whose members may say anything: arrays that are valid throughout, or a typed error; and `release` runs exactly
//! once.
//!
//! A member can lie in ways that no check finds out: a buffer that is shorter than the length demands. So every buffer is the start of memory that is
//! larger than any length that passes, and whatever numbers it holds lead no further.
#![no_main]
#![allow(unsafe_code, reason = "the other side of a C interface is played here")]

#[path = "../../tests/support/c_data.rs"]
mod c_data;

use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{self, catch_unwind};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use arrow_array::Array;
use c_data::{RawArray, RawSchema};
use libfuzzer_sys::fuzz_target;
use viewbridge::arrow::ffi::{ArrowArray, ArrowSchema};
use viewbridge::arrow::{Column, Nulls, Parts};
use viewbridge::{CopyPolicy, Slice};
use viewbridge_fuzz::Choices;

/// Bytes behind every buffer: more than 4096 items of 32 bytes.
const MEMORY: usize = 1 << 18;

/// Children that are there, whatever the counts say.
const CHILDREN: usize = 4;

/// Entries of every list of buffers.
const BUFFERS: usize = 8;

const FORMATS: [&str; 60] = [
    "n",
    "b",
    "c",
    "C",
    "s",
    "S",
    "i",
    "I",
    "l",
    "L",
    "e",
    "f",
    "g",
    "z",
    "Z",
    "vz",
    "u",
    "U",
    "vu",
    "d:5,2",
    "d:40,2,256",
    "d:9,2,32",
    "d:18,1,64",
    "w:3",
    "w:0",
    "tdD",
    "tdm",
    "tts",
    "ttn",
    "tss:",
    "tsn:UTC",
    "tDs",
    "tiM",
    "tiD",
    "tin",
    "+l",
    "+L",
    "+vl",
    "+vL",
    "+w:2",
    "+w:0",
    "+w:3",
    "+s",
    "+s",
    "+m",
    "+r",
    "+ud:0,1",
    "+us:0,1",
    "+us:5",
    "+us:0,0",
    "+us:-1",
    "",
    "+",
    "w:-1",
    "w:9999999999",
    "d:0,0",
    "d:39,1",
    "tsx:",
    "+u",
    "x",
];

thread_local! {
    /// How often a root was released.
    static RELEASED: Cell<usize> = const { Cell::new(0) };
}

/// What the last panic said.
static LAST: Mutex<String> = Mutex::new(String::new());

// `into_array` catches what arrow-rs may panic over. The fuzzer's own hook aborts at any panic; in its place, one that gets out of the target ends
// in a crash, and so does one that had to be caught.
fuzz_target!(
    init: panic::set_hook(Box::new(|info| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    })),
    |data: &[u8]| {
        if catch_unwind(|| run(data)).is_err() {
            eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
            std::process::abort();
        }
    }
);

fn run(data: &[u8]) {
    RELEASED.set(0);
    let mut choices = Choices::new(data);
    let mut producer = Producer::new(&mut choices);
    let (mut schema, mut array) = producer.node(&mut choices, 3);
    schema.release = Some(release_schema);
    array.release = Some(release_array);
    // SAFETY: the struct of the specification, moved out; what the producer owns outlives it.
    let schema = unsafe { ArrowSchema::take((&raw mut schema).cast()) }.expect("not released");
    // SAFETY: as above.
    let array = unsafe { ArrowArray::take((&raw mut array).cast()) }.expect("not released");
    // SAFETY: as far as the checks can tell; see the module.
    let imported = unsafe { viewbridge::arrow::ffi::import(&schema, array) };
    match imported {
        Ok(imported) => {
            let (field, array) = imported.value;
            array.to_data().validate_full().expect("imported");
            if let Ok(column) = Column::from_field(&field, &array, Nulls::Separate) {
                look_at(&column);
            }
            let _ = Parts::of(&field, &array);
            // An array that needs no buffer has been released already.
            assert!(RELEASED.get() <= 1);
            if let Ok(schema) = ArrowSchema::from_field(&field) {
                assert_eq!(schema.to_field().expect("exported"), *field);
            }
            let again = ArrowArray::from_array(&array).value;
            // SAFETY: exported above.
            let again = unsafe { again.into_array(field.data_type()) }.expect("exported");
            assert_eq!(&again.value, &array);
        }
        Err(error) => {
            let text = error.to_string();
            assert!(
                !text.contains("panicked"),
                "{}",
                LAST.lock().unwrap_or_else(PoisonError::into_inner)
            );
            assert!(!text.is_empty());
        }
    }
    assert_eq!(RELEASED.get(), 1);
    drop(schema);
}

/// The items, rows of the column put back into it, and the view on its own way out.
fn look_at(column: &Column) {
    let view = column.view();
    let bytes = view.to_bytes(viewbridge::Order::C).expect("memory of our own");
    for (start, step) in [(0, 2), (1, 1), (-1, -1)] {
        let rows = view
            .slice_axis(0, Slice::new(Some(start), None, step))
            .expect("an axis of rows");
        if let Ok(part) = column.with_view(&rows, CopyPolicy::IfNeeded) {
            part.value.array().to_data().validate_full().expect("some rows");
            assert_eq!(part.value.array().len(), rows.shape()[0]);
        }
    }
    if let Ok(exported) = view.to_arrow_c(CopyPolicy::IfNeeded) {
        let (schema, array) = exported.value;
        // SAFETY: exported together.
        let back = unsafe { viewbridge::arrow::ffi::import(&schema, array) }.expect("exported");
        let back = Column::from_array(&back.value.1, Nulls::Forbid).expect("a view before");
        assert_eq!(
            back.view().to_bytes(viewbridge::Order::C).expect("memory of our own"),
            bytes
        );
    }
    if let Ok(buffer) = view.to_arrow_buffer(CopyPolicy::IfNeeded) {
        assert_eq!(buffer.value.len(), view.nbytes());
    }
}

unsafe extern "C" fn release_schema(schema: *mut RawSchema) {
    // SAFETY: called with a struct of the producer.
    unsafe { (*schema).release = None };
}

unsafe extern "C" fn release_array(array: *mut RawArray) {
    RELEASED.set(RELEASED.get() + 1);
    // SAFETY: called with a struct of the producer.
    unsafe { (*array).release = None };
}

unsafe extern "C" fn release_child<T>(_: *mut T) {}

/// What another library owns. It is freed when the target ends, after everything that points into it.
struct Producer {
    strings: Vec<CString>,
    #[expect(clippy::vec_box, reason = "pointers to them are handed out")]
    schemas: Vec<Box<RawSchema>>,
    #[expect(clippy::vec_box, reason = "pointers to them are handed out")]
    arrays: Vec<Box<RawArray>>,
    schema_lists: Vec<Box<[*mut RawSchema; CHILDREN]>>,
    array_lists: Vec<Box<[*mut RawArray; CHILDREN]>>,
    buffer_lists: Vec<Box<[*const c_void; BUFFERS]>>,
    /// Ascending 32-bit numbers, the same of 64 bits, and what the fuzzer likes, all below 4096.
    memories: [Vec<u64>; 3],
}

/// A number from `low` to `high`, both included.
fn between(choices: &mut Choices<'_>, low: i64, high: i64) -> i64 {
    let word = |number: i64| isize::try_from(number).expect("small");
    i64::try_from(choices.between(word(low), word(high))).expect("64 bits")
}

impl Producer {
    fn new(choices: &mut Choices<'_>) -> Self {
        let step = u64::try_from(choices.below(4)).expect("small");
        let narrow = |k: u64| (2 * k * step).min(4095) | ((2 * k + 1) * step).min(4095) << 32;
        let words = u64::try_from(MEMORY / 8).expect("small");
        let some: Vec<u64> = (0..16)
            .map(|_| u64::try_from(choices.below(4096)).expect("small"))
            .collect();
        Self {
            strings: Vec::new(),
            schemas: Vec::new(),
            arrays: Vec::new(),
            schema_lists: Vec::new(),
            array_lists: Vec::new(),
            buffer_lists: Vec::new(),
            memories: [
                (0..words).map(narrow).collect(),
                (0..words).map(|k| (k * step).min(4095)).collect(),
                some.into_iter().cycle().take(MEMORY / 8).collect(),
            ],
        }
    }

    fn string(&mut self, text: &str) -> *const c_char {
        self.strings.push(CString::new(text).expect("no 0 in it"));
        self.strings.last().expect("pushed").as_ptr()
    }

    /// A number of children or buffers: one that is there, or one that must be refused.
    fn count(choices: &mut Choices<'_>, usual: i64, there: i64) -> i64 {
        match choices.below(8) {
            0 => [-1, i64::MAX, i64::MIN, 1 << 21][choices.below(4)],
            1 => between(choices, 0, there),
            _ => usual,
        }
    }

    fn node(&mut self, choices: &mut Choices<'_>, depth: usize) -> (RawSchema, RawArray) {
        let format = FORMATS[choices.below(FORMATS.len())];
        let children = match format {
            "+s" => between(choices, 0, 3),
            "+r" | "+ud:0,1" | "+us:0,1" | "+us:0,0" => 2,
            _ if format.starts_with('+') => 1,
            _ => 0,
        };
        let (schemas, arrays) = self.children(choices, depth);
        let dictionary = depth > 0 && choices.below(6) == 0;
        let (schema_dictionary, array_dictionary) = if dictionary {
            self.place(choices, depth - 1)
        } else {
            (ptr::null_mut(), ptr::null_mut())
        };
        let n_children = Self::count(choices, children, 4);
        let schema = RawSchema {
            format: if choices.below(40) == 0 {
                ptr::null()
            } else {
                self.string(format)
            },
            name: if choices.coin() { ptr::null() } else { self.string("x") },
            metadata: ptr::null(),
            flags: between(choices, 0, 7),
            n_children,
            children: schemas,
            dictionary: schema_dictionary,
            release: Some(release_child),
            private_data: ptr::null_mut(),
        };
        let buffers = match format {
            "n" | "+r" => 0,
            "+w:2" | "+w:0" | "+w:3" | "+s" => 1,
            _ if format.starts_with("+us") => 1,
            "u" | "U" | "z" | "Z" | "+vl" | "+vL" => 3,
            "vu" | "vz" => between(choices, 3, 5),
            _ => 2,
        };
        let small = |choices: &mut Choices<'_>| match choices.below(12) {
            // Not the largest: of items of a bit or a byte there could be as many, as far as a check can tell.
            0 => [-1, i64::MIN][choices.below(2)],
            _ => between(choices, 0, 40),
        };
        let array = RawArray {
            length: small(choices),
            null_count: match choices.below(6) {
                0 => i64::try_from(choices.extreme()).expect("64 bits"),
                1 => between(choices, 0, 50),
                _ => [-1, 0][choices.below(2)],
            },
            offset: if choices.coin() { 0 } else { small(choices) },
            n_buffers: Self::count(choices, buffers, 8),
            n_children: if choices.below(12) == 0 {
                Self::count(choices, children, 4)
            } else {
                n_children
            },
            buffers: self.buffers(choices, format),
            children: arrays,
            dictionary: array_dictionary,
            release: Some(release_child),
            private_data: ptr::null_mut(),
        };
        (schema, array)
    }

    /// The places of a child of each tree.
    fn place(&mut self, choices: &mut Choices<'_>, depth: usize) -> (*mut RawSchema, *mut RawArray) {
        let (schema, array) = self.node(choices, depth);
        self.schemas.push(Box::new(schema));
        self.arrays.push(Box::new(array));
        let schema: *mut RawSchema = &raw mut **self.schemas.last_mut().expect("pushed");
        let array: *mut RawArray = &raw mut **self.arrays.last_mut().expect("pushed");
        (schema, array)
    }

    fn children(&mut self, choices: &mut Choices<'_>, depth: usize) -> (*mut *mut RawSchema, *mut *mut RawArray) {
        if depth == 0 || choices.below(20) == 0 {
            return (ptr::null_mut(), ptr::null_mut());
        }
        let (mut schemas, mut arrays) = ([ptr::null_mut(); CHILDREN], [ptr::null_mut(); CHILDREN]);
        for k in 0..CHILDREN {
            if k < 2 || choices.below(4) == 0 {
                (schemas[k], arrays[k]) = self.place(choices, depth - 1);
            }
        }
        self.schema_lists.push(Box::new(schemas));
        self.array_lists.push(Box::new(arrays));
        let schemas = self.schema_lists.last_mut().expect("pushed").as_mut_ptr();
        (schemas, self.array_lists.last_mut().expect("pushed").as_mut_ptr())
    }

    fn buffers(&mut self, choices: &mut Choices<'_>, format: &str) -> *mut *const c_void {
        if choices.below(40) == 0 {
            return ptr::null_mut();
        }
        // Sizes that are read as 64 bits must be small as such, and none may be read across two numbers: those would be lies about lengths.
        let wide = ["U", "Z", "vu", "vz", "+L", "+vL"].contains(&format);
        let sized = wide || ["u", "z", "+l", "+vl", "+m"].contains(&format);
        let mut list = [ptr::null(); BUFFERS];
        for entry in &mut list {
            let first = usize::from(wide);
            let memory = &self.memories[first + choices.below(3 - first)];
            // Misaligned now and then; the memory is large enough for that too.
            let shift = if !sized && choices.below(6) == 0 {
                choices.below(8)
            } else {
                0
            };
            if choices.below(12) != 0 {
                *entry = memory.as_ptr().cast::<u8>().wrapping_add(shift).cast();
            }
        }
        self.buffer_lists.push(Box::new(list));
        self.buffer_lists.last_mut().expect("pushed").as_mut_ptr()
    }
}
