"""NumPy's own DLPack tests, which ship in its wheel, with every exchange routed through a view."""

import numpy as np
import pytest
from numpy._core.tests import test_dlpack as theirs

import viewbridge as vb

direct = np.from_dlpack


def through_a_view(x, /, **keywords):
    # What a view refuses it refuses with NumPy's exception classes.
    return direct(vb.from_dlpack(x), **keywords)


class Routed:
    """NumPy, with our way in between."""

    from_dlpack = staticmethod(through_a_view)

    def __getattr__(self, name):
        return getattr(np, name)


@pytest.fixture(autouse=True)
def routed(monkeypatch):
    monkeypatch.setattr(theirs, "np", Routed())


class TestDLPack(theirs.TestDLPack):
    def test_writeable(self):
        """As theirs, but for legacy capsules: they have no word for read-only, and a view makes a versioned one of them, which is writable."""
        new, old = theirs.new_and_old_dlpack()
        assert through_a_view(new).flags.writeable
        assert not direct(old).flags.writeable
        assert through_a_view(old).flags.writeable


class TestProtocol:
    """The array API standard, `from_dlpack` and `__dlpack__`, point by point, held against the view as a producer."""

    view = staticmethod(lambda: vb.asview(np.arange(6.0).reshape(2, 3)))

    def test_keywords_only(self):
        with pytest.raises(TypeError):
            self.view().__dlpack__(None)

    def test_device_is_a_pair(self):
        assert self.view().__dlpack_device__() == (1, 0)

    @pytest.mark.parametrize("max_version", [None, (0, 0), (0, 8)])
    def test_without_version_one_the_capsule_is_legacy(self, max_version):
        assert '"dltensor"' in repr(self.view().__dlpack__(max_version=max_version))

    @pytest.mark.parametrize("max_version", [(1, 0), (1, 1), (1, 3), (1, 99), (2, 0), (100, 3)])
    def test_from_version_one_on_it_is_versioned(self, max_version):
        assert '"dltensor_versioned"' in repr(self.view().__dlpack__(max_version=max_version))

    def test_copy_true_copies(self):
        view = self.view()
        copied = vb.from_dlpack(view.__dlpack__(copy=True, max_version=(1, 3)))
        assert copied.data_ptr != view.data_ptr
        # The flag says so, hence a consumer that forbids copies refuses.
        with pytest.raises(BufferError):
            vb.from_dlpack(view.__dlpack__(copy=True, max_version=(1, 3)), copy=False)

    def test_copy_false_shares_or_refuses(self):
        view = self.view()
        assert vb.from_dlpack(view.__dlpack__(copy=False, max_version=(1, 3))).data_ptr == view.data_ptr
        swapped = vb.asview(np.arange(3, dtype=">f8"))
        with pytest.raises(BufferError, match="big-endian"):
            swapped.__dlpack__(copy=False, max_version=(1, 3))

    def test_copy_none_copies_if_needed(self):
        swapped = vb.asview(np.arange(3, dtype=">f8"))
        assert np.from_dlpack(swapped).tolist() == [0, 1, 2]

    def test_unknown_devices_are_refused(self):
        for device in [(2, 0), (8, 0), (1, 7)]:
            with pytest.raises(BufferError):
                self.view().__dlpack__(dl_device=device)

    def test_a_capsule_dies_unconsumed(self):
        array = np.arange(3.0)
        capsule = vb.asview(array).__dlpack__()
        del capsule
        assert array.tolist() == [0, 1, 2]
