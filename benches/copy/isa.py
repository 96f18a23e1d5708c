"""The copies of `benches/copy.rs` by each instruction set, and 16 bytes past a line: a table in `results/copy-isa.md`.

`python benches/copy/isa.py [--run COMMAND]`, where the command is what the options of the benchmark are added to.
"""

import argparse
import csv
import pathlib
import platform
import shlex
import subprocess

COLUMNS = {
    "AVX-512": ["--isa", "avx512"],
    "AVX-512, 16 bytes past a line": ["--isa", "avx512", "--offset", "16"],
    "AVX2": ["--isa", "avx2"],
    "SSE2": ["--isa", "sse2"],
    "SSE2, 16 bytes past a line": ["--isa", "sse2", "--offset", "16"],
    "portable": ["--isa", "portable"],
}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--run", default="cargo bench --quiet -p viewbridge-benches --bench copy --")
run = shlex.split(parser.parse_args().run)

ratios = {}
for column, options in COLUMNS.items():
    done = subprocess.run([*run, "--ours", "--csv", "--repeats", "7", *options], capture_output=True, text=True)
    # A processor without the instructions leaves its column out.
    for name, contender, ratio in csv.reader(done.stdout.splitlines()):
        if contender == "viewbridge" and not name.startswith(("plan:", "small:")):
            ratios.setdefault(name, {})[column] = float(ratio)

table = [
    "# Copies by instruction set",
    "",
    f"Written by `benches/copy/isa.py`. {platform.machine()}, {platform.system()}.",
    "",
    "R: time as a multiple of a memcpy of the bytes written, minimum of seven rounds in turn, destination warm. *Portable* is plain Rust, which other",
    "processors run, without stores past the caches; here SSE2 takes its place where AVX2 is not there.",
    "",
    "| row | " + " | ".join(COLUMNS) + " |",
    "|---" * (1 + len(COLUMNS)) + "|",
]
for name, row in ratios.items():
    table.append(f"| {name} | " + " | ".join(f"{row[c]:.2f}" if c in row else "–" for c in COLUMNS) + " |")
pathlib.Path(__file__).parents[1].joinpath("results/copy-isa.md").write_text("\n".join(table) + "\n")
