"""Arrays of pyarrow, nanoarrow and polars through this crate and back.

Called by tests/arrow_peers.rs with the library that examples/arrow_peers.rs is built into, and a directory for files.
"""

import ctypes
import decimal
import itertools
import os
import sys

import nanoarrow as na
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
from nanoarrow.c_array import allocate_c_array
from nanoarrow.c_schema import allocate_c_schema

vb = ctypes.CDLL(sys.argv[1])
folder = sys.argv[2]
P = ctypes.c_void_p
for name, types in {
    "vb_array": [P, P],
    "vb_stream": [P],
    "vb_device": [P, P],
    "vb_describe": [P, P, P, P],
    "vb_tensor": [P, P, P, ctypes.c_size_t],
    "vb_ipc_tensor": [ctypes.c_char_p, ctypes.c_char_p],
    "vb_ipc": [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_bool],
    "vb_view": [P, P],
}.items():
    getattr(vb, name).argtypes = types
    getattr(vb, name).restype = ctypes.c_int


def call(function, *arguments):
    assert function(*arguments) == 0, function.__name__


class Place:
    """Memory for a C struct."""

    def __init__(self, size):
        self.memory = (ctypes.c_int64 * (size // 8))()
        self.at = ctypes.addressof(self.memory)


def places():
    return Place(72), Place(80)


def export(array, field=None):
    schema, struct = places()
    array._export_to_c(struct.at)
    (field or pa.field("", array.type))._export_to_c(schema.at)
    return schema, struct


def addresses(array):
    return [buffer.address for buffer in array.buffers() if buffer is not None and buffer.size]


def describe(array, field=None):
    schema, struct = export(array, field)
    numbers, name = (ctypes.c_int64 * 18)(), ctypes.create_string_buffer(32)
    call(vb.vb_describe, schema.at, struct.at, numbers, name)
    ndim = numbers[1]
    return numbers[0], tuple(numbers[2 : 2 + ndim]), tuple(numbers[10 : 10 + ndim]), name.value.decode()


def every_type():
    ints = pa.array([1, None, 3, 4, 5, 6], pa.int32())
    text = ["a", None, "longer than twelve bytes", "ü", "", "f"]
    simple = [
        pa.bool_(), pa.int8(), pa.uint16(), pa.int64(), pa.float16(), pa.float32(), pa.float64(), pa.date32(), pa.date64(),
        pa.time32("ms"), pa.time64("ns"), pa.timestamp("us", "Europe/Berlin"), pa.timestamp("s"), pa.duration("ms"),
        pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(38, 3), pa.decimal256(70, 3), pa.month_day_nano_interval(),
    ]  # fmt: skip
    for kind in simple:
        if pa.types.is_boolean(kind):
            yield pa.array([True, None, False, True, True, False])
        elif kind == pa.float16():
            yield pa.array(np.arange(6, dtype=np.float16), mask=np.array([0, 1, 0, 0, 0, 0], bool))
        elif kind == pa.month_day_nano_interval():
            yield pa.array([(1, 2, 3), None, (4, 5, 6), (7, 8, 9), (0, 0, 0), (1, 1, 1)], kind)
        elif pa.types.is_decimal(kind):
            yield pa.array([decimal.Decimal(1), None, *map(decimal.Decimal, [3, 4, 5, 6])], kind)
        elif pa.types.is_floating(kind) or pa.types.is_integer(kind):
            yield ints.cast(kind)
        else:
            day = 86_400_000 if kind == pa.date64() else 1
            days = [day, None, 3 * day, 4 * day, 5 * day, 6 * day]
            yield pa.array(days, pa.int64() if kind.bit_width == 64 else pa.int32()).view(kind)
    yield pa.nulls(6)
    for kind in [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]:
        yield pa.array(text, kind)
    yield pa.array([b"abc", None, b"def", b"ghi", b"jkl", b"mno"], pa.binary(3))
    lists = [[1, 2], None, [3, None], [5, 6], [7, 8], [9, 10]]
    for kind in [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]:
        yield pa.array(lists, kind(pa.int16()))
    yield pa.array(lists, pa.list_(pa.int16(), 2))
    yield pa.array([{"a": 1, "b": "x"}, None, {"a": 3, "b": None}, {"a": 4, "b": "y"}, None, None])
    yield pa.array([[("k", 1)], None, [], [("l", None)], [], []], pa.map_(pa.string(), pa.int32()))
    yield pa.array(["x", None, "y", "x", "x", "y"]).dictionary_encode()
    yield pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 6], pa.int32()), pa.array(["x", None, "z"]))
    ids = pa.array([0, 1, 0, 1, 0, 1], pa.int8())
    yield pa.UnionArray.from_sparse(ids, [ints, pa.array(np.arange(6.0))])
    yield pa.UnionArray.from_dense(ids, pa.array([0, 0, 1, 1, 2, 2], pa.int32()), [ints, pa.array(np.arange(6.0))])


def c_data():
    field_metadata = {"ARROW:extension:name": "x.y", "k": "ü"}
    for array in every_type():
        for part in [array, array.slice(1, 4), array.slice(6, 0)]:
            field = pa.field("näme", array.type, metadata=field_metadata)
            schema, struct = export(part, field)
            call(vb.vb_array, schema.at, struct.at)
            back = pa.Array._import_from_c(struct.at, pa.DataType._import_from_c(schema.at))
            back.validate(full=True)
            assert back.equals(part), (array.type, part, back)
            if len(part) == 6:
                assert set(addresses(back)) <= set(addresses(part)), array.type
            schema, struct = export(part, field)
            call(vb.vb_array, schema.at, struct.at)
            back = pa.Field._import_from_c(schema.at)
            assert back.equals(field, check_metadata=True), back
            pa.Array._import_from_c(struct.at, array.type)


def random_leaf(rng):
    """A type, and how one of its items is made."""
    number = lambda bits, signed: int(rng.integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed), dtype=np.int64 if signed else np.uint64))
    text = lambda: "".join(rng.choice(list("abcü"), rng.integers(0, 20)))
    unit = str(rng.choice(["s", "ms", "us", "ns"]))
    digits = lambda precision, scale: decimal.Decimal(int(rng.integers(0, 10 ** min(precision, 18)))).scaleb(-scale)
    small = lambda: int(rng.integers(0, 86_400))
    kinds = [
        *[(kind, lambda b=kind.bit_width, s=signed: number(b, s)) for signed, kind in itertools.chain(
            ((1, kind) for kind in [pa.int8(), pa.int16(), pa.int32(), pa.int64()]),
            ((0, kind) for kind in [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]))],
        *[(kind, lambda: float(rng.integers(-99, 99))) for kind in [pa.float16(), pa.float32(), pa.float64()]],
        (pa.bool_(), lambda: bool(rng.integers(2))),
        (pa.date32(), small), (pa.date64(), lambda: small() * 86_400_000), (pa.time32("s"), small), (pa.time64("ns"), small),
        (pa.timestamp(unit, str(rng.choice(["UTC", "Europe/Berlin"]))), small), (pa.timestamp(unit), small), (pa.duration(unit), small),
        (pa.month_day_nano_interval(), lambda: (small(), -small(), small())),
        (pa.decimal32(9, 2), lambda: digits(9, 2)), (pa.decimal64(18, 3), lambda: digits(18, 3)),
        (pa.decimal128(38, 5), lambda: digits(18, 5)), (pa.decimal256(70, 1), lambda: digits(18, 1)),
        *[(kind, text) for kind in [pa.string(), pa.large_string(), pa.string_view()]],
        *[(kind, lambda: text().encode()) for kind in [pa.binary(), pa.large_binary(), pa.binary_view()]],
        (pa.binary(3), lambda: bytes(rng.integers(0, 256, 3, np.uint8))),
    ]  # fmt: skip
    return kinds[rng.integers(len(kinds))]


def random_type(rng, depth=2):
    kind, item = random_leaf(rng)
    for _ in range(rng.integers(0, depth + 1)):
        inner, chance = item, rng.random() * 0.5
        some = lambda item=inner, chance=chance: None if rng.random() < chance else item()
        size = int(rng.integers(0, 4))
        field = pa.field("ïtem", kind, metadata={"level": "ü"})
        build = rng.integers(7)
        if build < 2:
            kind, item = pa.list_(field, size), lambda some=some, size=size: [some() for _ in range(size)]
        elif build < 6:
            kind = [pa.list_, pa.large_list, pa.list_view, pa.large_list_view][build - 2](field)
            item = lambda some=some: [some() for _ in range(rng.integers(0, 4))]
        else:
            kind, item = pa.struct([field, pa.field("n", pa.int8())]), lambda some=some: {"ïtem": some(), "n": 1}
    return kind, item


def random_arrays():
    rng = np.random.default_rng(6)
    for _ in range(400):
        kind, item = random_type(rng)
        chance = rng.random() * 0.5
        array = pa.array([None if rng.random() < chance else item() for _ in range(rng.integers(0, 40))], kind)
        start = int(rng.integers(0, len(array) + 1))
        part = array.slice(start, int(rng.integers(0, len(array) - start + 1)))
        field = pa.field("näme", kind, metadata={"k": "ü"})
        schema, struct = export(part, field)
        call(vb.vb_array, schema.at, struct.at)
        back_field = pa.Field._import_from_c(schema.at)
        back = pa.Array._import_from_c(struct.at, back_field.type)
        back.validate(full=True)
        assert back_field.equals(field, check_metadata=True), (field, back_field)
        assert back.equals(part) and back.null_count == part.null_count, (kind, part, back)
        if start == 0 and len(part) == len(array) and len(part):
            assert set(addresses(back)) <= set(addresses(part)), kind


def nanoarrow():
    for values, kind in [([1, None, 3], na.int32()), (["a", None, "ü"], na.string()), ([True, False, None], na.bool_())]:
        array = na.c_array(values, kind)
        schema, struct = places()
        pa.array(array)._export_to_c(struct.at, schema.at)
        call(vb.vb_array, schema.at, struct.at)
        back = na.Array(pa.Array._import_from_c(struct.at, schema.at))
        assert back.to_pylist() == values
    # nanoarrow's own structs, filled by this crate.
    schema = allocate_c_schema()
    struct = allocate_c_array(schema)
    call(vb.vb_view, schema._addr(), struct._addr())
    assert na.Array(struct).to_pylist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


class Stream:
    """A struct of ours behind the protocol."""

    def __init__(self, place):
        self.place = place

    def __arrow_c_stream__(self, requested_schema=None):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [P, ctypes.c_char_p, P]
        return new(self.place.at, b"arrow_array_stream", None)


def pointer(capsule, name):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = P, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, name)


def streams():
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "longer than twelve bytes", None], "c": [[1], [], [2, 3]], "d": [0.5, 1.5, 2.5]})
    for source, read in [
        (frame, lambda stream: pl.DataFrame(stream).equals(frame)),
        (frame["b"], lambda stream: pl.Series(stream).to_list() == frame["b"].to_list()),
        (frame.to_arrow(), lambda stream: pa.table(stream).equals(frame.to_arrow())),
    ]:
        capsule, place = source.__arrow_c_stream__(), Place(40)
        ctypes.memmove(place.at, pointer(capsule, b"arrow_array_stream"), 40)
        ctypes.memset(pointer(capsule, b"arrow_array_stream") + 24, 0, 8)  # moved: release = NULL
        call(vb.vb_stream, place.at)
        assert read(Stream(place))


def devices():
    for array in every_type():
        schema, struct = Place(72), Place(128)
        array._export_to_c_device(struct.at, schema.at)
        call(vb.vb_device, schema.at, struct.at)
        assert struct.memory[10] == -1 and ctypes.c_int32.from_address(struct.at + 88).value == 1
        back = pa.Array._import_from_c_device(struct.at, schema.at)
        assert back.equals(array), array.type


def strides_of(shape, itemsize):
    strides = [itemsize]
    for size in shape[:0:-1]:
        strides.insert(0, strides[0] * size)
    return strides


def tensors():
    """Logical dimension i is physical dimension permutation[i]: what the specification says, for every permutation."""
    shape, names = [2, 3, 4], ["C", "H", "W"]
    for permutation in [None, *itertools.permutations(range(3))]:
        kind = pa.fixed_shape_tensor(pa.int32(), shape, names, permutation and list(permutation))
        for nullable in [True, False]:
            items = pa.array(np.arange(5 * 24, dtype=np.int32))
            storage = pa.FixedSizeListArray.from_arrays(items, type=pa.list_(pa.field("item", pa.int32(), nullable=nullable), 24))
            array = pa.ExtensionArray.from_storage(kind, storage.cast(kind.storage_type))
            address, found, strides, dtype = describe(array, pa.field("t", kind))
            axes = permutation or range(3)
            physical = strides_of(shape, 4)
            assert found == (5, *[shape[axis] for axis in axes]), (permutation, found)
            assert strides == (96, *[physical[axis] for axis in axes]), (permutation, strides)
            assert dtype == "int32"
            # Back as tensors, permuted once more; pyarrow reads type and values.
            schema, struct = export(array, pa.field("t", kind))
            inverse = [list(axes).index(axis) for axis in range(3)]
            again = (ctypes.c_size_t * 3)(*inverse)
            call(vb.vb_tensor, schema.at, struct.at, again, 3)
            field = pa.Field._import_from_c(schema.at)
            back = pa.Array._import_from_c(struct.at, field.type)
            assert field.type.shape == shape and field.type.permutation is None, field.type
            assert np.array_equal(back.to_numpy_ndarray(), np.arange(5 * 24).reshape(5, 2, 3, 4))
    # Ours, permuted: pyarrow reads the permutation that the specification gives.
    kind = pa.fixed_shape_tensor(pa.int32(), shape)
    array = pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(pa.array(np.arange(120, dtype=np.int32)), type=kind.storage_type))
    for axes in itertools.permutations(range(3)):
        schema, struct = export(array, pa.field("t", kind))
        call(vb.vb_tensor, schema.at, struct.at, (ctypes.c_size_t * 3)(*axes), 3)
        field = pa.Field._import_from_c(schema.at)
        back = pa.Array._import_from_c(struct.at, field.type)
        expected = None if axes == (0, 1, 2) else list(axes)
        assert (field.type.shape, field.type.permutation) == (shape, expected), (axes, field.type)
        assert addresses(back.storage) == addresses(array.storage)


def bool8():
    array = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, 1], pa.int8()))
    _, shape, _, dtype = describe(array, pa.field("b", pa.bool8()))
    assert (shape, dtype) == ((3,), "bool")


def ipc_tensors():
    for dtype in ["i1", "u2", "i4", "u8", "f2", "f4", "f8"]:
        whole = np.arange(24).astype(dtype).reshape(2, 3, 4)
        # Without axes, too: pyarrow writes their (no) strides at an address that FlatBuffers' own verifier refuses.
        for array in [whole, np.asfortranarray(whole), whole.transpose(1, 2, 0), whole[:, 1:2, 0], whole[:0], whole[0, 0], whole[0, 0, 1:2].reshape(())]:
            names = ["x", "y", "z"][: array.ndim]
            tensor = pa.Tensor.from_numpy(array, dim_names=names)
            paths = [os.path.join(folder, name) for name in ["pyarrow.tensor", "ours.tensor"]]
            with pa.OSFile(paths[0], "wb") as file:
                pa.ipc.write_tensor(tensor, file)
            call(vb.vb_ipc_tensor, *[path.encode() for path in paths])
            with pa.memory_map(paths[1]) as file:
                back = pa.ipc.read_tensor(file)
                # pyarrow itself crashes over the comparison of tensors without axes.
                equal = back.equals(tensor) if array.ndim else back.shape == () and back.to_numpy() == array
                assert equal, (dtype, array.shape)
                with pa.memory_map(paths[0]) as own:
                    # pyarrow itself forgets the names of what it had to make contiguous.
                    assert back.dim_names == pa.ipc.read_tensor(own).dim_names
                if array.size and (array is whole or array.flags.f_contiguous):
                    assert back.strides == tensor.strides, (back.strides, tensor.strides)


def ipc_files():
    table = pa.table({str(k): array for k, array in enumerate(every_type()) if not pa.types.is_run_end_encoded(array.type)})
    kind = pa.fixed_shape_tensor(pa.float32(), [2, 2], ["a", "b"], [1, 0])
    storage = pa.array(np.arange(24, dtype=np.float32)).view(pa.float32())
    table = table.append_column("tensor", pa.ExtensionArray.from_storage(kind, pa.FixedSizeListArray.from_arrays(storage, type=kind.storage_type)))
    file, stream = os.path.join(folder, "a.arrow"), os.path.join(folder, "a.arrows")
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    call(vb.vb_ipc, file.encode(), stream.encode(), False)
    assert pa.ipc.open_stream(stream).read_all().equals(table)
    call(vb.vb_ipc, stream.encode(), file.encode(), True)
    assert pa.ipc.open_file(file).read_all().equals(table)
    # polars writes, and reads what was written; it lacks some of the types above.
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "longer than twelve bytes", None], "c": [[1], [], [2, 3]]})
    frame.write_ipc(file, compression="uncompressed")
    call(vb.vb_ipc, file.encode(), stream.encode(), False)
    assert pl.read_ipc_stream(stream).equals(frame)
    call(vb.vb_ipc, stream.encode(), file.encode(), True)
    assert pl.read_ipc(file).equals(frame)


for test in [c_data, random_arrays, nanoarrow, streams, devices, tensors, bool8, ipc_tensors, ipc_files]:
    test()
    print("ok", test.__name__)
