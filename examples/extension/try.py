"""The example's functions take whatever array there is."""

import array

import numpy as np
import pyarrow as pa
import torch

import strided_example as example

matrix = np.arange(6.0).reshape(2, 3)
assert np.from_dlpack(example.reverse_rows(matrix)).tolist() == matrix[::-1].tolist()
assert np.from_dlpack(example.reverse_rows(matrix)).base is not None
for there in [matrix, matrix.T, matrix.astype(">f8"), torch.from_numpy(matrix), pa.array(matrix.reshape(-1)), array.array("d", range(6))]:
    assert example.total(there) == 15.0, there
    print(example.way_in(there))
