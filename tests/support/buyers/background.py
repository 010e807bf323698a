"""Work that goes on in threads of its own while a test does something else."""

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self


class Background:
    """Runs each job in a thread inside a `with` block; `stop` is set at its end.

    A job has to return within `patience_s` after that.
    """

    def __init__(self, jobs: Iterable[Callable[[], None]], patience_s: float = 30.0) -> None:
        self.stop = threading.Event()
        self._patience_s = patience_s
        self._threads = [threading.Thread(target=job) for job in jobs]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(self._patience_s)
