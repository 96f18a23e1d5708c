"""Files of NumPy, PyTorch's safetensors and pyarrow through this crate and back.

Called by tests/file_peers.rs: first with `write` and a folder, for files of theirs; then, once the test has read each of them and written it into
the folder `ours`, with `check` and the folder.
"""

import glob
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import safetensors.torch
import torch

action, folder = sys.argv[1:]
ours = os.path.join(folder, "ours")

# Bytes in front of the first item of a raw file, as in the test.
OFFSET = 7


def path(name):
    return os.path.join(folder, name)


def dtypes():
    for code in "?bBhHiIqQefdgFDG":
        yield from dict.fromkeys(np.dtype(code).newbyteorder(order) for order in "<>")
    for code in ["S5", "V7", "<U3", ">U3", "S0", "U0", "V0"]:
        yield np.dtype(code)
    for unit in ["", "[Y]", "[M]", "[W]", "[D]", "[h]", "[m]", "[s]", "[ms]", "[us]", "[25ns]", "[ps]", "[fs]", "[as]"]:
        yield from (np.dtype(f"{order}{kind}8{unit}") for order in "<>" for kind in "mM")
    yield np.dtype([("a", "<f4"), ("b", ">i2", (2, 3)), ("ü", [("x", "u1"), ("y", "S3")])])
    yield np.dtype([("a", "u1"), ("b", "<f8"), (("title", "c"), "<M8[s]")], align=True)


def arrays():
    """Every type in some shape, in both orders, with bytes of any value."""
    shapes = [(), (3,), (2, 3), (2, 3, 4), (0,), (2, 0, 4)]
    bits = np.random.default_rng(7)
    for k, dtype in enumerate(dtypes()):
        # Two shapes for each type: every shape meets every size of items.
        for shape in [shapes[k % 6], shapes[(k + 2) % 4]]:
            array = np.zeros(shape, dtype)
            if dtype.kind == "b":
                array[...] = bits.integers(0, 2, shape)
            elif dtype.kind == "U":
                array[...] = "aü€"[: dtype.itemsize // 4]
            elif dtype.itemsize and array.size:
                array = np.frombuffer(bits.bytes(array.nbytes), dtype).reshape(shape)
            yield array
            if array.ndim > 1:
                yield np.asfortranarray(array)


def items(array):
    """The bytes of an array, without those in the gaps of records: NumPy leaves them to chance where it copies."""
    if array.dtype.names is None:
        return array.tobytes()
    return b"".join(items(array[name]) for name in array.dtype.names)


def same(a, b):
    return (a.dtype, a.shape, items(a)) == (b.dtype, b.shape, items(b))


# --- .npy, and files without a header


def write_npy():
    for k, array in enumerate(arrays()):
        np.save(path(f"{k:03}.npy"), array)
    mapped = np.lib.format.open_memmap(path("mapped.npy"), "w+", ">i4", (5, 3), fortran_order=True)
    mapped[...] = np.arange(15).reshape(5, 3)
    mapped.flush()


def check_npy():
    files = glob.glob(path("*.npy"))
    assert len(files) > 150, len(files)
    for file in files:
        name = os.path.basename(file)
        array = np.load(file)
        assert same(np.load(os.path.join(ours, name)), array), (name, array.dtype)
        flipped = np.load(os.path.join(ours, "flipped_" + name), mmap_mode="r" if array.size else None)
        assert same(np.asarray(flipped), array[::-1] if array.ndim else array), (name, array.dtype)


def raw_arrays():
    for k, array in enumerate(arrays()):
        # Assigning records leaves the bytes in their gaps as they were.
        if array.nbytes and array.dtype.names is None:
            yield f"{k:03}.bin", array, "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def write_raw():
    for name, array, order in raw_arrays():
        mapped = np.memmap(path(name), array.dtype, "w+", OFFSET, array.shape, order)
        mapped[...] = array
        mapped.flush()


def check_raw():
    for name, array, order in raw_arrays():
        mapped = np.memmap(os.path.join(ours, name), array.dtype, "r", OFFSET, array.shape, order)
        assert same(np.asarray(mapped), array), (name, array.dtype)


# --- .npz


def members():
    names = ["a", "ä/ö", "with.dot", "a b"]
    return {f"{names[k % 4]}{k}": array for k, array in enumerate(arrays()) if array.dtype.names is None}


def write_npz():
    np.savez(path("stored.npz"), **members())
    np.savez_compressed(path("deflated.npz"), zeros=np.zeros(100_000), **members())
    np.savez(path("none.npz"))


def check_npz():
    for name, expected in [("stored", members()), ("deflated", {"zeros": np.zeros(100_000), **members()}), ("none", {})]:
        for compression in ["stored", "deflated"]:
            with np.load(os.path.join(ours, f"{name}_{compression}.npz")) as found:
                assert list(found) == list(expected)
                for key, array in expected.items():
                    assert same(found[key], array), (name, key, array.dtype, array.shape)


# --- safetensors


def tensors():
    names = """bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64
        float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"""
    bits = torch.Generator().manual_seed(7)
    for name in names.split():
        dtype = getattr(torch, name)
        for shape in [(), (1,), (2, 3), (4, 0), (2, 3, 5)]:
            if dtype == torch.bool:
                yield f"{name} {list(shape)}", torch.randint(0, 2, shape, generator=bits).bool()
            else:
                count = int(np.prod(shape)) * dtype.itemsize
                some = torch.randint(0, 256, (count,), dtype=torch.uint8, generator=bits)
                yield f"{name} {list(shape)}", some.view(dtype).reshape(shape)
    four = torch.randint(0, 256, (3, 4), dtype=torch.uint8, generator=bits)
    yield 'four "quoted" ü\n', four.view(torch.float4_e2m1fn_x2)


def write_safetensors():
    safetensors.torch.save_file(dict(tensors()), path("all.safetensors"), {"format": "pt"})
    safetensors.torch.save_file({}, path("none.safetensors"))


def octets(tensor):
    return tensor.dtype, tensor.shape, bytes(tensor.contiguous().flatten().view(torch.uint8).tolist())


def check_safetensors():
    whole = safetensors.torch.load_file(os.path.join(ours, "all.safetensors"))
    turned = safetensors.torch.load_file(os.path.join(ours, "turned.safetensors"))
    expected = dict(tensors())
    assert whole.keys() == expected.keys()
    for name, tensor in expected.items():
        assert octets(whole[name]) == octets(tensor), name
        if tensor.dtype != torch.float4_e2m1fn_x2:
            assert octets(turned[name]) == octets(tensor.permute(tuple(reversed(range(tensor.ndim))))), name
    assert safetensors.torch.load_file(os.path.join(ours, "none.safetensors")) == {}


# --- Arrow


def table():
    columns = {f"c{k}": pa.array(np.arange(10).astype(code)) for k, code in enumerate(["i1", "u2", "i4", "u8", "f2", "f4", "f8"])}
    columns["null"] = pa.array([None, 1, 2, None, *range(6)], pa.int32())
    columns["text"] = pa.array([None, "ü", *"abcdefgh"])
    kind = pa.fixed_shape_tensor(pa.float32(), [2, 3], ["a", "b"], [1, 0])
    numbers = pa.array(np.arange(60, dtype=np.float32))
    columns["tensor"] = pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(numbers, type=kind.storage_type))
    return pa.table(columns)


def write_arrow():
    # Each comes back as the other.
    for name, new, rows in [("a.arrow", pa.ipc.new_file, 4), ("a.arrows", pa.ipc.new_stream, 10)]:
        with new(path(name), table().schema) as writer:
            writer.write_table(table(), max_chunksize=rows)


def check_arrow():
    assert pa.ipc.open_file(os.path.join(ours, "a.arrow")).read_all().equals(table())
    assert pa.ipc.open_stream(os.path.join(ours, "a.arrows")).read_all().equals(table())


for job in ["npy", "raw", "npz", "safetensors", "arrow"]:
    globals()[f"{action}_{job}"]()
    print("ok", job)
