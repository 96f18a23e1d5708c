"""Writes the golden .npz and .safetensors files: what NumPy and PyTorch's safetensors make of small arrays.

    python tests/data/archives.py
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file

FOLDER = os.path.dirname(os.path.abspath(__file__))


def path(name):
    os.makedirs(os.path.join(FOLDER, "archives"), exist_ok=True)
    return os.path.join(FOLDER, "archives", name)


ARRAYS = {
    "counts": np.arange(6, dtype="<i4").reshape(2, 3),
    "big": np.arange(4, dtype=">f8"),
    "columns": np.asfortranarray(np.arange(6, dtype="<u2").reshape(2, 3)),
    "times": np.array(["2026-11-26", "NaT"], dtype="M8[s]"),
    "none": np.zeros((0, 2), dtype="f4"),
    "scalar": np.array(1.5),
}

np.savez(path("stored.npz"), **ARRAYS)
np.savez_compressed(path("deflated.npz"), zeros=np.zeros(1000), **ARRAYS)

names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
         "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "complex64"]
tensors = {name: torch.arange(3).to(getattr(torch, name)).reshape(1, 3) for name in names}
tensors["float4_e2m1fn_x2"] = torch.tensor([[0x21, 0x43]], dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
tensors["none"] = torch.zeros(2, 0)
tensors["scalar"] = torch.tensor(7.0)
save_file(tensors, path("all.safetensors"), metadata={"format": "pt"})
