"""Answers with what NumPy makes of chains of view operations. Started by the test `numpy`, which writes one chain a line and reads one answer a
line; `chain.rs` beside this file explains both. NumPy 2.1 or later.
"""

import re
import sys
from zlib import crc32

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import as_strided, sliding_window_view

if tuple(map(int, np.__version__.split(".")[:2])) < (2, 1):
    sys.exit(f"NumPy {np.__version__} is too old: 2.1 is the first that reshapes without a copy on demand")

SIZE, ALIGNMENT = 8192, 64
TOP = SIZE + 16 + ALIGNMENT
allocation = np.zeros(TOP + ALIGNMENT, np.uint8)
skip = -allocation.ctypes.data % ALIGNMENT
arena = allocation[skip : skip + TOP]
pristine = (np.arange(TOP) % 251).astype(np.uint8)
arena[:] = pristine
RECORD = np.dtype({"names": ["a", "b", "c"], "formats": ["u1", ">i2", "<f4"], "offsets": [0, 1, 4], "itemsize": 9})

# What NumPy's messages mean, as the names of this crate's errors.
MESSAGES = [
    (r"too many indices", "TooManyIndices"),
    (r"single ellipsis", "SecondEllipsis"),
    (r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)", "IndexOutOfRange"),
    (r"slice step cannot be zero", "ZeroStep"),
    (r"at least two dimensions", "AxisOutOfRange"),
    (r"repeated axis|duplicate value|must be different|cannot be the same", "RepeatedAxis"),
    (r"axes don't match array|must have the same number of elements", "RankMismatch"),
    (r"cannot select an axis to squeeze", "NotSizeOne"),
    (r"cannot reshape array|one unknown dimension", "Reshape"),
    (r"[Uu]nable to avoid (creating a )?copy", "ReshapeBlocked"),
    (r"broadcast|more dimensions than", "Broadcast"),
    (r"window shape cannot be larger", "WindowTooLarge"),
    (r"equal division|number sections|modulo by zero|division by zero", "UnevenSplit"),
    (r"last axis must be contiguous", "ReinterpretStride"),
    (r"changing dtype|must be a divisor|divisor of|0d array", "Reinterpret"),
    (r"read-only", "ReadOnly"),
    (r"no field of name|only valid for|only supported for", "Field"),
    (r"out of bounds of the memory", "OutOfBounds"),
    (r"array is too big|maximum supported dimension|too large", "TooLarge"),
]


def error_name(error):
    if isinstance(error, np.exceptions.AxisError):
        return "AxisOutOfRange"
    text = str(error)
    for pattern, name in MESSAGES:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return " ".join([name, *found.groups()]) if name == "IndexOutOfRange" else name
    return f"{type(error).__name__} {text}"


def ints(text):
    return [] if text == "-" else [int(n) for n in text.split(",")]


def listed(values):
    return ",".join(map(str, values))


def dtype_of(text):
    return RECORD if text == "record" else np.dtype(text)


def windows(a, text):
    pairs = [[int(n) for n in pair.split(":")] for pair in ([] if text == "-" else text.split(","))]
    return sliding_window_view(a, [size for _, size in pairs], [axis for axis, _ in pairs], writeable=False)


def part(a, rule, axis, numbers, k):
    axis, numbers, k = int(axis), ints(numbers), int(k)
    # NumPy's split functions say IndexError of an axis that is not there.
    normalize_axis_index(axis, a.ndim)
    if rule == "chunks":
        (size,) = numbers
        pieces = np.split(a, range(size, a.shape[axis], size), axis) if size else 1 // 0
        pieces = pieces if a.shape[axis] else []
    elif rule == "at":
        pieces = np.split(a, numbers, axis)
    else:
        pieces = {"even": np.split, "near": np.array_split}[rule](a, numbers[0], axis)
    return pieces[k % len(pieces)] if pieces else a


def strided(a, memory, shape, strides, offset):
    shape, strides = ints(shape), ints(strides)
    first = a.__array_interface__["data"][0] - memory.ctypes.data + int(offset)
    if 0 not in shape:
        reach = [(n - 1) * s for n, s in zip(shape, strides)]
        lowest = first + sum(r for r in reach if r < 0)
        highest = first + sum(r for r in reach if r > 0) + a.itemsize
        if lowest < 0 or highest > memory.size:
            raise ValueError("out of bounds of the memory")
    elif first < 0:
        raise ValueError("out of bounds of the memory")
    result = np.ndarray(shape, a.dtype, memory, min(first, memory.size - 1), strides)
    # NumPy would let anybody write; here items that overlap are read-only.
    result.flags.writeable = a.flags.writeable and apart(result)
    return result


def apart(a):
    """Whether no two items share a byte."""
    places = np.zeros((), int)
    for n, stride in zip(a.shape, a.strides):
        places = np.add.outer(places, np.arange(n) * stride)
    return bool((np.diff(np.sort(places, axis=None)) >= a.itemsize).all())


def assign(a, source):
    """The truth of an assignment: the source is copied first."""
    if a.dtype != source.dtype:
        return "-"
    if not a.flags.writeable:
        raise ValueError("read-only")
    if not apart(a):
        return "X SelfOverlap"
    a[...] = source.copy()
    return f"{crc32(arena):x}"


def indexed(a, text):
    entries = eval(f"np.s_[{text},]") if text else ()
    # An index that leaves no axis gives a scalar, which is a copy; one with an ellipsis does not.
    return a[entries] if any(entry is ... for entry in entries) else a[entries + (...,)]


def inserted(a, axes):
    axes = [normalize_axis_index(axis, a.ndim + len(axes)) for axis in axes]
    if len(set(axes)) < len(axes):
        raise ValueError("repeated axis")
    # np.expand_dims reshapes: other strides, equally meaningless.
    return a[tuple(None if k in axes else slice(None) for k in range(a.ndim + len(axes))) + (...,)]


def squeezed(a, axes):
    for axis in axes:  # NumPy lets arrays without axes squeeze axis 0.
        normalize_axis_index(axis, a.ndim)
    return a.squeeze(tuple(axes))


def flipped(a, axes=None):
    if a.ndim == 0 and not axes:  # NumPy makes a scalar.
        return a[...]
    return np.flip(a, axes)


def part_of_items(a, which):
    if a.dtype.kind != "c" and (which == "imag" or a.dtype.kind not in "iuf"):
        raise ValueError("only valid for complex numbers")
    return getattr(a, which)


OPERATIONS = {
    "index": indexed,
    "permute": lambda a, axes="": a.transpose(ints(axes)),
    "transpose": lambda a: a.T,
    "swap": lambda a, i, j: a.swapaxes(int(i), int(j)),
    "move": lambda a, i, j: np.moveaxis(a, ints(i), ints(j)),
    "flip": lambda a, axes: flipped(a, tuple(ints(axes))),
    "flip_all": flipped,
    "rot90": lambda a, k, i, j: np.rot90(a, int(k), (int(i), int(j))),
    "insert": lambda a, axes: inserted(a, ints(axes)),
    "squeeze_all": lambda a: a.squeeze(),
    "squeeze": lambda a, axes: squeezed(a, ints(axes)),
    "reshape": lambda a, order, dims: np.reshape(a, ints(dims), order=order, copy=False),
    "broadcast": lambda a, shape: np.broadcast_to(a, ints(shape)),
    "together": lambda a, shape: np.broadcast_to(a, np.broadcast_shapes(a.shape, tuple(ints(shape)))),
    "windows": windows,
    "diagonal": lambda a, k, i, j: a.diagonal(int(k), int(i), int(j)),
    "part": part,
    "view": lambda a, dtype: a.view(dtype_of(dtype)),
    "real": lambda a: part_of_items(a, "real"),
    "imag": lambda a: part_of_items(a, "imag"),
    "field": lambda a, name: a[name] if a.dtype.names else 1 // 0,
}


def describe(a, memory):
    offset = a.__array_interface__["data"][0] - memory.ctypes.data if a.size else "-"
    shape, flags = f"{listed(a.shape)}|{listed(a.strides)}", a.flags
    letters = "".join(
        letter
        for letter, on in zip("CFAW", (flags.c_contiguous, flags.f_contiguous, flags.aligned, flags.writeable))
        if on
    )
    if a.dtype.names:  # Else what lies between the fields is lost.
        a = a.view(f"V{a.itemsize}")
    c, f = crc32(a.tobytes("C")), crc32(a.tobytes("F"))
    return f"{shape}|{offset}|{letters}|{c:x}|{f:x}"


def write(a, k):
    """Fills one item through the view."""
    if a.size == 0:
        return
    if a.dtype.names:
        a = a.view(f"V{a.itemsize}")
    value = np.frombuffer((b"\x41\x42\x43\x44" * a.itemsize)[: a.itemsize], a.dtype)[0]
    a[np.unravel_index(int(k) % a.size, a.shape) + (...,)] = value


def answer(line):
    root, *operations = line.split(";")
    misalignment, access, dtype, shape, strides, offset = root.split("|")
    memory = arena[int(misalignment) :][:SIZE]
    try:
        a = np.ndarray(ints(shape), dtype_of(dtype), memory, int(offset), ints(strides))
    except ValueError as error:
        return f"X {error}"
    a.flags.writeable = access == "W"
    answers = [describe(a, memory)]
    views = [a]
    for text in operations:
        name, *arguments = text.split(" ")
        try:
            if name == "write":
                write(a, *arguments)
                arena_sum = crc32(arena)
                arena[:] = pristine
                answers.append(f"{arena_sum:x}")
                continue
            if name == "assign":
                answers.append(assign(a, views[int(arguments[0]) % len(views)]))
                arena[:] = pristine
                continue
            if name == "overlap":
                b = views[int(arguments[0]) % len(views)]
                answers.append(f"{np.may_share_memory(a, b):d}{np.shares_memory(a, b):d}")
                continue
            if name == "strided":
                a = strided(a, memory, *arguments)
            else:
                a = OPERATIONS[name](a, *arguments)
            views.append(a)
            answers.append(describe(a, memory))
        except (ValueError, IndexError, TypeError, ArithmeticError) as error:
            answers.append("X " + error_name(error))
    return ";".join(answers)


def assigned():
    x = np.arange(10)
    x[0:10:2] = x[1:6]
    return listed(x[::2])


def writable_again():
    a = np.broadcast_to(np.zeros(3), (2, 3))
    a.flags.writeable = True
    return a.flags.writeable


# Where this crate differs on purpose: `divergences.rs` holds NumPy to each.
DIVERGENCES = {
    "step": lambda: listed(as_strided(np.zeros(1, "u1"), (2,), (2**62,))[::4].strides),
    "negative offset": lambda: np.ndarray((1,), "u1", arena, -1).ctypes.data - arena.ctypes.data,
    "wrapped span": lambda: listed(np.ndarray((5,), "u1", arena, 0, (2**62,)).strides),
    "as_strided": lambda: as_strided(np.zeros(1, "u1"), (1000,), (8,)).flags.writeable,
    "writable again": writable_again,
    "assignment": assigned,
    "expand_dims": lambda: listed(np.expand_dims(np.zeros(3), 0).strides),
    "broadcast_arrays": lambda: listed(np.broadcast_arrays(np.zeros((1, 3)), np.zeros(3))[0].strides),
    "imaginary": lambda: np.zeros(3).imag.flags.writeable,
    "squeeze of nothing": lambda: np.zeros(()).squeeze(0).ndim,
    "scalar": lambda: isinstance(np.arange(3)[0], np.ndarray),
}

print(np.__version__, flush=True)
for line in sys.stdin:
    line = line.rstrip("\n")
    print(DIVERGENCES[line[1:]]() if line.startswith("?") else answer(line), flush=True)
