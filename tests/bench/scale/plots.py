"""The plots of a long sale, as SVG."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from tests.bench.report.plots import LOOK
from tests.bench.scale.results import Scale

INCHES = (8.0, 3.6)
# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
THOUSAND = 1000
# The limit for all of zkticket's own processes, in MB.
OWN_MB = 300


def draw(scale: Scale, folder: Path) -> tuple[Path, ...]:
    """Draws every plot into `folder` and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_save(folder / f"scale-{name}.svg", plot, scale) for name, plot in PLOTS.items())


def _save(path: Path, plot: Callable[[Axes, Scale], None], scale: Scale) -> Path:
    with mpl.rc_context(LOOK):
        canvas = Canvas(INCHES, layout="constrained")
        axes = canvas.subplots()
        plot(axes, scale)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("orders, in thousands")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        canvas.savefig(path, metadata={"Date": None, "Creator": None})
    return path


def _rate(axes: Axes, scale: Scale) -> None:
    ends = [
        (step.orders - step.sold + scale.at_once + number * step.window) / THOUSAND
        for step in scale.steps
        for number in range(1, len(step.windows) + 1)
    ]
    axes.plot(ends, scale.windows, color=BLUE, linewidth=1.5, label="from the first order on")
    for name, turns, colour in (
        ("the same instance, in turns", [turn.large for turn in scale.turns], BLUE),
        ("with a fresh one", [turn.fresh for turn in scale.turns], ORANGE),
    ):
        at = [turn.large.orders / THOUSAND for turn in scale.turns]
        axes.plot(at, [turn.windows[0] for turn in turns], "o", color=colour, label=name)
    axes.legend(loc="lower left")
    axes.set_title(f"Tickets a second, over {scale.steps[0].window:,} tickets each", loc="left")


def _work(axes: Axes, scale: Scale) -> None:
    orders = [step.orders / THOUSAND for step in scale.steps]
    for name, text, colour in (
        ("servers", "ZooKeeper's three servers", BLUE),
        ("own", "zkticket's own processes", GREEN),
        ("buyers", "the buyers", ORANGE),
        ("others", "whatever else ran on the machine", RED),
    ):
        values = [step.cpu_us[name] for step in scale.steps]
        axes.plot(orders, values, "o-", color=colour, label=text, markersize=4)
    axes.set_title("Microseconds of processor time for each ticket", loc="left")
    axes.legend()


def _gap(axes: Axes, scale: Scale) -> None:
    orders = [step.orders / THOUSAND for step in scale.steps]
    for name, values, colour in (
        ("longest time between two answers", [s.longest_gap_ms for s in scale.steps], RED),
        ("p99 of a purchase", [s.p99_ms for s in scale.steps], ORANGE),
        ("p50 of a purchase", [s.p50_ms for s in scale.steps], BLUE),
    ):
        axes.plot(orders, values, "o-", color=colour, label=name, markersize=4)
    axes.set_title("Milliseconds", loc="left")
    axes.legend()


def _memory(axes: Axes, scale: Scale) -> None:
    orders = [size.orders / THOUSAND for size in scale.sizes]
    names = scale.sizes[0].rss_mb
    values = [[size.rss_mb.get(name, 0.0) for size in scale.sizes] for name in names]
    axes.stackplot(orders, *values, labels=list(names), colors=mpl.color_sequences["tab20"])
    axes.set_title("Resident memory of zkticket's own processes, MB", loc="left")
    axes.set_ylim(top=OWN_MB)
    axes.legend(loc="upper left", ncols=len(names))


def _heap(axes: Axes, scale: Scale) -> None:
    measured = [size for size in scale.sizes if size.live_mb]
    for number, colour in zip(range(len(measured[0].live_mb)), (BLUE, ORANGE, GREEN), strict=False):
        live = [size.live_mb[number] for size in measured]
        orders = [size.orders / THOUSAND for size in measured]
        axes.plot(orders, live, "o-", color=colour, label=f"live heap of server {number + 1}")
    axes.set_title("MB of live heap in each server", loc="left")
    axes.legend()


def _disk(axes: Axes, scale: Scale) -> None:
    orders = [size.orders / THOUSAND for size in scale.sizes]
    logs = [max(size.log_mb) for size in scale.sizes]
    axes.plot(orders, logs, "o-", color=ORANGE, label="transaction logs", markersize=4)
    snapshots = [times.snapshot_mb for times in scale.times]
    at = [times.orders / THOUSAND for times in scale.times]
    axes.plot(at, snapshots, "o--", color=BLUE, label="snapshot", markersize=4)
    axes.set_title("MB on disk, of the server that has most", loc="left")
    axes.legend()


PLOTS: dict[str, Callable[[Axes, Scale], None]] = {
    "rate": _rate,
    "work": _work,
    "latency": _gap,
    "memory": _memory,
    "heap": _heap,
    "disk": _disk,
}
