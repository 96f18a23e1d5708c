"""What real consumers do with DLPack tensors, as a table: `tests/consumers/facts.tsv`.

    "$(.ci/venv)" tests/consumers/probe.py            # prints the table
    "$(.ci/venv)" tests/consumers/probe.py --check    # compares it with the one in the repository

Every tensor is made here, field by field, so that layouts and types go out that no library would export. A consumer may kill its process, so it
runs in one of its own, which is started again behind the tensor that it died of. The Rust profiles of the consumers are held to the table by
`tests/dlpack_profiles.rs`.
"""

import ctypes
import pathlib
import re
import subprocess
import sys

FACTS = pathlib.Path(__file__).parent / "facts.tsv"
CONSUMERS = ["numpy", "torch", "jax", "jax_x64", "pyarrow_array", "pyarrow_tensor", "pyarrow_fixed_shape"]
# Every four bytes of it are another float, a finite one.
PATTERN = b"".join(bytes([k % 256, k // 256, 64, 64]) for k in range(1 << 13))
READ_ONLY = 1


class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("id", ctypes.c_int32)]


class DType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", DType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class Legacy(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
forget = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)  # everything made here stays until the process ends
kept = []

# What libraries say where they know a device, but the machine has none.
ABSENT = ["Unknown backend", "Found no NVIDIA driver", "ATen_xpu"]


class Producer:
    """An object with `__dlpack__`, and a note of what was asked of it."""

    def __init__(self, case):
        self.case = case
        self.asked = "nothing"
        self.address = 0

    def look(self, items):
        """Whether a consumer sees the items that the tensor has; floats and bytes only."""
        import numpy as np

        case, name = self.case, {(2, 32, 1): "<f4", (1, 8, 1): "u1"}.get(self.case.dtype)
        if name is None or 0 in case.shape or len(case.shape) > 32:
            return
        size = np.dtype(name).itemsize
        memory = np.frombuffer(kept[-1][0], np.uint8)
        first = memory[self.address - ctypes.addressof(kept[-1][0]) :]
        bytes_of_items = np.lib.stride_tricks.as_strided(first, (*case.shape, size), (*[s * size for s in case.strides], 1))
        if not np.array_equal(np.ascontiguousarray(bytes_of_items).view(name)[..., 0], items):
            raise Wrong("other items")

    def __dlpack_device__(self):
        return self.case.device, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        versioned = max_version is not None and max_version[0] >= 1
        self.asked = "versioned" if versioned else "legacy"
        case = self.case
        memory = ctypes.create_string_buffer(PATTERN + PATTERN, len(PATTERN) * 2)
        start = (ctypes.addressof(memory) + 4095) // 4096 * 4096
        ndim = len(case.shape)
        shape, strides = (ctypes.c_int64 * ndim)(*case.shape), (ctypes.c_int64 * ndim)(*case.strides)
        self.address = start + case.offset
        empty = 0 in case.shape
        code, bits, lanes = case.dtype
        tensor = Tensor(
            None if empty else self.address,
            Device(case.device, 0),
            ndim,
            DType(code, bits, lanes),
            ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64)),
            ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64)),
            0,
        )
        deleter = ctypes.cast(forget, ctypes.c_void_p)
        if versioned:
            flags = (READ_ONLY if case.read_only else 0) | (4 if case.padded else 0)
            managed, name = Versioned(1, 3, None, deleter, flags, tensor), b"dltensor_versioned"
        else:
            if case.read_only:
                raise BufferError("legacy tensors cannot be read-only")
            managed, name = Legacy(tensor, None, deleter), b"dltensor"
        kept.append((memory, shape, strides, managed))
        return new_capsule(ctypes.addressof(managed), name, None)


class Case:
    def __init__(self, name, dtype=(2, 32, 1), shape=(2, 3, 4), strides=None, offset=4096, **more):
        self.name, self.dtype, self.shape, self.offset = name, dtype, shape, offset
        self.strides = compact(shape) if strides is None else strides
        self.read_only = more.get("read_only", False)
        self.padded = more.get("padded", False)
        self.device = more.get("device", 1)


def compact(shape):
    strides, step = [], 1
    for dim in reversed(shape):
        strides.append(step)
        step *= max(dim, 1)
    return strides[::-1]


def dtypes():
    known = [(0, b) for b in (2, 4, 8, 16, 32, 64, 128)] + [(1, b) for b in (1, 2, 4, 8, 16, 32, 64, 128)]
    known += [(2, b) for b in (16, 32, 64, 80, 128)] + [(3, 64), (4, 16)]
    known += [(5, b) for b in (32, 64, 128)] + [(6, 8)] + [(c, 8) for c in range(7, 15)]
    known += [(15, 6), (16, 6), (17, 4), (18, 32), (99, 24)]
    triples = [(code, bits, 1) for code, bits in known] + [(17, 4, 2), (2, 32, 4), (0, 8, 2), (6, 8, 2)]
    for triple in triples:
        yield Case("dtype", triple, (4,))
    for triple in [(17, 4, 1), (15, 6, 1), (0, 4, 1)]:
        yield Case("padded", triple, (4,), padded=True)


def layouts(dtype):
    def case(name, *args, **more):
        return Case(name, dtype, *args, **more)

    yield case("C")
    yield case("F", (2, 3, 4), [1, 2, 6])
    yield case("permuted", (2, 3, 4), [4, 8, 1])
    yield case("gapped rows", (2, 4), [8, 1])
    yield case("gapped vector", (4,), [2])
    yield case("gapped columns", (2, 4), [16, 2])
    yield case("negative", (4,), [-1])
    yield case("negative rows", (3, 4), [-4, 1])
    yield case("negative columns", (3, 4), [4, -1])
    yield case("zero stride", (4,), [0])
    yield case("zero stride rows", (3, 4), [0, 1])
    yield case("zero stride columns", (3, 4), [1, 0])
    yield case("overlapping", (3, 3), [1, 1])
    yield case("0-d", ())
    yield case("one item", (1,))
    yield case("empty", (0,))
    yield case("empty inner", (3, 0), [0, 1])
    yield case("empty odd strides", (0, 3), [-7, 5])
    yield case("size 1, odd stride", (1, 4), [999, 1])
    yield case("size 1, negative stride", (1, 4), [-4, 1])
    yield case("size 1, zero stride", (1, 4), [0, 1])
    yield case("size 1 last, odd stride", (4, 1), [1, 7])
    yield case("size 1 middle, odd stride", (2, 1, 3), [3, -5, 1])
    yield case("all size 1, odd strides", (1, 1), [-3, 0])
    yield case("size 1, stride 1", (1, 4), [1, 1])
    yield case("size 1 last, stride 1", (4, 1), [1, 1])
    yield case("size 1 middle, stride 1", (2, 1, 3), [3, 1, 1])
    yield case("size 1 middle, stride 1, F", (2, 1, 3), [1, 1, 2])
    yield case("size 1 last, compact", (4, 1, 1), [1, 1, 1])
    yield case("size 1 middle, compact", (2, 1, 3), [3, 3, 1])
    yield case("read-only", (4,), read_only=True)
    for offset in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        yield case(f"offset {offset}", (4,), offset=4096 + offset)
    for rank in (8, 33, 64):
        yield case(f"rank {rank}", (1,) * (rank - 1) + (2,))


def devices():
    for device in (*range(21), 99):
        yield Case(f"device {device}", shape=(4,), device=device)


def cases():
    yield from dtypes()
    yield from layouts((2, 32, 1))
    yield from layouts((1, 8, 1))
    yield from devices()


def numpy(producer):
    import numpy as np

    array = np.from_dlpack(producer)
    producer.look(array)
    strides = [stride // array.itemsize for stride in array.strides] if array.itemsize else []
    return array.__array_interface__["data"][0], array.shape, strides, not array.flags.writeable


def torch(producer):
    import torch as t

    tensor = t.from_dlpack(producer)
    return tensor.data_ptr(), tuple(tensor.shape), list(tensor.stride()), False


def jax_array(producer, x64):
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", x64)
    array = jax.dlpack.from_dlpack(producer)
    code, bits, _ = producer.case.dtype
    if bits != array.dtype.itemsize * 8:
        raise TypeError(f"it becomes {array.dtype}, which is another type")
    producer.look(np.asarray(array))
    # It knows no strides: where the items are right, it has understood those of the tensor.
    return array.unsafe_buffer_pointer(), array.shape, producer.case.strides, True


def jax(producer):
    return jax_array(producer, False)


def jax_x64(producer):
    return jax_array(producer, True)


def pyarrow_array(producer):
    import pyarrow as pa

    array = pa.Array.from_dlpack(producer)
    producer.look(array.to_numpy())
    return array.buffers()[1].address, (len(array),), [1], True


def pyarrow_tensor(producer):
    import pyarrow as pa

    tensor = pa.Tensor.from_dlpack(producer)
    size, items = tensor.type.bit_width // 8, tensor.to_numpy()
    producer.look(items)
    address, strides = items.__array_interface__["data"][0], [stride // size for stride in tensor.strides]
    return address, tuple(tensor.shape), strides, not tensor.is_mutable


def pyarrow_fixed_shape(producer):
    import pyarrow as pa

    array = pa.FixedShapeTensorArray.from_dlpack(producer)
    items = array.to_numpy_ndarray()
    producer.look(items)
    return array.storage.flatten().buffers()[1].address, items.shape, producer.case.strides, True


class Wrong(Exception):
    pass


def outcome(consumer, case):
    producer = Producer(case)
    try:
        address, shape, strides, read_only = globals()[consumer](producer)
    except Wrong as e:
        return producer.asked, "wrong", str(e)
    except BaseException as e:
        if any(words in str(e) for words in ABSENT):
            return producer.asked, "absent", "no such device here"
        return producer.asked, "refused", re.sub(" at 0x[0-9a-f]+", "", f"{type(e).__name__}: {e}".split("\n")[0])[:90]
    note = "read-only" if read_only else "writable"
    if tuple(shape) != tuple(case.shape):
        return producer.asked, "wrong", f"shape {tuple(shape)}"
    empty = 0 in case.shape
    if not empty and address != producer.address:
        return producer.asked, "copied", note
    relevant = [k for k, dim in enumerate(case.shape) if dim > 1]
    if not empty and any(strides[k] != case.strides[k] for k in relevant):
        return producer.asked, "wrong", f"strides {strides}"
    return producer.asked, "shared", note


def describe(case):
    triple, shape = ",".join(map(str, case.dtype)), ",".join(map(str, case.shape))
    flags = ("r" if case.read_only else "") + ("p" if case.padded else "") or "-"
    strides = ",".join(map(str, case.strides))
    return [case.name, triple, f"({shape})", f"({strides})", str(case.offset - 4096), flags, str(case.device)]


def worker(consumer, first):
    for k, case in enumerate(cases()):
        if k >= first:
            print(k, *outcome(consumer, case), sep="\t", flush=True)


def probe(consumer):
    """The outcomes of all cases; a process that dies is an outcome."""
    total, found = len(list(cases())), []
    while len(found) < total:
        command = [sys.executable, __file__, "--worker", consumer, str(len(found))]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [line.split("\t")[1:] for line in result.stdout.splitlines() if line.split("\t")[0].isdigit()]
        found += lines
        if len(found) < total:
            found.append(["?", "crashed", f"exit code {result.returncode}"])
    return found


def table():
    yield "\t".join(["consumer", "case", "dtype", "shape", "strides", "offset", "flags", "device", "asked", "outcome", "note"])
    for consumer in CONSUMERS:
        for case, (asked, result, note) in zip(cases(), probe(consumer)):
            yield "\t".join([consumer, *describe(case), asked, result, note])


def check(text):
    """Whether the libraries still do what the repository says of them. Messages may change."""
    def facts(text):
        return [line.split("\t")[:-1] for line in text.splitlines()]

    changed = [pair for pair in zip(facts(FACTS.read_text()), facts(text), strict=True) if pair[0] != pair[1]]
    for then, now in changed:
        print("was", then, "is", now)
    return not changed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], int(sys.argv[3]))
    else:
        text = "".join(line + "\n" for line in table())
        if sys.argv[1:] == ["--check"]:
            sys.exit(0 if check(text) else "the consumers changed: adapt src/dlpack/consumers.rs, then write the table anew")
        print(text, end="")
