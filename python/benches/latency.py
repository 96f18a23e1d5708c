"""What a hand-over costs, beside the libraries' own doors, in one process and in turns. Prints the best and the median of the rounds, in nanoseconds.

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


torch, pa = optional("torch"), optional("pyarrow")
array = np.arange(24, dtype="f8").reshape(4, 6)
view = vb.asview(array)

DOORS = {
    "np.from_dlpack(np)": (np.from_dlpack, array),
    "viewbridge.from_dlpack(np)": (vb.from_dlpack, array),
    "viewbridge.asview(np)": (vb.asview, array),
    "np.from_dlpack(View)": (np.from_dlpack, view),
    "np.asarray(np view by buffer)": (np.asarray, memoryview(array)),
    "np.asarray(View)": (np.asarray, view),
}
if torch:
    tensor = torch.from_numpy(array)
    DOORS |= {
        "torch.from_dlpack(np)": (torch.from_dlpack, array),
        "torch.from_dlpack(torch)": (torch.from_dlpack, tensor),
        "torch.from_dlpack(View)": (torch.from_dlpack, view),
        "np.from_dlpack(torch)": (np.from_dlpack, tensor),
        "viewbridge.asview(torch)": (vb.asview, tensor),
    }
if pa:
    column = pa.array(array.reshape(-1))
    DOORS |= {
        "np.asarray(pa.Array)": (np.asarray, column),
        "np.from_dlpack(pa.Array)": (np.from_dlpack, column),
        "viewbridge.asview(pa.Array)": (vb.asview, column),
        "viewbridge.from_arrow(pa.Array)": (vb.from_arrow, column),
        "pa.array(np)": (pa.array, array.reshape(-1)),
        "pa.array(View)": (pa.array, view.reshape(-1)),
    }
ffi = optional("tvm_ffi")
if ffi:
    DOORS |= {"tvm_ffi.from_dlpack(np)": (ffi.from_dlpack, array), "tvm_ffi.from_dlpack(View)": (ffi.from_dlpack, view)}


def measure(door, argument, count):
    clock = time.perf_counter
    start = clock()
    for _ in range(count):
        door(argument)
    return (clock() - start) / count * 1e9


def main():
    versions = [f"{m.__name__} {m.__version__}" for m in [np, torch, pa, ffi] if m]
    print(f"Python {platform.python_version()}, {', '.join(versions)}; {ROUNDS} rounds in turns, ns per call (best, median)")
    counts = {name: max(10, int(BUDGET / (measure(*door, 1000) * 1e-9))) for name, door in DOORS.items()}
    times = {name: [] for name in DOORS}
    for _ in range(ROUNDS):
        for name, door in DOORS.items():
            times[name].append(measure(*door, counts[name]))
    for name, taken in times.items():
        print(f"{name:34} {min(taken):8.0f} {statistics.median(taken):8.0f}")


if __name__ == "__main__":
    main()
