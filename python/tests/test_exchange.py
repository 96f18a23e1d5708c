"""The DLPack C exchange API of `View`, function by function, as a consumer in C calls it."""

import ctypes
import sys

import numpy as np
import pytest

import viewbridge as vb
from producers import Tensor, Versioned

pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

ALLOCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
FROM = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
TO = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
STREAM = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int32, ctypes.c_void_p)


class Table(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("previous", ctypes.c_void_p),
        ("allocate", ALLOCATE),
        ("from_object", FROM),
        ("to_object", TO),
        ("borrow", FROM),
        ("stream", STREAM),
    ]


TABLE = Table.from_address(pointer_of(vb.View.__dlpack_c_exchange_api__, b"dlpack_exchange_api"))


def numbers(address, count):
    return list((ctypes.c_int64 * count).from_address(address)) if count else []


def borrow(view):
    tensor = Tensor()
    TABLE.borrow(view, ctypes.addressof(tensor))
    return tensor


def test_the_table_is_complete():
    assert TABLE.major == 1 and TABLE.minor >= 3 and TABLE.previous is None
    assert all(bool(getattr(TABLE, name)) for name in ["allocate", "from_object", "to_object", "borrow", "stream"])


LAYOUTS = {
    "contiguous": lambda a: a,
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1],
    "strided": lambda a: a[:, ::2],
    "broadcast": lambda a: np.broadcast_to(a[:1], (5, 6)) if not a.flags.writeable else a[1:],
    "0-d": lambda a: a[0, 0, ...],
    "nine axes": lambda a: a.reshape(4, 6, *[1] * 7),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_borrowed_tensor_is_the_view(layout):
    there = LAYOUTS[layout](np.arange(24, dtype="f4").reshape(4, 6))
    view = vb.asview(there)
    before = sys.getrefcount(view)
    tensor = borrow(view)
    assert tensor.data + tensor.byte_offset == view.data_ptr
    assert (tensor.device_type, tensor.device_id, tensor.code, tensor.bits, tensor.lanes) == (1, 0, 2, 32, 1)
    assert tensor.ndim == there.ndim and numbers(tensor.shape, there.ndim) == list(there.shape)
    wide = [k for k, n in enumerate(there.shape) if n > 1]
    strides = numbers(tensor.strides, there.ndim)
    assert [strides[k] * 4 for k in wide] == [there.strides[k] for k in wide]
    assert sys.getrefcount(view) == before, "it is borrowed"
    # Asked again, the same numbers lie in the same place: earlier tensors stay true.
    assert borrow(view).shape == tensor.shape


def test_what_cannot_be_borrowed():
    read_only = np.arange(3.0)
    read_only.flags.writeable = False
    records = np.zeros(3, [("a", "u1"), ("b", "f4")])
    for there, words in [(read_only, "read-only"), (np.arange(3, dtype=">f8"), "big-endian"), (records["b"], "stride")]:
        with pytest.raises(BufferError, match=words):
            borrow(vb.asview(there))
    with pytest.raises(TypeError):
        borrow(np.arange(3.0))


def test_owned_tensors_there_and_back():
    there = np.arange(6.0).reshape(2, 3)
    references = sys.getrefcount(there)
    view = vb.asview(there)
    place = ctypes.c_void_p()
    assert TABLE.from_object(view, ctypes.addressof(place)) == 0
    managed = Versioned.from_address(place.value)
    assert managed.major == 1 and managed.tensor.data == view.data_ptr
    made = ctypes.c_void_p()
    assert TABLE.to_object(place.value, ctypes.addressof(made)) == 0
    back = ctypes.cast(made, ctypes.py_object).value
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(back))
    assert isinstance(back, vb.View) and back.data_ptr == view.data_ptr and back.report.door == "__dlpack_c_exchange_api__"
    del back, view, managed
    assert sys.getrefcount(there) == references


def test_fresh_tensors():
    shape = (ctypes.c_int64 * 2)(3, 5)
    prototype = Tensor(device_type=1, ndim=2, code=0, bits=16, lanes=1, shape=ctypes.addressof(shape))
    place = ctypes.c_void_p()
    assert TABLE.allocate(ctypes.addressof(prototype), ctypes.addressof(place), None, None) == 0
    made = ctypes.c_void_p()
    assert TABLE.to_object(place.value, ctypes.addressof(made)) == 0
    view = ctypes.cast(made, ctypes.py_object).value
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(view))
    assert view.shape == (3, 5) and view.dtype == "i2" and view.flags.writeable and not np.asarray(view).any()
    view[1, 2] = 7
    assert view[1, 2] == 7


def test_an_allocation_that_fails_says_why():
    said = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    def set_error(_, kind, message):
        said.append((kind, message))

    shape = (ctypes.c_int64 * 2)(1 << 40, 1 << 20)
    place = ctypes.c_void_p()
    for wrong in [{"bits": 8, "device_type": 1}, {"bits": 8, "device_type": 2}, {"bits": 0, "device_type": 1}]:
        prototype = Tensor(ndim=2, code=0, lanes=1, shape=ctypes.addressof(shape), **wrong)
        code = TABLE.allocate(ctypes.addressof(prototype), ctypes.addressof(place), None, ctypes.cast(set_error, ctypes.c_void_p))
        assert code == -1
    assert len(said) == 3 and all(kind == b"BufferError" and message for kind, message in said)


def test_there_is_no_stream():
    stream = ctypes.c_void_p(1)
    assert TABLE.stream(1, 0, ctypes.addressof(stream)) == 0 and stream.value is None


class TestTorch:
    def test_tensors_with_gradients_are_refused_as_their_own_method_does(self):
        torch = pytest.importorskip("torch")
        there = torch.arange(3.0, requires_grad=True)
        with pytest.raises(BufferError, match="gradient"):
            there.__dlpack__()
        for door in [vb.asview, vb.from_dlpack]:
            for tracked in [there, there * 2, torch.nn.Parameter(torch.ones(3))]:
                with pytest.raises(BufferError, match=r"detach\(\)"):
                    door(tracked)
            assert door(there.detach()).data_ptr == there.data_ptr()
        assert vb.asview(torch.arange(3)).report.door == "__dlpack_c_exchange_api__"
