"""pyarrow's own DLPack tests, which ship in its wheel, with every exchange routed through a view: from pyarrow to NumPy, and from NumPy to pyarrow."""

import numpy as np
import pytest

import viewbridge as vb

pa = pytest.importorskip("pyarrow")
theirs = pytest.importorskip("pyarrow.tests.test_dlpack")

from pyarrow.tests.test_dlpack import *  # noqa: E402, F403 — the tests themselves

# As in pyarrow's own suite: some of its tests ask for what it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Exporting an unversioned DLPack capsule")


class Numpy:
    """NumPy, with a view in between."""

    @staticmethod
    def from_dlpack(x, /, **keywords):
        return np.from_dlpack(vb.from_dlpack(x), **keywords)

    def __getattr__(self, name):
        return getattr(np, name)


class Routed(type):
    """A class of pyarrow's, whose `from_dlpack` has a view in between."""

    def __getattr__(cls, name):
        return getattr(cls.real, name)

    def __instancecheck__(cls, instance):
        return isinstance(instance, cls.real)

    def from_dlpack(cls, x, /, **keywords):
        return cls.real.from_dlpack(vb.from_dlpack(x) if hasattr(x, "__dlpack__") else x, **keywords)


class Pyarrow:
    Array = Routed("Array", (), {"real": pa.Array})
    Tensor = Routed("Tensor", (), {"real": pa.Tensor})
    FixedShapeTensorArray = Routed("FixedShapeTensorArray", (), {"real": pa.FixedShapeTensorArray})

    def __getattr__(self, name):
        return getattr(pa, name)


@pytest.fixture(autouse=True)
def routed(monkeypatch):
    monkeypatch.setattr(theirs, "np", Numpy())
    monkeypatch.setattr(theirs, "pa", Pyarrow())
