"""What `explain` says, held against the real libraries by pointer equality; and the matrix from × view × to."""

import importlib.metadata

import numpy as np
import pytest

import viewbridge as vb

torch = pytest.importorskip("torch")
pa = pytest.importorskip("pyarrow")

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def aligned(shape, dtype, offset=0):
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(nbytes + 128 + offset, "u1")
    start = -raw.__array_interface__["data"][0] % 64 + offset
    made = raw[start : start + nbytes].view(dtype).reshape(shape)
    made[...] = (np.arange(made.size) % 100).astype(dtype).reshape(shape)
    return made


def read_only(a):
    a = a[...]
    a.flags.writeable = False
    return a


LAYOUTS = {
    "contiguous": lambda d: aligned((4, 6), d),
    "one axis": lambda d: aligned((6,), d),
    "fortran": lambda d: aligned((6, 4), d).T,
    "strided": lambda d: aligned((4, 6), d)[:, ::2],
    "strided one axis": lambda d: aligned((8,), d)[::2],
    "negative": lambda d: aligned((4, 6), d)[::-1],
    "negative one axis": lambda d: aligned((6,), d)[::-1],
    "zero": lambda d: np.broadcast_to(aligned((1, 6), d), (4, 6)),
    "gapped": lambda d: aligned((4, 6), d)[::2],
    "offset": lambda d: aligned((8,), d)[1:7],
    "misaligned": lambda d: aligned((6,), d, 1),
    "swapped": lambda d: aligned((6,), np.dtype(d).newbyteorder()),
    "read-only": lambda d: read_only(aligned((4, 6), d)),
    "0-d": lambda d: aligned((1,), d).reshape(()),
    "empty": lambda d: aligned((4, 6), d)[:0],
    "size-1": lambda d: aligned((4, 6), d)[:1, :, None],
}


def address_of(made):
    if isinstance(made, np.ndarray):
        return made.__array_interface__["data"][0]
    if isinstance(made, torch.Tensor):
        return made.data_ptr()
    if isinstance(made, pa.Tensor):
        return np.asarray(made).__array_interface__["data"][0]
    if isinstance(made, pa.Array):
        while isinstance(made, (pa.FixedSizeListArray, pa.ExtensionArray)):
            made = made.storage if isinstance(made, pa.ExtensionArray) else made.flatten()
        return made.buffers()[1].address + made.offset * made.type.bit_width // 8
    if hasattr(made, "unsafe_buffer_pointer"):
        return made.unsafe_buffer_pointer()
    # Through the one door that each of these has: its own memory, by name.
    return vb.asview(made).data_ptr


def values_of(made):
    if isinstance(made, torch.Tensor):
        return made.numpy()
    if isinstance(made, pa.Tensor):
        return made.to_numpy()
    if isinstance(made, pa.FixedShapeTensorArray):
        return made.to_numpy_ndarray()
    if isinstance(made, pa.Array):
        return np.array(made.to_pylist())
    if type(made).__module__.split(".")[0] in ("polars", "nanoarrow"):
        return np.array(made.to_list() if hasattr(made, "to_list") else made.to_pylist())
    if type(made).__module__.startswith("tvm_ffi"):
        return np.from_dlpack(made)
    return np.asarray(made)


def pyarrow(view):
    return pa.Array.from_dlpack(view) if hasattr(pa.Array, "from_dlpack") else pa.array(view)


def jax_from_dlpack(view):
    import jax

    return jax.dlpack.from_dlpack(view)


def to_polars(view):
    return pytest.importorskip("polars").Series(view)


def to_nanoarrow(view):
    return pytest.importorskip("nanoarrow").Array(view)


def to_tvm(view):
    return pytest.importorskip("tvm_ffi").from_dlpack(view)


CONSUMERS = {
    "NumPy": (np.from_dlpack, "numpy"),
    "PyTorch": (torch.from_dlpack, "torch"),
    "JAX": (jax_from_dlpack, "jax"),
    "pyarrow.Tensor": (getattr(pa.Tensor, "from_dlpack", None), "pyarrow"),
    "pyarrow.Array": (getattr(pa.Array, "from_dlpack", None), "pyarrow"),
    "pyarrow.FixedShapeTensorArray": (getattr(pa.FixedShapeTensorArray, "from_dlpack", None), "pyarrow"),
    "Arrow": (pa.array, "pyarrow"),
    "polars": (to_polars, "polars"),
    "nanoarrow": (to_nanoarrow, "nanoarrow"),
    "TVM FFI": (to_tvm, "apache-tvm-ffi"),
}


def hand_over(consumer, view):
    """What a consumer makes of a view: the address it ends up with, or its refusal. PyTorch aborts on some negative strides: it is spared them."""
    take, _ = CONSUMERS[consumer]
    try:
        return take(view)
    except Exception as refusal:  # Each library has classes of its own.
        return refusal


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.filterwarnings("ignore")
def test_predictions_come_true(consumer, layout):
    take, package = CONSUMERS[consumer]
    if take is None:
        pytest.skip(f"{consumer} has no door for DLPack")
    pytest.importorskip({"apache-tvm-ffi": "tvm_ffi"}.get(package, package))
    version = f"{package} {importlib.metadata.version(package)}"
    for dtype in DTYPES:
        there = LAYOUTS[layout](dtype)
        view = vb.asview(there)
        prediction = vb.explain(view, consumer)
        where = f"{version}, {dtype}, {layout}: {prediction}"
        if prediction.outcome == "shared":
            made = hand_over(consumer, view)
            assert not isinstance(made, Exception), f"{where}, but: {made!r}"
            assert np.array_equal(values_of(made).reshape(there.shape), there), where
            if there.size:
                assert address_of(made) == view.data_ptr, f"{where}, but it copied"
        elif prediction.outcome == "copied":
            prepared = view.prepare(consumer)
            assert prepared.report.bytes_copied == prediction.bytes, where
            assert prepared.report.reasons == prediction.reasons, where
            with pytest.raises(BufferError):
                view.prepare(consumer, copy=False)
            made = hand_over(consumer, prepared)
            assert not isinstance(made, Exception), f"{where}; prepared, but: {made!r}"
            assert np.array_equal(values_of(made).reshape(there.shape), there), where
            if there.size:
                assert address_of(made) == prepared.data_ptr, f"{where}; prepared, but it copied"
                as_it_is(consumer, view, where)
        else:
            with pytest.raises(BufferError):
                view.prepare(consumer)
            if "axes" in prediction.reasons[0] and consumer == "pyarrow.FixedShapeTensorArray":
                continue  # It crashes.
            if "items" in prediction.reasons[0] and consumer == "pyarrow.FixedShapeTensorArray":
                continue
            if "read-only" in prediction.reasons[0]:
                assert isinstance(hand_over(consumer, view), Exception), where
                continue
            made = hand_over(consumer, view)
            # JAX takes 64-bit numbers, and makes others of them.
            other = isinstance(made, Exception) or values_of(made).dtype != there.dtype.newbyteorder("=")
            assert other, f"{where}, but it took it"


def as_it_is(consumer, view, where):
    """What needs a copy is not shared as it is: the consumer refuses, or somebody copies, or it comes out wrong."""
    negative = any(stride < 0 for stride in view.strides)
    if negative and consumer in ("PyTorch", "pyarrow.FixedShapeTensorArray"):
        return
    made = hand_over(consumer, view)
    if isinstance(made, Exception):
        return
    shared = address_of(made) == view.data_ptr and np.array_equal(values_of(made).reshape(view.shape), np.asarray(view))
    assert not shared, f"{where}, but it shared"


def test_names():
    view = vb.asview(np.arange(3.0))
    assert vb.explain(view, "torch").consumer == vb.explain(view, "PyTorch").consumer == "PyTorch"
    with pytest.raises(ValueError, match="known are"):
        vb.explain(view, "nobody")
    everybody = vb.explain(np.arange(3.0))
    assert {"NumPy", "PyTorch", "JAX", "Arrow"} <= {prediction.consumer for prediction in everybody}
    assert all(str(prediction) for prediction in everybody)


# From × view × to ------------------------------------------------------------------------------------------------------


def polars(values):
    return pytest.importorskip("polars").Series(values)


def nanoarrow(values):
    na = pytest.importorskip("nanoarrow")
    return na.Array(pa.array(values))


def jax(values):
    return pytest.importorskip("jax").numpy.asarray(values)


def tvm(values):
    return to_tvm(vb.asview(values))


SOURCES = {
    "numpy": (lambda v: v, True),
    "torch": (torch.from_numpy, True),
    "jax": (jax, False),
    "tvm_ffi": (tvm, True),
    "pyarrow.Array": (pa.array, True),
    "pyarrow.ChunkedArray": (lambda v: pa.chunked_array([pa.array(v)]), True),
    "pyarrow.Tensor": (pa.Tensor.from_numpy, True),
    "pyarrow.FixedSizeListArray": (lambda v: pa.FixedSizeListArray.from_arrays(pa.array(v), 8), True),
    "pyarrow.FixedShapeTensorArray": (lambda v: pa.FixedShapeTensorArray.from_numpy_ndarray(v.reshape(-1, 4, 2)), True),
    "pyarrow.RecordBatch column": (lambda v: pa.record_batch({"x": pa.array(v)}).column("x"), True),
    "pyarrow.RecordBatch": (lambda v: pa.record_batch({"x": pa.array(v)}), True),
    "pyarrow.RecordBatch of two": (lambda v: pa.record_batch({"x": pa.array(v[:32]), "y": pa.array(v[32:])}), True),
    "pyarrow.Table": (lambda v: pa.table({"x": pa.array(v)}), True),
    "polars": (polars, False),
    "nanoarrow": (nanoarrow, True),
    "memoryview": (memoryview, True),
}

TARGETS = {
    "np.from_dlpack": (np.from_dlpack, "NumPy"),
    "np.asarray": (np.asarray, "NumPy"),
    "torch": (torch.from_dlpack, "PyTorch"),
    "tvm_ffi": (to_tvm, "TVM FFI"),
    "pa.array": (pa.array, "Arrow"),
    "pa.chunked_array": (lambda v: pa.chunked_array(v).chunk(0), "Arrow"),
    "pa.Tensor": (lambda v: pa.Tensor.from_numpy(np.asarray(v)), "NumPy"),
    "pa.Tensor.from_dlpack": (CONSUMERS["pyarrow.Tensor"][0], "pyarrow.Tensor"),
    "pa.FixedShapeTensorArray": (CONSUMERS["pyarrow.FixedShapeTensorArray"][0], "pyarrow.FixedShapeTensorArray"),
    "pa.record_batch": (lambda v: pa.record_batch(v), None),
    "polars": (to_polars, "polars"),
    "nanoarrow": (to_nanoarrow, "nanoarrow"),
    "memoryview": (lambda v: np.asarray(memoryview(v)), "NumPy"),
    "jax": (jax_from_dlpack, "JAX"),
}


def is_table(source):
    return source in ("pyarrow.RecordBatch", "pyarrow.Table", "pyarrow.RecordBatch of two")


def flat(made):
    if isinstance(made, pa.StructArray):
        made = made.field(0)
    values = values_of(made)
    if values.dtype == object:
        values = np.array([list(row.values()) for row in values])
    return values.reshape(-1, order="F")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.filterwarnings("ignore")
def test_from_view_to(source, target):
    """Values, sharing, rights and the prediction, of every pair."""
    make, known = SOURCES[source]
    take, consumer = TARGETS[target]
    for dtype in ["i4", "f4", "u1"]:
        values = aligned((64,), dtype)
        there = make(values)
        view = vb.asview(there)
        assert view.report.shared and view.size == 64
        assert np.array_equal(np.asarray(view).reshape(-1, order="F" if is_table(source) else "C"), values)
        if known:
            assert view.data_ptr == address_of(values), "not shared on the way in"
        if target == "pa.record_batch":
            if source in ("pyarrow.RecordBatch", "pyarrow.Table"):
                made = take(view)
                assert made.column("x").to_pylist() == values.tolist() and address_of(made.column("x")) == view.data_ptr
            continue
        prediction = vb.explain(view, consumer)
        if prediction.outcome == "refused":
            assert "read-only" in prediction.reasons[0], "what pyarrow owns, legacy DLPack cannot carry"
            view = view.copy()
        view = view.prepare(consumer)
        assert vb.explain(view, consumer).shared
        made = take(view)
        order = "F" if is_table(source) else "C"
        assert np.array_equal(flat(made) if order == "F" else values_of(made).reshape(-1), values), f"{source} to {target}"
        where = address_of(made.field(0)) if isinstance(made, pa.StructArray) else address_of(made)
        assert where == view.data_ptr, "not shared on the way out"
        if isinstance(made, np.ndarray):
            assert made.flags.writeable == view.flags.writeable


def test_scalars_of_pyarrow():
    """Tensors without axes, both ways."""
    there = pa.Tensor.from_numpy(np.array(3.0))
    view = vb.asview(there)
    assert view.shape == () and view.item() == 3.0
    assert CONSUMERS["pyarrow.Tensor"][0](view).to_numpy() == 3.0
