"""The drill: what it says about itself, what it shows, and a short one for real."""

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from rich.console import Console, RenderableType

from admin.drill import ports, screen
from admin.drill.faults import FAULTS, FaultName, chosen
from admin.drill.processes import ObservedProcess, victims
from admin.drill.progress import NEWS, Board
from admin.drill.proof.checker import Finding, Kind
from admin.drill.proof.history import Wish, unanswered
from admin.drill.report import FaultResult, Report, counted
from admin.drill.sale_gauge import SLOT_S, Gauge
from tests.support.instance import ENTRYPOINT, environment, eventually

SERVERS = ("leader", "follower", "frozen")
PROCESSES = (
    *(
        ObservedProcess(f"zookeeper-{n}", "zookeeper", role, n, 0.0)
        for n, role in enumerate(SERVERS, 1)
    ),
    *(ObservedProcess(f"worker-{n}", "worker", "running", 10 + n, 0.0) for n in (1, 2, 3)),
    ObservedProcess("web-1", "web", "starting", 20, 0.0),
    ObservedProcess("supervisor", "supervisor", "running", 30, 0.0),
)


def result(fault: str = "leader", *findings: Finding, recovered: bool = True) -> FaultResult:
    return FaultResult(
        fault=fault,
        pause_s=12.345,
        errors={"no-quorum": 12_345},
        sold=123_456,
        recovered=recovered,
        findings=tuple(each.text for each in findings),
        **counted(findings),
    )


def drawn(what: RenderableType) -> list[str]:
    console = Console(file=io.StringIO(), width=80, height=24, color_system=None)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


# --- what is chosen ------------------------------------------------------------------


def test_every_fault_has_its_name_and_all_are_drilled_unless_some_are_named() -> None:
    assert [*FAULTS, FaultName.ALL] == list(FaultName)
    assert chosen([]) == chosen([FaultName.ALL]) == list(FAULTS.values())
    named = chosen([FaultName.WEB, FaultName.LEADER])
    assert [fault.name for fault in named] == ["web", "leader"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (FaultName.LEADER, {"zookeeper-1"}),
        (FaultName.FOLLOWER, {"zookeeper-2"}),
        (FaultName.ENSEMBLE, {"zookeeper-1", "zookeeper-2", "zookeeper-3"}),
        (FaultName.SUPERVISOR, {"supervisor"}),
        (FaultName.QUORUM, {"zookeeper-1", "zookeeper-2"}),
        (FaultName.WEB, set()),
    ],
)
def test_a_fault_strikes_the_processes_it_names_and_none_that_is_down(
    name: FaultName, wanted: set[str]
) -> None:
    struck = victims(FAULTS[name], PROCESSES, random.Random(1))
    assert {part.name for part in struck} == wanted


def test_the_same_seed_strikes_the_same_victim() -> None:
    worker = FAULTS[FaultName.WORKER]
    first, again = (victims(worker, PROCESSES, random.Random(7)) for _ in range(2))
    assert first == again


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    rng = random.Random(1)
    for _ in range(20):
        assert ports.LOWEST <= ports.first_free(rng) < ports.EPHEMERAL_FROM
        highest = ports.first_free(rng, ports.ENSEMBLE) + max(ports.ENSEMBLE)
        assert ports.LOWEST < highest < ports.EPHEMERAL_FROM


# --- what is shown -------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_fault_does_and_what_to_watch_is_a_line_each(name: FaultName) -> None:
    board = Board(1, 1, lambda _text: None)
    board.begin(1, FAULTS[name])
    assert len(drawn(screen.live(board))) == 3 + NEWS


def test_the_screen_fits_80_columns_and_24_lines() -> None:
    board = Board(9999, len(FAULTS), lambda _text: None)
    now = 100.0
    board.gauge = Gauge(lambda: now, lambda _pause_s: None)
    for number in range(2000):
        attempt = unanswered(Wish(key=f"{number}", buyer="Ann", type="A"), 0, number / 20)
        board.gauge.note(attempt, 0.1)
    board.processes = PROCESSES
    for number, fault in enumerate(FAULTS.values(), 1):
        board.begin(number, fault)
        board.tell("a piece of news that is much longer than a line of the terminal " * 3)
        board.tell("another one")
        board.tell("a third one")
        lines = drawn(screen.live(board))
        assert len(lines) < 24
        assert max(map(len, lines)) <= 80
        board.end(result(fault.name))
    assert any("server-3 frozen" in line and "leader" in line for line in lines)
    assert any("web starting" in line and "supervisor" in line for line in lines)
    verdict = drawn(screen.results(board.results))
    assert "misreported" in verdict[0]
    assert max(map(len, verdict)) <= 80


def test_the_gauge_shows_sales_waits_and_pauses() -> None:
    now = 0.0
    pauses: list[float] = []
    gauge = Gauge(lambda: now, pauses.append)
    for ended in (0.1, 0.2, 2.2):
        wish = Wish(key=str(ended), buyer="Ann", type="A")
        gauge.note(unanswered(wish, 0, ended), 0.1)
    assert (gauge.sold, gauge.errors["no answer"]) == (0, 3)
    sold = unanswered(Wish(key="k", buyer="Ann", type="A"), 0, 0.4)
    for ended in (0.1, 0.4, 2.2):
        gauge.note(
            type(sold)(key="k", buyer="Ann", type="A", began_s=0, ended_s=ended, status=201), ended
        )
    assert gauge.sold == 3
    assert pauses == [pytest.approx(0.3), pytest.approx(1.8)]
    now = 2.5
    slots = gauge.recent(5)
    assert [slot.sold for slot in slots] == [2, 0, 0, 0, 1]
    assert slots[0].sold_per_second == 2 / SLOT_S
    assert slots[-1].p99_ms == pytest.approx(2200)


def test_a_finding_fails_the_verdict_and_is_named() -> None:
    lost = Finding(Kind.LOST, "1 of A were answered as sold, and no order has them", "e", "key-7")
    assert result().ok
    assert not result("leader", lost).ok
    assert not result(recovered=False).ok
    report = Report(ok=False, seed=7, faults=(result("leader", lost),), orders=3, breach="znode x")
    text = "\n".join(drawn(screen.verdict(report)))
    for word in ("leader: 1 of A", "verify: znode x", "seed 7"):
        assert word in text


# --- for real ------------------------------------------------------------------------


def drill(*options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(ENTRYPOINT), "drill", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def of_drills() -> list[psutil.Process]:
    """Returns the processes of drills in this test's temporary directory."""
    marker = f"{environment()['TMPDIR']}/zkticket-drill-"
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(marker in word for word in process.info["cmdline"] or ())
    ]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_killed_worker_breaks_no_promise(temporary: Path) -> None:
    process = drill("worker", "--buyers", "6", "--seconds", "1", "--seed", "5", "--json", "--keep")
    said, messages = process.communicate(timeout=110)
    assert process.returncode == 0, said + messages
    report = json.loads(said)
    assert (report["ok"], report["seed"], report["breach"]) == (True, 5, None)
    [fault] = report["faults"]
    assert fault["sold"] == report["orders"] > 20
    assert fault["recovered"]
    assert fault["findings"] == []
    assert re.search(r"\+ *\d+\.\d s  killed worker-\d", messages)
    assert Path(report["kept"], "1-worker.jsonl").stat().st_size > 0
    assert of_drills() == []


def test_ctrl_c_leaves_nothing_behind(temporary: Path) -> None:
    process = drill("worker", "--buyers", "2", "--seconds", "60")
    try:
        eventually("the instance starts", lambda: len(of_drills()) > 3, 60)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "it proves nothing" in messages
    assert "Traceback" not in messages
    assert of_drills() == []
    assert [name for name in os.listdir(temporary) if name.startswith("zkticket-drill")] == []


def test_a_killed_drill_leaves_nothing_behind(temporary: Path) -> None:
    process = drill("worker", "--buyers", "2", "--seconds", "60")
    try:
        eventually("the instance starts", lambda: len(of_drills()) > 3, 60)
    finally:
        process.kill()
        process.communicate()
    eventually("all of it goes", lambda: not (os.listdir(temporary) or of_drills()), 30)
