"""The view's own operations, against NumPy's."""

import copy
import pickle
import random

import numpy as np
import pytest

import viewbridge as vb


def address(a):
    return a.__array_interface__["data"][0]


def same(view, there):
    assert isinstance(view, vb.View), view
    assert view.shape == there.shape
    back = np.asarray(view)
    assert np.array_equal(back, there)
    if there.size:
        assert view.data_ptr == address(there)
        wide = [k for k, n in enumerate(there.shape) if n > 1]
        assert [view.strides[k] for k in wide] == [there.strides[k] for k in wide]
        assert view.flags.c_contiguous == there.flags.c_contiguous
        assert view.flags.f_contiguous == there.flags.f_contiguous
        assert view.flags.aligned == there.flags.aligned


BASE = np.arange(4 * 5 * 6, dtype="i4").reshape(4, 5, 6)

KEYS = [
    np.s_[1],
    np.s_[-1],
    np.s_[1, 2],
    np.s_[...],
    np.s_[..., 1],
    np.s_[None],
    np.s_[1:3, ::-1],
    np.s_[::2, None, 1:, -2],
    np.s_[::-3, ..., None],
    np.s_[10:],
    np.s_[:-10],
    np.s_[3:0:-1, 1:2],
    np.s_[()],
    np.s_[np.int64(2)],
    np.s_[-(10**30) : 10**30],
    np.s_[:: 10**30],
    np.s_[:: -(10**30)],
    np.s_[1 :: 2**63 - 1, :: -(2**63), :: 2**64],
    np.s_[10**30 :: -(10**30), -(10**30) : -(10**29)],
    np.s_[True and 1],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing(key):
    same(vb.asview(BASE)[key], BASE[key])


def test_items():
    view = vb.asview(BASE)
    assert view[1, 2, 3] == 45 and type(view[1, 2, 3]) is int
    assert isinstance(view[1, 2, 3, ...], vb.View)
    for dtype, kind in [("f4", float), ("?", bool), ("c8", complex), ("S3", bytes), ("U3", str), ("u8", int), (">i2", int)]:
        there = np.array([1, 0]).astype(dtype)
        item = vb.asview(there)[0]
        assert type(item) is kind and item == there[0]


@pytest.mark.parametrize("key", [np.s_[4], np.s_[0, 0, 0, 0], np.s_[..., ...], np.s_[-5], np.s_[1.5], np.s_[[0, 1]], np.s_[True], np.s_[10**30]], ids=str)
def test_index_errors(key):
    with pytest.raises(IndexError):
        vb.asview(BASE)[key]


def test_a_step_of_nothing():
    with pytest.raises(ValueError):
        vb.asview(BASE)[::0]


@pytest.mark.parametrize(
    "operation",
    [
        lambda a: a.T,
        lambda a: a.transpose(),
        lambda a: a.transpose(2, 0, 1),
        lambda a: a.transpose((1, 0, -1)),
        lambda a: a.swapaxes(0, -1),
        lambda a: a[:1].squeeze(),
        lambda a: a[:1].squeeze(0),
        lambda a: a[:1, :, :1].squeeze((0, 2)),
        lambda a: a.diagonal(),
        lambda a: a.diagonal(1, 2, 0),
        lambda a: a.diagonal(-2),
        lambda a: a.reshape(20, 6),
        lambda a: a.reshape((2, -1)),
        lambda a: a.reshape(-1),
        lambda a: a[::2].reshape(2, 30),
        lambda a: a.ravel(),
        lambda a: a.view("u1"),
        lambda a: a.view("i8"),
        lambda a: a.view(),
        lambda a: a.real,
    ],
    ids=range(20),
)
def test_operations(operation):
    same(operation(vb.asview(BASE)), operation(BASE))


def test_operations_that_numpy_has_as_functions():
    view = vb.asview(BASE)
    same(view.moveaxis(0, -1), np.moveaxis(BASE, 0, -1))
    same(view.moveaxis((0, 1), (-1, 0)), np.moveaxis(BASE, (0, 1), (-1, 0)))
    same(view.flip(), np.flip(BASE))
    same(view.flip(1), np.flip(BASE, 1))
    same(view.flip((0, -1)), np.flip(BASE, (0, -1)))
    wide = view[:1].broadcast_to(3, 5, 6)
    same(wide, np.broadcast_to(BASE[:1], (3, 5, 6)))
    assert not wide.flags.writeable
    same(view[:1].broadcast_to((3, 5, 6)), np.broadcast_to(BASE[:1], (3, 5, 6)))
    for ours, theirs in zip(vb.broadcast_arrays(BASE[:1], BASE[0, 0]), np.broadcast_arrays(BASE[:1], BASE[0, 0])):
        same(ours, theirs)
    windows = np.lib.stride_tricks.sliding_window_view
    same(vb.sliding_window_view(BASE, 3, axis=1), windows(BASE, 3, axis=1))
    same(vb.sliding_window_view(BASE, (2, 2), axis=(0, -1)), windows(BASE, (2, 2), axis=(0, -1)))
    same(vb.sliding_window_view(BASE[0, 0], 3), windows(BASE[0, 0], 3))
    strided = np.lib.stride_tricks.as_strided
    same(vb.as_strided(BASE, (3, 3), (4, 4)), strided(BASE, (3, 3), (4, 4)))
    complexes = BASE.astype("c8")
    same(vb.asview(complexes).imag, complexes.imag)
    same(vb.asview(complexes).real, complexes.real)


@pytest.mark.parametrize(
    "operation, error",
    [
        (lambda a: a.transpose(0, 0, 1), ValueError),
        (lambda a: a.transpose(0, 1), ValueError),
        (lambda a: a.swapaxes(0, 3), IndexError),
        (lambda a: a.squeeze(0), ValueError),
        (lambda a: a.reshape(7), ValueError),
        (lambda a: a.reshape(-1, -1), ValueError),
        (lambda a: a.reshape(-2), ValueError),
        (lambda a: a.T.reshape(-1, copy=False), ValueError),
        (lambda a: a.broadcast_to(2, 5, 6), ValueError),
        (lambda a: a.view("i7"), TypeError),
        (lambda a: a.T.view("u1"), ValueError),
        (lambda a: a[0].imag, (TypeError, ValueError)),
        (lambda a: vb.as_strided(a, (1000, 1000)), ValueError),
        (lambda a: vb.as_strided(a, (2,), (4,), offset=-4), ValueError),
        (lambda a: bool(a), ValueError),
        (lambda a: a.copy("Z"), ValueError),
        (lambda a: len(a[0, 0, 0, ...]), TypeError),
        (lambda a: vb.sliding_window_view(a, (2, 2)), ValueError),
        (lambda a: a.item(), ValueError),
    ],
    ids=range(19),
)
def test_errors(operation, error):
    with pytest.raises(error):
        operation(vb.asview(BASE))


def test_as_strided_reaches_every_byte_and_none_more():
    bytes_ = vb.asview(np.arange(10, dtype="u1"))
    for n in range(1, 12):
        try:
            made = vb.as_strided(bytes_[2:], (n,), (1,), offset=-2)
        except ValueError:
            assert n > 10
        else:
            assert n <= 10 and made.tolist() == list(range(n))


def test_copies():
    there = BASE.T
    view = vb.asview(there)
    for order in "CFAK":
        made = view.copy(order)
        want = there.copy(order)
        assert np.array_equal(np.asarray(made), want) and made.strides == want.strides
        assert made.flags.writeable and made.report.bytes_copied == BASE.nbytes
        assert not vb.shares_memory(made, view)
    for order in "CFA":
        assert view.tobytes(order) == there.tobytes(order)
        assert vb.asview(BASE[::2]).tobytes(order) == BASE[::2].tobytes(order)
    flat = view.ravel()
    assert np.array_equal(np.asarray(flat), there.ravel()) and "C-contiguous" in str(flat.report)
    reshaped = view.reshape(-1)
    assert np.array_equal(np.asarray(reshaped), there.reshape(-1)) and not reshaped.report.shared
    assert vb.asview(BASE).reshape(-1, copy=True).data_ptr != address(BASE)
    assert view.take([1, -1], axis=1).tolist() == there.take([1, -1], axis=1).tolist()
    assert view.select(there > 50).tolist() == there[there > 50].tolist()


def test_assignment():
    there, want = BASE.copy(), BASE.copy()
    view = vb.asview(there)
    for key, value in [
        (np.s_[0, 0, 0], 7),
        (np.s_[1], 8),
        (np.s_[:, 1], np.arange(6, dtype="i4")),
        (np.s_[..., 0], [[1] * 5] * 4),
        (np.s_[::-1, 2, 3], [9, 8, 7, 6]),
        (np.s_[2:2], 5),
        (np.s_[3], np.arange(6, dtype=">i4")),
    ]:
        view[key], want[key] = value, value
        assert np.array_equal(there, want), key
    view[0] = vb.asview(there)[1]
    want[0] = want[1]
    assert np.array_equal(there, want)


def test_assignment_of_what_overlaps():
    """As if the source had been copied first, also where NumPy gets it wrong."""
    line = np.arange(10)
    view = vb.asview(line)
    view[0:10:2] = view[1:6]
    assert line[::2].tolist() == [1, 2, 3, 4, 5]
    rng = random.Random(5)
    for _ in range(300):
        line = np.arange(12, dtype="i2")
        n = rng.randrange(1, 5)
        pick = lambda: (lambda step, start: slice(start, start + n * step, step))(rng.choice([1, 2]), rng.randrange(4))
        to, source = pick(), pick()
        want = line.copy()
        want[to] = line[source].copy()
        vb.asview(line)[to] = vb.asview(line)[source]
        assert np.array_equal(line, want)


@pytest.mark.parametrize(
    "key, value, error",
    [
        (0, 300, OverflowError),
        (0, "text", TypeError),
        (0, np.zeros(3), ValueError),
        (np.s_[:], np.zeros(2), ValueError),
        (np.s_[:], [[1, 2], [3]], ValueError),
        (99, 0, IndexError),
        (np.s_[:], 1.5, TypeError),
    ],
    ids=str,
)
def test_what_cannot_be_assigned(key, value, error):
    line = np.arange(5, dtype="u1")
    if isinstance(value, np.ndarray):
        value = value.astype("u1")
    with pytest.raises(error):
        vb.asview(line)[key] = value
    assert line.tolist() == [0, 1, 2, 3, 4]


def test_other_types_are_not_converted():
    with pytest.raises(TypeError):
        vb.asview(np.zeros(3))[:] = np.arange(3)
    with pytest.raises(TypeError):
        vb.asview(np.zeros(3, "M8[s]"))[:] = np.zeros(3, "M8[ms]")


def test_read_only_is_a_one_way_street():
    there = np.arange(6.0)
    for view in [vb.asview(there).readonly(), vb.asview(there).broadcast_to(2, 6), vb.sliding_window_view(there, 2)]:
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
        for derived in [view.T, view[::-1], view.view("u1") if view.flags.c_contiguous else view, np.asarray(view)]:
            assert not derived.flags.writeable
        with pytest.raises(ValueError):
            np.asarray(view).flags.writeable = True
    assert vb.asview(there).readonly().copy().flags.writeable


def test_iteration():
    view = vb.asview(BASE)
    assert len(view) == 4
    for ours, theirs in zip(view, BASE, strict=True):
        same(ours, theirs)
    assert list(vb.asview(np.arange(3))) == [0, 1, 2]
    with pytest.raises(TypeError):
        iter(vb.asview(np.array(1)))


def test_sharing():
    a = np.arange(20.0)
    assert vb.shares_memory(a, a[::2]) and not vb.shares_memory(a[::2], a[1::2])
    assert vb.may_share_memory(a[::2], a[1::2]) and not vb.may_share_memory(a[:5], a[5:])
    assert vb.byte_bounds(a[::-2]) == np.lib.array_utils.byte_bounds(a[::-2])
    halves = a.view("f4")
    assert vb.shares_memory(a[::2], halves[1::4]) and not vb.shares_memory(a[1::2], halves[1::4])
    rng = random.Random(1)
    for _ in range(300):
        cut = lambda: slice(rng.randrange(20), rng.randrange(21), rng.choice([-3, -2, -1, 1, 2, 3]))
        x, y = a[cut()], a[cut()]
        assert vb.shares_memory(x, y) == np.shares_memory(x, y)
        assert vb.may_share_memory(x, y) == np.may_share_memory(x, y)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("there", [BASE, BASE.T, BASE[::2, ::-1], BASE[:0], BASE[0, 0, 0:1].reshape(()), np.arange(3).astype("M8[s]"), np.zeros(3, "i4,u1")], ids=range(7))
def test_pickles(protocol, there):
    view = vb.asview(there)
    for back in [pickle.loads(pickle.dumps(view, protocol)), copy.deepcopy(view)]:
        assert back.dtype == view.dtype and back.shape == view.shape
        assert np.array_equal(np.asarray(back), there)
        assert back.flags.writeable
        assert not vb.shares_memory(back, view)
    frozen = pickle.loads(pickle.dumps(view.readonly(), protocol))
    assert not frozen.flags.writeable or not frozen.size


def test_pickles_out_of_band_share():
    buffers = []
    data = pickle.dumps(vb.asview(BASE), protocol=5, buffer_callback=buffers.append)
    assert len(data) < 500
    back = pickle.loads(data, buffers=buffers)
    assert back.data_ptr == address(BASE)


def test_print():
    view = vb.asview(np.arange(6, dtype="i4").reshape(2, 3))
    assert repr(view) == "View([[0, 1, 2],\n      [3, 4, 5]],\n     dtype=int32, shape=(2, 3), strides=(12, 4))"
    assert repr(vb.asview(np.zeros(0))).startswith("View([], dtype=float64, shape=(0,)")
    assert "..." in repr(vb.asview(np.arange(10**6)))
    assert len(repr(vb.asview(np.zeros((100, 100, 100))))) < 2000
    assert "read-only" in repr(view.readonly())
    assert "c_contiguous" in dir(view.flags) and view.flags["C_CONTIGUOUS"]


def test_dtypes():
    for name in ["i4", "<f8", ">f8", "bool", "M8[ns]", "S3", "i4,u1", np.int16, float, np.dtype("c16"), [("a", "i4")]]:
        assert vb.DType(name) == np.dtype(name), name
    assert vb.DType("f4") != "f8" and hash(vb.DType("f4")) == hash(vb.DType(np.float32))
    assert vb.DType("i4,u1").names == ("f0", "f1") and vb.DType("f4").names is None
    assert vb.DType(">i2").byteorder == ">" and vb.DType("u1").byteorder == "|"
    assert vb.DType("M8[ns]").numpy() == np.dtype("M8[ns]")
    assert vb.DType([("a", "i4")]).numpy() == np.dtype([("a", "i4")])
    assert pickle.loads(pickle.dumps(vb.DType("i4,u1"))) == vb.DType("i4,u1")
    ml = pytest.importorskip("ml_dtypes")
    assert vb.DType(ml.bfloat16) == "bfloat16"
    torch = pytest.importorskip("torch")
    assert vb.DType(torch.bfloat16) == "bfloat16" and vb.asview(torch.zeros(2)).dtype == torch.float32
    for wrong in ["nonsense", object(), 7]:
        with pytest.raises(TypeError):
            vb.DType(wrong)


def test_info():
    info = vb.info(BASE[::2])
    assert info.shape == (2, 5, 6) and info.nbytes == 240 and info.pinned_nbytes >= 240
    assert info.overlaps_itself is False and vb.info(np.broadcast_to(1, (3,))).overlaps_itself
    assert "C-contiguous:  false" in str(info)


def test_files(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, BASE)
    for mmap in [False, True]:
        view = vb.open_npy(path, mmap=mmap)
        assert np.array_equal(np.asarray(view), BASE) and view.dtype == BASE.dtype
        assert view.flags.writeable != mmap
    assert vb.open_npy(path).report.bytes_copied == BASE.nbytes
    with pytest.raises(OSError):
        vb.open_npy(tmp_path / "none.npy")
    (tmp_path / "bad.npy").write_bytes(b"no")
    with pytest.raises(ValueError):
        vb.open_npy(tmp_path / "bad.npy")

    raw = tmp_path / "raw"
    raw.write_bytes(bytes(3) + BASE.tobytes())
    for mode in ["r", "c", "r+"]:
        view = vb.memmap(raw, "i4", mode, 3, BASE.shape)
        assert np.array_equal(np.asarray(view), BASE) and view.flags.writeable == (mode != "r")
    assert vb.memmap(raw, "i4", "r", 3, BASE.shape, "F").strides == np.asfortranarray(BASE).strides
    assert vb.memmap(raw, "i4", offset=3).shape == (120,)
    view = vb.memmap(raw, "i4", "c", 3)
    view[0] = -1
    assert vb.memmap(raw, "i4", "r", 3)[0] == 0
    vb.memmap(raw, "i4", "r+", 3)[0] = -1
    assert vb.memmap(raw, "i4", "r", 3)[0] == -1
    with pytest.raises(ValueError):
        vb.memmap(raw, "i4", "r", 3, (1000,))
    with pytest.raises(ValueError):
        vb.memmap(raw, "i4", "w")
    made = vb.memmap(tmp_path / "new", "i4", "w+", shape=(2, 3))
    made[:] = [[1, 2, 3], [4, 5, 6]]
    assert np.fromfile(tmp_path / "new", "i4").tolist() == [1, 2, 3, 4, 5, 6]


def test_frombuffer():
    there = bytearray(range(16))
    assert vb.frombuffer(there, "<u4").tolist() == np.frombuffer(there, "<u4").tolist()
    assert vb.frombuffer(there, "<u2", 3, 2).tolist() == np.frombuffer(there, "<u2", 3, 2).tolist()
    for arguments in [("<u4", 5), ("<u4", -1, 3), ("<u4", -1, 17), ("<u4", -2), ("V0",)]:
        with pytest.raises(ValueError):
            vb.frombuffer(there, *arguments)


def test_base_and_owner():
    view = vb.asview(BASE)
    assert view.base is BASE and view[1:].T.base is BASE and view.copy().base is None
    assert view.owner == "DLPack" and view.device == "cpu"
