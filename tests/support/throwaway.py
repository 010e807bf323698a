"""Ends the processes that a test run, a soak, a bench or the pictures have started."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from core.machine.reaper import MARK, reaping

PR_SET_PDEATHSIG = 1


@contextmanager
def thrown_away() -> Iterator[None]:
    """Ends all that the block starts with this process, and this process with its `make`."""
    if "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    with reaping(os.environ) as marked:
        os.environ[MARK] = marked[MARK]
        yield
