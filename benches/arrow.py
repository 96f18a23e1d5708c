"""The part of the race of benches/arrow.rs that is run in Python: minimum of several repeats, R to a memcpy of the same output."""

import time

import numpy as np
import polars as pl
import pyarrow as pa


def best(job, repeats=9):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def race(name, output_bytes, jobs):
    source, target = np.ones(output_bytes, np.uint8), np.zeros(output_bytes, np.uint8)
    copy = best(lambda: np.copyto(target, source))
    print(f"{name}, in Python")
    print(f"  {'memcpy':<44} {copy * 1e9:14.1f} ns   R   1.00")
    for label, job in jobs.items():
        time_ = best(job)
        print(f"  {label:<44} {time_ * 1e9:14.1f} ns   R {time_ / copy:6.2f}")
    print()


n = 100_000_000
bits = pa.array(np.arange(n) % 3 == 0)
race("bits to bool bytes, 100 M", n, {"pyarrow: to_numpy": lambda: bits.to_numpy(zero_copy_only=False)})
bools = np.arange(n) % 3 == 0
race("bool bytes to bits, 100 M", n, {"pyarrow: array": lambda: pa.array(bools), "NumPy: packbits": lambda: np.packbits(bools, bitorder="little")})
del bits, bools

m = 8 << 20
holes = pa.array(np.ones(m), mask=np.arange(m) * 2_654_435_761 & 64 == 0)
race("null fill, 8 Mi f64, half of them null", m * 8, {"pyarrow: fill_null": lambda: holes.fill_null(0.0)})

rows = 1_000_000
batch = pa.record_batch({str(k): np.full(rows, 1.5) for k in range(16)})
frame = pl.DataFrame(batch)
columns = [batch.column(k).to_numpy() for k in range(16)]
race(
    "16 columns of 1 M f64 to a row-major matrix",
    rows * 16 * 8,
    {
        "pyarrow: to_tensor": lambda: batch.to_tensor(row_major=True),
        "polars: to_numpy(order='c')": lambda: frame.to_numpy(order="c"),
        "NumPy: stack": lambda: np.stack(columns, axis=1),
    },
)
