"""The results as tables of text, for the terminal and for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.contestants.straight import PIPELINED
from tests.bench.results import Figure, Results, Spread
from tests.bench.roster import SHOPS
from tests.bench.targets import UNITS, Verdict, verdicts

DIGITS_FROM = 100


@dataclass(frozen=True)
class Sheet:
    """A table; all columns but the first hold figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def everything(results: Results) -> Sheet:
    """Makes a line for each figure: its median, and the range of the rounds."""
    return Sheet(
        "Tickets a second (median, least and most of the rounds)",
        ("", "at once", "tickets/s", "min", "max", "p50 ms", "p99 ms", "failed"),
        tuple(_line(figure) for name in _contestants(results) for figure in results.figures(name)),
    )


def throughput(results: Results) -> Sheet:
    return _by_connections(
        results, "Purchases a second, by connections", lambda figure: span(figure.per_second)
    )


def latency(results: Results) -> Sheet:
    return _by_connections(
        results,
        "Milliseconds of a purchase, p50 / p99, by connections",
        lambda figure: f"{number(figure.p50_ms.middle)} / {number(figure.p99_ms.middle)}",
    )


def without_http(results: Results) -> Sheet:
    """Makes the table of contestants without HTTP, with every size of pipelined transactions."""
    over_http = {shop.name for shop in SHOPS}
    names = [name for name in _contestants(results) if name not in over_http]
    return Sheet(
        "Without HTTP",
        ("", "at once", "tickets/s", "p50 ms", "p99 ms"),
        tuple(
            (
                name,
                f"{figure.at_once} in each" if name == PIPELINED else str(figure.at_once),
                span(figure.per_second),
                number(figure.p50_ms.middle),
                number(figure.p99_ms.middle),
            )
            for name in names
            for figure in results.figures(name)
        ),
    )


def targets(results: Results) -> Sheet:
    return Sheet(
        "Targets",
        ("target", "needed", "measured", "from", "met"),
        tuple(_target(verdict) for verdict in verdicts(results)),
    )


def facts(title: str, found: dict[str, str]) -> Sheet:
    return Sheet(title, ("", ""), tuple(found.items()))


def number(value: float) -> str:
    """Writes a number with three significant digits."""
    if value >= DIGITS_FROM:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def span(spread: Spread) -> str:
    """Writes the median, and the least and the most where they differ."""
    middle, least, most = (number(v) for v in (spread.middle, spread.least, spread.most))
    return middle if least == most else f"{middle} ({least}–{most})"


def _contestants(results: Results) -> Sequence[str]:
    """Returns the shops in the order of the roster, then all others in their own order."""
    measured = dict.fromkeys(reading.contestant for reading in results.readings)
    shops = [shop.name for shop in SHOPS if shop.name in measured]
    return [*shops, *(name for name in measured if name not in shops)]


def _line(figure: Figure) -> tuple[str, ...]:
    speed = figure.per_second
    return (
        figure.contestant,
        str(figure.at_once),
        number(speed.middle),
        number(speed.least),
        number(speed.most),
        number(figure.p50_ms.middle),
        number(figure.p99_ms.middle),
        str(figure.failed),
    )


def _by_connections(results: Results, title: str, cell: Callable[[Figure], str]) -> Sheet:
    names = [shop.name for shop in SHOPS if results.figures(shop.name)]
    loads = sorted({figure.at_once for name in names for figure in results.figures(name)})
    rows = []
    for name in names:
        figures = (results.figure(name, load) for load in loads)
        rows.append((name, *(cell(figure) if figure else "–" for figure in figures)))
    return Sheet(title, ("", *(str(load) for load in loads)), tuple(rows))


def _target(verdict: Verdict) -> tuple[str, ...]:
    target, unit = verdict.target, UNITS[verdict.target.ours.kind]
    needed = f"{'at most' if target.at_most else 'at least'} {target.bound:,g}"
    if verdict.ratio is None or verdict.ours is None or verdict.theirs is None:
        return (target.text, needed, "not measured", "", "not met")
    return (
        target.text,
        needed,
        f"{number(verdict.ratio)}",
        f"{number(verdict.ours)}{unit} : {number(verdict.theirs)}{unit}",
        "met" if verdict.met else "not met",
    )
