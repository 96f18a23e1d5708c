"""Producers of DLPack tensors put together field by field, so that they can lie. Needs nothing but Python."""

import collections
import ctypes
import weakref


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    ]


class Legacy(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


# What tensors consist of outlives the Python object that made them, as long as a view may: nothing but the deleter says when that ends, which is
# itself among it.
kept = collections.deque(maxlen=1000)


class Producer:
    """A tensor put together field by field, with a deleter that counts."""

    def __init__(self, kind=Versioned, deleter=True, **fields):
        self.deleted = 0
        self.items = (ctypes.c_float * 24)(*range(24))
        shape = fields.pop("shape", (4, 6))
        strides = fields.pop("strides", (6, 1))
        self.shape = (ctypes.c_int64 * max(len(shape or ()), 1))(*(shape or ()))
        self.strides = (ctypes.c_int64 * max(len(strides or ()), 1))(*(strides or ()))
        self.kind, self.managed = kind, kind()
        tensor = self.managed.tensor
        tensor.data = ctypes.addressof(self.items)
        tensor.device_type, tensor.ndim = 1, len(shape if shape is not None else strides)
        tensor.code, tensor.bits, tensor.lanes = 2, 32, 1
        tensor.shape = None if shape is None else ctypes.addressof(self.shape)
        tensor.strides = None if strides is None else ctypes.addressof(self.strides)
        if kind is Versioned:
            self.managed.major, self.managed.minor = 1, 3
        for name, value in fields.items():
            setattr(tensor if hasattr(tensor, name) else self.managed, name, value)
        me = weakref.ref(self)

        def delete(_):
            if me() is not None:
                me().deleted += 1

        self.callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(delete)
        self.managed.deleter = ctypes.cast(self.callback, ctypes.c_void_p) if deleter else None
        kept.append((self.items, self.shape, self.strides, self.managed, self.callback))

    def capsule(self, name=None):
        self.name = name or (b"dltensor_versioned" if self.kind is Versioned else b"dltensor")
        return new_capsule(ctypes.addressof(self.managed), self.name, None)

    def __dlpack__(self, **keywords):
        return self.capsule()

    def __dlpack_device__(self):
        return (1, 0)


# None of these is a tensor.
LIES = [
    {"major": 2},
    {"major": 0},
    {"ndim": -1},
    {"ndim": 65},
    {"shape": None, "strides": (1, 1)},
    {"strides": None},
    {"data": None},
    {"shape": (-1, 6)},
    {"shape": (4, -(2**63))},
    {"shape": (2**62, 2**62)},
    {"strides": (2**62, 1)},
    {"strides": (2**60, 1)},
    {"strides": (-(2**60), 1)},
    {"byte_offset": 2**64 - 1},
    {"bits": 0},
    {"lanes": 0},
    {"code": 17, "bits": 8},
    {"code": 6, "bits": 1},
    {"code": 8, "bits": 4},
]
