"""The buffer protocol and the array interface, both ways."""

import array
import ctypes
import mmap
import sys

import numpy as np
import pytest

import viewbridge as vb

FORMATS = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "g"]
RECORDS = [
    [("a", "i4"), ("b", "i1")],
    [("a", "<f8"), ("b", ">i2"), ("c", "S3")],
    [("a", "u1", (2, 3)), ("b", "f4")],
    [("outer", [("x", "f4"), ("y", "f4")]), ("n", "i8")],
    [("text", "U4"), ("flag", "?")],
    [("z", "c16")],
]


def address(a):
    return a.__array_interface__["data"][0]


def same(view, there):
    assert view.shape == there.shape and view.strides == there.strides and view.dtype == there.dtype
    if there.size:
        assert view.data_ptr == address(there)


class TestIn:
    @pytest.mark.parametrize("code", [c for c in FORMATS if c not in "?eg"])
    def test_the_standard_library(self, code):
        if code in "fd":
            there = array.array(code, [1.5, 2.5])
        elif code in "bBhHiIlLqQ":
            there = array.array(code, [1, 2])
        view = vb.asview(there)
        assert view.report.door == "buffer protocol"
        assert view.tolist() == list(there)
        assert view.data_ptr == there.buffer_info()[0]
        assert view.flags.writeable
        view[0] = 7
        assert there[0] == 7

    def test_bytes_are_read_only(self):
        view = vb.asview(b"abc")
        assert not view.flags.writeable and view.tolist() == [97, 98, 99]
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1

    def test_a_bytearray_cannot_be_resized_meanwhile(self):
        there = bytearray(4)
        view = vb.asview(there)
        with pytest.raises(BufferError):
            there.append(1)
        del view
        there.append(1)

    def test_memoryviews(self):
        there = memoryview(bytearray(range(24))).cast("B", (4, 6))
        view = vb.asview(there[::2])
        assert view.shape == (2, 6) and view.strides == (12, 1)
        assert view.tolist() == there[::2].tolist()

    def test_ctypes(self):
        there = (ctypes.c_double * 3 * 2)()
        there[1][2] = 5.0
        view = vb.asview(there)
        assert view.shape == (2, 3) and view[1, 2] == 5.0 and view.data_ptr == ctypes.addressof(there)

        class Point(ctypes.Structure):
            _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_double)]

        # Some versions of ctypes leave padding out of the format: what does not add up is refused, never misread.
        try:
            assert vb.asview((Point * 2)(Point(1, 2.5), Point(3, 4.5)))["y"].tolist() == [2.5, 4.5]
        except BufferError as refusal:
            assert "16" in str(refusal)

    def test_a_map(self):
        there = mmap.mmap(-1, 4096)
        view = vb.asview(there)
        view[:3] = b"abc" and [97, 98, 99]
        assert there[:3] == b"abc"
        del view
        there.close()

    @pytest.mark.parametrize("dtype", RECORDS, ids=str)
    @pytest.mark.parametrize("align", [False, True])
    def test_records(self, dtype, align):
        there = np.zeros((2, 3), dtype=np.dtype(dtype, align=align))
        there.view("u1")[...] = np.arange(there.nbytes, dtype="u1").reshape(there.shape[0], -1) % 2
        view = vb.asview(there)
        assert view.dtype.itemsize == there.dtype.itemsize
        same_fields(view, there)
        back = np.asarray(view)
        assert back.dtype == there.dtype and address(back) == address(there)

    @pytest.mark.parametrize("dtype", [">i2", ">f8", ">c8", "S5", "U3", ">U2", "M8[ns]", "m8[25s]", "M8[D]", "g"])
    def test_what_dlpack_has_no_word_for(self, dtype):
        there = np.arange(24).astype("u1").repeat(np.dtype(dtype).itemsize).view(dtype).reshape(4, 6)[::2, ::-1]
        if there.dtype.kind == "U":
            there = np.full((4, 6), "ab", dtype)[::2, ::-1]
        view = vb.asview(there)
        same(view, there)
        assert view.report.shared
        back = np.asarray(view)
        assert back.dtype == there.dtype and address(back) == address(there)
        assert (back == there).all() or there.dtype.kind in "mMfc"

    def test_objects_are_refused(self):
        with pytest.raises(TypeError, match="objects"):
            vb.asview(np.array([object()]))

    def test_array_interface_alone(self):
        there = np.arange(24, dtype="i4").reshape(4, 6)[::-2]

        class Owner:
            def __init__(self):
                self.__array_interface__ = there.__array_interface__

        owner = Owner()
        before = sys.getrefcount(owner)
        view = vb.asview(owner)
        assert view.report.door == "__array_interface__"
        same(view, there)
        assert sys.getrefcount(owner) > before
        derived = view[1:]
        del view
        derived = None
        assert sys.getrefcount(owner) == before and derived is None

    @pytest.mark.parametrize(
        "change",
        [
            {"shape": (-1,)},
            {"shape": (2,) * 65},
            {"typestr": "nonsense"},
            {"typestr": "|O8"},
            {"strides": (1, 2, 3, 4)},
            {"data": (0, False)},
            {"data": ((1 << 64) - 8, False)},
            {"data": "nonsense"},
            {"mask": np.zeros(3, "?")},
            {"shape": (1 << 62, 1 << 62)},
            {"shape": (4,), "strides": (1 << 62,)},
        ],
        ids=str,
    )
    def test_broken_interfaces(self, change):
        class Owner:
            __array_interface__ = {**np.arange(6.0).__array_interface__, **change}

        with pytest.raises((BufferError, TypeError, ValueError, OverflowError)):
            vb.asview(Owner())


def same_fields(view, there):
    for name in there.dtype.names or ():
        part, want = view[name], there[name]
        assert part.shape == want.shape and part.strides == want.strides
        assert part.data_ptr == address(want)
        same_fields(part, want)


class TestOut:
    @pytest.mark.parametrize("code", FORMATS)
    def test_formats(self, code):
        there = np.ones(3, dtype=code)
        lent = memoryview(vb.asview(there))
        assert np.dtype(lent.format) == there.dtype and lent.itemsize == there.itemsize
        assert np.asarray(lent).dtype == there.dtype

    def test_exports_are_counted(self):
        view = vb.asview(np.arange(3.0))
        first, second = memoryview(view), memoryview(view)
        assert view.exports == 2
        first.release()
        assert view.exports == 1
        del second
        assert view.exports == 0

    def test_read_only_is_honoured(self):
        there = np.arange(3.0)
        there.flags.writeable = False
        assert memoryview(vb.asview(there)).readonly
        with pytest.raises(BufferError, match="read-only"):
            request(vb.asview(there), WRITABLE)
        assert not memoryview(vb.asview(np.arange(3.0))).readonly

    def test_all_requests(self):
        c = np.arange(24, dtype="i4").reshape(4, 6)
        arrays = {"c": c, "f": np.asfortranarray(c), "strided": c[::2], "reversed": c[:, ::-1], "0-d": c[1, 1:2].reshape(()), "empty": c[:0]}
        ours = {name: outcomes(vb.asview(there)) for name, there in arrays.items()}
        theirs = {name: outcomes(there) for name, there in arrays.items()}
        assert ours == theirs

    def test_a_format_that_there_is_none_for(self):
        with pytest.raises(BufferError, match="format"):
            memoryview(vb.asview(np.zeros(3, "M8[s]")))
        with pytest.raises(BufferError, match="packed"):
            memoryview(vb.from_arrow(pytest.importorskip("pyarrow").array([True])))

    @pytest.mark.parametrize("dtype", RECORDS, ids=str)
    def test_records_as_numpy_reads_them(self, dtype):
        there = np.zeros(3, dtype=dtype)
        lent = memoryview(vb.asview(there))
        back = np.asarray(lent)
        assert back.dtype.itemsize == there.dtype.itemsize
        for name in there.dtype.names:
            assert back[name].strides == there[name].strides and address(back[name]) == address(there[name])

    def test_array_interface(self):
        there = np.arange(24, dtype=">i4").reshape(4, 6)[::2]
        ours, theirs = vb.asview(there).__array_interface__, there.__array_interface__
        for key in ["shape", "typestr", "data", "strides", "version"]:
            assert ours[key] == theirs[key]
        assert not hasattr(vb.from_arrow(pytest.importorskip("pyarrow").array([True])), "__array_interface__")

    def test_array_method(self):
        there = np.arange(3.0)
        view = vb.asview(there)
        assert address(view.__array__()) == address(there)
        assert address(view.__array__(copy=False)) == address(there)
        assert address(view.__array__(copy=True)) != address(there)
        assert view.__array__(np.float32).dtype == "f4"
        with pytest.raises(ValueError, match="copy=False"):
            view.__array__(np.float32, copy=False)
        assert np.array(view, dtype="i8", copy=True).tolist() == [0, 1, 2]


FLAGS = {
    "SIMPLE": 0,
    "WRITABLE": 1,
    "FORMAT": 4,
    "ND": 8,
    "STRIDES": 0x18,
    "C": 0x38,
    "F": 0x58,
    "ANY": 0x98,
    "INDIRECT": 0x118,
    "CONTIG": 9,
    "CONTIG_RO": 8,
    "STRIDED": 0x19,
    "RECORDS": 0x1D,
    "RECORDS_RO": 0x1C,
    "FULL": 0x11D,
    "FULL_RO": 0x11C,
    "C_WRITABLE": 0x39,
    "F_FORMAT": 0x5C,
}
WRITABLE = 1


class Buffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


def request(owner, flags):
    buffer = Buffer()
    get = ctypes.pythonapi.PyObject_GetBuffer
    get.argtypes = [ctypes.py_object, ctypes.POINTER(Buffer), ctypes.c_int]
    release = ctypes.pythonapi.PyBuffer_Release
    release.argtypes = [ctypes.POINTER(Buffer)]
    get(owner, buffer, flags)
    try:
        return (
            buffer.buf if buffer.len else None,
            buffer.len,
            buffer.itemsize,
            buffer.readonly,
            buffer.format,
            buffer.ndim if buffer.shape or flags & 8 else None,
            [buffer.shape[k] for k in range(buffer.ndim)] if buffer.shape else None,
            # Strides between no items mean nothing.
            [buffer.strides[k] for k in range(buffer.ndim)] if buffer.strides and buffer.len else None,
        )
    finally:
        release(buffer)


def outcomes(owner):
    made = {}
    for name, flags in FLAGS.items():
        try:
            made[name] = request(owner, flags)
        except (BufferError, ValueError):
            made[name] = "refused"
    return made
