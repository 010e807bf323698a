"""Selects log entries, and finds the latest of them."""

import logging
import re

import msgspec

from core.errors import WrongUsage
from core.eventlog.ring import SourcedEntry, read_slots, slot_numbers, sources
from core.schema.records import LogEntry
from core.zookeeper.client import ZooKeeper

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Slots are read backwards: so many per source at once, and so many in all.
STRIDE = 8
MOST_SLOTS = 512


class Query(msgspec.Struct, frozen=True):
    """A search for entries. `since` is in Unix seconds, `level` a number of `logging`.

    `order` is an order's id, or what the ids with its number begin with.
    """

    sources: frozenset[str] = frozenset()
    level: int = 0
    since: float = 0.0
    pattern: re.Pattern[str] | None = None
    order: str = ""

    def wants(self, found: SourcedEntry) -> bool:
        entry = found.entry
        return (
            (not self.sources or found.source in self.sources)
            and level_number(entry.level) >= self.level
            and entry.at >= self.since
            and (self.pattern is None or self.pattern.search(f"{entry.event}: {entry.text}"))
            is not None
            and (not self.order or self._is_about(entry))
        )

    def _is_about(self, entry: LogEntry) -> bool:
        ids = any(id_.startswith(self.order) for id_ in entry.orders)
        return ids or self.order in entry.text


def level_number(name: str) -> int:
    """Returns the number of a level's name; an unknown one counts as `info`."""
    return logging.getLevelNamesMapping().get(name.upper(), logging.INFO)


def seconds(duration: str) -> float:
    """Reads a duration like `30s`, `10m`, `2h` or `1d`. Raises `WrongUsage`."""
    found = re.fullmatch(r"(\d{1,9})([smhd])", duration)
    if found is None:
        raise WrongUsage(f"--since is {duration!r}; write it like 30s, 10m, 2h or 1d")
    return float(found[1]) * UNITS_S[found[2]]


def pattern(text: str) -> re.Pattern[str]:
    """Compiles the regular expression of `--grep`. Raises `WrongUsage`."""
    try:
        return re.compile(text)
    except re.error as error:
        raise WrongUsage(f"--grep {text!r} is no regular expression: {error}") from None


class LogMatches(msgspec.Struct, frozen=True):
    """The latest matching entries, newest first; `whole` if no older ones were left out."""

    entries: tuple[SourcedEntry, ...]
    whole: bool


async def latest(zk: ZooKeeper, query: Query, most: int) -> LogMatches:
    """Finds the latest `most` matching entries of all sources, however long the log is.

    Reads `MOST_SLOTS` znodes at the most, the newest first. Raises `Unavailable`.
    """
    names = [name for name in await sources(zk) if not query.sources or name in query.sources]
    share = max(STRIDE, MOST_SLOTS // max(1, len(names)))
    found = [await _latest_of(zk, name, query, most, share) for name in names]
    entries = sorted(
        (each for part in found for each in part.entries), key=lambda found: -found.entry.at
    )
    whole = all(part.whole for part in found) and len(entries) <= most
    return LogMatches(tuple(entries[:most]), whole)


async def _latest_of(zk: ZooKeeper, source: str, query: Query, most: int, share: int) -> LogMatches:
    numbers = await slot_numbers(zk, source)
    entries: list[SourcedEntry] = []
    looked_at = 0
    while numbers and len(entries) <= most and looked_at < share:
        chunk = numbers[-STRIDE:]
        del numbers[-STRIDE:]
        slots = await read_slots(zk, source, chunk)
        looked_at += len(chunk)
        all_of = [entry for slot in slots for entry in slot.entries]
        entries += filter(query.wants, all_of)
        if all_of and all_of[0].entry.at < query.since:
            numbers.clear()
    return LogMatches(tuple(entries), whole=not numbers)
