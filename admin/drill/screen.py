"""Shows a drill on a terminal of 80 columns and 24 lines, and its verdict."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from admin.drill.processes import ObservedProcess
from admin.drill.progress import NEWS, Board
from admin.drill.report import FaultResult, Report
from admin.drill.sale_gauge import Gauge

BARS = "▁▂▃▄▅▆▇█"
SLOTS = 56
# The slots of the last second.
LATELY = 2
KINDS = ("lost", "doubled", "oversold", "stranded", "misreported")
MOST_FINDINGS = 20
UNWELL = "not everything was well again within a minute"


def live(board: Board) -> RenderableType:
    """Shows the drill as it is at this moment."""
    parts: list[RenderableType] = [_headline(board)]
    if board.fault is not None:
        parts += [Text(board.fault.does, style="bold"), Text(f"Watch: {board.fault.watch}")]
    if board.gauge is not None:
        parts += [Text(), _gauges(board.gauge, board.waiting())]
    if board.processes:
        parts += [Text(), _states(board.processes)]
    parts.append(_news(board.news))
    if board.results:
        parts.append(results(board.results))
    return Group(*parts)


def verdict(report: Report) -> RenderableType:
    """Shows the result of each fault, and what the results mean."""
    findings = [
        Text(f"! {result.fault}: {text}", style="red")
        for result in report.faults
        for text in (*result.findings[:MOST_FINDINGS], *([] if result.recovered else [UNWELL]))
    ]
    if report.breach:
        findings.append(Text(f"! verify: {report.breach}", style="red"))
    return Group(results(report.faults), *findings, _conclusion(report))


def results(found: Iterable[FaultResult]) -> Table:
    """Shows a line for each fault."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("fault", no_wrap=True)
    for column in ("pause s", "errors", "sold", *KINDS):
        table.add_column(column, justify="right", no_wrap=True)
    for result in found:
        table.add_row(
            Text(result.fault, style="" if result.ok else "red"),
            f"{result.pause_s:.2f}",
            _number(sum(result.errors.values()), "yellow"),
            f"{result.sold:,}",
            *(_number(getattr(result, kind), "bold red") for kind in KINDS),
        )
    return table


def _headline(board: Board) -> Text:
    where = f"fault {board.number} of {board.count}: " if board.fault else ""
    name = board.fault.name if board.fault else ""
    return Text.assemble(
        ("zkticket drill  ", "bold cyan"),
        where,
        (name, "bold"),
        (f"  {board.phase}" if board.phase else "", "cyan"),
        (f"  seed {board.seed}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _gauges(gauge: Gauge, waiting: int) -> RenderableType:
    slots = gauge.recent(SLOTS)
    sold = [slot.sold_per_second for slot in slots]
    p99_ms = [slot.p99_ms for slot in slots]
    table = Table.grid(padding=(0, 1))
    table.add_column(width=10)
    table.add_column(width=7, justify="right")
    table.add_column(no_wrap=True)
    table.add_row("sold/s", f"{sum(sold[-LATELY:]) / LATELY:,.0f}", _spark(sold, "green"))
    table.add_row("p99 ms", f"{max(p99_ms[-LATELY:]):,.0f}", _spark(p99_ms, "yellow"))
    errors = sum(gauge.errors.values())
    table.add_row("errors", _number(errors, "yellow"), _errors(gauge, waiting))
    return table


def _errors(gauge: Gauge, waiting: int) -> Text:
    kinds = ", ".join(f"{count} {code}" for code, count in sorted(gauge.errors.items()))
    return Text(f"{gauge.sold:,} sold, {waiting} waiting" + (f"; {kinds}" if kinds else ""))


def _spark(heights: Sequence[float], style: str) -> Text:
    """Draws the heights as bars, and zeros as blanks."""
    most = max(heights) or 1.0
    return Text("".join(_bar(each / most) for each in heights), style=style)


def _bar(share: float) -> str:
    return BARS[round(share * (len(BARS) - 1))] if share else " "


def _states(processes: Sequence[ObservedProcess]) -> RenderableType:
    """Shows the servers in one line, and all other processes in the next one."""
    servers = [process for process in processes if process.role == "zookeeper"]
    others = [process for process in processes if process.role != "zookeeper"]
    return Group(_line(servers), _line(others))


def _line(processes: Sequence[ObservedProcess]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for process in processes:
        mark = _style(process)
        line.append("● ", mark).append(_short(process.name))
        # A process that simply runs needs no word.
        line.append("" if process.state == "running" else f" {process.state}", mark).append("  ")
    return line


def _short(name: str) -> str:
    return name.replace("zookeeper", "server").replace("web-1", "web")


def _style(process: ObservedProcess) -> str:
    if process.state == "leader":
        return "bold green"
    return "green" if process.well else "blue" if process.state == "frozen" else "bold red"


def _news(news: Iterable[str]) -> Text:
    """Shows always as many lines, so that nothing below them jumps."""
    lines = list(news)
    lines += [""] * (NEWS - len(lines))
    return Text("\n".join(lines), style="dim", no_wrap=True, overflow="ellipsis")


def _number(count: int, style: str) -> Text:
    return Text(f"{count:,}", style=style if count else "")


def _conclusion(report: Report) -> Text:
    if report.ok:
        text = f"Every promise held: {report.orders:,} orders recounted, none lost, none doubled."
        return Text(text, style="bold green")
    return Text(f"A promise was broken; seed {report.seed}.", style="bold red")
