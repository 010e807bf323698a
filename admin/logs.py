"""`admin log`: the entries of every process, looked up in ZooKeeper."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from admin.printable import printable
from core.errors import NoSuchProcess, Unavailable, ZkticketError
from core.eventlog import ring
from core.eventlog.query import Query
from core.eventlog.ring import RingSlot, SourcedEntry
from core.machine import private_files
from core.zookeeper.client import ZooKeeper

POLL_S = 0.5


@dataclass
class Reader:
    """Reads the log on from where it read last, and remembers the slots that are damaged."""

    zk: ZooKeeper
    damage: dict[str, ZkticketError] = field(default_factory=dict)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def news(self, query: Query) -> list[SourcedEntry]:
        """The wanted entries that were not returned before, in the order of time.

        Raises `Unavailable`.
        """
        found: list[SourcedEntry] = []
        for source in await ring.sources(self.zk):
            if not query.sources or source in query.sources:
                found += filter(query.wants, await self._news_of(source))
        return sorted(found, key=lambda entry: entry.entry.at)

    async def _news_of(self, source: str) -> list[SourcedEntry]:
        number, seen = self._places.get(source, (0, 0))
        slots = await ring.read(self.zk, source, number)
        if not slots:  # deleted meanwhile: begin anew
            self._places.pop(source, None)
            return []
        self._note_damage(slots)
        self._places[source] = (slots[-1].number, len(slots[-1].entries))
        entries = [entry for slot in slots for entry in slot.entries]
        return entries[seen:] if slots[0].number == number else entries

    def _note_damage(self, slots: Iterable[RingSlot]) -> None:
        for slot in slots:
            if slot.damage is not None:
                self.damage[slot.damage.path] = slot.damage


async def expect_sources(zk: ZooKeeper, names: Iterable[str]) -> None:
    """Raises `NoSuchProcess` for the first that has written nothing, `Unavailable`."""
    known = sorted(await ring.sources(zk))
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none"
            raise NoSuchProcess(f"the log has no process {name!r}; it has: {there}")


async def follow(reader: Reader, query: Query) -> AsyncIterator[SourcedEntry]:
    """The wanted entries as they are written, for ever; waits out an absent ZooKeeper."""
    while True:
        with suppress(Unavailable):
            for found in await reader.news(query):
                yield found
        await asyncio.sleep(POLL_S)


def line(found: SourcedEntry) -> str:
    """An entry as one line in local time, like `2026-11-22 12:03:04.123 worker-1  info  …`."""
    entry = found.entry
    when = datetime.fromtimestamp(entry.at).isoformat(" ", "milliseconds")
    orders = f" [{' '.join(entry.orders)}]" if entry.orders else ""
    text = printable(f"{entry.event}: {entry.text}{orders}")
    return f"{when} {printable(found.source):<12} {printable(entry.level):<7} {text}"


def export(found: Iterable[SourcedEntry], directory: Path) -> list[Path]:
    """Writes one `<source>.log` for each source: buyers' names, so for its user's eyes only.

    Raises `ZkticketError`.
    """
    by_source: dict[str, list[str]] = {}
    for entry in found:
        by_source.setdefault(entry.source, []).append(line(entry))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return list(_write(by_source, directory))
    except OSError as error:
        raise ZkticketError(f"cannot write to {directory}: {error.strerror}") from None


def _write(by_source: dict[str, list[str]], directory: Path) -> Iterator[Path]:
    for source, entries in sorted(by_source.items()):
        path = directory / f"{source}.log"
        private_files.write(path, "".join(f"{entry}\n" for entry in entries).encode())
        yield path


def local_files(logs_dir: Path) -> str:
    """Where a person may look while ZooKeeper is away."""
    names = sorted(path.name for path in logs_dir.glob("*.log"))
    return f"{logs_dir}: {', '.join(names)}" if names else f"{logs_dir} (none yet)"
