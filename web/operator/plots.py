"""Plots of the last minutes: makes paths of an SVG from samples."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TypeAlias

import msgspec

from core.store.takings import FIRST_STEP_S
from web.metrics.history import HistorySample

WIDTH = 600
HEIGHT = 100
# The most points of a line: neighbours share one, with the higher figure.
MOST_POINTS = 300
# A longer silence is a gap in the line.
GAP_S = 4.0
MOST_LINES = 8

Figure: TypeAlias = float | None
Get: TypeAlias = Callable[[HistorySample], Figure]


class PlotLine(msgspec.Struct, frozen=True):
    """`path` is for the SVG; `number` chooses the colour; `now` is the latest figure."""

    name: str
    number: int
    path: str
    now: Figure


class Plot(msgspec.Struct, frozen=True):
    """`name` is that of its texts; `top` is the figure at the upper edge.

    The lines of a `fixed` plot are named by texts as well, those of others by processes.
    """

    name: str
    unit: str
    top: float
    lines: tuple[PlotLine, ...]
    fixed: bool = False
    left_out: int = 0


class Span(msgspec.Struct, frozen=True):
    """The time from the left edge to the right one, in Unix seconds."""

    begin: float
    end: float

    def x(self, at: float) -> float:
        return WIDTH * (at - self.begin) / (self.end - self.begin)

    @property
    def step_s(self) -> float:
        return (self.end - self.begin) / MOST_POINTS


def plots(samples: Sequence[HistorySample], span: Span) -> tuple[Plot, ...]:
    """All plots, in the order of the page."""
    return (
        *(_plot(*each, samples, span, fixed=True) for each in _FIXED),
        _plot("in-flight", "", _by_name(samples, lambda sample: sample.in_flight), samples, span),
        _plot("cpu", "%", _by_name(samples, lambda sample: sample.cpu), samples, span),
    )


_FIXED: tuple[tuple[str, str, Mapping[str, Get]], ...] = (
    ("sold", "/s", {"sold": attrgetter("sold")}),
    ("latency", "ms", {"p50": attrgetter("p50_ms"), "p99": attrgetter("p99_ms")}),
    ("refused", "/s", {"shed": attrgetter("shed"), "failed": attrgetter("failed")}),
)


def _by_name(
    samples: Sequence[HistorySample], figures: Callable[[HistorySample], Mapping[str, float]]
) -> dict[str, Get]:
    """A getter for each process that the latest samples know."""
    found = {name for sample in samples[-10:] for name in figures(sample)}
    # Workers first: they have the same colours in every plot.
    names = sorted(found, key=lambda name: (not name.startswith("worker"), name))
    return {name: partial(lambda name, sample: figures(sample).get(name), name) for name in names}


def _plot(
    name: str,
    unit: str,
    getters: Mapping[str, Get],
    samples: Sequence[HistorySample],
    span: Span,
    *,
    fixed: bool = False,
) -> Plot:
    drawn = dict(list(getters.items())[:MOST_LINES])
    points = {
        line: _thinned([(sample.at, get(sample)) for sample in samples], span)
        for line, get in drawn.items()
    }
    top = nice_top(max((y for each in points.values() for _, y in each if y), default=0.0))
    return Plot(
        name=name,
        unit=unit,
        top=top,
        lines=tuple(
            PlotLine(line, number, path(found, span, top), _latest(samples, drawn[line]))
            for number, (line, found) in enumerate(points.items(), 1)
        ),
        fixed=fixed,
        left_out=len(getters) - len(drawn),
    )


def _latest(samples: Sequence[HistorySample], get: Get) -> Figure:
    return get(samples[-1]) if samples else None


def _thinned(points: Sequence[tuple[float, Figure]], span: Span) -> list[tuple[float, Figure]]:
    """The highest point of each step."""
    highest: dict[int, tuple[float, Figure]] = {}
    for at, figure in points:
        if at < span.begin:
            continue
        step = int(at / span.step_s)
        known = highest.get(step)
        if known is None or (figure is not None and (known[1] is None or figure >= known[1])):
            highest[step] = (at, figure)
    return list(highest.values())


def path(points: Sequence[tuple[float, Figure]], span: Span, top: float) -> str:
    """The line through the points, with gaps where figures or samples are missing."""
    parts: list[str] = []
    drawn_at: float | None = None
    for at, figure in points:
        if figure is None:
            drawn_at = None
            continue
        joined = drawn_at is not None and at - drawn_at <= max(GAP_S, 2 * span.step_s)
        y = HEIGHT - HEIGHT * min(figure, top) / top
        # A single point is a dot: a line without length and with round ends.
        parts.append(f"{'L' if joined else 'M'}{span.x(at):.1f} {y:.1f}" + ("" if joined else "h0"))
        drawn_at = at
    return "".join(parts)


def nice_top(most: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50 … that is not below `most`."""
    if most <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9))


class SalesCurve(msgspec.Struct, frozen=True):
    """How many tickets were sold by when: `path` for the SVG, between `begin` and `end` in Unix
    seconds, up to `top` tickets.
    """

    path: str
    begin: float
    end: float
    top: int


def sales_curve(points: Sequence[tuple[float, int]]) -> SalesCurve | None:
    """Draws the curve of an event's sales, in steps; None where nothing was sold."""
    if not points:
        return None
    # The first step begins with nothing sold.
    begin, end = points[0][0] - FIRST_STEP_S, points[-1][0]
    span, top = Span(begin, end), points[-1][1]
    steps = "".join(f"H{span.x(at):.1f}V{HEIGHT - HEIGHT * sold / top:.1f}" for at, sold in points)
    return SalesCurve(f"M0 {HEIGHT}{steps}", begin, end, top)
