"""Makes the page `RESULTS.md` from the results alone."""

from collections.abc import Callable
from pathlib import Path

from tests.bench.plan import PLANS
from tests.bench.report import plots, tables
from tests.bench.report.method import method
from tests.bench.report.tables import Sheet
from tests.bench.results import Results
from tests.bench.scale import results as scale
from tests.bench.scale.page import section

PAGE = "RESULTS.md"
PLOTS = "plots"
SCALE = "scale.json"

HEAD = """\
# How fast zkticket sells, and how fast others do

Written by `make bench` on {at}{quick}. Everything was measured in one run
on one machine, each contestant alone on it, {rounds}, in a different order each time. A figure
is the median of the rounds, with the least and the most in brackets.
"""
QUICK = ", a quick run: more a smoke test than a measurement"


def publish(results: Results, folder: Path) -> Path:
    """Writes the page and its plots into `folder`; returns the page."""
    plots.draw(results, folder / PLOTS)
    path = folder / PAGE
    path.write_text(page(results) + _scale(folder), encoding="utf-8")
    return path


def _scale(folder: Path) -> str:
    """Returns the section about the long sale, from its own run's files in the folder."""
    found = folder / SCALE
    return "\n" + section(scale.read(found)) if found.exists() else ""


def page(results: Results) -> str:
    return "\n".join(part(results) for part in SECTIONS)


def markdown(sheet: Sheet) -> str:
    """Returns the table alone, without its title."""
    lines = [sheet.columns, ("---", *("---:" for _ in sheet.columns[1:])), *sheet.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _head(results: Results) -> str:
    plan = PLANS[results.plan]
    return HEAD.format(
        at=results.at.replace("T", " at ").replace("+00:00", " UTC"),
        rounds="in one round" if plan.rounds == 1 else f"in {plan.rounds} rounds",
        quick=QUICK if plan.name == "quick" else "",
    )


def _targets(results: Results) -> str:
    return _titled(tables.targets(results))


def _throughput(results: Results) -> str:
    sheet = tables.throughput(results)
    return _titled(sheet, f"![{sheet.title}]({PLOTS}/throughput.svg)")


def _latency(results: Results) -> str:
    sheet = tables.latency(results)
    return _titled(sheet, f"![{sheet.title}]({PLOTS}/latency.svg)")


def _without_http(results: Results) -> str:
    return _titled(tables.without_http(results))


def _failures(results: Results) -> str:
    failed: dict[str, int] = {}
    for reading in results.readings:
        failed[reading.contestant] = failed.get(reading.contestant, 0) + reading.failed
    found = [f"{name} {count}" for name, count in failed.items() if count]
    if not found:
        return "Nothing failed: every measured purchase ended in a ticket.\n"
    return f"Purchases that failed or were refused: {', '.join(found)}.\n"


def _method(results: Results) -> str:
    return method(PLANS[results.plan])


def _machine(results: Results) -> str:
    return (
        _titled(tables.facts("The machine", results.machine))
        + "\n"
        + _titled(tables.facts("Versions", results.versions))
    )


def _titled(sheet: Sheet, *below: str) -> str:
    return "\n".join([f"## {sheet.title}\n", markdown(sheet), *(f"{line}\n" for line in below)])


# The page from top to bottom. Other measurements add their sections here.
SECTIONS: tuple[Callable[[Results], str], ...] = (
    _head,
    _targets,
    _throughput,
    _latency,
    _without_http,
    _failures,
    _method,
    _machine,
)
