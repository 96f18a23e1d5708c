"""The patterns by which arrays cross between libraries, each with what it costs.

Reads like a notebook: every cell says something, does it, and checks it. Run it with ``python examples/python/patterns.py``; the libraries that are not
installed are left out.
"""

import importlib

import numpy as np

import viewbridge as vb


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"-- {name} is not installed: its cells are left out")
        return None


torch, pa, pd, jax = (library(name) for name in ["torch", "pyarrow", "pandas", "jax"])


def cell(title):
    print(f"\n# {title}")


# %% A view is a pointer, a type, a shape and strides --------------------------------------------------------------------
cell("Slices, transposes and reversals share memory")
a = np.arange(24, dtype="f4").reshape(4, 6)
view = vb.asview(a)
print(vb.info(view.T[::-1]))
assert vb.shares_memory(view.T[::-1], a)
assert view[1:, ::2].strides == a[1:, ::2].strides == (24, 8)

cell("A small view keeps a large parent alive, and says so")
small = vb.asview(np.zeros(10**6))[:10]
print(f"{small.nbytes} bytes shown, {small.pinned_nbytes} pinned; after copy(): {small.copy().pinned_nbytes}")
assert small.pinned_nbytes >= 8 * 10**6 and small.copy().pinned_nbytes < 1000

cell("Writes are seen by everybody; overlap is as if the source had been copied first")
line = np.arange(10)
vb.asview(line)[0:10:2] = vb.asview(line)[1:6]
print(line)
assert line[::2].tolist() == [1, 2, 3, 4, 5]

cell("A broadcast or a window is read-only, for its items share bytes")
windows = vb.sliding_window_view(np.arange(6.0), 3)
print(windows)
assert not windows.flags.writeable and not np.asarray(windows).flags.writeable

cell("as_strided is checked against the memory")
try:
    vb.as_strided(np.arange(10.0), (10, 10), (8, 8))
except ValueError as error:
    print(error)
else:
    raise AssertionError("reached beyond the memory")

# %% NumPy and PyTorch ---------------------------------------------------------------------------------------------------
if torch:
    cell("NumPy → PyTorch → NumPy without a copy")
    tensor = torch.from_dlpack(view)
    tensor[0, 0] = 42
    assert a[0, 0] == 42 and np.from_dlpack(vb.asview(tensor)).ctypes.data == a.ctypes.data
    print(vb.asview(tensor).report)

    cell("PyTorch takes no negative strides: asked beforehand, copied once, with the reason")
    backwards = view[:, ::-1]
    print(vb.explain(backwards, "PyTorch"))
    ready = backwards.prepare("PyTorch")
    print(ready.report)
    assert torch.from_dlpack(ready).data_ptr() == ready.data_ptr

    cell("copy=False is a promise")
    try:
        backwards.prepare("PyTorch", copy=False)
    except BufferError as error:
        print(error)
    else:
        raise AssertionError("copied in spite of copy=False")

    cell("bfloat16 crosses, too")
    print(vb.asview(torch.ones(2, dtype=torch.bfloat16)))

    cell("NCHW and NHWC are two views of one memory")
    images = torch.zeros(2, 3, 4, 5)
    channels_last = vb.asview(images).transpose(0, 2, 3, 1)
    print(channels_last.shape, channels_last.strides)
    assert torch.from_dlpack(channels_last).data_ptr() == images.data_ptr()

# %% pyarrow and pandas --------------------------------------------------------------------------------------------------
if pa:
    cell("An Arrow column is a view, and a view is an Arrow column")
    column = pa.array([1.0, 2.0, 3.0, 4.0])
    numbers = vb.from_arrow(column)
    assert np.asarray(numbers).ctypes.data == column.buffers()[1].address
    matrix = numbers.reshape(2, 2)
    print(pa.array(matrix).type)
    assert pa.array(matrix).flatten().buffers()[1].address == column.buffers()[1].address

    cell("Nulls are forbidden, or apart; never invented")
    values, valid = vb.from_arrow(pa.array([1, None, 3]), nulls="separate")
    print(values, valid)

    cell("Chunks are joined by one reported copy")
    joined = vb.asview(pa.chunked_array([[1, 2], [3]]))
    print(joined.report)

    cell("Times keep their unit through NumPy and Arrow")
    days = vb.asview(np.array(["2024-01-01", "2024-01-02"], "M8[ms]"))
    print(pa.array(days).type, np.asarray(days).dtype)

if pd:
    cell("A pandas column, in place")
    frame = pd.DataFrame({"x": np.arange(4.0), "y": np.arange(4.0) * 2})
    x = vb.asview(frame["x"].to_numpy())
    print(x.report, x.strides)
    assert np.shares_memory(np.asarray(x), frame["x"].to_numpy())

if jax:
    cell("JAX shares what is aligned to 64 bytes")
    print(vb.explain(view.copy(), "JAX"))
    print(jax.numpy.from_dlpack(view.copy()).sum())

# %% Records and files ---------------------------------------------------------------------------------------------------
cell("A field of records is a strided view, which DLPack cannot say, and a copy can")
points = np.zeros(4, dtype=[("x", "f4"), ("y", "f4"), ("tag", "u1")])
x = vb.asview(points)["x"]
print(x.strides, vb.explain(x, "NumPy"))
x[:] = [1, 2, 3, 4]
assert points["x"].tolist() == [1, 2, 3, 4]

cell("Who takes this array, and at what price")
for prediction in vb.explain(a.T):
    print(prediction)
