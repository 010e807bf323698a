"""`status` as a person reads it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from admin.printable import printable
from admin.screen.tables import new_table
from core.cluster.status import WELL, ServerStatus, Status, WebStatus, WorkerStatus, namer
from core.store.availability import EventAvailability

Namer: TypeAlias = Callable[[WorkerStatus | WebStatus], str]

MEBIBYTE = 1024 * 1024
MOST_EVENTS = 20
PROCESS = ("process", "state", "pid", "cpu%", "MiB", "open", "sold", "sold/s", "p99ms", "↻")


def status(found: Status, *, live: bool = False) -> Group:
    """One screen: how it is, what is wrong, then servers, processes and tickets.

    A `live` one says of what moment it is.
    """
    parts: list[RenderableType] = [_headline(found, live)]
    parts += [Text(f"! {printable(problem)}", style="bold red") for problem in found.problems]
    parts.append(_servers(found.ensemble.servers))
    name = namer((*found.workers, *found.web))
    if found.workers or found.web or not found.unread:
        parts.append(_processes(found.workers, found.web, name))
    parts += [_restarts(found.workers, found.web, name)]
    parts += [
        _stages(web, name(web))
        for web in found.web
        if any(each.p99_ms for each in web.stages.values())
    ]
    parts += [_event(event) for event in found.events[:MOST_EVENTS]]
    if len(found.events) > MOST_EVENTS:
        parts.append(Text(f"… and {len(found.events) - MOST_EVENTS} more events"))
    return Group(*(part for part in parts if not isinstance(part, Text) or part.plain))


def absent(last: Status, why: str) -> Group:
    """The screen while nothing answers: why, and how it was before."""
    trouble = Text(f"! {printable(why)}", style="bold red")
    return Group(trouble, Text("Before:"), status(last, live=True))


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
        well = server.role != "down"
        table.add_row(
            str(server.id),
            _state(server.role, well),
            printable(server.address),
            _pid(server.pid),
            server.version or "–",
        )
    return table


def _processes(workers: Sequence[WorkerStatus], web: Sequence[WebStatus], name: Namer) -> Table:
    table = new_table(*PROCESS, words=3)
    for worker in workers:
        table.add_row(
            *_process(worker, name),
            str(worker.in_flight),
            str(worker.sold_total),
            f"{worker.sold_per_second:.0f}",
            f"{worker.p99_ms:.0f}",
            str(worker.restarts),
        )
    for server in web:
        table.add_row(*_process(server, name), "", "", "", "", str(server.restarts))
    return table


def _process(process: WorkerStatus | WebStatus, name: Namer) -> tuple[RenderableType, ...]:
    return (
        printable(name(process)),
        _state(process.state, process.state in WELL),
        _pid(process.pid),
        f"{process.cpu_percent:.0f}",
        f"{process.rss_bytes / MEBIBYTE:.0f}",
    )


def _restarts(workers: Sequence[WorkerStatus], web: Sequence[WebStatus], name: Namer) -> Text:
    processes: tuple[WorkerStatus | WebStatus, ...] = (*workers, *web)
    return Text(
        "\n".join(
            printable(f"↻ {name(process)}: {process.last_restart_reason}")
            for process in processes
            if process.last_restart_reason
        )
    )


def _stages(web: WebStatus, name: str) -> Table:
    table = new_table(f"a sale's ms in {printable(name)}", *web.stages, words=1)
    table.add_row("p50", *(f"{stage.p50_ms:.1f}" for stage in web.stages.values()))
    table.add_row("p99", *(f"{stage.p99_ms:.1f}" for stage in web.stages.values()))
    return table


def _event(event: EventAvailability) -> Table:
    tickets = f"tickets of {printable(event.name)}"
    table = new_table(tickets, "capacity", "sold", "held", "remaining", words=1)
    for type_ in event.types:
        numbers = (type_.capacity, type_.sold, type_.held, type_.remaining)
        table.add_row(printable(type_.name), *(f"{number:,}" for number in numbers))
    return table


def _state(word: str, well: bool) -> Text:
    return Text(printable(word), style="green" if well else "bold red")


def _pid(pid: int | None) -> str:
    return "–" if pid is None else str(pid)
