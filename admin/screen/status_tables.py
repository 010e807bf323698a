"""`status` as a person reads it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from admin.printable import printable
from admin.screen.output import lines_of
from admin.screen.tables import new_table
from core.cluster.status import (
    WELL,
    ProcessStatus,
    ServerStatus,
    Status,
    WebStatus,
    WorkerStatus,
    namer,
)
from core.store.availability import EventAvailability

Namer: TypeAlias = Callable[[ProcessStatus], str]

MEBIBYTE = 1024 * 1024
MOST_EVENTS = 20
PROCESS = ("process", "state", "pid", "cpu%", "MiB", "open", "sold", "sold/s", "p99ms", "↻")
NO_SALES = ("", "", "", "")


def status(found: Status, *, live: bool = False) -> Group:
    """One screen: how it is, what is wrong, then servers, processes and tickets.

    A `live` one shows its time.
    """
    parts: list[RenderableType] = [_headline(found, live)]
    if found.problems:
        parts.append(_wrong(*found.problems))
    parts.append(_servers(found.ensemble.servers))
    processes: tuple[ProcessStatus, ...] = (*found.workers, *found.web)
    name = namer(processes)
    if processes or not found.unread:
        parts.append(_processes(processes, name))
    if restarts := [
        f"↻ {name(each)}: {why}" for each in processes if (why := each.last_restart_reason)
    ]:
        parts.append(lines_of(restarts))
    parts += [
        _stages(web, name(web))
        for web in found.web
        if any(each.p99_ms for each in web.stages.values())
    ]
    parts += [_event(event) for event in found.events[:MOST_EVENTS]]
    if len(found.events) > MOST_EVENTS:
        parts.append(Text(f"… and {len(found.events) - MOST_EVENTS} more events"))
    return Group(*parts)


def absent(last: Status, why: str) -> Group:
    """The screen while nothing answers: the reason, and the last status."""
    return Group(_wrong(why), Text("Before:"), status(last, live=True))


def _wrong(*problems: str) -> Text:
    return lines_of((f"! {problem}" for problem in problems), "bold red")


def _headline(found: Status, live: bool) -> Text:
    word, style = ("healthy", "bold green") if found.healthy else ("degraded", "bold red")
    clock = f"  {datetime.fromtimestamp(found.at):%H:%M:%S}" if live else ""
    supervisor = found.supervisor
    if supervisor is None:
        return Text.assemble((word, style), clock)
    lost = "" if supervisor.alive else " (gone)"
    rest = f"  {supervisor.url}  supervisor {supervisor.pid}{lost}"
    return Text.assemble((word, style), printable(rest), clock)


def _servers(servers: Iterable[ServerStatus]) -> Table:
    table = new_table("server", "role", "address", "pid", "version")
    for server in servers:
        role = _state(server.role, server.role != "down")
        version = server.version or "–"
        table.add_row(str(server.id), role, server.address, str(server.pid or "–"), version)
    return table


def _processes(processes: Iterable[ProcessStatus], name: Namer) -> Table:
    table = new_table(*PROCESS, words=3)
    for each in processes:
        table.add_row(
            name(each),
            _state(each.state, each.state in WELL),
            str(each.pid or "–"),
            f"{each.cpu_percent:.0f}",
            f"{each.rss_bytes / MEBIBYTE:.0f}",
            *(_sales(each) if isinstance(each, WorkerStatus) else NO_SALES),
            str(each.restarts),
        )
    return table


def _sales(worker: WorkerStatus) -> tuple[str, ...]:
    return (
        str(worker.in_flight),
        str(worker.sold_total),
        f"{worker.sold_per_second:.0f}",
        f"{worker.p99_ms:.0f}",
    )


def _stages(web: WebStatus, name: str) -> Table:
    table = new_table(f"a sale's ms in {name}", *web.stages, words=1)
    table.add_row("p50", *(f"{stage.p50_ms:.1f}" for stage in web.stages.values()))
    table.add_row("p99", *(f"{stage.p99_ms:.1f}" for stage in web.stages.values()))
    return table


def _event(event: EventAvailability) -> Table:
    table = new_table(f"tickets of {event.name}", "capacity", "sold", "held", "remaining", words=1)
    for type_ in event.types:
        numbers = (type_.capacity, type_.sold, type_.held, type_.remaining)
        table.add_row(type_.name, *(f"{number:,}" for number in numbers))
    return table


def _state(word: str, well: bool) -> Text:
    return Text(printable(word), style="green" if well else "bold red")
