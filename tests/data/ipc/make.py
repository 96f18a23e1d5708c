"""Writes the Arrow IPC files of this folder with pyarrow: `python make.py`."""

import pyarrow as pa
from pyarrow import ipc

for codec in ("lz4", "zstd"):
    table = pa.table({"zeros": pa.array([0] * 1000, pa.int64())})
    options = ipc.IpcWriteOptions(compression=codec)
    with pa.OSFile(f"{codec}.arrow", "wb") as file, ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table)
