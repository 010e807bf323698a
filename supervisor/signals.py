"""Signals: they are only noted, and the loop acts."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
DEFERRED = (*SIGNALS, signal.SIGHUP)


def dies_with_terminal() -> bool:
    """Whether SIGHUP reaches this process; not under nohup."""
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


class Stop:
    """A stop that was asked for, once or more urgently; `wake` hears of each signal."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._asked = asyncio.Event()
        self._signals = 0
        self._hung_up = False

    @property
    def signalled(self) -> bool:
        return self._signals > 0

    @property
    def urgent(self) -> bool:
        """Somebody has lost patience."""
        return self._signals > 1

    def hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._note)
        if dies_with_terminal():
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        loop.add_signal_handler(signal.SIGCHLD, self._wake)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, DEFERRED)

    def end_work(self) -> None:
        """As a signal does, but there is nothing to be stopped."""
        self._asked.set()

    def defer_signals(self) -> None:
        """Whoever hears them next in this process hears those of the meantime, too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)

    def _note(self) -> None:
        self._signals += 1
        self._asked.set()
        self._wake()

    def _hang_up(self) -> None:
        """The terminal is gone: the shell says so, then the kernel does. That is no haste."""
        if not self._hung_up:
            self._hung_up = True
            self._note()

    async def stops(self, *work: Coroutine[Any, Any, None]) -> None:
        """Until a stop is asked for, or some of the work fails, or all of it is done."""
        stop: asyncio.Task[Any] = asyncio.create_task(self._asked.wait())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(each) for each in work]
        pending = set(tasks)
        try:
            while pending and not stop.done():
                done, _ = await asyncio.wait({stop, *pending}, return_when=asyncio.FIRST_COMPLETED)
                pending -= done
                for task in done:
                    task.result()
        finally:
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, *tasks, return_exceptions=True)
