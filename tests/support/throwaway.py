"""For whatever starts processes to throw away: a test run, a soak, a bench, the pictures."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from core.machine.reaper import MARK, reaping

PR_SET_PDEATHSIG = 1


@contextmanager
def thrown_away() -> Iterator[None]:
    """What is started inside the block is gone with this process, and this one with its `make`."""
    if "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    with reaping(os.environ) as marked:
        os.environ[MARK] = marked[MARK]
        yield
