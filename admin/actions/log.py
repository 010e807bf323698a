"""`admin log`, once its options are read."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import typer
from rich.text import Text

from admin import logs
from admin.actions.order_ids import order_id_of
from admin.screen.output import new_console
from admin.session import session
from core.errors import Unavailable, ZkticketError
from core.eventlog.query import Query, level_number, pattern, seconds
from core.eventlog.ring import SourcedEntry, as_json
from core.machine import streams
from core.settings import Settings

STYLES = {"warning": "yellow", "error": "red", "critical": "bold red"}


class Output:
    """Where log entries go: the terminal, JSON lines, or a file for each source."""

    def __init__(self, as_json: bool, directory: Path | None) -> None:
        self._as_json = as_json
        self._directory = directory

    def write(self, found: list[SourcedEntry]) -> None:
        if self._directory is not None:
            for path in logs.export(found, self._directory):
                streams.tell(str(path))
        elif self._as_json:
            for entry in found:
                typer.echo(as_json(entry))
        else:
            console = new_console(soft_wrap=True)
            for entry in found:
                style = STYLES.get(entry.entry.level, "")
                console.print(Text(logs.line(entry), style=style))


def look_up(
    settings: Settings, query: Query, output: Output, tail: int | None, follow: bool
) -> None:
    """Prints the wanted entries, and with `follow` those that come, until Ctrl-C."""
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_look_up(settings, query, output, tail, follow))
    except Unavailable as error:
        here = logs.local_files(settings.logs_dir)
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
        order="" if order is None else order_id_of(order),
    )


async def _look_up(
    settings: Settings, query: Query, output: Output, tail: int | None, follow: bool
) -> None:
    async with session(settings) as zk:
        await logs.expect_sources(zk, query.sources)
        reader = logs.Reader(zk)
        found = await reader.news(query)
        output.write(found if tail is None else found[max(0, len(found) - tail) :])
        for damage in reader.damage.values():
            typer.echo(f"skipped: {damage}", err=True)
        if follow:
            async for entry in logs.follow(reader, query):
                output.write([entry])
