"""DLPack, both ways, against NumPy, PyTorch and JAX."""

import gc
import sys
import weakref

import numpy as np
import pytest

import viewbridge as vb

NUMPY = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]

LAYOUTS = {
    "contiguous": lambda a: a,
    "fortran": lambda a: np.asfortranarray(a),
    "transposed": lambda a: a.T,
    "strided": lambda a: a[::2, :, 1::2],
    "reversed": lambda a: a[..., ::-1],
    "gapped": lambda a: a[:, 1:3],
    "broadcast": lambda a: np.broadcast_to(a[0], (5, *a.shape[1:])),
    "0-d": lambda a: a[0, 0, :1].reshape(()),
    "empty": lambda a: a[:0],
    "size-1": lambda a: a[:1, :, :1],
}


def array(dtype, shape=(4, 6, 8)):
    return np.arange(np.prod(shape)).astype(dtype).reshape(shape)


def address(a):
    return a.__array_interface__["data"][0]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", NUMPY)
@pytest.mark.parametrize("door", [vb.asview, vb.from_dlpack])
def test_numpy_comes_back_the_same(dtype, layout, door):
    there = LAYOUTS[layout](array(dtype))
    view = door(there)
    assert view.shape == there.shape and view.ndim == there.ndim and view.size == there.size
    assert view.nbytes == there.nbytes and view.itemsize == there.itemsize
    back = np.from_dlpack(view)
    assert back.dtype == there.dtype
    assert np.array_equal(back, there)
    assert back.flags.writeable == there.flags.writeable
    if there.size:
        assert address(back) == address(there) == view.data_ptr
        wide = [k for k, n in enumerate(there.shape) if n > 1]
        assert [back.strides[k] for k in wide] == [there.strides[k] for k in wide] == [view.strides[k] for k in wide]


def test_writes_are_seen_by_all():
    there = array("f8")
    back = np.from_dlpack(vb.asview(there))
    back[...] = 3
    assert (there == 3).all()


def test_read_only_memory_stays_read_only():
    there = array("f8")
    there.flags.writeable = False
    view = vb.from_dlpack(there)
    assert not np.from_dlpack(view).flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        view.__dlpack__()
    copied = np.from_dlpack(view, copy=True)
    assert copied.flags.writeable and not np.shares_memory(copied, there)


def test_memory_lives_as_long_as_a_view_of_it():
    class Array(np.ndarray):
        pass

    there = np.arange(5.0).view(Array)
    died = weakref.ref(there)
    view = vb.from_dlpack(there)
    capsule = view.__dlpack__(max_version=(1, 3))
    del there, view
    assert died() is not None
    back = np.from_dlpack(vb.from_dlpack(capsule))
    assert (back == np.arange(5)).all()
    del back, capsule
    gc.collect()
    assert died() is None


def test_a_capsule_is_consumed_once():
    capsule = vb.asview(array("f4")).__dlpack__(max_version=(1, 3))
    vb.from_dlpack(capsule)
    with pytest.raises(BufferError, match="consumed already"):
        vb.from_dlpack(capsule)


@pytest.mark.parametrize("max_version", [None, (0, 8), (1, 0), (1, 3), (2, 0), (99, 1)])
def test_versions(max_version):
    there = array("f4")
    capsule = vb.asview(there).__dlpack__(max_version=max_version)
    versioned = max_version is not None and max_version[0] >= 1
    assert ('"dltensor_versioned"' in repr(capsule)) == versioned
    assert vb.from_dlpack(capsule).data_ptr == address(there)


def test_copy():
    there = array("f4")
    assert vb.from_dlpack(there, copy=False).data_ptr == address(there)
    for made in [vb.from_dlpack(there, copy=True), vb.asview(there, copy=True)]:
        assert made.data_ptr != address(there)
        assert np.array_equal(np.from_dlpack(made), there)
        assert np.from_dlpack(made).flags.writeable
    view = vb.asview(there)
    assert not np.shares_memory(np.from_dlpack(view, copy=True), there)
    assert np.shares_memory(np.from_dlpack(view, copy=False), there)


def test_a_stride_of_half_items_is_copied_or_refused():
    records = np.zeros(5, dtype=[("number", "i4"), ("letter", "i1")])
    with pytest.raises(BufferError):
        vb.from_dlpack(records["number"])


def test_devices():
    view = vb.asview(array("f4"))
    assert view.__dlpack_device__() == (1, 0)
    for device in ["cpu", (1, 0), None]:
        vb.from_dlpack(view, device=device)
    view.__dlpack__(dl_device=(1, 0), max_version=(1, 0))
    with pytest.raises(BufferError):
        view.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError):
        vb.from_dlpack(array("f4"), device="cuda:0")
    with pytest.raises(ValueError):
        vb.from_dlpack(view, device="gpu")


def test_streams():
    view = vb.asview(array("f4"))
    view.__dlpack__(stream=None)
    with pytest.raises(BufferError, match="stream"):
        view.__dlpack__(stream=1)


class Old:
    """A producer of before 2023: no keyword but the stream."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__(stream=stream)

    def __dlpack_device__(self):
        return (1, 0)


def test_old_producers_are_asked_again():
    there = array("f4")
    assert vb.from_dlpack(Old(there)).data_ptr == address(there)
    assert vb.from_dlpack(Old(there), copy=False).data_ptr == address(there)
    assert vb.from_dlpack(Old(there), copy=True).data_ptr != address(there)
    with pytest.raises(BufferError):
        vb.from_dlpack(Old(there), device="cuda:0")


def test_errors_of_the_producer_come_through():
    class Broken:
        def __dlpack__(self, **keywords):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vb.from_dlpack(Broken())

    class Confused:
        def __dlpack__(self, **keywords):
            return 7

    with pytest.raises(TypeError, match="capsule"):
        vb.from_dlpack(Confused())
    with pytest.raises(TypeError):
        vb.from_dlpack(7)
    with pytest.raises(TypeError):
        vb.asview(object())


def test_references_balance():
    there = array("f4")
    before = sys.getrefcount(there)
    for _ in range(1000):
        np.from_dlpack(vb.from_dlpack(there))
        vb.asview(there).__dlpack__(max_version=(1, 0))
        vb.asview(there).__dlpack__()
    assert sys.getrefcount(there) == before


class TestTorch:
    torch = staticmethod(lambda: pytest.importorskip("torch"))

    @pytest.mark.parametrize("door", [vb.asview, vb.from_dlpack])
    def test_all_dtypes(self, door):
        torch = self.torch()
        dtypes = {v for v in vars(torch).values() if isinstance(v, torch.dtype)}
        seen = 0
        for dtype in dtypes:
            try:
                there = torch.zeros(4, 6, dtype=torch.uint8).view(dtype)
                want = torch.from_dlpack(there)  # PyTorch's own trip: it makes uint8 of its narrower types.
            except (RuntimeError, TypeError, BufferError):
                continue  # PyTorch itself cannot hand these over.
            view = door(there)
            assert view.data_ptr == there.data_ptr()
            back = torch.from_dlpack(view)
            assert back.dtype == want.dtype and back.shape == want.shape and back.data_ptr() == there.data_ptr()
            seen += 1
        assert seen >= 20

    def test_lazy_tensors_are_refused(self):
        torch = self.torch()
        lazy = torch.ones(3, dtype=torch.complex64).conj()
        for door in [vb.asview, vb.from_dlpack]:
            with pytest.raises(BufferError, match="resolve_conj"):
                door(lazy)
            with pytest.raises(BufferError, match="resolve_neg"):
                door(lazy.imag)
            door(lazy.resolve_conj())

    def test_both_tables(self):
        ffi = pytest.importorskip("tvm_ffi")
        torch = self.torch()
        there = torch.arange(6.0).reshape(2, 3)
        middle = ffi.from_dlpack(vb.asview(there))
        assert torch.from_dlpack(middle).data_ptr() == there.data_ptr()
        assert vb.asview(middle).data_ptr == there.data_ptr()


def test_jax():
    jax = pytest.importorskip("jax")
    there = jax.numpy.arange(24.0).reshape(4, 6)
    view = vb.from_dlpack(there)
    assert view.data_ptr == there.unsafe_buffer_pointer()
    back = np.from_dlpack(view)
    assert np.array_equal(back, there)
    array = np.arange(24, dtype="f4").reshape(4, 6)
    # JAX shares aligned memory.
    assert np.array_equal(jax.numpy.from_dlpack(vb.asview(array)), array)
