"""Writes the golden files of this folder with NumPy, and what NumPy reads in them (as C-order bytes) beside each."""

import io
import pathlib
import struct
import warnings

import numpy as np

HERE = pathlib.Path(__file__).parent
TYPES = [
    "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<f16", "<c8", "<c16",
    "|S5", "<U3", "|V7", ">i2", ">i4", ">i8", ">u2", ">f2", ">f4", ">f8", ">c8", ">c16", ">U3",
]
TIMES = ["<M8[ns]", ">M8[25s]", "<m8[D]", "<M8", ">m8[as]"]
RECORDS = {
    "packed": [("a", "<i4"), ("b", "|u1", (3,)), ("c", ">f8")],
    "nested": [("in", [("x", "|i1"), ("t", ">M8[s]")], (2,)), ("s", "|S3"), ("u", "<U2")],
    "titled": [(("a title", "it's"), "<i2"), ('"', "|b1")],
    "latin1": [("é", "<i4")],
    "unicode": [("é", "<i4"), ("日本", ">f4")],
    "aligned": np.dtype([("a", "|u1"), ("b", "<f8"), ("c", "|u1")], align=True),
    "gaps": np.dtype({"names": ["a", "b"], "formats": ["<i2", ">u4"], "offsets": [3, 8], "itemsize": 15}),
    "no_fields": np.dtype([]),
}


def items(descr, count: int) -> np.ndarray:
    dtype = np.dtype(descr)
    if dtype.names is not None or dtype.kind in "mM":
        # Any bytes will do, those of gaps too; a boolean of 0 or 1 is one.
        return (np.arange(count * dtype.itemsize, dtype="u1") % (2 if dtype.names and '"' in dtype.names else 251)).view(dtype)
    if dtype.kind == "b":
        return np.arange(count) % 3 == 0
    if dtype.kind in "SU":
        return np.array([f"{k * 7:x}" for k in range(count)], dtype)
    if dtype.kind == "V":
        return np.arange(count * dtype.itemsize, dtype="u1").view(dtype)
    values = np.arange(count) * 3 - (0 if dtype.kind == "u" else 7)
    return (values * (1 + 0.5j) if dtype.kind == "c" else values).astype(dtype)


def in_format(array: np.ndarray, version: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def with_header(text: str, data: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1") + data


def main() -> None:
    golden = {}
    for descr in TYPES:
        # NumPy's long double holds padding bytes that are not initialised.
        array = items(descr, 6).reshape(2, 3)
        if descr == "<f16":
            array = np.frombuffer(array.tobytes(), "u1").reshape(6, 16).copy()
            array[:, 10:] = 0
            array = array.reshape(-1).view("<f16").reshape(2, 3)
        name = descr.replace("<", "little_").replace(">", "big_").replace("|", "")
        golden[f"{name}_c"] = in_format(array, None)
        golden[f"{name}_f"] = in_format(np.asfortranarray(array), None)
    for descr in TIMES:
        name = descr.replace("<", "little_").replace(">", "big_").replace("[", "_").replace("]", "")
        golden[name] = in_format(items(descr, 6).reshape(2, 3), None)
    warnings.simplefilter("ignore")
    for name, descr in RECORDS.items():
        array = items(descr, 6) if np.dtype(descr).itemsize else np.zeros(6, descr)
        golden[f"record_{name}"] = in_format(array.reshape(2, 3), None)
    for name, shape in {"scalar": (), "one_axis": (6,), "no_items": (3, 0, 2), "six_axes": (1, 2, 1, 3, 1, 1)}.items():
        golden[name] = in_format(items("<i4", int(np.prod(shape))).reshape(shape), None)
    for name, array in golden.items():
        (HERE / f"{name}.npy").write_bytes(array)

    # Not what `np.save` writes today, but what `np.load` reads.
    array = items("<i4", 6).reshape(2, 3)
    other = {
        "format_2": in_format(array, (2, 0)),
        "format_3": in_format(array, (3, 0)),
        "python_2": with_header("{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<i4'}\n", array.tobytes()),
        "terse": with_header('{"shape":(2,3,),"descr":"<i4","fortran_order":False}', array.tobytes()),
    }
    for name, data in other.items():
        assert (np.load(io.BytesIO(data)) == array).all()
        (HERE / "other" / f"{name}.npy").write_bytes(data)


if __name__ == "__main__":
    main()
