"""The bench of scale: its arithmetic, and its requests to a JVM."""

from pathlib import Path

import msgspec
import psutil
import pytest

from tests.bench.scale import gauges, jvm, page, plots, results
from tests.bench.scale.crowd import _rates
from tests.bench.scale.results import Page, Scale, Size, Step, Times, Turn
from tests.support.zookeeper_server import Server


def step(orders: int, *windows: float) -> Step:
    return Step(
        orders=orders,
        sold=1000,
        per_second=sum(windows) / len(windows),
        windows=windows,
        window=100,
        p50_ms=20,
        p99_ms=50,
        longest_gap_ms=80,
        cpu_us={"servers": 90.0, "own": orders / 100, "buyers": 20.0, "others": 5.0},
    )


def size(orders: int, own_mb: float, *live_mb: float) -> Size:
    return Size(
        orders=orders,
        rss_mb={"supervisor": 40.0, "web-1": own_mb - 40},
        live_mb=live_mb,
        server_rss_mb=(200.0, 200.0),
        log_mb=(4.0, 4.0),
    )


TIMES = Times(
    orders=2000,
    verify_s=1.5,
    verify_mb=30,
    leader_killed_s=0.4,
    worker_back_s=0.5,
    down_s=1,
    up_s=3,
    order_p50_ms=2,
    order_p99_ms=9,
    snapshot_mb=2,
)
PAGE = Page(
    types=1000, page_p50_ms=30, page_most_ms=140, events_p50_ms=3, events_most_ms=24, page_kb=344
)
SCALE = Scale(
    at="2026-01-02T03:04+00:00",
    at_once=384,
    warm_up=10,
    machine={"processor": "2 cores", "memory": "24 GiB"},
    steps=(step(1010, 100, 200, 210), step(2010, 190, 200, 95)),
    turns=(
        Turn(large=step(2110, 90), fresh=step(110, 100)),
        Turn(large=step(2210, 99), fresh=step(210, 90)),
        Turn(large=step(2310, 60), fresh=step(310, 80)),
    ),
    sizes=(size(10, 190), size(1010, 200, 10, 12), size(2010, 210, 10.5, 13)),
    times=(TIMES,),
    pages=(PAGE,),
)


def test_the_last_window_is_held_against_the_first_and_medians_beside() -> None:
    assert SCALE.windows == (100, 200, 210, 190, 200, 95)
    assert SCALE.ratio == 0.95
    assert SCALE.steady_ratio == 190 / 200
    assert SCALE.work_ratio == pytest.approx((90 + 10.1) / (90 + 20.1))


def test_turns_are_held_against_each_other_in_pairs() -> None:
    assert SCALE.turn_ratio == 0.9
    assert SCALE.turn_work_ratio == pytest.approx((90 + 2.1) / (90 + 22.1))


def test_heap_is_counted_for_each_order_since_the_first_measurement() -> None:
    assert SCALE.heap_per_order == (0.5 * 2**20 / 1000, 2**20 / 1000)
    assert msgspec.structs.replace(SCALE, sizes=SCALE.sizes[:1]).heap_per_order == ()


def test_windows_are_whole_and_from_answer_to_answer() -> None:
    assert list(_rates([0.0, 1.0, 2.0, 5.0, 7.0, 9.0, 10.0], 3)) == [1.0, 0.5]


def test_the_page_says_what_was_met_and_what_was_not() -> None:
    text = page.section(SCALE)
    assert text.startswith("## Scale\n")
    assert "| rate of the last window to the first | ≥ 0.9 | 0.95 | yes |" in text
    assert "| rate in turns with a fresh instance, median of 3 | ≥ 0.9 | 0.90 | yes |" in text
    assert "100 tickets in turns, 3 times" in text
    assert "0.75 to 1.10" in text
    assert "| memory of all of zkticket's own processes | ≤ 300 MB | 210 MB | yes |" in text
    assert "| ≤ 600 bytes | 1,049 bytes | **no** |" in text
    assert "| `verify` | 1.50 s |" in text
    assert "![Tickets a second](plots/scale-rate.svg)" in text


def test_results_are_kept_and_drawn(tmp_path: Path) -> None:
    results.write(SCALE, tmp_path / "scale.json")
    assert results.read(tmp_path / "scale.json") == SCALE
    drawn = plots.draw(SCALE, tmp_path)
    assert {path.name for path in drawn} == {f"scale-{name}.svg" for name in plots.PLOTS}
    before = [path.read_bytes() for path in drawn]
    assert [path.read_bytes() for path in plots.draw(SCALE, tmp_path)] == before


def test_a_jvm_tells_its_live_heap(zookeeper: Server) -> None:
    pid = zookeeper.process.pid
    first = jvm.live_bytes(pid)
    assert 1_000_000 < first < 100_000_000
    assert jvm.live_bytes(pid) == pytest.approx(first, rel=0.2)


def test_the_sizes_of_an_instance_leave_the_servers_out() -> None:
    me = psutil.Process()
    status = {
        "supervisor": {"pid": me.pid},
        "workers": [],
        "web": [],
        "ensemble": {"servers": [{"pid": child.pid} for child in me.children()]},
    }
    [(name, rss_mb)] = gauges._own_rss_mb(status)
    assert name == "supervisor"
    assert rss_mb == pytest.approx(me.memory_info().rss / 2**20, rel=0.2)
