"""Arrow's C interfaces, both ways, against pyarrow, polars and nanoarrow."""

import numpy as np
import pytest

import viewbridge as vb

pa = pytest.importorskip("pyarrow")

NUMBERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()]
TIMES = [pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.date32(), pa.date64(), pa.time32("ms"), pa.time64("ns"), pa.duration("s")]


def address(array):
    return array.buffers()[-1].address


class Only:
    """An object with one of Arrow's doors alone."""

    def __init__(self, inner, *names):
        for name in names:
            setattr(self, name, getattr(inner, name))


UNEVEN = {
    "text": pa.array(["a", "bc"]),
    "text views": pa.array(["a", "bc"]).cast(pa.string_view()),
    "lists": pa.array([[1], [2, 3]]),
    "keys": pa.array([1, 2, 1]).dictionary_encode(),
    "runs": pa.RunEndEncodedArray.from_arrays([2, 3], [1, 2]),
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "unions": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array([1.0, 2.0])]),
    "no bytes": pa.nulls(3),
    "nulls": pa.array([1, None]),
}


@pytest.mark.parametrize("there", UNEVEN.values(), ids=UNEVEN)
def test_what_is_no_view_is_refused_in_words_of_python(there):
    with pytest.raises((TypeError, ValueError)) as refused:
        vb.from_arrow(there)
    assert "::" not in str(refused.value)


class TestIn:
    @pytest.mark.parametrize("data_type", NUMBERS + TIMES, ids=str)
    def test_numbers_and_times(self, data_type):
        there = pa.array([1, 2, 3, 4], pa.int64()).cast(pa.int32() if data_type.bit_width == 32 else pa.int64())
        there = there.cast(data_type) if pa.types.is_integer(data_type) or pa.types.is_floating(data_type) else there.view(data_type)
        for taken in [vb.from_arrow(there), vb.asview(Only(there, "__arrow_c_array__"))]:
            assert taken.data_ptr == address(there)
            assert not taken.flags.writeable
            assert taken.shape == (4,)

    @pytest.mark.parametrize("data_type", NUMBERS + TIMES + [pa.decimal128(10, 2), pa.binary(4)], ids=str)
    def test_and_back(self, data_type):
        there = pa.array([None], data_type).fill_null(_one(data_type)).take([0, 0, 0])
        back = pa.array(vb.from_arrow(there))
        assert back.type == there.type or pa.types.is_fixed_size_binary(there.type)
        assert address(back) == address(there) if back.type == there.type else True

    def test_slices(self):
        there = pa.array(range(10))[3:7]
        view = vb.from_arrow(there)
        assert view.tolist() == [3, 4, 5, 6]
        assert view.data_ptr == address(there) + 24

    def test_bits(self):
        there = pa.array([True, False, True, True])[1:]
        view = vb.from_arrow(there)
        assert view.dtype == "bit" and view.tolist() == [False, True, True]
        assert pa.array(view).equals(there)
        assert np.from_dlpack(view).tolist() == [False, True, True]  # copied: DLPack has no bits

    def test_nulls(self):
        there = pa.array([1, None, 3])
        with pytest.raises(ValueError, match="1 null"):
            vb.from_arrow(there)
        values, valid = vb.from_arrow(there, nulls="separate")
        assert valid.tolist() == [True, False, True] and values[2] == 3
        assert vb.from_arrow(there, nulls="ignore").shape == (3,)
        assert vb.from_arrow(pa.array([1, 2]), nulls="separate")[1] is None
        with pytest.raises(ValueError, match="nulls"):
            vb.from_arrow(there, nulls="drop")

    def test_lists_are_axes(self):
        there = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int32(), 2))
        view = vb.asview(there)
        assert view.shape == (3, 2) and view.tolist() == there.to_pylist()
        assert view.data_ptr == address(there)
        assert pa.array(view).to_pylist() == there.to_pylist()

    def test_tensors(self):
        there = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(24, dtype="f4").reshape(2, 3, 4))
        view = vb.asview(there)
        assert view.shape == (2, 3, 4)
        assert np.array_equal(np.asarray(view), there.to_numpy_ndarray())

    def test_chunks(self):
        one = pa.chunked_array([[1, 2, 3]])
        assert vb.asview(one).data_ptr == address(one.chunk(0))
        several = pa.chunked_array([[1, 2], [], [3]])
        joined = vb.asview(several)
        assert joined.tolist() == [1, 2, 3]
        assert joined.report.bytes_copied == 24 and "chunks" in joined.report.reasons[0]
        with pytest.raises(BufferError, match="chunks"):
            vb.from_arrow(several, copy=False)
        assert vb.asview(pa.chunked_array([], pa.int32())).shape == (0,)
        bits = pa.chunked_array([[True, None], [False]])
        values, valid = vb.from_arrow(bits, nulls="separate")
        assert valid.tolist() == [True, False, True] and values[2] is False

    @pytest.mark.parametrize("there", [pa.array(["a"]), pa.array([[1], [1, 2]]), pa.array([{"a": "b"}]), pa.nulls(3)], ids=str)
    def test_types_without_strides(self, there):
        with pytest.raises((TypeError, ValueError)):
            vb.from_arrow(there)

    def test_device_arrays(self):
        there = pa.array([1.0, 2.0])
        view = vb.asview(Only(there, "__arrow_c_device_array__"))
        assert view.report.door == "__arrow_c_device_array__"
        assert view.data_ptr == address(there)

    def test_a_capsule_is_taken_once(self):
        schema, array = pa.array([1]).__arrow_c_array__()

        class Again:
            def __arrow_c_array__(self, requested_schema=None):
                return schema, array

        assert vb.asview(Again()).tolist() == [1]
        with pytest.raises((ValueError, BufferError), match="released"):
            vb.asview(Again())

    def test_broken_doors(self):
        class Broken:
            def __init__(self, result):
                self.result = result

            def __arrow_c_array__(self, requested_schema=None):
                return self.result

        for result in [None, 7, (), (1, 2), (object(), object())]:
            with pytest.raises((TypeError, ValueError)):
                vb.asview(Broken(result))

    def test_memory_outlives_its_array(self):
        view = vb.from_arrow(pa.array(range(1000)))
        assert view[999] == 999

    def test_polars(self):
        pl = pytest.importorskip("polars")
        for values in [[1, 2, 3], [1.0, 2.0], [True, False]]:
            series = pl.Series("s", values)
            view = vb.asview(series)
            assert view.report.door == "__arrow_c_stream__"
            assert view.tolist() == values
        with pytest.raises(ValueError, match="null"):
            vb.asview(pl.Series([1, None]))
        assert pl.Series(vb.asview(np.arange(3.0))).to_list() == [0, 1, 2]

    def test_nanoarrow(self):
        na = pytest.importorskip("nanoarrow")
        there = na.Array([1, 2, 3], na.int32())
        view = vb.asview(there)
        assert view.tolist() == [1, 2, 3]
        assert na.Array(vb.asview(np.arange(3.0))).to_pylist() == [0, 1, 2]


def _one(data_type):
    if pa.types.is_decimal(data_type):
        import decimal

        return decimal.Decimal("1.25")
    if pa.types.is_fixed_size_binary(data_type):
        return b"abcd"
    return pa.scalar(1, pa.int32() if data_type.bit_width == 32 else pa.int64()).cast(data_type)


class TestOut:
    def test_numpy_memory_is_shared(self):
        there = np.arange(5.0)
        made = pa.array(vb.asview(there))
        assert made.type == pa.float64() and address(made) == there.ctypes.data

    def test_what_does_not_fit_is_copied(self):
        there = np.arange(5.0)[::-1]
        assert pa.array(vb.asview(there)).to_pylist() == [4, 3, 2, 1, 0]

    def test_schema_and_stream(self):
        view = vb.asview(np.arange(6, dtype="i4").reshape(3, 2))
        assert pa.field(view).type == pa.list_(pa.field("item", pa.int32(), False), 2)
        chunked = pa.chunked_array(Only(view, "__arrow_c_stream__"))
        assert chunked.to_pylist() == view.tolist()

    def test_device(self):
        view = vb.asview(np.arange(3.0))
        made = pa.array(Only(view, "__arrow_c_device_array__"))
        assert address(made) == view.data_ptr
        with pytest.raises(NotImplementedError):
            view.__arrow_c_device_array__(stream=1)
        view.__arrow_c_device_array__(stream=None)

    def test_what_arrow_lacks_is_refused(self):
        for there in [np.arange(3, dtype="c8"), np.array(1.0)]:
            with pytest.raises(BufferError):
                pa.array(vb.asview(there))

    def test_unconsumed_capsules(self):
        there = np.arange(1000.0)
        view = vb.asview(there)
        for _ in range(100):
            view.__arrow_c_array__()
            view.__arrow_c_schema__()
            view.__arrow_c_stream__()
            view.__arrow_c_device_array__()
        assert there.sum() == 499500
