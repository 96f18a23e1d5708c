"""Producers that lie, and producers that die: errors are exceptions, and deleters run once."""

import ctypes
import gc
import subprocess
import sys
import threading

import numpy as np
import pytest

import viewbridge as vb
from producers import LIES, Legacy, Producer, Versioned, new_capsule


@pytest.mark.parametrize("kind", [Versioned, Legacy])
def test_an_honest_one(kind):
    producer = Producer(kind)
    view = vb.from_dlpack(producer)
    assert view.shape == (4, 6) and view[3, 5] == 23.0
    assert view.data_ptr == ctypes.addressof(producer.items)
    slices = [view[k] for k in range(4)]
    del view
    assert producer.deleted == 0
    del slices
    assert producer.deleted == 1


@pytest.mark.parametrize("lie", LIES, ids=str)
@pytest.mark.parametrize("door", [vb.asview, vb.from_dlpack])
def test_lies_are_exceptions(lie, door):
    producer = Producer(**lie)
    with pytest.raises((BufferError, ValueError)):
        door(producer)
    gc.collect()
    assert producer.deleted == 1


def test_what_is_odd_but_legal():
    for odd in [{"shape": (0, 6)}, {"shape": (0, 6), "data": None}, {"strides": (-6, 1), "byte_offset": 72}, {"strides": (0, 0)}, {"minor": 99}, {"flags": 2**63}, {"code": 99}]:
        producer = Producer(**odd)
        view = vb.from_dlpack(producer)
        repr(view)
        del view
        assert producer.deleted == 1, odd
    view = vb.from_dlpack(Producer(Legacy, strides=None))
    assert view.strides == (24, 4)
    assert vb.from_dlpack(Producer(minor=1, strides=None)).strides == (24, 4)
    forever = Producer(deleter=False)
    assert vb.from_dlpack(forever)[0, 1] == 1.0


def test_flags():
    assert not vb.from_dlpack(Producer(flags=1)).flags.writeable
    assert vb.from_dlpack(Producer(flags=0)).flags.writeable
    copied = vb.from_dlpack(Producer(flags=2))
    assert copied.report.producer_copied is True and copied.base is None
    refused = Producer(flags=2)
    with pytest.raises(BufferError, match="copy=False"):
        vb.from_dlpack(refused, copy=False)
    assert refused.deleted == 1


def test_capsules_of_other_names():
    for name in [b"used_dltensor", b"used_dltensor_versioned"]:
        producer = Producer()
        with pytest.raises(BufferError, match="consumed already"):
            vb.from_dlpack(producer.capsule(name))
        assert producer.deleted == 0
    with pytest.raises(TypeError):
        vb.from_dlpack(Producer().capsule(b"something"))


def test_memory_of_unknown_devices_passes_through():
    producer = Producer(device_type=77, device_id=3, data=64)
    view = vb.from_dlpack(producer)
    assert view.__dlpack_device__() == (77, 3)
    with pytest.raises(BufferError, match="77"):
        view.tobytes()
    with pytest.raises(BufferError):
        memoryview(view)
    with pytest.raises(BufferError):
        view.copy()
    assert not hasattr(view, "__array_interface__")
    assert "77" in repr(view)
    back = vb.from_dlpack(view[1:, ::2].__dlpack__(stream=-1, max_version=(1, 3)))
    assert back.shape == (3, 3) and back.__dlpack_device__() == (77, 3)
    del view, back
    assert producer.deleted == 1


def test_broken_exchange_tables():
    """A table of another major version is stepped over; a list without an end, or functions that are not there, are no table."""

    class Table(ctypes.Structure):
        _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("prev", ctypes.c_void_p)] + [(f"f{k}", ctypes.c_void_p) for k in range(5)]

    newer = Table(2, 0, None)
    endless = Table(3, 0, None)
    endless.prev = ctypes.addressof(endless)
    hollow = Table(1, 0, None)
    for table in [newer, endless, hollow]:

        class Has(Producer):
            __dlpack_c_exchange_api__ = new_capsule(ctypes.addressof(table), b"dlpack_exchange_api", None)

        producer = Has()
        assert vb.from_dlpack(producer).report.door == "__dlpack__"

    @ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
    def fail(object_, out):
        return -1

    pointer = ctypes.cast(fail, ctypes.c_void_p)
    failing = Table(1, 3, None, pointer, pointer, pointer, None, pointer)

    class Fails(Producer):
        __dlpack_c_exchange_api__ = new_capsule(ctypes.addressof(failing), b"dlpack_exchange_api", None)

    with pytest.raises(RuntimeError, match="without an exception"):
        vb.from_dlpack(Fails())


def test_two_threads_race_for_a_capsule():
    for _ in range(50):
        producer = Producer()
        capsule, taken = producer.capsule(), []

        def race():
            try:
                taken.append(vb.from_dlpack(capsule))
            except BufferError:
                pass

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 1
        taken.clear()
        del capsule
        assert producer.deleted == 1


# Lifetimes -------------------------------------------------------------------------------------------------------------


def test_a_view_dies_on_another_thread():
    for make in [lambda a: vb.asview(a), lambda a: vb.asview(memoryview(a)), lambda a: vb.asview(a).__dlpack__()]:
        there = np.arange(6.0)
        before = sys.getrefcount(there)
        held = [make(there)]
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        gc.collect()
        assert sys.getrefcount(there) == before


def test_a_deleter_runs_during_an_exception():
    producer = Producer()

    def fails():
        view = vb.from_dlpack(producer).__dlpack__(max_version=(1, 3))
        raise KeyError(view and 1)

    with pytest.raises(KeyError) as caught:
        fails()
    del caught
    gc.collect()
    assert producer.deleted == 1


def test_an_exception_on_its_way_survives_what_dies_meanwhile():
    """A deleter in Python would see the exception, and fail, or lose it."""
    for make in [vb.asview, lambda p: vb.asview(p)[1:], lambda p: vb.asview(p).__dlpack__(), lambda p: vb.asview(p).__arrow_c_array__()]:
        producer = Producer()
        with pytest.raises(ZeroDivisionError):
            (make(producer), 1 / 0)
        assert producer.deleted == 1


SHUTDOWN = """
import {library}
import viewbridge as vb
import threading, time, sys
{setup}
{keep}
"""

SETUPS = {
    "numpy": ("numpy as np", "there = np.arange(1000.0)"),
    "buffer": ("array", "there = array.array('d', range(1000))"),
    "torch": ("torch", "there = torch.arange(1000.0)"),
    "pyarrow": ("pyarrow as pa", "there = pa.array(range(1000))"),
    "jax": ("jax", "there = jax.numpy.arange(1000)"),
    "interface": ("numpy as np", "class O: pass\nthere = O(); there.keep = np.arange(9.0); there.__array_interface__ = there.keep.__array_interface__"),
}

KEEPS = {
    "global": "view = vb.asview(there); other = vb.asview(view)",
    "in a module": "sys.kept = vb.asview(there)",
    "in a cycle": "class C: pass\nc = C(); c.c = c; c.view = vb.asview(there); c.capsule = vb.asview(there).__dlpack__(max_version=(1, 3))",
    "in a daemon thread": "view = vb.asview(there)\ndef run():\n    mine = view[:]\n    while True:\n        mine = vb.asview(mine[::-1]); mine.__dlpack__(max_version=(1, 3))\nthreading.Thread(target=run, daemon=True).start(); time.sleep(0.05)",
    "in atexit": "import atexit; view = vb.asview(there); atexit.register(lambda: view.copy().tolist())",
}


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("setup", SETUPS)
def test_the_interpreter_ends(setup, keep):
    library, lines = SETUPS[setup]
    pytest.importorskip(library.split()[0])
    if keep == "in a daemon thread" and setup in ("torch", "jax", "pyarrow"):
        pytest.skip("one library is enough to see the thread die")
    program = SHUTDOWN.format(library=library, setup=lines, keep=KEEPS[keep])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert b"panic" not in done.stderr


# Balance ---------------------------------------------------------------------------------------------------------------


def rounds(there):
    view = vb.asview(there)
    np.from_dlpack(view)
    memoryview(view)
    view[::2].T.__dlpack__(max_version=(1, 0))
    try:
        view.__dlpack__(max_version=(1, 0), dl_device=(2, 0))
    except BufferError:
        pass
    try:
        vb.from_dlpack(view.__dlpack__(max_version=(1, 0)), device=(9, 9))
    except BufferError:
        pass


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_references_and_memory_balance_over_many_rounds():
    there = np.arange(64.0)
    words = ["i4", "f8"]
    pa = pytest.importorskip("pyarrow")
    column = pa.array(range(64))
    for k in range(2_000):
        rounds(there)
    references, before, capacity = sys.getrefcount(there), resident(), sys.getrefcount(column)
    for k in range(100_000):
        rounds(there)
        if k % 10 == 0:
            pa.array(vb.from_arrow(column))
            vb.DType(words[k % 2])
            vb.asview(there).copy()
    assert sys.getrefcount(there) == references
    assert sys.getrefcount(column) == capacity
    assert resident() - before < 4 << 20
