"""Writes numpy_print.txt: arrays, and how NumPy prints them. Run with NumPy 2.

    python tests/data/numpy_print.py > tests/data/numpy_print.txt

A case is a line `dtype shape hex-of-the-bytes`, then the printed lines, each behind four blanks.
"""

import numpy as np

rng = np.random.default_rng(7)


def case(array):
    array = np.ascontiguousarray(array).reshape(np.shape(array))
    shape = ",".join(map(str, array.shape)) or "-"
    print(array.dtype.str, shape, array.tobytes().hex() or "-")
    for line in str(array).split("\n"):
        print("    " + line)


def specials(dtype):
    return np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.5], dtype)


for dtype in ["<f2", "<f4", "<f8", ">f4"]:
    case(np.arange(6).reshape(2, 3).astype(dtype))
    case(np.array([1, 2.5, -3.25, 100]).astype(dtype))
    case(np.array([0.1, 0.2, 0.3]).astype(dtype))
    case(np.array([1e-3, 2.0]).astype(dtype))
    case(specials(dtype))
    case(specials(dtype)[2:5])
    case(np.array(0.1).astype(dtype))
    case(rng.standard_normal((3, 4)).astype(dtype))
for dtype in ["<f4", "<f8"]:
    case(np.array([1e10, 1.5e-10, -2.0, np.nan]).astype(dtype))
    case(np.array([123456789.0, 1.0]).astype(dtype))
    case(np.array([1e20, -1e-20, np.inf]).astype(dtype))
    case((10.0 ** rng.integers(-30, 30, (4, 3))).astype(dtype))
case(np.array([1e100, 1e-300]))
case(np.array([np.pi, np.e * 1000, 1e-4]))
for dtype in ["<c8", "<c16"]:
    case(np.array([1 + 2j, -1.5 - 0.25j, 0]).astype(dtype))
    case((rng.standard_normal(5) + 1j * rng.standard_normal(5)).astype(dtype))
    case(np.array([1e10 + 1e-10j, 1 - 1j]).astype(dtype))
    case(np.array([complex(np.nan, 1), complex(1, np.inf), complex(-np.inf, -np.inf), complex(1, np.nan)]).astype(dtype))
for dtype in ["|i1", "<i2", "<i8", "|u1", ">u4"]:
    info = np.iinfo(dtype)
    case(np.array([0, info.min, info.max], dtype))
    case(np.arange(24).reshape(2, 3, 4).astype(dtype))
case(np.arange(60, dtype="<i4"))
case(np.arange(90, dtype="<i2").reshape(2, 45) * 300)
case(np.linspace(0, 1, 40))
case(np.arange(1001, dtype="<i2"))
case(np.arange(1000, dtype="<i2"))
case(np.arange(2000, dtype="<i2").reshape(50, 40))
case(np.arange(1200, dtype="<i2").reshape(2, 10, 60))
case(np.arange(1026, dtype="<i2").reshape(6, 171))
case(np.arange(1100, dtype="<f4").reshape(1100, 1) / 8)
case(np.arange(2, dtype="<i2").reshape(1, 1, 1, 2))
case(np.zeros((0,)))
case(np.zeros((3, 0)))
case(np.array([[[]]]))
case(np.array(["1970-01-01", "2024-02-29", "NaT", "0001-12-31"], "M8[D]").astype("<i8"))
