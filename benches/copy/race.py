"""What a forced copy costs, beside NumPy, PyTorch, pyarrow and polars, as a multiple R of a memcpy of the bytes that it writes.

    "$(.ci/venv)" benches/copy/race.py                 # the table and the plot, into benches/results/
    "$(.ci/venv)" benches/copy/race.py --rows transpose --repeats 5

All contenders of a row run in turn in this one process, into memory of their own that is warm already; the least time of each counts; their outputs
are compared. The crate is called as a library (`abi.rs`), many copies per call where they are short. With cargo's benchmark, which the script
runs first, the Rust crates stand in the same table: their R is to a memcpy in that process.
"""

import argparse
import csv
import ctypes
import io
import math
import os
import pathlib
import platform
import subprocess
import time

import numpy as np
import polars as pl
import pyarrow as pa
import torch

BENCHES = pathlib.Path(__file__).resolve().parent.parent
RESULTS = BENCHES / "results"
import plot


class Description(ctypes.Structure):
    _fields_ = [
        ("source", ctypes.c_void_p),
        ("source_len", ctypes.c_size_t),
        ("destination", ctypes.c_void_p),
        ("destination_len", ctypes.c_size_t),
        ("offset", ctypes.c_size_t),
        ("ndim", ctypes.c_size_t),
        ("shape", ctypes.POINTER(ctypes.c_size_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("dtype", ctypes.c_char_p),
        ("packed", ctypes.c_bool),
        ("stacked", ctypes.c_bool),
        ("threads", ctypes.c_size_t),
    ]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=BENCHES.parent, check=True, stdout=subprocess.PIPE, text=True).stdout


def library():
    cargo("build", "--quiet", "--profile", "bench", "--package", "viewbridge-benches", "--example", "race_abi")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", BENCHES.parent / "target"))
    name = {"Darwin": "librace_abi.dylib", "Windows": "race_abi.dll"}.get(platform.system(), "librace_abi.so")
    lib = ctypes.CDLL(str(target / "release" / "examples" / name))
    lib.race_prepare.restype = ctypes.c_void_p
    lib.race_prepare.argtypes = [ctypes.POINTER(Description)]
    lib.race_run.restype = ctypes.c_bool
    lib.race_run.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    lib.race_memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    lib.race_drop.argtypes = [ctypes.c_void_p]
    return lib


class Ours:
    """A copy by the crate, prepared."""

    def __init__(self, lib, root, view, out, dtype=None, packed=False, stacked=False, threads=1):
        strides, shape = view.strides, view.shape
        offset = view.__array_interface__["data"][0] - root.ctypes.data
        if dtype == "bit":
            strides, shape = (1,), (root.size * 8,)
        self.keep = (root, out, (ctypes.c_size_t * len(shape))(*shape), (ctypes.c_ssize_t * len(shape))(*strides))
        self.lib = lib
        self.job = lib.race_prepare(
            Description(
                root.ctypes.data,
                root.nbytes,
                out.ctypes.data,
                out.nbytes,
                offset,
                len(shape),
                self.keep[2],
                self.keep[3],
                (dtype or view.dtype.str).encode(),
                packed,
                stacked,
                threads,
            )
        )
        assert self.job, "the crate refuses the view"

    def __call__(self, iterations):
        assert self.lib.race_run(self.job, iterations)

    def __del__(self):
        if getattr(self, "job", None):
            self.lib.race_drop(self.job)


def times(job):
    """`job` as a contender that does it so many times."""

    def run(iterations):
        for _ in range(iterations):
            job()

    return run


def by_threads(count, job):
    """As `times`, with so many threads of PyTorch's."""

    def run(iterations):
        torch.set_num_threads(count)
        for _ in range(iterations):
            job()

    return run


def minima(contenders, repeats, turn=4e-3, budget=1.5):
    """The least seconds per iteration of each contender, over so many rounds in turn."""
    counts, best, spent = {}, {}, {}
    for name, run in contenders.items():
        count = 1
        while True:
            start = time.perf_counter()
            run(count)
            elapsed = time.perf_counter() - start
            if elapsed >= turn or count >= 1 << 20:
                break
            count *= 2
        counts[name], best[name], spent[name] = count, math.inf, 0.0
    for round in range(repeats):
        for name, run in contenders.items():
            if round >= 3 and spent[name] > budget:
                continue
            # Whoever ran before has left the caches in a state of its own: full of lines, say, that have yet to be written to memory.
            if counts[name] > 1 or best[name] < 10 * turn:
                run(1)
            start = time.perf_counter()
            run(counts[name])
            elapsed = time.perf_counter() - start
            spent[name] += elapsed
            best[name] = min(best[name], elapsed / counts[name])
    return best


def filled(count, dtype):
    """Numbers whose every byte is 0 or 1."""
    dtype = np.dtype(dtype)
    noise = np.random.default_rng(7).integers(0, 256, -(-count * dtype.itemsize // 8) + 1, np.uint8)
    return np.unpackbits(noise)[: count * dtype.itemsize].view(dtype)


def touched(shape, dtype):
    out = np.empty(shape, dtype)
    out.view(np.uint8).reshape(-1)[:] = 7
    return out


def copies(lib, root, view, out_dtype=None, torch_view=None, threads=(1,)):
    """Contenders for the copy of a view of `root` into row-major memory, and the outputs that must agree."""
    out = {name: touched(view.shape, out_dtype or view.dtype) for name in ("viewbridge", "NumPy", "PyTorch")}
    contenders = {"viewbridge": Ours(lib, root, view, out["viewbridge"])}
    if 2 in threads:
        contenders["viewbridge 2T"] = Ours(lib, root, view, out["viewbridge"], threads=2)
    contenders["NumPy"] = times(lambda: np.copyto(out["NumPy"], view))
    if torch_view is not None:
        source, target = torch_view(torch.from_numpy(root)), torch.from_numpy(out["PyTorch"])
        contenders["PyTorch"] = by_threads(1, lambda: target.copy_(source))
        contenders["PyTorch 2T"] = by_threads(2, lambda: target.copy_(source))
    else:
        del out["PyTorch"]
    return contenders, out


def strided(name, target, dtype, shape, view, torch_view=None, **more):
    def prepare(lib):
        root = filled(math.prod(shape), dtype).reshape(shape)
        theirs = torch_view or view
        if np.dtype(dtype).name not in ("uint8", "float32", "float64", "complex128", "int16"):
            theirs = None
        return copies(lib, root, view(root), torch_view=theirs, **more)

    return name, target, prepare


def transposed(name, target, dtype, shape, **more):
    return strided(name, target, dtype, shape, lambda a: a.T, **more)


def reversed_row(name, target, dtype, count):
    def prepare(lib):
        root = filled(count, dtype)
        contenders, out = copies(lib, root, root[::-1])
        source = torch.from_numpy(root)
        # PyTorch has no negative strides: it copies, into fresh memory.
        contenders["PyTorch"] = by_threads(1, lambda: torch.flip(source, (0,)))
        return contenders, out

    return name, target, prepare


def swapped(name, target, dtype, count):
    def prepare(lib):
        root = filled(count, dtype)
        view = root.view(root.dtype.newbyteorder(">"))
        return copies(lib, root, view, out_dtype=root.dtype)

    return name, target, prepare


def windows(name, target, count):
    def prepare(lib):
        root = filled(count + 15, "f4")
        view = np.lib.stride_tricks.sliding_window_view(root, 16)
        return copies(lib, root, view, torch_view=lambda a: a.unfold(0, 16, 1))

    return name, target, prepare


def broadcast(name, target, count):
    def prepare(lib):
        root = filled(3, "f8")
        view = np.broadcast_to(root, (count, 3))
        return copies(lib, root, view, torch_view=lambda a: a.expand(count, 3))

    return name, target, prepare


def stacked(name, target, count, rows):
    def prepare(lib):
        root = filled(count * rows, "f8").reshape(count, rows)
        columns = [column.copy() for column in root]
        frame = pl.DataFrame({str(k): column for k, column in enumerate(columns)})
        batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns], [str(k) for k in range(count)])
        out = {name: touched((rows, count), "f8") for name in ("viewbridge", "NumPy")}
        tensors, target = [torch.from_numpy(column) for column in columns], torch.empty((rows, count), dtype=torch.float64)
        contenders = {
            "viewbridge": Ours(lib, root, root, out["viewbridge"], stacked=True),
            "NumPy": times(lambda: np.stack(columns, axis=1, out=out["NumPy"])),
            "PyTorch": by_threads(1, lambda: torch.stack(tensors, dim=1, out=target)),
            "pyarrow": times(lambda: batch.to_tensor(row_major=True)),
            "polars": times(lambda: frame.to_numpy(order="c")),
        }
        out["polars"] = frame.to_numpy(order="c")
        return contenders, out

    return name, target, prepare


def unpacking(name, target, count):
    def prepare(lib):
        bits = np.packbits(filled(count, "u1"), bitorder="little")
        array = pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bits)])
        series = pl.Series(values=pl.from_arrow(array))
        out = {"viewbridge": touched(count, "?")}
        contenders = {
            "viewbridge": Ours(lib, bits, bits, out["viewbridge"], dtype="bit"),
            "NumPy": times(lambda: np.unpackbits(bits, bitorder="little")),
            "pyarrow": times(lambda: array.to_numpy(zero_copy_only=False)),
            "polars": times(lambda: series.to_numpy()),
        }
        out["NumPy"] = np.unpackbits(bits, bitorder="little").view("?")
        out["pyarrow"] = array.to_numpy(zero_copy_only=False)
        return contenders, out

    return name, target, prepare


def packing(name, target, count):
    def prepare(lib):
        bools = filled(count, "?")
        out = {"viewbridge": touched(count // 8, "u1"), "NumPy": np.packbits(bools, bitorder="little")}
        contenders = {
            "viewbridge": Ours(lib, bools, bools, out["viewbridge"], packed=True),
            "NumPy": times(lambda: np.packbits(bools, bitorder="little")),
            "pyarrow": times(lambda: pa.array(bools)),
            "polars": times(lambda: pl.Series(bools)),
        }
        out["pyarrow"] = np.frombuffer(pa.array(bools).buffers()[1], np.uint8)[: count // 8]
        return contenders, out, count

    return name, target, prepare


def rows():
    half = lambda a: a[::2]  # noqa: E731
    pairs = lambda items: ((32 << 20) // (4 * items), 2 * items)  # noqa: E731
    return [
        strided("contiguous 64 MiB", 1.05, "u1", (64 << 20,), lambda a: a),
        transposed("transpose 4096² f32", 1.0, "f4", (4096, 4096), threads=(1, 2)),
        strided(
            "transpose [1,4096,4096] f32",
            1.05,
            "f4",
            (1, 4096, 4096),
            lambda a: a.transpose(0, 2, 1),
            lambda a: a.permute(0, 2, 1),
        ),
        transposed("transpose 4096² f64", 0.9, "f8", (4096, 4096)),
        transposed("transpose 4080×4112 f32", 1.0, "f4", (4080, 4112)),
        transposed("transpose 4093×4099 f32", 1.7, "f4", (4093, 4099)),
        transposed("transpose 4093×4099 f64", 1.7, "f8", (4093, 4099)),
        transposed("transpose 8192² u8", 1.6, "u1", (8192, 8192), threads=(1, 2)),
        transposed("transpose 4096×8192 u16", 1.4, "i2", (4096, 8192)),
        transposed("transpose 2048² 16 bytes", 0.95, "c16", (2048, 2048)),
        transposed("transpose 256² f32 in L2", 1.2, "f4", (256, 256)),
        transposed("transpose 192² f64 in L2", 1.1, "f8", (192, 192)),
        transposed("transpose 512² u8 in L2", 1.8, "u1", (512, 512)),
        strided(
            "NHWC→NCHW u8 [64,256,256,3]",
            1.15,
            "u1",
            (64, 256, 256, 3),
            lambda a: a.transpose(0, 3, 1, 2),
            lambda a: a.permute(0, 3, 1, 2),
        ),
        strided(
            "NCHW→NHWC u8 [64,3,256,256]",
            1.05,
            "u1",
            (64, 3, 256, 256),
            lambda a: a.transpose(0, 2, 3, 1),
            lambda a: a.permute(0, 2, 3, 1),
        ),
        strided(
            "permute (3,1,0,2) 64⁴ f32",
            1.4,
            "f4",
            (64, 64, 64, 64),
            lambda a: a.transpose(3, 1, 0, 2),
            lambda a: a.permute(3, 1, 0, 2),
        ),
        strided("a[::2] f64 large", 1.1, "f8", (8 << 20,), half),
        strided("a[::2] f64 in L2", 1.5, "f8", (64 << 10,), half),
        strided("a[:, ::3] f64", 1.45, "f8", (4096, 3072), lambda a: a[:, ::3]),
        reversed_row("a[::-1] f64", 0.7, "f8", 4 << 20),
        reversed_row("a[::-1] u8", 0.7, "u1", 32 << 20),
        windows("sliding window 1M×16 f32", 0.55, 1 << 20),
        broadcast("broadcast (3,)→(4M,3) f64", 0.55, 4 << 20),
        swapped("byte swap 4", 0.75, "f4", 8 << 20),
        swapped("byte swap 8", 0.75, "f8", 4 << 20),
        strided("rows of 12 B, pitch 24", 1.3, "f4", pairs(3), lambda a: a[:, :3]),
        strided("rows of 16 B, pitch 32", 1.1, "f4", pairs(4), lambda a: a[:, :4]),
        strided("rows of 64 B, pitch 128", 1.4, "f4", pairs(16), lambda a: a[:, :16]),
        strided("rows of 256 B, pitch 512", 1.3, "f4", pairs(64), lambda a: a[:, :64]),
        strided(
            "batch [262144,8,8] f32 (0,2,1)",
            0.8,
            "f4",
            (262_144, 8, 8),
            lambda a: a.transpose(0, 2, 1),
            lambda a: a.permute(0, 2, 1),
        ),
        transposed("[n,3]→[3,n] f32", 0.9, "f4", (4 << 20, 3)),
        transposed("[3,n]→[n,3] f32", 0.9, "f4", (3, 4 << 20)),
        stacked("16 columns × 1M f64 → matrix", 0.8, 16, 1_000_000),
        unpacking("bitmap→bool bytes 100M", 0.6, 100_000_000),
        packing("bool bytes→bitmap 100M", 0.6, 100_000_000),
    ]


def race(lib, prepare, repeats):
    """Seconds of each contender, those of a memcpy first, and the bytes that it copied."""
    contenders, out, *count = prepare(lib)
    for run in contenders.values():
        run(1)
    expected = out["viewbridge"].tobytes()
    for name, array in out.items():
        assert array.tobytes() == expected, f"{name} disagrees"
    size = count[0] if count else out["viewbridge"].nbytes
    source, target = filled(size, "u1"), touched(size, "u1")
    memcpy = {"memcpy": lambda n: lib.race_memcpy(target.ctypes.data, source.ctypes.data, size, n)}
    return minima(memcpy | contenders, repeats), size


COLUMNS = ["viewbridge", "viewbridge 2T", "NumPy", "PyTorch", "PyTorch 2T", "pyarrow", "polars"]
CRATES = ["ndarray", "strided-perm", "transpose", "arrow-rs"]


def rust_peers(options):
    """R of the peers that are Rust crates, by row, from the benchmark of the crate."""
    text = cargo(
        "bench", "--quiet", "--package", "viewbridge-benches", "--bench", "copy", "--", "--csv", *options.rows,
        "--repeats", str(options.repeats),
    )  # fmt: skip
    found = {}
    for row, contender, ratio in csv.reader(io.StringIO(text)):
        found.setdefault(row, {})[contender] = float(ratio)
    return found


def table(lib, options):
    crates = {} if options.no_crates else rust_peers(options)
    lines = []
    for name, target, prepare in rows():
        if options.rows and not any(part in name for part in options.rows):
            continue
        seconds, size = race(lib, prepare, options.repeats)
        ratios = {who: spent / seconds["memcpy"] for who, spent in seconds.items()}
        ratios |= {who: crates.get(name, {}).get(who) for who in CRATES}
        ratios["bench"] = crates.get(name, {}).get("viewbridge")
        lines.append((name, size, target, seconds["memcpy"], ratios))
        met = "met" if ratios["viewbridge"] <= target else "MISSED"
        print(f"{name:<34}{ratios['viewbridge']:8.2f}  target {target:5.2f} {met:<7}", end="")
        print("  ".join(f"{who} {ratios[who]:.2f}" for who in COLUMNS[1:] + CRATES if ratios.get(who)), flush=True)
    return lines


def machine():
    model = "unknown processor"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as info:
            fields = dict(line.split(":", 1) for line in info.read().split("\n\n")[0].splitlines() if ":" in line)
        strip = {key.strip(): value.strip() for key, value in fields.items()}
        model = f"{strip.get('model name')} (family {strip.get('cpu family')}, model {strip.get('model')})"
    return f"{os.cpu_count()} cores of {model}, {platform.system()}"


def write(lines):
    versions = f"NumPy {np.__version__}, PyTorch {torch.__version__}, pyarrow {pa.__version__}, polars {pl.__version__}"
    cell = lambda ratio: f"{ratio:.2f}" if ratio else "–"  # noqa: E731
    with open(RESULTS / "copy.md", "w") as out:
        print("# Copies\n", file=out)
        print(f"Written by `benches/copy/race.py`. {machine()}; {versions}.\n", file=out)
        print("R: time as a multiple of a memcpy of the bytes written, minimum of several rounds in turn, destination warm, outputs compared.", file=out)
        print("One thread but for 2T. The last columns are from another process (`cargo bench --bench copy`), R to its own memcpy;", file=out)
        print("*in Rust* is viewbridge there.\n", file=out)
        head = ["row", "MB", "memcpy GB/s", "target", *COLUMNS, "*in Rust*", *CRATES]
        print("|", " | ".join(head), "|", file=out)
        print("|" + "---|" * len(head), file=out)
        for name, size, target, memcpy, ratios in lines:
            ours = cell(ratios["viewbridge"])
            ours = f"**{ours}**" if ratios["viewbridge"] <= target else f"{ours} (missed)"
            cells = [ours, *(cell(ratios.get(who)) for who in COLUMNS[1:]), cell(ratios.get("bench"))]
            cells += [cell(ratios.get(who)) for who in CRATES]
            print("|", " | ".join([name, f"{size / 1e6:.3g}", f"{size / memcpy / 1e9:.1f}", f"{target}", *cells]), "|", file=out)
    with open(RESULTS / "copy.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["row", "bytes", "target", "contender", "R"])
        for name, size, target, _, ratios in lines:
            for who, ratio in ratios.items():
                if ratio:
                    writer.writerow([name, size, target, who, f"{ratio:.3f}"])


def sides(size, itemsize):
    side = int(math.isqrt(size // itemsize))
    return side, side


def sweeps():
    """The layout classes of the plot: copies of about so many bytes."""
    return {
        "contiguous, u8": lambda n: strided("", 0, "u1", (n,), lambda a: a),
        "transpose, f32": lambda n: transposed("", 0, "f4", sides(n, 4)),
        "transpose, f64": lambda n: transposed("", 0, "f8", sides(n, 8)),
        "transpose, u8": lambda n: transposed("", 0, "u1", sides(n, 1)),
        "a[::2], f64": lambda n: strided("", 0, "f8", (n // 4,), lambda a: a[::2]),
        "a[::-1], f32": lambda n: reversed_row("", 0, "f4", n // 4),
        "rows of 64 B of 128 B": lambda n: strided("", 0, "f4", (n // 64, 32), lambda a: a[:, :16]),
        "NHWC → NCHW, u8": lambda n: strided(
            "", 0, "u1", (max(n // (3 * 4096), 1), 64, 64, 3), lambda a: a.transpose(0, 3, 1, 2), lambda a: a.permute(0, 3, 1, 2)
        ),
        "byte swap, f64": lambda n: swapped("", 0, "f8", n // 8),
    }


def sweep(lib, repeats):
    found = {}
    for title, make in sweeps().items():
        for power in range(12, 28, 2):
            _, _, prepare = make(1 << power)
            seconds, size = race(lib, prepare, repeats)
            seconds.pop("PyTorch 2T", None)
            for who, spent in seconds.items():
                found.setdefault(title, {}).setdefault(who, []).append((size, spent))
        print(f"swept {title}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="*", default=[], help="rows whose name contains one of these; no files are written then")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--no-crates", action="store_true", help="leave the Rust crates out")
    parser.add_argument("--no-plot", action="store_true")
    parser.add_argument("--no-table", action="store_true")
    options = parser.parse_args()
    lib = library()
    RESULTS.mkdir(exist_ok=True)
    if not options.no_table:
        lines = table(lib, options)
        if not options.rows:
            write(lines)
    if not options.no_plot and not options.rows:
        found = sweep(lib, min(options.repeats, 5))
        (RESULTS / "copy.svg").write_text(plot.panels(found, machine()))


if __name__ == "__main__":
    main()
