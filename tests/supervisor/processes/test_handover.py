"""The web's child, which has two processes for a moment, and never none."""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.processes.child import Child, ChildState
from supervisor.processes.handover import HandoverChild
from supervisor.processes.spawned_process import ProcessPlan, Role
from tests.support.fakes.fake_processes import FakeProcess, FakeSpawner

PLAN = ProcessPlan("web-1", Role.WEB, ("run",), Path("web-1.log"))
DRAIN_S = 10.0


@dataclass
class Stage(FakeSpawner):
    """A web on a clock that only the test moves."""

    web: HandoverChild = field(init=False)

    def __post_init__(self) -> None:
        self.web = HandoverChild(PLAN, self.spawn, lambda: self.now, lambda: 1.0, self._hear)

    def _hear(self, child: Child, text: str) -> None:
        self.heard.append(text)

    def step(self, later_s: float = 0.0) -> ChildState:
        self.now += later_s
        self.web.advance()
        return self.web.state

    def ready(self) -> ChildState:
        self.web.ready()
        return self.step()

    def run(self) -> "Stage":
        self.web.start()
        self.step()
        assert self.ready() is ChildState.RUNNING
        return self

    def restart(self, *, asked: bool = True) -> ChildState:
        self.web.restart("because", self.now + DRAIN_S, asked=asked)
        return self.step()

    @property
    def living(self) -> list[FakeProcess]:
        return [process for process in self.spawned if process.how is None]


def test_the_old_one_goes_when_the_new_one_is_ready() -> None:
    stage = Stage().run()
    assert stage.restart() is ChildState.STARTING
    old, new = stage.spawned
    assert not old.retired
    assert stage.ready() is ChildState.RUNNING
    assert old.retired
    assert not old.killed
    assert stage.web.pid == new.pid
    assert (stage.web.restarts, stage.web.reason) == (1, "because")
    old.how = "exit code 0"
    stage.step()
    assert stage.web.processes == [new]


def test_an_old_one_that_does_not_go_is_killed() -> None:
    stage = Stage().run()
    stage.restart()
    stage.ready()
    stage.step(DRAIN_S - 0.1)
    assert not stage.spawned[0].killed
    stage.step(0.2)
    assert stage.spawned[0].killed


def test_a_successor_that_dies_costs_nothing_and_is_said() -> None:
    stage = Stage().run()
    stage.restart()
    stage.spawned[1].how = "exit code 1"
    assert stage.step() is ChildState.RUNNING
    assert stage.web.pid == stage.spawned[0].pid
    assert "exit code 1" in stage.web.setback
    assert not stage.spawned[0].retired
    assert stage.web.restarts == 0
    assert stage.restart() is ChildState.STARTING
    assert stage.web.setback == ""


def test_a_successor_that_cannot_be_started_costs_nothing() -> None:
    stage = Stage(failure=None).run()
    stage.failure = OSError("no memory")
    assert stage.restart() is ChildState.RUNNING
    assert "no memory" in stage.web.setback


def test_after_a_setback_nobody_but_a_person_tries_again_at_once() -> None:
    stage = Stage().run()
    for _ in range(3):
        stage.restart()
        stage.spawned[-1].how = "exit code 1"
        stage.step()
    count = len(stage.spawned)
    assert stage.restart(asked=False) is ChildState.RUNNING
    assert len(stage.spawned) == count
    stage.now += 60.0
    assert stage.restart(asked=False) is ChildState.STARTING


def test_a_second_restart_does_not_wait_for_the_first_ones_last_buyers() -> None:
    stage = Stage().run()
    for _ in range(2):
        assert stage.restart() is ChildState.STARTING
        assert stage.ready() is ChildState.RUNNING
    assert [process.retired for process in stage.spawned] == [True, True, False]
    assert not any(process.asked or process.killed for process in stage.spawned)


def test_a_stop_in_the_middle_stops_both() -> None:
    stage = Stage().run()
    stage.restart()
    stage.web.stop(stage.now + 5.0)
    stage.step()
    assert all(process.asked for process in stage.spawned)
    stage.spawned[1].how = "exit code 0"
    stage.step()
    assert stage.web.processes == [stage.spawned[0]]
    stage.step(5.0)
    assert stage.spawned[0].killed
    assert stage.step() is ChildState.STOPPED
    assert not stage.web.processes


def test_one_that_dies_alone_is_started_again_after_a_pause() -> None:
    stage = Stage().run()
    stage.spawned[0].how = "killed by SIGKILL"
    assert stage.step() is ChildState.BACKOFF
    assert stage.step(1.0) is ChildState.STARTING


STEPS = st.lists(
    st.sampled_from(["restart", "ready", "old ends", "new dies", "time", "long time"]), max_size=40
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(STEPS)
def test_while_nobody_dies_alone_somebody_always_serves(steps: list[str]) -> None:
    """No order of restarts, setbacks and ends makes it stop a ready process."""
    stage = Stage().run()
    ready = {stage.spawned[0].pid}
    for step in steps:
        newest = stage.spawned[-1]
        match step:
            case "restart":
                stage.restart()
            case "ready" if stage.web.state is ChildState.STARTING:
                stage.ready()
                ready.add(stage.spawned[-1].pid)
            case "old ends":
                for process in stage.living:
                    if process.retired:
                        process.how = "exit code 0"
                stage.step()
            case "new dies" if stage.web.state is ChildState.STARTING:
                newest.how = "exit code 1"
                stage.step()
            case "time" | "long time":
                stage.step(0.5 if step == "time" else 30.0)
        serving = [p for p in stage.living if p.pid in ready and not (p.retired or p.killed)]
        assert serving, (step, stage.spawned)
        assert stage.web.state in (ChildState.RUNNING, ChildState.STARTING, ChildState.DRAINING)
