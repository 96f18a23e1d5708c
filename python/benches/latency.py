"""What a hand-over costs, beside the libraries' own doors, in one process and in turns. Prints the best and the median of the rounds, in nanoseconds, and
the ratio of the best to that of the door beside it.

    python python/benches/latency.py [milliseconds per measurement]
"""

import platform
import statistics
import sys
import time

import numpy as np

import viewbridge as vb

BUDGET = float(sys.argv[1]) / 1e3 if len(sys.argv) > 1 else 0.02
ROUNDS = 21


def optional(name):
    try:
        return __import__(name)
    except ImportError:
        return None


torch, pa, ffi = optional("torch"), optional("pyarrow"), optional("tvm_ffi")
array = np.arange(24, dtype="f8").reshape(4, 6)
view = vb.asview(array)

# A name, what is called with what, and the door that does the same work without us.
DOORS = [
    ("np.from_dlpack(np)", np.from_dlpack, array, None),
    ("viewbridge.from_dlpack(np)", vb.from_dlpack, array, "np.from_dlpack(np)"),
    ("viewbridge.asview(np)", vb.asview, array, "np.from_dlpack(np)"),
    ("np.from_dlpack(View)", np.from_dlpack, view, "np.from_dlpack(np)"),
    ("np.asarray(memoryview)", np.asarray, memoryview(array), None),
    ("np.asarray(View)", np.asarray, view, "np.asarray(memoryview)"),
]
if torch:
    tensor = torch.from_numpy(array)
    DOORS += [
        ("torch.from_dlpack(np)", torch.from_dlpack, array, None),
        ("torch.from_dlpack(View)", torch.from_dlpack, view, "torch.from_dlpack(np)"),
        ("np.from_dlpack(torch)", np.from_dlpack, tensor, None),
        ("viewbridge.asview(torch)", vb.asview, tensor, "np.from_dlpack(torch)"),
    ]
if pa:
    column, flat, flat_view = pa.array(array.reshape(-1)), array.reshape(-1), view.reshape(-1)
    DOORS += [
        ("np.from_dlpack(pa.Array)", np.from_dlpack, column, None),
        ("viewbridge.asview(pa.Array)", vb.asview, column, "np.from_dlpack(pa.Array)"),
        ("np.asarray(pa.Array)", np.asarray, column, None),
        ("viewbridge.from_arrow(pa.Array)", vb.from_arrow, column, "np.asarray(pa.Array)"),
        ("pa.array(np)", pa.array, flat, None),
        ("pa.array(View)", pa.array, flat_view, "pa.array(np)"),
    ]
if ffi:
    DOORS += [
        ("tvm_ffi.from_dlpack(np)", ffi.from_dlpack, array, None),
        ("tvm_ffi.from_dlpack(View)", ffi.from_dlpack, view, "tvm_ffi.from_dlpack(np)"),
    ]


def measure(door, argument, count):
    clock = time.perf_counter
    start = clock()
    for _ in range(count):
        door(argument)
    return (clock() - start) / count * 1e9


def main():
    versions = [f"{m.__name__} {m.__version__}" for m in [np, torch, pa, ffi] if m]
    print(f"Python {platform.python_version()}, {', '.join(versions)}; {ROUNDS} rounds in turns, ns per call (best, median, ratio)")
    counts = {name: max(10, int(BUDGET / (measure(door, argument, 1000) * 1e-9))) for name, door, argument, _ in DOORS}
    times = {name: [] for name in counts}
    for _ in range(ROUNDS):
        for name, door, argument, _ in DOORS:
            times[name].append(measure(door, argument, counts[name]))
    for name, _, _, beside in DOORS:
        ratio = f"{min(times[name]) / min(times[beside]):8.2f}" if beside else ""
        print(f"{name:34} {min(times[name]):8.0f} {statistics.median(times[name]):8.0f} {ratio}")


if __name__ == "__main__":
    main()
