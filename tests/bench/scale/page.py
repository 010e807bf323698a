"""The part of `RESULTS.md` that is about scale."""

from collections.abc import Sequence
from statistics import median

from tests.bench.scale.results import Page, Scale, Size, Times

PLOTS = "plots"
OWN_MB = 300
HEAP_BYTES = 600
RATIO = 0.9
# ZooKeeper's table of znodes has 2^n places, and doubles when three quarters are in use.
DOUBLES_AT = 786_432

HEAD = """\
## Scale

{orders:,} orders, one ticket each, of three types, sold by three workers in one go on {at}, \
after a warm-up of {warm_up:,}: {at_once} purchases under way on the workers' links, without \
HTTP. A window is {window:,} tickets. Everything ran on the same machine: {machine}.
"""
TURNS = """\
A machine that is fully busy for minutes may get slower, whatever it does. The buyers' work for a \
ticket is always the same; it took {first:.1f} µs of processor time in the first step, and \
{last:.1f} µs in the last. So at the end a fresh instance was opened beside the full one. It sold \
{before:,} tickets first, and then both sold {tickets:,} tickets in turns, {turns} times: the full \
one {large:,.0f} a second in the median, the fresh one {fresh:,.0f}, with a ratio from {least:.2f} \
to {most:.2f}. That is the cost of the orders alone; the first and last windows also show the \
machine.
"""
HEAP = """\
Live heap is what a full collection leaves. It was measured only three times, because the sale \
itself makes no full collection. From the first time on it grew by {heap} bytes for each order, in \
the three servers. The fixed part is ZooKeeper's copy of its last 500 transactions.
"""
TABLE = """\
The two gaps near 400,000 and 800,000 orders are ZooKeeper's: its table of znodes doubles there, \
in all servers at once (393,216 and 786,432 entries).
"""
LONGER = """\
A new leader writes a snapshot of all znodes before it leads, and a server that starts reads one \
and repeats the log after it: both times grow with the number of orders. That is how ZooKeeper \
works.
"""
NO_HEAP = "The servers' live heap was not measured.\n"


def section(scale: Scale) -> str:
    """Returns Markdown from `## Scale` on; the plots are in the folder beside the page."""
    return "\n".join(
        [
            _head(scale),
            _company(scale),
            _turns(scale),
            _table(("target", "needed", "measured", "met"), _targets(scale)),
            _plot("rate", "Tickets a second"),
            _plot("work", "Processor time of a ticket"),
            _plot("latency", "Latency and longest gap"),
            *([TABLE] if scale.sizes[-1].orders > DOUBLES_AT else []),
            _plot("memory", "Memory of zkticket's own processes"),
            _heap(scale),
            _plot("heap", "Live heap of the servers"),
            _plot("disk", "Snapshot and log"),
            "### What takes longer\n",
            LONGER,
            _table(("", *(f"{times.orders:,} orders" for times in scale.times)), _times(scale)),
            "### The page, by the number of ticket types\n",
            _table(
                ("", *(f"{page.types:,}" for page in scale.pages)),
                _pages(scale.pages),
            ),
        ]
    )


def _head(scale: Scale) -> str:
    return HEAD.format(
        orders=scale.steps[-1].orders - scale.warm_up,
        at=scale.at.replace("T", " at ").replace("+00:00", " UTC"),
        warm_up=scale.warm_up,
        at_once=scale.at_once,
        window=scale.steps[0].window,
        machine=", ".join(scale.machine.values()),
    )


def _company(scale: Scale) -> str:
    """Tells who else used the processor: a rate that others slowed down says little."""
    others = [step.cpu_us.get("others", 0.0) for step in scale.steps]
    return (
        f"For each ticket, something else used {others[0]:.0f} µs of the machine's processor time "
        f"in the first step, {others[-1]:.0f} µs in the last, {max(others):.0f} µs at the most. "
        "Where these differ, the rates compare the neighbours rather than the sale; the processor "
        "time of a ticket is then the fair figure.\n"
    )


def _turns(scale: Scale) -> str:
    ratios = [turn.ratio for turn in scale.turns]
    return TURNS.format(
        first=scale.steps[0].cpu_us["buyers"],
        last=scale.steps[-1].cpu_us["buyers"],
        before=scale.turns[0].fresh.orders - scale.turns[0].fresh.sold,
        tickets=scale.turns[0].large.window,
        turns=len(scale.turns),
        large=median(turn.large.windows[0] for turn in scale.turns),
        fresh=median(turn.fresh.windows[0] for turn in scale.turns),
        least=min(ratios),
        most=max(ratios),
    )


def _targets(scale: Scale) -> list[tuple[str, ...]]:
    last: Size = scale.sizes[-1]
    rows = [
        _target("rate of the last window to the first", f"≥ {RATIO}", scale.ratio, "", RATIO),
        _target(
            "median of the last ten windows to the first ten",
            f"≥ {RATIO}",
            scale.steady_ratio,
            "",
            RATIO,
        ),
        _target(
            "processor time of a ticket, the first step's to the last's",
            f"≥ {RATIO}",
            scale.work_ratio,
            "",
            RATIO,
        ),
        _target(
            f"rate in turns with a fresh instance, median of {len(scale.turns)}",
            f"≥ {RATIO}",
            scale.turn_ratio,
            "",
            RATIO,
        ),
        _target(
            "processor time of a ticket in these turns, the fresh one's to the large one's",
            f"≥ {RATIO}",
            scale.turn_work_ratio,
            "",
            RATIO,
        ),
        _target(
            "memory of all of zkticket's own processes",
            f"≤ {OWN_MB} MB",
            last.own_mb,
            " MB",
            OWN_MB,
        ),
    ]
    if scale.heap_per_order:
        most = max(scale.heap_per_order)
        text = "live heap for each order, in the server that needs most"
        rows.append(_target(text, f"≤ {HEAP_BYTES} bytes", most, " bytes", HEAP_BYTES))
    return rows


def _target(text: str, needed: str, value: float, unit: str, bound: float) -> tuple[str, ...]:
    met = value >= bound if needed.startswith("≥") else value <= bound
    return text, needed, f"{_number(value)}{unit}", "yes" if met else "**no**"


def _heap(scale: Scale) -> str:
    if not scale.heap_per_order:
        return NO_HEAP
    return HEAP.format(heap=", ".join(f"{each:.0f}" for each in scale.heap_per_order))


def _times(scale: Scale) -> list[tuple[str, ...]]:
    def row(text: str, values: Sequence[float], unit: str) -> tuple[str, ...]:
        return text, *(f"{_number(value)} {unit}" for value in values)

    times: tuple[Times, ...] = scale.times
    return [
        row("`verify`", [each.verify_s for each in times], "s"),
        row("memory of `verify`", [each.verify_mb for each in times], "MB"),
        row("`down`", [each.down_s for each in times], "s"),
        row("`up`, until tickets can be bought", [each.up_s for each in times], "s"),
        row("killed leader, without a sale", [each.leader_killed_s for each in times], "s"),
        row("killed worker, until it is back", [each.worker_back_s for each in times], "s"),
        row("snapshot", [each.snapshot_mb for each in times], "MB"),
        row("an order looked up over HTTP, p50", [each.order_p50_ms for each in times], "ms"),
        row("the same, p99", [each.order_p99_ms for each in times], "ms"),
    ]


def _pages(pages: Sequence[Page]) -> list[tuple[str, ...]]:
    return [
        ("`GET /`, p50", *(f"{_number(page.page_p50_ms)} ms" for page in pages)),
        ("the longest of them", *(f"{_number(page.page_most_ms)} ms" for page in pages)),
        ("`GET /api/events`, p50", *(f"{_number(page.events_p50_ms)} ms" for page in pages)),
        ("the longest of them", *(f"{_number(page.events_most_ms)} ms" for page in pages)),
        ("size of the page", *(f"{_number(page.page_kb)} KB" for page in pages)),
    ]


def _plot(name: str, title: str) -> str:
    return f"![{title}]({PLOTS}/scale-{name}.svg)\n"


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, ("---", *("---:" for _ in columns[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _number(value: float) -> str:
    """Writes a number with three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
