"""Writes numpy_vectors.txt: what NumPy makes of single view operations. Run with NumPy 2.1 or later, from any directory.

Each line: shape|strides|offset|itemsize of the root | operation | shape|strides|offset|flags|checksum of the result, or X for an
error. The root lies in 2048 bytes, byte k holding k % 251. Flags: C and F contiguous, aligned.
"""

import pathlib
import random

import numpy as np

rng = random.Random(20)
SIZES = [0, 1, 1, 2, 2, 3, 4, 6]
memory = np.zeros(2112, np.uint8)
start = -memory.ctypes.data % 64
memory = memory[start : start + 2048]
memory[:] = np.arange(2048) % 251


def ints(values):
    return ",".join(map(str, values))


def root():
    itemsize = rng.choice([1, 2, 4, 8])
    shape = [rng.choice(SIZES) for _ in range(rng.randrange(5))]
    strides, reach = [0] * len(shape), itemsize
    kind = rng.randrange(3)
    axes = list(range(len(shape)))
    if kind != 1:
        axes.reverse()
    for axis in axes:
        strides[axis] = reach
        if kind == 2:
            strides[axis] = rng.choice([reach, reach, -reach, 0, reach + itemsize, 3])
        reach = reach * max(shape[axis], 1) if kind < 2 else abs(strides[axis]) * max(shape[axis], 1) % 97
    below = sum((d - 1) * -min(s, 0) for d, s in zip(shape, strides) if d)
    offset = below + rng.choice([0, 0, 0, 8, 16, 3])
    try:
        return np.ndarray(shape, f"u{itemsize}", memory, offset, strides)
    except ValueError:  # too large for the memory
        return root()


def bound(size):
    return rng.choice([None, rng.randint(-size - 2, size + 2)])


def index(a):
    tokens, entries, used = [], [], False
    for size in a.shape[: rng.randrange(a.ndim + 1)]:
        kind = rng.randrange(8)
        if kind < 4:
            s = slice(bound(size), bound(size), rng.choice([None, 1, -1, 2, -2, 3, -3]))
            tokens.append("s" + ":".join("_" if x is None else str(x) for x in (s.start, s.stop, s.step)))
            entries.append(s)
        elif kind < 6:
            i = rng.randint(-size - 1, size)
            tokens.append(f"i{i}")
            entries.append(i)
        elif kind == 6 or used:
            tokens.append("n")
            entries.append(None)
        else:
            tokens.append("e")
            entries.append(...)
            used = True
    if not used:  # else an index that leaves no axis gives a scalar, which is a copy
        entries.append(...)
    return "I " + " ".join(tokens), lambda: a[tuple(entries)]


def reshape(a):
    dims, left = [], a.size
    if left == 0:
        dims = rng.choice([[0], [2, 0], [0, 3, 2], [1, 0, 1], [4, 1, 0, 2]])
    while left > 1:
        d = rng.choice([d for d in range(2, left + 1) if left % d == 0])
        dims.append(d)
        left //= d
    for _ in range(rng.choice([0, 0, 1, 2])):
        dims.insert(rng.randrange(len(dims) + 1), 1)
    if dims and rng.randrange(4) == 0:
        dims[rng.randrange(len(dims))] = -1
    order = rng.choice("CCF")
    return f"R{order} {ints(dims)}", lambda: np.reshape(a, dims, order=order, copy=False)


def broadcast(a):
    shape = [rng.choice(SIZES) for _ in range(rng.randrange(3))]
    shape += [rng.choice(SIZES) if d == 1 else d for d in a.shape]
    if shape and rng.randrange(6) == 0:
        shape[-1] += 1
    return f"B {ints(shape)}", lambda: np.broadcast_to(a, shape)


def other(a):
    axis = rng.randrange(a.ndim + 1)
    newaxis = (slice(None),) * axis + (None, ...)  # np.expand_dims reshapes: other strides, equally meaningless
    axes = rng.sample(range(a.ndim), a.ndim)
    itemsize = rng.choice([1, 2, 4, 8, 3])
    new = f"V{itemsize}" if itemsize == 3 else f"u{itemsize}"
    return rng.choice([
        (f"T {ints(axes)}", lambda: a.transpose(axes)),
        (f"F {axis}", lambda: np.flip(a, axis)),
        ("Q", lambda: a.squeeze()),
        (f"q {axis}", lambda: a.squeeze(axis) if a.ndim else a[0]),  # NumPy lets 0-d arrays squeeze axis 0
        (f"E {axis}", lambda: a[newaxis]),
        (f"V {itemsize}", lambda: a.view(new)),
        (f"V {itemsize}", lambda: a.view(new)),
    ])


def describe(a):
    offset = a.__array_interface__["data"][0] - memory.ctypes.data
    flags = "".join(f for f, on in zip("CFA", (a.flags.c_contiguous, a.flags.f_contiguous, a.flags.aligned)) if on)
    checksum = sum((k + 1) * b for k, b in enumerate(a.tobytes())) % 65521
    return f"{ints(a.shape)}|{ints(a.strides)}|{offset}|{flags}|{checksum}"


lines = []
while len(lines) < 900:
    a = root()
    name, operation = rng.choice([index, reshape, reshape, broadcast, other, other])(a)
    offset = a.__array_interface__["data"][0] - memory.ctypes.data
    try:
        result = describe(operation())
    except (ValueError, IndexError, TypeError):
        result = "X"
    line = f"{ints(a.shape)}|{ints(a.strides)}|{offset}|{a.itemsize}|{name}|{result}"
    if line not in lines:
        lines.append(line)
pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
