"""The time as a process is told it."""

import time
from collections.abc import Callable

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """Two clocks, handed on together, so that tests and the simulation bring their own.

    `now` is the time of day in Unix seconds; `monotonic`, in seconds, never goes back.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
