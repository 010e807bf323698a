"""`status` and `verify` as a person reads them, in 80 columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from admin.printable import printable
from admin.recovery.audit import LostOrder, ReceiptsProof
from admin.recovery.recount import EventProof, Proof
from admin.recovery.repair import Plan
from core.cluster.status import WELL, Server, Status, Web, Worker, namer
from core.events.restock import ResetType
from core.schema.records import OrderView, PaymentView
from core.schema.sale_window import is_settled, sale_state
from core.store.availability import EventAvailability
from core.store.order_history import Moment, Timeline
from core.text.money import amount

Namer: TypeAlias = Callable[[Worker | Web], str]

MEBIBYTE = 1024 * 1024
MOST_EVENTS = 20
# As long as a date.
LONG_WORD = 10
# Whoever reads it is no screen: nothing is cut off.
PIPED_COLUMNS = 240
NUMBERS = ("sold", "remaining")


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
    """Nothing answers: why, and how it was before."""
    trouble = Text(f"! {printable(why)}", style="bold red")
    return Group(trouble, Text("Before:"), status(last, live=True))


@dataclass(frozen=True)
class Fitted:
    """What fits into the window, and how much does not: nothing is cut without a word."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.height or console.height
        lines = console.render_lines(self.shown, options.reset_height(), pad=False)
        fits = lines if len(lines) <= room else lines[: room - 1]
        for number, line in enumerate(fits):
            yield from ([Segment.line()] if number else [])
            yield from line
        if left := len(lines) - len(fits):
            yield Segment.line()
            yield Text(f"… {left} more lines: make the window taller", style="dim", no_wrap=True)


def put(shown: RenderableType) -> None:
    """Prints it as wide as the window is, or as wide as it wants to be into a pipe."""
    console = Console()
    if console.is_terminal:
        console.print(shown)
    else:
        group = shown if isinstance(shown, Group) else Group(shown)
        Console(width=PIPED_COLUMNS, soft_wrap=True).print(plain(group))


def plain(found: Group) -> Group:
    """For a pipe: a row a line, columns apart by blanks, nothing drawn."""
    for part in found.renderables:
        if isinstance(part, Table):
            part.box = None
    return found


def _headline(found: Status, live: bool) -> Text:
    word, style = ("healthy", "bold green") if found.healthy else ("degraded", "bold red")
    clock = f"  {datetime.fromtimestamp(found.at):%H:%M:%S}" if live else ""
    supervisor = found.supervisor
    if supervisor is None:
        return Text.assemble((word, style), clock)
    lost = "" if supervisor.alive else " (gone)"
    rest = f"  {supervisor.url}  supervisor {supervisor.pid}{lost}"
    return Text.assemble((word, style), printable(rest), clock)


def _servers(servers: Iterable[Server]) -> Table:
    table = _table("server", "role", "address", "pid", "version")
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


def _processes(workers: Sequence[Worker], web: Sequence[Web], name: Namer) -> Table:
    table = _table("process", "state", "pid", "cpu%", "MiB", "open", "sold", "sold/s", "p99ms", "↻")
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
    for column in table.columns[3:]:
        column.justify = "right"
    return table


def _process(process: Worker | Web, name: Namer) -> tuple[RenderableType, ...]:
    return (
        printable(name(process)),
        _state(process.state, process.state in WELL),
        _pid(process.pid),
        f"{process.cpu_percent:.0f}",
        f"{process.rss_bytes / MEBIBYTE:.0f}",
    )


def _restarts(workers: Sequence[Worker], web: Sequence[Web], name: Namer) -> Text:
    processes: tuple[Worker | Web, ...] = (*workers, *web)
    return Text(
        "\n".join(
            printable(f"↻ {name(process)}: {process.last_restart_reason}")
            for process in processes
            if process.last_restart_reason
        )
    )


def _stages(web: Web, name: str) -> Table:
    table = _table(f"a sale's ms in {printable(name)}", *web.stages)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("p50", *(f"{stage.p50_ms:.1f}" for stage in web.stages.values()))
    table.add_row("p99", *(f"{stage.p99_ms:.1f}" for stage in web.stages.values()))
    return table


def _event(event: EventAvailability) -> Table:
    table = _table(f"tickets of {printable(event.name)}", "capacity", "sold", "held", "remaining")
    for column in table.columns[1:]:
        column.justify = "right"
    for type_ in event.types:
        numbers = (type_.capacity, type_.sold, type_.held, type_.remaining)
        table.add_row(printable(type_.name), *(f"{number:,}" for number in numbers))
    return table


def reset(rows: Iterable[ResetType]) -> Table:
    """What is on sale after a reset."""
    table = _table("type", "sold", "held", "for sale", "capacity")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        numbers = (row.sold, row.held, row.remaining, row.capacity)
        table.add_row(printable(row.name), *(f"{number:,}" for number in numbers))
    return table


def proof(found: Proof) -> RenderableType:
    """The sums that were proved, a line a type."""
    lines = [line for event in found.events for line in _proof_lines(event)]
    if found.ok:
        lines.append("every ticket is accounted for")
    return Text("\n".join(lines))


def _proof_lines(event: EventProof) -> Iterable[str]:
    yield f"event {printable(event.name)}: {event.orders} orders read"
    for type_ in event.types:
        yield (
            f"  {printable(type_.name)}: capacity {type_.capacity} = {type_.sold} sold"
            f" + {type_.held} held + {type_.remaining} remaining;"
            f" {type_.orders} orders, as of zxid {type_.zxid}"
        )


def receipts(found: ReceiptsProof) -> RenderableType:
    """What the receipts prove, or what is missing."""
    lines = [f"receipts: {found.orders:,} read in {found.files} files{_since(found.since)}"]
    lines.append(_coverage(found))
    lines += [f"  {count} {what}" for count, what in _let_pass(found) if count]
    lines += [f"  note: {printable(each)}" for each in found.notes]
    lines += [f"! {printable(each)}" for each in found.damaged]
    lines += [f"! {_lost_order(order)}" for order in found.lost]
    if found.missing > len(found.lost):
        lines.append(f"! … and {found.missing - len(found.lost)} more")
    lines.append(_proved(found) if found.ok else "")
    return Text("\n".join(line for line in lines if line))


def _coverage(found: ReceiptsProof) -> str:
    """How many of the tree's orders have receipts, and why the others may have none."""
    bare = found.in_tree - found.covered
    if not found.in_tree:
        return "there is no order in the tree"
    text = f"{found.covered:,} of {found.in_tree:,} orders have receipts"
    if found.older and found.orders:
        text += f"; {found.older:,} are older than the oldest receipt"
    if (newer := bare - found.older) and found.orders:
        text += f"; {newer:,} others have none in this directory"
    return text


def _proved(found: ReceiptsProof) -> str:
    if found.covered < found.in_tree:
        return "every order that has a receipt is in the tree; of the others nothing is proved"
    return "every confirmed order is in the tree"


def _let_pass(found: ReceiptsProof) -> Iterable[tuple[int, str]]:
    yield found.left_out, "were given up by an operator"
    yield found.retired, "were deleted with their event"


def _since(at: float | None) -> str:
    return "" if at is None else f", the oldest of {_time(at)}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(" ", timespec="seconds")


def _lost_order(order: LostOrder) -> str:
    return (
        f"{order.znode}: {order.quantity} of {order.type} for {printable(order.buyer)}, "
        f"bought {_time(order.at)}: {printable(order.why)}"
    )


def plan(found: Plan) -> RenderableType:
    """What `repair` would do, in tickets, and the orders that need a choice."""
    if found.empty:
        return Text("nothing is missing, and no alarm stands")
    columns = ("event", "type", "orders", "lost", "for sale", "put back", "oversold")
    table = _table(*columns, "given up", "to choose")
    for row in found.rows:
        numbers = (row.orders, row.lost, row.remaining, row.restored, row.oversold)
        texts = [f"{number:,}" for number in (*numbers, row.left_out, row.open)]
        table.add_row(printable(row.event), printable(row.type), *texts)
    _fit(table, 2)
    lines = [f"! {_lost_order(order)}" for order in found.conflicts]
    lines += [f"! {printable(each)}" for each in found.damaged]
    lines += [f"alarm of {alarm.source}: {printable(alarm.text)}" for alarm in found.alarms]
    return Group(*([table] if found.rows else []), *map(Text, lines))


def events(found: Iterable[EventAvailability], now: float) -> Table:
    """A line an event; `now` in Unix seconds tells whether its sale is open."""
    table = _table("event", "title", "sale", "starts", "sold", "for sale")
    for event in found:
        sold, left = (sum(getattr(each, what) for each in event.types) for what in NUMBERS)
        table.add_row(
            printable(event.name),
            printable(event.title),
            _sale(event, now, _clock),
            _clock(event.starts_at),
            f"{sold:,}",
            f"{left:,}",
        )
    _fit(table, 4, words=2)
    return table


def event(found: EventAvailability, now: float) -> Group:
    """An event's terms, and its types."""
    terms = _table("", "")
    terms.show_header = False
    terms.columns[1].no_wrap = False
    for name, value in (
        ("event", printable(found.name)),
        ("title", printable(found.title)),
        ("place", printable(found.place) or "–"),
        ("starts", _when(found.starts_at)),
        ("ends", _when(found.ends_at)),
        ("sale", _sale(found, now)),
        ("opens", _when(found.opens_at)),
        ("closes", _when(found.closes_at)),
        ("limit", f"{found.limit} tickets a buyer" if found.limit else "none"),
        ("holds", f"{found.hold_s / 60:g} minutes, extended {found.extensions} times at most"),
        ("buyers cancel", "yes" if found.cancellable else "no"),
    ):
        terms.add_row(name, value)
    return Group(terms, _types(found))


def _types(event: EventAvailability) -> Table:
    price = f"price {printable(event.currency)}"
    table = _table("type", "label", price, "capacity", "sold", "held", "for sale")
    for each in event.types:
        numbers = (each.capacity, each.sold, each.held, each.remaining)
        table.add_row(
            printable(each.name),
            f"{printable(each.label)} {each.colour}".strip(),
            amount(each.price, event.decimals),
            *(f"{number:,}" for number in numbers),
        )
    _fit(table, 2, words=1)
    return table


def order(found: OrderView) -> Table:
    """All that is known to the buyer."""
    table = _table("", "")
    table.show_header = False
    for name, value in msgspec.to_builtins(found).items():
        if name != "payments":
            table.add_row(name.replace("_", " "), printable(str(value)))
    for payment in found.payments:
        table.add_row("payment", printable(_payment(found, payment)))
    return table


def _payment(order: OrderView, payment: PaymentView) -> str:
    sum_ = "" if payment.amount is None else f"{amount(payment.amount, order.decimals)} "
    end = "counts" if payment.counts else f"counts for nothing: {payment.refused}"
    return f"{payment.id}  {sum_}{payment.currency}  {payment.at}  {end}"


def orders(found: Iterable[OrderView]) -> Table:
    """A line an order."""
    table = _table("order", "event", "tickets", "buyer", "status")
    table.columns[3].no_wrap = False
    for each in found:
        cells = (each.event, f"{each.quantity} {each.type}", each.buyer, each.status)
        table.add_row(each.order, *map(printable, cells))
    return table


def timeline(found: Timeline) -> Text:
    """A line a moment."""
    return Text("\n".join(_moment(each) for each in found.moments))


def _moment(moment: Moment) -> str:
    when = datetime.fromtimestamp(moment.at).isoformat(" ", "milliseconds")
    return f"{when} {printable(moment.who):<12} {moment.what:<9} {printable(moment.text)}"


def _fit(table: Table, numbers: int, words: int = 0) -> None:
    """From the column `numbers` on nothing is cut, and `words` before them are cut at blanks.

    What people have named gives way first, over more lines.
    """
    table.padding = (0, 1, 0, 0)
    for column in table.columns:
        column.no_wrap, column.overflow = False, "fold"
    for number, column in enumerate(table.columns[numbers - words :]):
        texts = [str(text) for text in (column.header, *column.cells)]
        longest = max(len(word) for text in texts for word in text.split())
        column.min_width = longest if number >= words else min(longest, LONG_WORD)
        column.no_wrap = column.min_width == max(map(len, texts))
    for column in table.columns[numbers:]:
        column.justify = "right"


def _sale(
    event: EventAvailability, now: float, when: Callable[[float | None], str] | None = None
) -> str:
    state = "over" if is_settled(event, now) else sale_state(event, now)
    return f"opens {(when or _when)(event.opens_at)}" if state == "before" else state


def _when(at: float | None) -> str:
    """A time in Unix seconds as a local one."""
    if at is None:
        return "–"
    return datetime.fromtimestamp(at).astimezone().isoformat(" ", "minutes")


def _clock(at: float | None) -> str:
    """The same, where there is little room."""
    return "–" if at is None else f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _state(word: str, well: bool) -> Text:
    return Text(printable(word), style="green" if well else "bold red")


def _pid(pid: int | None) -> str:
    return "–" if pid is None else str(pid)
