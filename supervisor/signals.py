"""Notes signals; the loop acts on them."""

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
    """A requested stop, which a second request makes urgent; `wake` hears of each signal."""

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
        """Whether a stop was requested again."""
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
        """Ends the work like a signal, but nothing needs to be stopped."""
        self._asked.set()

    def defer_signals(self) -> None:
        """Blocks signals; the next listener in this process gets those of the meantime, too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, DEFERRED)

    def _note(self) -> None:
        self._signals += 1
        self._asked.set()
        self._wake()

    def _hang_up(self) -> None:
        """Notes that the terminal is gone: two signals, by the shell and the kernel, not urgent."""
        if not self._hung_up:
            self._hung_up = True
            self._note()

    async def stops(self, *work: Coroutine[Any, Any, None]) -> None:
        """Runs the work until a stop is requested, some of it fails, or all of it is done."""
        stop: asyncio.Future[Any] = asyncio.create_task(self._asked.wait())
        tasks = [asyncio.create_task(each) for each in work]
        all_work: asyncio.Future[Any] = asyncio.gather(*tasks)
        try:
            await asyncio.wait({stop, all_work}, return_when=asyncio.FIRST_COMPLETED)
            if all_work.done():
                all_work.result()
        finally:
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, all_work, *tasks, return_exceptions=True)
