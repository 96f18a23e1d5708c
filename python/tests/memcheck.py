"""All doors and all lies once, without a library but Python's own: to be run by valgrind, which sees reads of what nobody wrote or what is gone, and
leaks. `.ci/memcheck` runs it, and runs it with `--plant read` and `--plant leak`, which do so on purpose, to see that it is noticed.
"""

import array
import ctypes
import gc
import pickle
import sys
import threading

import viewbridge as vb
from producers import LIES, Legacy, Producer, Versioned


def refused(call, *arguments):
    try:
        call(*arguments)
    except (BufferError, ValueError, TypeError, IndexError, RuntimeError):
        return True
    return False


def walk(view):
    """Reads and moves every item in many layouts."""
    for part in [view, view[::-1], view.T, view[..., ::2], view[1:], view[:0], view[None]]:
        part.tolist(), part.tobytes(), repr(part), part.copy("F"), part.copy("K")
        vb.info(part), vb.explain(part)
        memoryview(part).tolist()
        part.__dlpack__(), part.__dlpack__(max_version=(1, 0)), part.__dlpack__(copy=True)
        vb.from_dlpack(part.__dlpack__(max_version=(1, 0))).tobytes()
        if part.ndim:
            part.__arrow_c_array__(), part.__arrow_c_schema__(), part.__arrow_c_stream__(), part.__arrow_c_device_array__()
            vb.from_arrow(part).tolist() if part.size else None
        pickle.loads(pickle.dumps(part, 5)), pickle.loads(pickle.dumps(part, 2))
        part.flip().reshape(-1), part.ravel("F")


def doors():
    walk(vb.asview(memoryview(array.array("f", range(24))).cast("B").cast("f", (4, 6))))
    walk(vb.asview(bytearray(b"0123456789")))
    walk(vb.frombuffer(array.array("d", range(6))))

    class Interface:
        items = (ctypes.c_int16 * 12)(*range(12))
        __array_interface__ = {"version": 3, "shape": (3, 4), "typestr": "<i2", "data": (ctypes.addressof(items), False)}

    walk(vb.asview(Interface()))
    for kind in [Versioned, Legacy]:
        producer = Producer(kind)
        walk(vb.from_dlpack(producer))
        gc.collect()
        assert producer.deleted == 1


def lies():
    for lie in LIES:
        producer = Producer(**lie)
        assert refused(vb.asview, producer), lie
        assert producer.deleted == 1, lie
    honest = Producer()
    capsule = honest.capsule()
    vb.from_dlpack(capsule)
    assert refused(vb.from_dlpack, capsule) and refused(vb.from_dlpack, 7) and refused(vb.asview, object())


def threads():
    producer = Producer()
    view = vb.from_dlpack(producer)
    held = [view[k] for k in range(4)]
    del view
    workers = [threading.Thread(target=lambda: [held.pop()].clear()) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert producer.deleted == 1


def writes():
    there = array.array("i", range(24))
    view = vb.asview(memoryview(there).cast("B").cast("i", (4, 6)))
    view[1:, ::2] = view[:-1, ::2]
    view[0] = [9] * 6
    view[..., 1] = 3
    assert there[0] == 9 and there[7] == 3


libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]


def read():
    """What is not to be done: a producer that frees its memory while a view of it lives."""
    block = libc.malloc(96)
    ctypes.memset(block, 0, 96)
    view = vb.from_dlpack(Producer(data=block))
    libc.free(block)
    view.tobytes()


def leak():
    """A tensor that nobody deletes."""
    used = b"used_dltensor_versioned"
    capsule = vb.asview(bytearray(b"0123456789")).__dlpack__(max_version=(1, 0))
    rename(capsule, used)


rename = ctypes.pythonapi.PyCapsule_SetName
rename.argtypes = [ctypes.py_object, ctypes.c_char_p]

if "--plant" in sys.argv:
    {"read": read, "leak": leak}[sys.argv[-1]]()
else:
    for part in [doors, lies, threads, writes]:
        part()
        gc.collect()
print("done")
