"""`admin log`: the entries of every process, looked up in ZooKeeper."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
import typer
from rich.text import Text

from admin.printable import printable
from admin.screen import output
from admin.zookeeper_session import session
from core.errors import NoSuchProcess, Unavailable, ZkticketError
from core.eventlog import ring
from core.eventlog.query import Query, level_number, pattern, seconds
from core.eventlog.ring import RingSlot, SourcedEntry
from core.machine import private_files, streams
from core.schema.order_number import typed_number
from core.settings import Settings
from core.store.orders import order_id_of
from core.zookeeper.client import ZooKeeper

POLL_S = 0.5
STYLES = {"warning": "yellow", "error": "red", "critical": "bold red"}


class LogWriter(msgspec.Struct, frozen=True):
    """Writes log entries to stdout, as lines or as JSON, or to a file for each source."""

    as_json: bool
    directory: Path | None

    def write(self, found: list[SourcedEntry]) -> None:
        """Raises `ZkticketError`."""
        if self.directory is not None:
            for path in export(found, self.directory):
                streams.tell(str(path))
        elif self.as_json:
            for entry in found:
                typer.echo(ring.as_json(entry))
        else:
            console, escape = output.new_console(soft_wrap=True), output.escape()
            for entry in found:
                style = STYLES.get(entry.entry.level, "")
                console.print(Text(escape(line(entry)), style=style))


def look_up(
    settings: Settings, query: Query, writer: LogWriter, tail: int | None, follow: bool
) -> None:
    """Writes the wanted entries, and with `follow` those that come, until Ctrl-C."""
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_look_up(settings, query, writer, tail, follow))
    except Unavailable as error:
        here = local_files(settings.logs_dir)
        raise ZkticketError(f"{error} The processes' own logs are in {here}") from None


def query_of(
    sources: list[str], level: str, since: str | None, grep: str | None, order: str | None
) -> Query:
    """Makes a query of options. Raises `WrongUsage`, `NoSuchOrder`."""
    return Query(
        sources=frozenset(sources),
        level=level_number(level),
        since=time.time() - seconds(since) if since else 0.0,
        pattern=pattern(grep) if grep else None,
        order="" if order is None else _order(order),
    )


def _order(text: str) -> str:
    """Reads an order's id, or what ids with that number begin with. Raises `NoSuchOrder`."""
    typed = typed_number(text)
    return order_id_of(text) if typed is None else typed.digits


async def _look_up(
    settings: Settings, query: Query, writer: LogWriter, tail: int | None, follow: bool
) -> None:
    async with session(settings) as zk:
        await _expect_sources(zk, query.sources)
        reader = Reader(zk)
        found = await reader.news(query)
        writer.write(found if tail is None else found[max(0, len(found) - tail) :])
        for damage in reader.damage.values():
            typer.echo(f"skipped: {damage}", err=True)
        if follow:
            async for entry in _news(reader, query):
                writer.write([entry])


async def _news(reader: "Reader", query: Query) -> AsyncIterator[SourcedEntry]:
    """Yields new entries for ever; waits while ZooKeeper is away."""
    while True:
        with suppress(Unavailable):
            for found in await reader.news(query):
                yield found
        await asyncio.sleep(POLL_S)


@dataclass
class Reader:
    """Reads what is new in the log since the last time, and remembers damaged slots."""

    zk: ZooKeeper
    damage: dict[str, ZkticketError] = field(default_factory=dict)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def news(self, query: Query) -> list[SourcedEntry]:
        """Returns the wanted entries that were not returned before, the oldest first.

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


async def _expect_sources(zk: ZooKeeper, names: Iterable[str]) -> None:
    """Raises `NoSuchProcess` for a process that has written nothing; `Unavailable`."""
    known = sorted(await ring.sources(zk))
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none"
            raise NoSuchProcess(f"the log has no process {name!r}; it has: {there}")


def line(found: SourcedEntry) -> str:
    """Writes an entry in local time, like `2026-11-22 12:03:04.123 worker-1  info  …`."""
    entry = found.entry
    when = datetime.fromtimestamp(entry.at).isoformat(" ", "milliseconds")
    orders = f" [{' '.join(entry.orders)}]" if entry.orders else ""
    return f"{when} {found.source:<12} {entry.level:<7} {entry.event}: {entry.text}{orders}"


def export(found: Iterable[SourcedEntry], directory: Path) -> list[Path]:
    """Writes one `<source>.log` for each source, which only the user can read: it has names.

    Raises `ZkticketError`.
    """
    by_file: dict[Path, list[str]] = {}
    for entry in found:
        lines = by_file.setdefault(directory / f"{entry.source}.log", [])
        lines.append(f"{printable(line(entry))}\n")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, lines in by_file.items():
            private_files.write(path, "".join(lines).encode())
    except OSError as error:
        raise ZkticketError(f"cannot write to {directory}: {error.strerror}") from None
    return sorted(by_file)


def local_files(logs_dir: Path) -> str:
    """Names the files where a person may look while ZooKeeper is away."""
    names = sorted(path.name for path in logs_dir.glob("*.log"))
    return f"{logs_dir}: {', '.join(names)}" if names else f"{logs_dir} (none yet)"
