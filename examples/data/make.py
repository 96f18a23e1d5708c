"""Writes the sample files of this folder from the digits that scikit-learn ships.

    python make.py [path to digits.csv.gz]

Needs NumPy, and scikit-learn or the path of its file; scikit-learn is looked up, not imported.
"""

import importlib.util
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent


def digits_path() -> pathlib.Path:
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1])
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("scikit-learn is not installed; install it, or name its datasets/data/digits.csv.gz")
    return pathlib.Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"


def main() -> None:
    # 1797 rows: 64 pixels from 0 to 16, then the digit.
    table = np.loadtxt(digits_path(), delimiter=",")
    images = np.ascontiguousarray(table[:, :-1].reshape(-1, 8, 8))
    files = {
        "digits_u8.npy": images.astype("u1"),
        "digits_u8_fortran.npy": np.asfortranarray(images.astype("u1")),
        "digits_i2_big_endian.npy": images.astype(">i2"),
        "digits_f64.npy": images.astype("<f8"),
        "digits_f64_fortran.npy": np.asfortranarray(images.astype("<f8")),
        "digits_f64_big_endian.npy": images.astype(">f8"),
    }
    for name, array in files.items():
        np.save(HERE / name, array)
        print(f"{name}: {array.dtype.str} {array.shape}, strides {array.strides}")


if __name__ == "__main__":
    main()
