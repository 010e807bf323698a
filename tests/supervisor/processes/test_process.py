"""One child: its states, its backoff, its crash loop, and the end of everything it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from core.errors import StartupError
from supervisor.operations import rolling_restart
from supervisor.processes import child as module
from supervisor.processes.child import Child, ChildState, cause_of
from supervisor.processes.spawned_process import (
    Process,
    ProcessPlan,
    Role,
    SystemProcess,
    child_environment,
    spawner,
)
from supervisor.zookeeper import disk_faults
from tests.support.fakes.fake_processes import FakeProcess, FakeSpawner
from tests.support.instance import freeze

PLAN = ProcessPlan("worker-1", Role.WORKER, ("run",), Path("worker-1.log"))


@dataclass
class Stage(FakeSpawner):
    """A child on a clock that only the test moves."""

    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.child = Child(PLAN, self.spawn, lambda: self.now, lambda: 1.0, self._hear)

    def _hear(self, child: Child, text: str) -> None:
        self.heard.append(f"{child.state.value} {child.pid}: {text}")

    @property
    def last(self) -> FakeProcess:
        return self.spawned[-1]

    def step(self, later_s: float = 0.0) -> ChildState:
        self.now += later_s
        self.child.advance()
        return self.child.state

    def run(self) -> "Stage":
        self.child.start()
        self.step()
        self.child.ready()
        assert self.step() is ChildState.RUNNING
        return self

    def die(self, after_s: float) -> ChildState:
        self.now += after_s
        self.last.how = "exit code 1"
        return self.step()


def test_a_child_starts_and_runs_once_it_is_ready() -> None:
    stage = Stage()
    assert stage.step() is ChildState.STOPPED
    stage.child.start()
    assert stage.step() is ChildState.STARTING
    assert stage.step() is ChildState.STARTING
    stage.child.ready()
    assert stage.step() is ChildState.RUNNING


def test_a_dead_child_is_restarted_after_a_backoff() -> None:
    stage = Stage().run()
    assert stage.die(after_s=1.0) is ChildState.BACKOFF
    assert stage.child.pid is None
    assert stage.child.due == pytest.approx(stage.now + module.FIRST_DELAY_S)
    assert stage.step(module.FIRST_DELAY_S / 2) is ChildState.BACKOFF
    assert stage.step(module.FIRST_DELAY_S / 2) is ChildState.STARTING
    assert stage.child.restarts == 1
    assert stage.child.reason == "died: exit code 1"
    assert stage.heard == ["backoff 1: died: exit code 1; starts again in 0.2 s"]


def test_the_backoff_doubles_up_to_a_limit_and_then_gives_up() -> None:
    stage = Stage().run()
    delays = []
    while stage.die(after_s=0.1) is ChildState.BACKOFF:
        assert stage.child.due is not None
        delays.append(stage.child.due - stage.now)
        stage.step(delays[-1])
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    assert stage.child.state is ChildState.FATAL
    assert "7 deaths within 120 s" in stage.heard[-1]
    assert stage.step(1e6) is ChildState.FATAL


def test_a_long_life_clears_the_count_of_deaths() -> None:
    stage = Stage().run()
    for _ in range(5):
        stage.die(after_s=0.1)
        stage.step(module.LONGEST_DELAY_S)
    stage.die(after_s=module.STABLE_S)
    assert stage.child.due == pytest.approx(stage.now + module.FIRST_DELAY_S)


def test_a_child_that_is_killed_again_and_again_after_long_lives_is_no_crash_loop() -> None:
    stage = Stage().run()
    for _ in range(50):
        assert stage.die(after_s=module.STABLE_S) is ChildState.BACKOFF
        assert stage.step(module.LONGEST_DELAY_S) is ChildState.STARTING


def test_jitter_halves_the_delay_at_most() -> None:
    stage = Stage()
    stage.child = Child(PLAN, stage.spawn, lambda: stage.now, lambda: 0.0, stage._hear)
    stage.run().die(after_s=0.1)
    assert stage.child.due == pytest.approx(stage.now + module.FIRST_DELAY_S / 2)


def test_a_child_that_has_to_rest_is_not_started_before_that_is_over() -> None:
    stage = Stage()
    plan = replace(PLAN, rest_s=0.8)
    stage.child = Child(plan, stage.spawn, lambda: stage.now, lambda: 1.0, stage._hear)
    stage.run()
    delays = []
    for _ in range(4):
        stage.die(after_s=0.1)
        assert stage.child.due is not None
        delays.append(stage.child.due - stage.now)
        stage.step(delays[-1])
    assert delays == pytest.approx([0.8, 0.8, 0.8, 1.6])


def test_a_restart_drains_first() -> None:
    stage = Stage().run()
    stage.child.restart("memory: 600 MB", deadline=stage.now + 10)
    assert stage.step() is ChildState.DRAINING
    assert stage.last.asked
    assert not stage.last.killed
    stage.last.how = "exit code 0"
    assert stage.step(1.0) is ChildState.BACKOFF
    assert stage.child.reason == "memory: 600 MB, exit code 0"
    assert stage.child.causes == {"memory": 1}
    assert stage.step(1.0) is ChildState.STARTING
    assert len(stage.spawned) == 2


def test_a_restart_by_a_person_starts_at_once_and_counts_as_no_death() -> None:
    stage = Stage().run()
    for number in range(1, 2 * module.LOOP_DEATHS):
        stage.child.restart("restart by operator", deadline=stage.now + 10, asked=True)
        assert stage.step() is ChildState.DRAINING
        stage.last.how = "exit code 0"
        assert stage.step(0.1) is ChildState.BACKOFF
        assert stage.step() is ChildState.STARTING
        assert stage.child.restarts == number
    stage.child.ready()
    stage.step()
    stage.die(after_s=0.1)
    assert stage.child.due == pytest.approx(stage.now + module.FIRST_DELAY_S)


def test_a_person_starts_again_what_was_given_up() -> None:
    stage = Stage(failure=StartupError("its data is lost"))
    stage.child.start()
    assert stage.step() is ChildState.FATAL
    stage.child.restart("overloaded", deadline=stage.now)
    assert stage.step() is ChildState.FATAL
    stage.failure = None
    stage.child.restart("restart by operator", deadline=stage.now, asked=True)
    assert stage.step() is ChildState.STARTING


def test_restarts_of_the_ill_back_off_and_end_in_a_crash_loop_though_each_life_is_long() -> None:
    stage = Stage().run()
    delays = []
    state = ChildState.BACKOFF
    while state is ChildState.BACKOFF:
        stage.now += 2 * module.STABLE_S
        stage.child.restart("memory: 600 MB", deadline=stage.now + 10)
        assert stage.step() is ChildState.DRAINING
        stage.last.how = "exit code 0"
        state = stage.step()
        if state is ChildState.BACKOFF:
            assert stage.child.due is not None
            delays.append(stage.child.due - stage.now)
            assert stage.step(delays[-1]) is ChildState.STARTING
            stage.child.ready()
            stage.step()
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    assert state is ChildState.FATAL
    assert "memory: 600 MB" in (stage.child.reason or "")


def test_the_ill_that_was_well_for_long_begins_anew() -> None:
    stage = Stage().run()
    for _ in range(2 * module.LOOP_DEATHS):
        stage.now += module.LOOP_S
        stage.child.restart("memory: 600 MB", deadline=stage.now + 10)
        stage.step()
        stage.last.how = "exit code 0"
        assert stage.step() is ChildState.BACKOFF
        assert stage.child.due == pytest.approx(stage.now + module.FIRST_DELAY_S)
        stage.step(1.0)
        stage.child.ready()
        stage.step()


def test_a_child_that_does_not_drain_in_time_is_killed() -> None:
    stage = Stage().run()
    stage.child.stop(deadline=stage.now + 10)
    assert stage.step() is ChildState.DRAINING
    assert stage.step(9.9) is ChildState.DRAINING
    assert not stage.last.killed
    stage.step(0.2)
    assert stage.last.killed
    assert stage.step() is ChildState.STOPPED
    assert stage.step(1e6) is ChildState.STOPPED


def test_a_child_that_waits_for_its_restart_stops_at_once() -> None:
    stage = Stage().run()
    stage.die(after_s=0.1)
    stage.child.stop(deadline=stage.now)
    assert stage.step(100.0) is ChildState.STOPPED
    assert len(stage.spawned) == 1


def test_what_cannot_be_executed_is_tried_again() -> None:
    stage = Stage(failure=FileNotFoundError("java"))
    stage.child.start()
    assert stage.step() is ChildState.BACKOFF
    stage.failure = None
    assert stage.step(1.0) is ChildState.STARTING


def test_what_must_not_be_started_is_fatal_at_once() -> None:
    stage = Stage(failure=StartupError("its data is lost"))
    stage.child.start()
    assert stage.step() is ChildState.FATAL
    assert "its data is lost" in stage.heard[0]


# --- real processes ------------------------------------------------------------------


def poll(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start(tmp_path: Path, code: str) -> Process:
    argv = (sys.executable, "-c", code)
    plan = ProcessPlan("child", Role.WORKER, argv, tmp_path / "child.log")
    return spawner(dict(os.environ))(plan)


FAMILY = """
import subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", code])
print(child.pid, flush=True)
time.sleep(60)
"""


def grandchild(tmp_path: Path) -> psutil.Process:
    log = tmp_path / "child.log"
    poll(lambda: log.exists() and log.read_text().endswith("\n"))
    return psutil.Process(int(log.read_text()))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_dead_child_started_dies_with_it(tmp_path: Path, number: int) -> None:
    child = start(tmp_path, FAMILY)
    below = grandchild(tmp_path)
    os.kill(child.pid, number)
    poll(lambda: child.ended() is not None)
    assert child.ended() == f"killed by {signal.Signals(number).name}"
    poll(lambda: gone(below))


def test_a_kill_reaches_a_sleeper_and_its_children(tmp_path: Path) -> None:
    child = start(tmp_path, FAMILY)
    below = grandchild(tmp_path)
    freeze(child.pid)
    child.kill()
    poll(lambda: child.ended() is not None)
    poll(lambda: gone(below))


def test_an_adopted_process_is_seen_to_end(tmp_path: Path) -> None:
    child = start(tmp_path, "import time; time.sleep(60)")
    adopted = SystemProcess(psutil.Process(child.pid))
    assert adopted.ended() is None
    adopted.terminate()
    poll(lambda: adopted.ended() == "it is gone")
    poll(lambda: child.ended() is not None)


def test_a_child_gets_a_session_of_its_own_and_little_of_the_environment(tmp_path: Path) -> None:
    code = "import os; print(os.getsid(0) == os.getpid(), sorted(os.environ), flush=True)"
    argv = (sys.executable, "-c", code)
    environ = {**os.environ, "TZ": "UTC", "PASSWORD": "x", "PYTHONDONTWRITEBYTECODE": "1"}
    child = spawner(environ)(ProcessPlan("child", Role.WEB, argv, tmp_path / "child.log"))
    poll(lambda: child.ended() is not None)
    own_session, names = (tmp_path / "child.log").read_text().split(" ", 1)
    assert own_session == "True"
    assert "TZ" in names
    assert "PASSWORD" not in names
    assert "PYTHONDONTWRITEBYTECODE" not in names


def test_the_settings_reach_the_children() -> None:
    assert child_environment({"ZKTICKET_SESSION_S": "4", "SECRET": "x", "LC_ALL": "C"}) == {
        "ZKTICKET_SESSION_S": "4",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


def test_the_exit_code_of_a_child_is_told() -> None:
    popen = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], start_new_session=True)
    child = SystemProcess(psutil.Process(popen.pid), popen)
    poll(lambda: child.ended() == "exit code 3")


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("died: exit code 1", "died"),
        ("hung: no heartbeat for 11 s, killed by SIGKILL", "hung"),
        ("outlier: CPU pinned and under half of its peers' sales, exit code 0", "outlier"),
        (f"{disk_faults.WHY}, killed by SIGKILL", "disk"),
        (f"{rolling_restart.REASON}, exit code 0", "operator"),
        ("something that nobody has thought of", "other"),
    ],
)
def test_each_restart_is_counted_by_its_cause(reason: str, cause: str) -> None:
    assert cause_of(reason) == cause
