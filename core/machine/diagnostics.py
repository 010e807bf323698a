"""The lines that a process writes about itself, in its own log file."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

FORMAT = "%(asctime)s %(levelname)s %(message)s"
# A client that can't reach ZooKeeper says so several times a second, for as long as that lasts.
MOST = 10
PERIOD_S = 60.0
MOST_KINDS = 256
MOST_COMPARED = 200
OURS = "zkticket"
# What differs from one line to the next: counts, times, ports, sessions.
VARIES = re.compile(r"(0x)?[0-9a-f]*\d[0-9a-f]*")


def begin(clock: Callable[[], float]) -> None:
    """Writes log lines to stderr from now on; `clock` is monotonic."""
    _begin(logging.INFO, FORMAT, clock)


def begin_warnings(clock: Callable[[], float]) -> None:
    """Writes warnings only, without a prefix: for a process that people may be looking at.

    Drops kazoo's: while servers start, connections break, and that is no news.
    """
    kazoo = logging.getLogger("kazoo")
    kazoo.addHandler(logging.NullHandler())
    kazoo.propagate = False
    _begin(logging.WARNING, "%(message)s", clock)


def _begin(level: int, format_: str, clock: Callable[[], float]) -> None:
    logging.basicConfig(level=level, format=format_)
    for handler in logging.getLogger().handlers:
        handler.addFilter(Repeats(clock))


@dataclass
class _Kind:
    """Lines that differ in figures only, in one period."""

    since: float
    lines: int = 0


class Repeats(logging.Filter):
    """Lets so many lines of a kind pass in a minute, and counts the others in the next one.

    Our own lines all pass: each tells of something that happened to somebody.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] == OURS:
            return True
        now, text = self._clock(), record.getMessage()
        name = f"{record.name} {VARIES.sub('#', text[:MOST_COMPARED])}"
        kind = self._kinds.get(name)
        if kind is None or now - kind.since >= PERIOD_S:
            withheld = max(0, kind.lines - MOST) if kind else 0
            kind = self._begin(name, now)
            if withheld:
                record.msg, record.args = f"{text} (and {withheld} more like this before)", ()
        kind.lines += 1
        return kind.lines <= MOST

    def _begin(self, name: str, now: float) -> _Kind:
        self._kinds.pop(name, None)
        if len(self._kinds) >= MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        return self._kinds.setdefault(name, _Kind(now))
