"""The plots of the page, as SVG; the same results give the same bytes."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from tests.bench.results import Figure, Results, Spread
from tests.bench.roster import (
    ECHO,
    EIGHT_TYPES,
    HOT_TYPE,
    ONE_ROW,
    POSTGRES,
    REDIS,
    THREE_TYPES,
)

# Okabe and Ito's colours, which colour-blind people can tell apart; ours are the blues.
COLOURS = {
    HOT_TYPE.name: "#0072B2",
    THREE_TYPES.name: "#56B4E9",
    EIGHT_TYPES.name: "#009E73",
    POSTGRES.name: "#D55E00",
    ONE_ROW.name: "#E69F00",
    REDIS.name: "#CC79A7",
    ECHO.name: "#7F7F7F",
}
MARKERS = dict(zip(COLOURS, "os^DdvX", strict=True))
LOOK: dict[Any, Any] = {
    "svg.hashsalt": "zkticket",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E0E0E0",
    "legend.frameon": False,
}
INCHES = (8.0, 4.5)


def draw(results: Results, folder: Path, suffix: str = "svg") -> tuple[Path, ...]:
    """Draws every plot into `folder` and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, plot in (("throughput", _throughput), ("latency", _latency)):
        with mpl.rc_context(LOOK):
            canvas = Canvas(INCHES, layout="constrained")
            plot(canvas, results)
            path = folder / f"{name}.{suffix}"
            # No day and no program are written: an unchanged plot is an unchanged file.
            unsigned = {"Date": None, "Creator": None} if suffix == "svg" else None
            canvas.savefig(path, metadata=unsigned)
        files.append(path)
    return tuple(files)


def _throughput(canvas: Canvas, results: Results) -> None:
    axes = canvas.subplots()
    for name in COLOURS:
        figures = results.figures(name)
        _line(axes, name, figures, [figure.per_second for figure in figures])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_title("Purchases a second: median of the rounds, least and most", loc="left")
    _finish(axes, results)
    canvas.legend(*axes.get_legend_handles_labels(), loc="outside right center")


def _latency(canvas: Canvas, results: Results) -> None:
    middle, tail = canvas.subplots(1, 2, sharey=True)
    for name in COLOURS:
        figures = results.figures(name)
        _line(middle, name, figures, [figure.p50_ms for figure in figures])
        _line(tail, name, figures, [figure.p99_ms for figure in figures])
    for axes, title in ((middle, "p50"), (tail, "p99")):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.set_title(f"{title} of a purchase, milliseconds", loc="left")
        _finish(axes, results)
    canvas.legend(*middle.get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _line(axes: Axes, name: str, figures: tuple[Figure, ...], spreads: list[Spread]) -> None:
    if not figures:
        return
    middles = [spread.middle for spread in spreads]
    below = [spread.middle - spread.least for spread in spreads]
    above = [spread.most - spread.middle for spread in spreads]
    axes.errorbar(
        [figure.at_once for figure in figures],
        middles,
        yerr=(below, above),
        label=name,
        color=COLOURS[name],
        marker=MARKERS[name],
        markersize=5,
        linewidth=1.5,
        capsize=3,
    )


def _finish(axes: Axes, results: Results) -> None:
    loads = sorted({figure.at_once for name in COLOURS for figure in results.figures(name)})
    axes.set_xscale("log", base=2)
    axes.set_xticks(loads, [str(load) for load in loads])
    axes.minorticks_off()
    axes.set_xlabel("connections")
