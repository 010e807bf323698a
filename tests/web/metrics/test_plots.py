"""The history's ring, and the plots of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.schema.records import ProcessRecord, Quantiles
from core.transport.link import Code
from web.metrics.history import KEPT, HistorySample, SampleHistory
from web.metrics.history import sample as sampled
from web.metrics.interval_counts import Lap, Laps
from web.operator.plots import HEIGHT, MOST_LINES, MOST_POINTS, WIDTH, Span, nice_top, path, plots

NOW = 1_750_000_000.0
SPAN = Span(NOW - 300, NOW)
STEP = re.compile(r"([ML])(-?[\d.]+) (-?[\d.]+)(h0)?")


def sample(at: float, **fields: object) -> HistorySample:
    plain = HistorySample(
        at=at, sold=1.0, p50_ms=2.0, p99_ms=3.0, shed=0.0, failed=0.0, in_flight={}, cpu={}
    )
    return replace(plain, **fields)


def drawn(text: str) -> list[tuple[str, float, float]]:
    steps = [(found[1], float(found[2]), float(found[3])) for found in STEP.finditer(text)]
    assert "".join(found[0] for found in STEP.finditer(text)) == text
    return steps


# --- the ring ------------------------------------------------------------------------


def test_the_ring_forgets_the_oldest() -> None:
    history = SampleHistory()
    for second in range(KEPT + 10):
        history.add(sample(NOW + second))
    kept = history.since(0.0)
    assert len(kept) == KEPT
    assert (kept[0].at, kept[-1].at) == (NOW + 10, NOW + KEPT + 9)
    assert [found.at for found in history.since(NOW + KEPT + 7)] == [NOW + KEPT + 8, NOW + KEPT + 9]


def test_a_lap_counts_what_happened_since_the_last_one() -> None:
    times = iter([0.0, 2.0, 2.0, 3.0, 3.0])
    laps = Laps(lambda: next(times))
    for _ in range(100):
        laps.purchase(Code.SOLD, 0.02)
    for code in (Code.OVERLOADED, Code.DRAINING, Code.NO_QUORUM, Code.OUTCOME_UNKNOWN):
        laps.purchase(code, 9.0)
    laps.purchase(Code.SOLD_OUT, 9.0)
    quantiles = Quantiles(p50_ms=20.0, p99_ms=20.0)
    assert laps.take() == Lap(seconds=2.0, sold=100, shed=2, failed=2, latency=quantiles)
    assert laps.take() == Lap(seconds=1.0, sold=0, shed=0, failed=0, latency=Quantiles())


def test_a_sample_is_of_rates_and_has_no_latency_where_nothing_was_sold() -> None:
    lap = Lap(seconds=2.0, sold=0, shed=10, failed=3, latency=Quantiles())
    table = [
        ProcessRecord(name=name, role=role, state="running", pid=1, cpu_percent=7.0)
        for name, role in (("zookeeper-1", "zookeeper"), ("worker-1", "worker"), ("web-1", "web"))
    ]
    found = sampled(lap, (), table, NOW)
    assert (found.shed, found.failed, found.p50_ms, found.p99_ms) == (5.0, 1.5, None, None)
    assert found.cpu == {"worker-1": 7.0, "web-1": 7.0}


# --- the lines -----------------------------------------------------------------------

figures = st.lists(
    st.one_of(st.none(), st.floats(0, 1e9, allow_nan=False)), min_size=0, max_size=1000
)


@given(figures, st.integers(1, 1800))
def test_every_line_stays_inside_its_plot_and_within_its_points(
    found: list[float | None], minutes_s: int
) -> None:
    span = Span(NOW - minutes_s, NOW)
    samples = [sample(NOW - len(found) + n, p99_ms=y) for n, y in enumerate(found)]
    latency = next(plot for plot in plots(samples, span) if plot.name == "latency")
    steps = drawn(latency.lines[1].path)
    assert len(steps) <= MOST_POINTS + 2
    for _, x, y in steps:
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


@given(st.floats(0, 1e12, allow_nan=False))
def test_the_top_is_round_not_below_and_not_far_above(most: float) -> None:
    top = nice_top(most)
    assert top >= most * (1 - 1e-8)
    assert top <= max(1.0, 2.6 * most)
    assert f"{top:.0e}"[0] in "125"


def test_a_spike_of_one_second_survives_in_half_an_hour() -> None:
    samples = [
        sample(NOW - second, shed=700.0 if second == 900 else 0.0) for second in range(1799, -1, -1)
    ]
    plot = next(each for each in plots(samples, Span(NOW - 1800, NOW)) if each.name == "refused")
    assert plot.top == 1000
    assert min(y for _, _, y in drawn(plot.lines[0].path)) == pytest.approx(30.0)


def test_a_line_breaks_where_there_is_no_figure_and_where_nobody_sampled() -> None:
    points = [(NOW - 20, 1.0), (NOW - 19, None), (NOW - 18, 1.0), (NOW - 17, 1.0), (NOW, 1.0)]
    assert [kind for kind, _, _ in drawn(path(points, SPAN, 2.0))] == ["M", "M", "L", "M"]


def test_more_workers_than_colours_are_counted_not_drawn() -> None:
    names = [f"worker-{number}" for number in range(20)]
    [cpu] = [
        plot
        for plot in plots([sample(NOW, cpu=dict.fromkeys(names, 5.0))], SPAN)
        if plot.name == "cpu"
    ]
    assert (len(cpu.lines), cpu.left_out) == (MOST_LINES, 20 - MOST_LINES)


def test_without_any_sample_there_are_empty_plots() -> None:
    found = plots([], SPAN)
    assert [plot.name for plot in found] == ["sold", "latency", "refused", "in-flight", "cpu"]
    assert all(line.path == "" and line.now is None for plot in found for line in plot.lines)
