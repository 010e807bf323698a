"""A virtual clock, and event loops that live by it: one for each simulated process.

Time passes only when nobody has anything to do; then the clock jumps to the next timer. Callbacks
of one moment run in the order in which they were scheduled.
"""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from random import Random
from typing import Any, TypeVar, cast

T = TypeVar("T")

START_S = 1000.0
THREAD_SWITCH_S = 0.00005


class Handle:
    """A callback that is to run, in a process or, where `process` is None, outside all of them."""

    __slots__ = ("args", "callback", "cancelled", "process")

    def __init__(
        self, process: "Process | None", callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self.process = process
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """The clock (`now`, in seconds), the callbacks that are due, and the only source of chance."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now = START_S
        self.troubles: list[str] = []
        self.over = False
        # What happened, in words; None where nobody will read it.
        self.story: list[str] | None = None
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = 0
        self._running: Process | None = None

    def note(self, what: str, *details: object) -> None:
        if self.story is not None:
            self.story.append(f"{self.now - START_S:8.4f}  {what.format(*details)}")

    def soon(
        self, process: "Process | None", callback: Callable[..., object], *args: Any
    ) -> Handle:
        handle = Handle(process, callback, args)
        self._ready.append(handle)
        return handle

    def at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        process: "Process | None" = None,
    ) -> Handle:
        handle = Handle(process, callback, args)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def after(self, delay_s: float, callback: Callable[..., object], *args: Any) -> Handle:
        return self.at(self.now + delay_s, callback, *args)

    def run(self, done: Callable[[], bool], until: float) -> bool:
        """Lets time pass until `done` is true; returns False if it is not by `until`."""
        try:
            self._run_ready()
            while not done():
                if not self._timers or self._timers[0][0] > until:
                    return False
                when, _, handle = heapq.heappop(self._timers)
                if handle.cancelled:
                    continue
                self.now = max(self.now, when)
                self._ready.append(handle)
                self._run_ready()
            return True
        finally:
            self._running = None
            events._set_running_loop(None)

    def end(self, processes: Iterable["Process"]) -> None:
        """Ends what is left of every process, without consequences."""
        self.over = True
        for process in processes:
            process.resurrect()
            for task in process.started:
                task.cancel()
        try:
            self._run_ready()
        finally:
            self._running = None
            events._set_running_loop(None)

    def _run_ready(self) -> None:
        ready = self._ready
        while ready:
            handle = ready.popleft()
            if handle.cancelled:
                continue
            process = handle.process
            if process is not None and not process.running:
                process.hold(handle)
                continue
            if process is not None and process is not self._running:
                self._running = process
                events._set_running_loop(process._loop)
            handle.callback(*handle.args)


class Process:
    """The event loop of one simulated process, which can be paused and killed.

    What is due in a paused process happens when it is resumed; in a killed one, never. It has only
    what the product and asyncio ask of a loop.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.running = True
        self.killed = False
        self.on_signal: dict[int, Callable[[], object]] = {}
        self._held: list[Handle] = []
        self.started: list[asyncio.Task[Any]] = []
        self._loop = cast(asyncio.AbstractEventLoop, self)

    def thread_s(self) -> float:
        """Returns how long a thread's work takes."""
        return 0.0

    def pause(self) -> None:
        self.running = False

    def resume(self) -> None:
        if not self.killed:
            self.running = True
            held, self._held = self._held, []
            self.world._ready.extend(held)

    def kill(self) -> None:
        self.running, self.killed = False, True
        self._held.clear()

    def hold(self, handle: Handle) -> None:
        if not self.killed:
            self._held.append(handle)

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Begins the process's main task."""
        task = self.create_task(work)
        self.started.append(task)
        return task

    def resurrect(self) -> None:
        """Lets a killed process run again, only to clean up at the end."""
        self.killed = False
        self.resume()

    # --- what asyncio asks of a loop ---------------------------------------------------

    def time(self) -> float:
        return self.world.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        return self.world.soon(self, callback, *args)

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Handle:
        return self.world.at(self.world.now + delay, callback, *args, process=self)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Handle:
        return self.world.at(when, callback, *args, process=self)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self._loop)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Any = None
    ) -> "asyncio.Task[T]":
        return asyncio.Task(coro, loop=self._loop, name=name)

    def run_in_executor(
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Runs the call in a thread's place: it takes `thread_s` seconds, and a moment more."""
        future = self.create_future()
        self.call_later(self.thread_s(), self._work, future, func, args)
        return future

    def _work(self, future: "asyncio.Future[T]", func: Callable[..., T], args: Any) -> None:
        try:
            result, error = func(*args), None
        except Exception as raised:
            result, error = None, raised
        self.call_later(THREAD_SWITCH_S, _settle, future, result, error)

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        self.on_signal[sig] = lambda: callback(*args)

    def signal(self, sig: int) -> None:
        if sig in self.on_signal:
            self.call_soon(self.on_signal[sig])

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.world.over:
            self.world.troubles.append(f"{self.name}: {context.get('message')}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self.running

    def is_closed(self) -> bool:
        return False


def _settle(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
