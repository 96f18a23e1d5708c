"""Writes numpy_dtypes.txt: what NumPy makes of descriptions of data types, and how it prints them.

    python tests/data/numpy_dtypes.py           # the file
    python tests/data/numpy_dtypes.py --ask     # the same for the descriptions on standard input, to standard output

One case a line, tab-separated: the description; NumPy's str(); itemsize; alignment; dtype.descr where there is one, else `-`.
A description that NumPy refuses has `error` for all of that. Descriptions are what np.dtype takes: strings, and the values of literals.
"""

import ast
import io
import itertools
import pathlib
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")

UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic", "μs"]
PLAIN = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "f16", "c8", "c16", "c32", "S5", "U3", "V16", "S0",
         "U0", "V0", "S", "U", "V"]
NAMES = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "p", "P", "n", "N", "e", "f", "d", "F", "D", "c", "bool", "bool_", "int8",
         "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "float128", "complex64",
         "complex128", "complex256", "int", "uint", "float", "complex", "str", "bytes", "void", "half", "single", "double", "intp", "uintp",
         "byte", "ubyte", "short", "ushort", "intc", "uintc", "long", "ulong", "longlong", "ulonglong", "csingle", "cdouble", "str_",
         "bytes_", "int_"]
COMMAS = ["i4,f8", "i4,", "i4 , f8", "i4, (2,3)f8, S5", "3i4,2f8", "2i4", "1i4", "(2,)i4", "(2,3)>f8", "<2i4", "2<i4", "(2,)i4,", ">(2,3)>f8",
          "M8[ns],m8[25s]", "(0,)i4", "0i4", "?,b1", "S,U3", "(2, 3,)f4", "2M8[2s]", "i4,f8,i4,f8,i4,f8,i4,f8,i4,f8,i4,f8"]
LITERALS = [
    [], [("a", "i4")], [("a", "<i4"), ("b", "|u1", (3,))], [("a", ">i4"), ("b", "f8", 3)], [(("title", "name"), "M8[us]")],
    [("in", [("x", "u1"), ("y", ">c16", (2, 2))], (2,)), ("k", "S5")], [("", "i4"), ("", "f8")], [("a", "V4"), ("", "V4")],
    [("it's", "i4"), ('a"b', "i4"), ("both'\"", "i4"), ("é\n\t\\", "i4"), ("\u200b\xa0\x7f", "i4"), ("日本😀", "f4"), ("e\u0301", "f4")],
    [("a", "i4,f8"), ("b", "2i4,")], [("a", "S", 5), ("b", "U", 2), ("c", "V", 3)], [("a", "i4", ()), ("b", "i4", (1,)), ("c", "i4", 1)],
    [("a", "S"), ("b", ">U"), ("c", "V"), ("d", "?"), ("e", "i1")], ("i4", (2, 3)), (">i4", 2), ("i4", 1), ("S", 5), ([("a", "i4")], (2,)),
    {"names": ["a", "b"], "formats": ["i4", "u1"]},
    {"names": ["a", "b"], "formats": ["i4", "u1"], "offsets": [4, 0]},
    {"names": ["a", "b"], "formats": ["i4", "u1"], "offsets": [4, 0], "itemsize": 16},
    {"names": ["a", "b"], "formats": ["u1", "i4"], "offsets": [0, 0]},
    {"names": ["a", "b"], "formats": ["u1", ">i4"], "aligned": True},
    {"names": ["a", "b"], "formats": ["i4", "u1"], "aligned": True},
    {"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [16, 0], "itemsize": 24, "aligned": True},
    {"names": ["a", "b"], "formats": ["u1", [("x", "u1"), ("y", "f8")]], "aligned": True},
    {"names": ["a", "b"], "formats": ["u1", "u1,f8"], "offsets": [0, 8], "itemsize": 32, "aligned": True},
    {"names": ["a", "b"], "formats": ["u1", "i4"], "titles": ["A", None]},
    {"names": ["a", "b"], "formats": ["u1", "i4"], "titles": ["A", "B"], "offsets": [1, 4], "itemsize": 9},
    {"names": [], "formats": [], "itemsize": 7},
    {"names": ("a",), "formats": (("i4", (2,)),), "offsets": (3,)},
    {"names": ["a"], "formats": [[("x", "u1"), ("y", "M8[D]")]], "offsets": [2]},
]
WRONG = ["", " ", "i3", "f3", "u16", "b8", "c4", "f", "x8", "f8 ", " f8", "S-1", "é8", "<é8", "<", "i4,,f8", ",i4", "i4;f8", "i4:f8",
         "(2)i4", "(2,3", "(-1,)i4", "(2,2)(3,)i4", ">(2,3)<f8", "M8[", "M8[]", "M8[x]", "M8[-1s]", "M8[25 s]", "M8[s] ", "M8[2147483648s]",
         "M8[Y/7]", "M8[as/10]", "M8(s)", "M4[s]", "datetime64[B]", "datetime32", "inte8", "void16", "str96", "O",
         "object", "i4,O", "S5000000000", "[", "]", "{", "("]
WRONG_LITERALS = [
    [("a", "i4"), ("a", "i4")], [("f1", "i4"), ("", "f8")], [("a", "i3")], [("a", "O")], ["i4", "f8"], [("a",)], [("a", "i4", -1)],
    [("a", "i4", (2**31, 2**31, 2**31))], {"names": ["a"]}, {"names": ["a", "a"], "formats": ["i4", "i4"]},
    {"names": ["a", "b"], "formats": ["u1", "i4"], "itemsize": 3},
    {"names": ["a", "b"], "formats": ["i4", "u1"], "offsets": [2, 0], "aligned": True},
    {"names": ["a", "b"], "formats": ["u1", "i4"], "aligned": True, "itemsize": 9},
    {"names": ["a"], "formats": ["i4"], "offsets": [-1]}, {"names": ["a", "b"], "formats": ["u1", "i4"], "titles": ["A", "a"]},
]


def descriptions():
    yield from PLAIN
    yield from NAMES
    for sign, code in itertools.product("<>=|", PLAIN):
        yield sign + code
    for letter, unit in itertools.product(["M8", ">m8", "datetime64", "timedelta64"], UNITS):
        yield f"{letter}[{unit}]"
    for unit in UNITS[:13]:
        yield f"M8[25{unit}]"
        yield f">m8[1{unit}]"
    for unit, parts in itertools.product(UNITS[:13], [1, 2, 3, 4, 7, 10, 12, 13, 1000, 2000]):
        # Of parts of a week that no table has, NumPy makes steps of 0 years.
        if unit != "W" or parts not in (13, 1000, 2000):
            yield f"M8[3{unit}/{parts}]"
    yield from ["M8", "m8", "M", "m", ">M8", "datetime64", "timedelta64", "M8[2147483647s]"]
    yield from COMMAS
    yield from map(repr, LITERALS)
    yield from WRONG
    yield from map(repr, WRONG_LITERALS)


def made(description):
    if description[:1] in tuple("[{") or description[:2] in ("('", "([", "({"):
        return np.dtype(ast.literal_eval(description))
    return np.dtype(description)


def line(description):
    try:
        dtype = made(description)
        if dtype.hasobject:
            raise TypeError("objects have no place in a view")
    except Exception:
        return f"{description}\terror"
    try:
        # Of what has no fields, the header of a file has the type string.
        descr = repr(dtype.descr if dtype.names is not None else dtype.str) if dtype.subdtype is None else "-"
    except ValueError:
        descr = "-"
    return f"{description}\t{dtype}\t{dtype.itemsize}\t{dtype.alignment}\t{descr}"


if __name__ == "__main__" and "--ask" in sys.argv:
    for asked in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="\n"):
        sys.stdout.buffer.write((line(asked.rstrip("\n")) + "\n").encode())
elif __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("numpy_dtypes.txt")
    target.write_text("\n".join(map(line, descriptions())) + "\n", encoding="utf-8")
