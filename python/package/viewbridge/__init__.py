"""One view of any array's memory, shared with every array library, and an exact answer to whether a hand-over copies."""

from ._viewbridge import View, __version__, asview, from_dlpack

__all__ = ["View", "__version__", "asview", "from_dlpack"]
