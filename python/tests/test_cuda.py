"""Device memory passes through a view undereferenced: PyTorch and CuPy, both ways. Skips loudly where there is no CUDA."""

import ctypes

import pytest

import viewbridge as vb

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device: nothing about device memory has been tested", allow_module_level=True)

CUDA = torch.device("cuda", torch.cuda.current_device())
INDEX = CUDA.index or 0

DTYPES = [
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex32,
    torch.complex64,
    torch.complex128,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
]

LAYOUTS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.permute(2, 1, 0),
    "strided": lambda t: t[::2, :, 1::2],
    "offset": lambda t: t[1:, 1:, 1:],
    "broadcast": lambda t: t[:1].expand(5, *t.shape[1:]),
    "0-d": lambda t: t[0, 0, 0],
    "empty": lambda t: t[:0],
    "size-1": lambda t: t[:1, :, :1],
}


def tensor(dtype, shape=(4, 6, 8)):
    n = torch.Size(shape).numel()
    nbytes = n * torch.empty(0, dtype=dtype).element_size()
    raw = torch.arange(nbytes, dtype=torch.int32, device=CUDA).to(torch.uint8)
    if dtype == torch.bool:
        return (raw % 2).to(torch.bool).reshape(shape)
    return raw.view(dtype).reshape(shape)


def same_tensor(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.device == b.device
    if a.numel():
        assert a.data_ptr() == b.data_ptr()
        wide = [k for k, n in enumerate(a.shape) if n > 1]
        assert [a.stride(k) for k in wide] == [b.stride(k) for k in wide]


def same_bits(a, b):
    """Of any values: some of the patterns that `tensor` makes are no numbers."""
    assert a.dtype == b.dtype and a.shape == b.shape
    assert torch.equal(a.cpu().contiguous().view(torch.uint8), b.cpu().contiguous().view(torch.uint8))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("door", [vb.asview, vb.from_dlpack])
def test_torch_comes_back_the_same(dtype, layout, door):
    there = LAYOUTS[layout](tensor(dtype))
    view = door(there)
    assert view.shape == tuple(there.shape)
    if there.numel():
        assert view.data_ptr == there.data_ptr()
    assert view.__dlpack_device__() == (2, INDEX)
    same_tensor(torch.from_dlpack(view), there)


def test_legacy_and_versioned_capsules():
    there = tensor(torch.float32)
    view = vb.from_dlpack(there)
    for max_version in [None, (0, 8), (1, 0), (1, 3), (99, 0)]:
        capsule = view.__dlpack__(max_version=max_version)
        same_tensor(torch.from_dlpack(capsule), there)
        back = vb.from_dlpack(view.__dlpack__(max_version=max_version))
        assert back.data_ptr == there.data_ptr()


def test_a_write_there_is_seen_here():
    there = tensor(torch.int32)
    back = torch.from_dlpack(vb.asview(there))
    back.fill_(7)
    assert bool((there == 7).all())


def test_memory_outlives_its_tensor():
    there = tensor(torch.float64)
    want = there.cpu()
    view = vb.asview(there)
    del there
    torch.cuda.empty_cache()
    torch.zeros(1 << 20, device=CUDA)
    same_bits(torch.from_dlpack(view), want)


def test_metadata_operations_do_not_touch_the_bytes():
    there = tensor(torch.float32)
    view = vb.asview(there)
    for derive in ["T", "transpose"]:
        if hasattr(view, derive):
            made = getattr(view, derive)
            made = made() if callable(made) else made
            assert made.data_ptr == there.data_ptr()
            same_tensor(torch.from_dlpack(made), there.permute(2, 1, 0))
    if hasattr(type(view), "__getitem__"):
        same_tensor(torch.from_dlpack(view[1:, ::2, 3]), there[1:, ::2, 3])


def test_reading_bytes_on_the_cpu_is_a_clear_error():
    view = vb.asview(tensor(torch.float32))
    with pytest.raises(BufferError, match="cuda"):
        view.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="cuda"):
        view.__dlpack__(copy=True, max_version=(1, 0))
    for read in [
        lambda: memoryview(view),
        lambda: view.tobytes(),
        lambda: view.copy(),
        lambda: view.__array__(),
        lambda: view.__arrow_c_array__(),
        lambda: bytes(view),
    ]:
        with pytest.raises((BufferError, TypeError, AttributeError)) as caught:
            read()
        # A door that the package does not have is no clear error, but no access either.
        if caught.type is BufferError:
            assert "cuda" in str(caught.value)
    repr(view)


def test_a_copy_of_device_memory_is_the_producers():
    there = tensor(torch.float32)
    view = vb.from_dlpack(there, copy=True)
    assert view.data_ptr != there.data_ptr()
    assert view.__dlpack_device__() == (2, INDEX)
    torch.cuda.synchronize()
    same_bits(torch.from_dlpack(view), there)


def test_the_device_argument():
    there = tensor(torch.float32)
    same_tensor(torch.from_dlpack(vb.from_dlpack(there, device=f"cuda:{INDEX}")), there)
    same_tensor(torch.from_dlpack(vb.from_dlpack(there, device=(2, INDEX), copy=False)), there)
    with pytest.raises((BufferError, ValueError)):
        vb.from_dlpack(there, device="cpu", copy=False)
    try:
        moved = vb.from_dlpack(there, device="cpu")
    except (BufferError, ValueError, RuntimeError):
        return  # A producer that does not move says so.
    assert moved.__dlpack_device__()[0] in (1, 3)
    same_bits(torch.from_dlpack(moved), there)


class Recorder:
    """A producer that notes what it is asked."""

    def __init__(self, tensor):
        self.tensor, self.asked = tensor, []

    def __dlpack__(self, **keywords):
        self.asked.append(keywords)
        return self.tensor.__dlpack__(**{**keywords, "stream": keywords.get("stream", -1)})

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


@pytest.mark.parametrize("stream", [None, 1, -1, "side"])
def test_the_stream_reaches_the_producer(stream):
    side = torch.cuda.Stream()
    if stream == "side":
        stream = side.cuda_stream
    producer = Recorder(tensor(torch.float32))
    view = vb.from_dlpack(producer)
    producer.asked.clear()
    capsule = view.__dlpack__(stream=stream, max_version=(1, 3))
    asked = [keywords["stream"] for keywords in producer.asked]
    # −1 asks for no synchronisation, hence for nothing.
    assert asked == ([] if stream == -1 else [stream])
    same_tensor(torch.from_dlpack(capsule), producer.tensor)


def test_what_the_producer_refuses_is_refused():
    view = vb.asview(tensor(torch.float32))
    with pytest.raises(BufferError):
        view.__dlpack__(stream=2, max_version=(1, 0))  # PyTorch has no per-thread default stream
    with pytest.raises(TypeError):
        view.__dlpack__(stream="1", max_version=(1, 0))


def spin(milliseconds=200):
    # Cycles of a clock of at most 2 GHz or so.
    torch.cuda._sleep(int(milliseconds * 1.0e6))


@pytest.mark.parametrize("door", [vb.asview, vb.from_dlpack])
def test_order_holds_across_streams(door):
    """What the producer has pending on one stream is done before what the consumer does on another."""
    main, side = torch.cuda.Stream(), torch.cuda.Stream()
    there = torch.zeros(1 << 20, dtype=torch.int32, device=CUDA)
    torch.cuda.synchronize()
    with torch.cuda.stream(main):
        spin()
        there.fill_(1)
        pending = torch.cuda.Event()
        pending.record(main)
        view = door(there)
        assert not pending.query(), "the producer's work ended too early to show anything"
        capsule = view.__dlpack__(stream=side.cuda_stream, max_version=(1, 3))
        assert not pending.query(), "the view waited on the host"
    back = torch.from_dlpack(capsule)
    with torch.cuda.stream(side):
        total = back.sum()
        done = torch.cuda.Event()
        done.record(side)
    done.synchronize()
    assert pending.query(), "the consumer's stream did not wait for the producer's"
    assert int(total) == 1 << 20


def test_without_the_stream_nothing_waits():
    """The control of the test above: −1 asks for no order, and there is none."""
    main, side = torch.cuda.Stream(), torch.cuda.Stream()
    there = torch.zeros(1 << 20, dtype=torch.int32, device=CUDA)
    there.sum()
    torch.cuda.synchronize()
    with torch.cuda.stream(main):
        spin()
        pending = torch.cuda.Event()
        pending.record(main)
        capsule = vb.asview(there).__dlpack__(stream=-1, max_version=(1, 3))
    back = torch.from_dlpack(capsule)
    with torch.cuda.stream(side):
        back.sum()
        done = torch.cuda.Event()
        done.record(side)
    done.synchronize()
    assert not pending.query()
    torch.cuda.synchronize()


def test_pinned_host_memory_is_read_by_the_cpu():
    numpy = pytest.importorskip("numpy")
    there = torch.arange(24, dtype=torch.float32).reshape(4, 6).pin_memory()
    view = vb.asview(there)
    assert view.data_ptr == there.data_ptr()
    assert view.__dlpack_device__()[0] in (1, 3)
    array = numpy.from_dlpack(view)
    assert array.ctypes.data == there.data_ptr()
    assert numpy.array_equal(array, there.numpy())
    array = numpy.from_dlpack(view, device="cpu")
    assert array.ctypes.data == there.data_ptr()


def test_exchange_api():
    """Through the table of PyTorch's type, and back through that of ours."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

    class Table(ctypes.Structure):
        _fields_ = [
            ("major", ctypes.c_uint32),
            ("minor", ctypes.c_uint32),
            ("prev", ctypes.c_void_p),
            ("allocate", ctypes.c_void_p),
            ("from_object", ctypes.c_void_p),
            ("to_object", ctypes.c_void_p),
            ("borrow", ctypes.c_void_p),
            ("stream", ctypes.c_void_p),
        ]

    def table(owner):
        return Table.from_address(get(owner.__dlpack_c_exchange_api__, b"dlpack_exchange_api"))

    from_object = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(ctypes.c_void_p))
    to_object = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.py_object))
    theirs, ours = table(torch.Tensor), table(vb.View)
    assert ours.major == 1

    there = tensor(torch.bfloat16)[:, ::2]
    managed = ctypes.c_void_p()
    assert from_object(ours.from_object)(vb.asview(there), ctypes.byref(managed)) == 0
    back = ctypes.py_object()
    assert to_object(theirs.to_object)(managed, ctypes.byref(back)) == 0
    same_tensor(back.value, there)

    assert from_object(theirs.from_object)(there, ctypes.byref(managed)) == 0
    view = ctypes.py_object()
    assert to_object(ours.to_object)(managed, ctypes.byref(view)) == 0
    assert view.value.data_ptr == there.data_ptr()


# CuPy ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cupy():
    return pytest.importorskip("cupy", reason="no CuPy: nothing about it has been tested")


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize(
    "layout",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::2, 1:, ::3],
        lambda a: a[0, 0, 0],
        lambda a: a[:0],
    ],
    ids=["contiguous", "transposed", "strided", "0-d", "empty"],
)
def test_cupy_comes_back_the_same(cupy, dtype, layout):
    there = layout(cupy.arange(4 * 6 * 8).astype(dtype).reshape(4, 6, 8))
    view = vb.from_dlpack(there)
    assert view.shape == there.shape
    assert view.__dlpack_device__() == there.__dlpack_device__()
    back = cupy.from_dlpack(view)
    assert back.dtype == there.dtype and back.shape == there.shape
    if there.size:
        assert back.data.ptr == there.data.ptr == view.data_ptr
        assert back.strides == there.strides
    assert bool((back == there).all())


@pytest.mark.parametrize("dtype", ["i1", "f4", "c16"])
def test_negative_strides_of_cupy(cupy, dtype):
    """CuPy 14 divides them as unsigned numbers, so that those of wider items lead out of the address space: an error here, an abort in PyTorch."""
    there = cupy.arange(8).astype(dtype)[::-1]
    if there.itemsize == 1:
        assert vb.from_dlpack(there).strides == (-1,)
    else:
        with pytest.raises(BufferError, match="no address can hold"):
            vb.from_dlpack(there)


def test_cupy_to_torch_and_back(cupy):
    there = cupy.arange(24, dtype="f4").reshape(4, 6)
    tensor = torch.from_dlpack(vb.asview(there))
    assert tensor.data_ptr() == there.data.ptr
    back = cupy.from_dlpack(vb.asview(tensor))
    assert back.data.ptr == there.data.ptr
    back += 1
    cupy.cuda.Device().synchronize()
    assert tensor[0, 0].item() == 1.0


@pytest.mark.parametrize("stream", ["default", "side"])
def test_cupy_streams(cupy, stream):
    side = cupy.cuda.Stream(non_blocking=True)
    there = cupy.zeros(1 << 20, dtype="i4")
    cupy.cuda.Device().synchronize()
    producer = cupy.cuda.Stream(non_blocking=True)
    with producer:
        there += 1
        view = vb.from_dlpack(there)
        capsule = view.__dlpack__(stream=side.ptr if stream == "side" else 1, max_version=(1, 0))
    with side:
        back = cupy.from_dlpack(vb.from_dlpack(capsule))
        if stream == "side":
            assert int(back.sum()) == 1 << 20


def test_managed_memory_is_read_by_the_cpu(cupy):
    numpy = pytest.importorskip("numpy")
    memory = cupy.cuda.malloc_managed(6 * 8)
    there = cupy.ndarray((2, 3), dtype="f8", memptr=memory)
    there[...] = cupy.arange(6.0).reshape(2, 3)
    cupy.cuda.Device().synchronize()
    view = vb.from_dlpack(there)
    assert view.data_ptr == there.data.ptr
    if view.__dlpack_device__()[0] != 13:
        pytest.skip("this CuPy does not call managed memory managed")
    array = numpy.from_dlpack(view)
    assert array.ctypes.data == there.data.ptr
    assert numpy.array_equal(array, numpy.arange(6.0).reshape(2, 3))
