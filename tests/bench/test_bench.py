"""The bench's own arithmetic: reading, comparing, and writing."""

from pathlib import Path

import pytest

from tests.bench import packages
from tests.bench.contestants.shop import compare
from tests.bench.contestants.straight import BUYERS, LOCK
from tests.bench.load import BenchError, parsed
from tests.bench.report import page as report_page
from tests.bench.report import tables
from tests.bench.results import Reading, Results, percentile, read, spread, write
from tests.bench.roster import ECHO, HOT_TYPE, POSTGRES, in_turn
from tests.bench.targets import verdicts

WRK = """\
Running 2s test @ http://127.0.0.1:18000/api/orders
  1 threads and 64 connections
Requests/sec:   1500.00

{"answers": 3000, "refused": 100, "broken": 5, "duration": 2000000, "p50": 21500, "p99": 90000}
"""


def reading(contestant: str, at_once: int, per_second: float, round_: int = 0) -> Reading:
    return Reading(
        contestant=contestant,
        at_once=at_once,
        per_second=per_second,
        p50_ms=2.0,
        p99_ms=5.0,
        round=round_,
    )


def results(*readings: Reading) -> Results:
    return Results(
        at="2026-11-22T12:00:00+00:00",
        plan="full",
        machine={"memory": "24 GiB"},
        versions={"kazoo": "2.11.0"},
        readings=readings,
    )


RUN = results(
    *(reading(HOT_TYPE.name, 256, speed, n) for n, speed in enumerate((5000, 6000, 5500))),
    reading(HOT_TYPE.name, 64, 4000),
    reading(POSTGRES.name, 256, 1000),
    reading(ECHO.name, 256, 12000),
    reading(LOCK, BUYERS.sellers, 50),
)


def test_only_answers_of_201_count_as_sold() -> None:
    load = parsed(WRK)
    assert (load.sold, load.failed, load.per_second) == (2900, 105, 1450.0)
    assert (load.p50_ms, load.p99_ms) == (21.5, 90.0)


def test_a_load_without_figures_is_an_error() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parsed("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_books_may_hold_sales_whose_buyers_had_left_and_no_others() -> None:
    compare("shop", answered=100, sold=104, open_ends=4)
    for sold in (99, 105):
        with pytest.raises(BenchError, match=f"{sold} tickets sold"):
            compare("shop", answered=100, sold=sold, open_ends=4)


def test_each_round_has_all_contestants_in_an_order_of_its_own() -> None:
    rounds = [in_turn("abcd", round_) for round_ in range(4)]
    assert all(sorted(round_) == list("abcd") for round_ in rounds)
    assert len({"".join(round_) for round_ in rounds}) == 4


def test_a_figure_is_the_median_of_the_rounds_with_its_ends() -> None:
    figure = RUN.figure(HOT_TYPE.name, 256)
    assert figure is not None
    assert figure.per_second == spread([5500, 5000, 6000])
    assert (figure.per_second.middle, figure.per_second.least) == (5500, 5000)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile(range(1, 101), 99) == 99
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([7.0], 99) == 7.0


def test_a_target_is_met_missed_or_not_measured() -> None:
    found = {verdict.target.text: verdict for verdict in verdicts(RUN)}
    postgres = found["purchases/s over HTTP, to Flask + PostgreSQL"]
    assert postgres.ratio == 5.5
    assert postgres.met
    lock = found["the same, to its way here, by 16 buyers"]
    assert lock.ratio == 110
    assert not lock.met
    redis = found["purchases/s over HTTP, to Flask + Redis"]
    assert redis.ratio is None
    assert not redis.met
    tail = found["p99 over HTTP at 64 connections, to its p50"]
    assert tail.ratio == 2.5
    assert tail.met


def test_a_load_that_was_not_measured_is_a_dash() -> None:
    rows = {row[0]: row[1:] for row in tables.throughput(RUN).rows}
    assert rows[HOT_TYPE.name] == ("4,000", "5,500 (5,000–6,000)")
    assert rows[POSTGRES.name] == ("–", "1,000")


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(RUN, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == RUN


def test_the_same_results_make_the_same_page_and_plots(tmp_path: Path) -> None:
    pages = [report_page.publish(RUN, tmp_path / name) for name in ("one", "two")]
    first, second = (
        {file.name: file.read_bytes() for file in page.parent.rglob("*.*") if file.is_file()}
        for page in pages
    )
    assert first == second
    assert set(first) == {"RESULTS.md", "throughput.svg", "latency.svg"}
    text = pages[0].read_text(encoding="utf-8")
    assert "| Flask + PostgreSQL | – | 1,000 |" in text
    assert "plots/throughput.svg" in text


def test_missing_packages_are_named_to_a_user_that_may_not_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "missing", lambda: ["wrk", "redis-server"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BenchError, match="apt-get install wrk redis-server"):
        packages.require()
