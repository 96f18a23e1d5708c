"""Arrow data through a view and back: what a view cannot say is not lost on the way. And tables."""

import decimal

import numpy as np
import pytest

import viewbridge as vb

pa = pytest.importorskip("pyarrow")


def addresses(array):
    """Where the items of each buffer begin, the slice's offset included."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_fixed_size_list(array.type):
        return addresses(array.flatten()) if array.null_count == 0 else None
    values = array.buffers()[1]
    return None if array.type == pa.bool_() else values.address + array.offset * array.type.byte_width


ARRAYS = {
    "numbers": pa.array([1, 2, 3, 4]),
    "nulls": pa.array([1.5, None, 3.5, 4.5]),
    "booleans": pa.array([True, None, False, True]),
    "times": pa.array([1, 2, None, 4], pa.timestamp("us", "Europe/Vienna")),
    "dates": pa.array([1, 2, 3, None], pa.date32()),
    "durations": pa.array([1, 2, 3, 4], pa.duration("ms")),
    "decimals": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.00"), decimal.Decimal("9.99")], pa.decimal128(10, 2)),
    "bytes": pa.array([b"abcd", b"efgh", b"ijkl", b"mnop"], pa.binary(4)),
    "lists": pa.array([[1, 2], [3, 4], [5, 6], [7, 8]], pa.list_(pa.field("named", pa.int32(), metadata={"k": "v"}), 2)),
    "null lists": pa.array([[1, 2], None, [5, 6], [7, 8]], pa.list_(pa.int32(), 2)),
    "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(48, dtype="f4").reshape(4, 3, 4)),
    "permuted tensors": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int32(), [3, 2], permutation=[1, 0]), pa.FixedSizeListArray.from_arrays(pa.array(range(24), pa.int32()), 6)
    ),
    "named tensors": pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int16(), [3, 2], dim_names=["x", "y"]), pa.FixedSizeListArray.from_arrays(pa.array(range(24), pa.int16()), 6)
    ),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, 1, 0], pa.int8())),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes([k] * 16) for k in range(4)], pa.binary(16))),
}

DOORS = {
    "asview": lambda a: vb.asview(a),
    "from_arrow": lambda a: vb.from_arrow(a, nulls="ignore"),
    "separate": lambda a: vb.from_arrow(a, nulls="separate")[0],
    "field": lambda a: vb.from_arrow(pa.table({"x": a})["x"], nulls="ignore"),
}


@pytest.fixture(params=ARRAYS)
def there(request):
    return ARRAYS[request.param]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("part", [slice(None), slice(1, None), slice(1, 3), slice(4, 4)], ids=str)
def test_there_and_back(there, part, door):
    there = there[part]
    if door == "asview" and there.null_count:
        with pytest.raises(ValueError, match="null"):
            vb.asview(there)
        return
    view = DOORS[door](there)
    back = pa.array(view)
    assert back.type == there.type and back.null_count == there.null_count
    assert back.equals(there) if len(there) or there.type != pa.bool8() else True
    assert addresses(back) == addresses(there) or not len(there)
    assert pa.field(view).type == there.type
    assert pa.chunked_array(view).chunk(0).equals(there)


@pytest.mark.parametrize("part", [slice(1, None), slice(None, 2), slice(1, 3), slice(None, None, -1), slice(None, None, 2)], ids=str)
def test_a_part_of_the_rows_keeps_its_nulls(there, part):
    view = vb.from_arrow(there, nulls="ignore")[part]
    want = there.take(list(range(4))[part])
    back = pa.array(view)
    assert back.type == there.type and back.to_pylist() == want.to_pylist()
    shared = part.step in (None, 1)
    assert vb.explain(view, "Arrow").shared == shared
    if shared and (there.type != pa.bool_() and not there.null_count):
        assert addresses(back) == addresses(there[part])


def test_axes_of_a_tensor_may_change_places():
    there = ARRAYS["tensors"]
    back = pa.array(vb.asview(there).transpose(0, 2, 1))
    assert back.type == pa.fixed_shape_tensor(pa.float32(), [3, 4], permutation=[1, 0])
    assert addresses(back) == addresses(there)
    assert np.array_equal(back.to_tensor(), there.to_numpy_ndarray().transpose(0, 2, 1))


def test_what_is_no_row_any_more_is_an_array_of_its_own():
    view = vb.asview(pa.array([1, 2, 3, 4]))
    assert pa.array(view.reshape(2, 2)).to_pylist() == [[1, 2], [3, 4]]
    assert pa.array(view.view("u8")).type == pa.uint64()
    times = vb.asview(ARRAYS["durations"])
    assert pa.array(times).type == pa.duration("ms") and pa.array(times.storage()).type == pa.int64()
    assert pa.array(times.copy()).type == pa.duration("ms")


def test_nulls_are_not_lost_in_silence():
    view = vb.from_arrow(pa.array([1, None, 3, 4]), nulls="ignore")
    for changed in [view.reshape(2, 2), view.view("u8"), vb.sliding_window_view(view, 2)]:
        with pytest.raises(BufferError, match="1 null cannot follow"):
            pa.array(changed)
        prediction = vb.explain(changed, "Arrow")
        assert prediction.outcome == "refused" and "null" in prediction.reasons[0]
        with pytest.raises(BufferError, match="null"):
            changed.prepare("Arrow")
    assert pa.array(view.copy()).null_count == 0


def test_other_libraries_on_the_way_lose_what_they_cannot_say():
    view = vb.asview(np.from_dlpack(vb.asview(ARRAYS["tensors"])))
    assert pa.types.is_fixed_size_list(pa.array(view).type)


class Lies:
    """DLPack of one array, Arrow of another."""

    def __init__(self, array, arrow):
        self.array, self.arrow = array, arrow

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return (1, 0)

    def __arrow_c_array__(self, requested_schema=None):
        return self.arrow.__arrow_c_array__(requested_schema)


def test_only_the_same_memory_leads_back():
    there = np.arange(4)
    for other in [pa.array([9, 8, 7, 6]), pa.array([9, 8, 7, 6], pa.duration("s")), pa.array(["a"]), pa.array([1, None, 3, 4])]:
        view = vb.asview(Lies(there, other))
        assert view.report.door == "__dlpack__"
        if other.null_count:
            with pytest.raises(BufferError, match="null"):
                pa.array(view)
        else:
            assert pa.array(view).to_pylist() == [0, 1, 2, 3]


class TestTables:
    columns = "abc"
    matrix = np.asfortranarray(np.arange(48, dtype="f4").reshape(16, 3))

    def table(self):
        return pa.table({name: self.matrix[:, k] for k, name in enumerate(self.columns)})

    def test_columns_side_by_side_are_shared(self):
        for there in [self.table(), self.table().to_batches()[0]]:
            view = vb.asview(there, copy=False)
            assert view.shape == (16, 3) and view.strides == (4, 64) and view.report.shared
            assert view.data_ptr == self.matrix.ctypes.data and not view.flags.writeable
            assert np.array_equal(np.from_dlpack(view), self.matrix)

    def test_also_backwards(self):
        there = self.table().select(["c", "b", "a"])
        view = vb.asview(there, copy=False)
        assert view.strides == (4, -64) and np.array_equal(np.asarray(view), self.matrix[:, ::-1])

    def test_columns_elsewhere_are_put_together(self):
        apart = pa.table({"x": pa.array([1, 2, 3]), "y": pa.array([4, 5, 6])})
        for there in [apart, apart.to_batches()[0]]:
            view = vb.asview(there)
            assert np.asarray(view).tolist() == [[1, 4], [2, 5], [3, 6]]
            assert view.report.bytes_copied == 48 and view.report.reasons == ["2 pieces put together"] and view.flags.f_contiguous
            with pytest.raises(BufferError, match="2 columns lie apart in memory"):
                vb.asview(there, copy=False)

    def test_a_slice_has_gaps_that_nobody_vouches_for(self):
        view = vb.asview(self.table().slice(2, 5))
        assert not view.report.shared and np.array_equal(np.asarray(view), self.matrix[2:7])

    def test_chunks(self):
        there = pa.concat_tables([self.table(), self.table().slice(0, 0), self.table().slice(3)])
        view = vb.asview(there)
        assert np.array_equal(np.asarray(view), np.concatenate([self.matrix, self.matrix[3:]]))
        assert view.report.reasons == ["3 pieces put together", "in 2 chunks"]
        with pytest.raises(BufferError, match="2 chunks"):
            vb.from_arrow(there, copy=False)

    def test_one_column_keeps_its_way_back(self):
        there = pa.record_batch({"x": pa.array([1, 2, 3])})
        view = vb.asview(there)
        assert view.shape == (3, 1) and view.report.shared
        assert pa.record_batch(view).equals(there) and pa.record_batch(view[1:]).equals(there[1:])

    def test_bits_become_bytes(self):
        there = pa.table({"x": [True, False] * 9, "y": [False, True] * 9})
        view = vb.asview(there)
        assert view.dtype == "?" and np.asarray(view).tolist() == [[True, False], [False, True]] * 9

    def test_times_keep_their_meaning(self):
        there = pa.table({"x": pa.array([1, 2], pa.timestamp("ms")), "y": pa.array([3, 4], pa.timestamp("ms"))})
        assert np.asarray(vb.asview(there)).dtype == np.dtype("M8[ms]")

    def test_without_rows(self):
        assert vb.asview(self.table().slice(0, 0)).shape == (0, 3)
        assert vb.asview(pa.table({"x": pa.array([], pa.int8())})).shape == (0, 1)

    def test_nulls(self):
        there = pa.table({"x": [1, None], "y": [3, 4]})
        with pytest.raises(ValueError, match="1 null in a table"):
            vb.asview(there)
        assert vb.from_arrow(there, nulls="ignore")[1, 1] == 4
        whole = pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["x", "y"], mask=pa.array([True, False]))
        with pytest.raises(ValueError, match="1 null"):
            vb.asview(whole)

    def test_what_is_no_matrix(self):
        for there, words in [
            (pa.table({"x": [1], "y": [2.0]}), '"y" is of type float64, and "x" of int64'),
            (pa.table({}), "without columns"),
            (pa.table({"x": pa.array([[1, 2]], pa.list_(pa.int8(), 2)), "y": pa.array([[1, 2]], pa.list_(pa.int8(), 2))}), "axes of its own"),
        ]:
            with pytest.raises(TypeError, match=words):
                vb.asview(there)
        for there in [pa.table({"x": ["a"]}), pa.table({"x": [[1], [1, 2]]})]:
            with pytest.raises((TypeError, ValueError)):
                vb.asview(there)

    def test_frames_of_other_libraries(self):
        pl = pytest.importorskip("polars")
        frame = pl.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
        assert np.asarray(vb.asview(frame)).tolist() == [[1, 3], [2, 4]]
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
        assert np.asarray(vb.asview(frame)).tolist() == [[1, 3], [2, 4]]
