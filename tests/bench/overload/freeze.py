"""A worker at a tenth of its speed: stopped and continued in turns."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PERIOD_S = 0.1
SHARE = 0.1


@contextmanager
def slowed(pid: int) -> Iterator[None]:
    """Lets that process run for only `SHARE` of each `PERIOD_S`, inside the block."""
    stop = threading.Event()

    def alternate() -> None:
        while not stop.is_set():
            os.kill(pid, signal.SIGSTOP)
            stop.wait(PERIOD_S * (1 - SHARE))
            os.kill(pid, signal.SIGCONT)
            stop.wait(PERIOD_S * SHARE)

    thread = threading.Thread(target=alternate)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
