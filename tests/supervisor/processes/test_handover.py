"""The web's child: two processes for a moment, and never none."""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.processes.child import Child, ChildState
from supervisor.processes.handover import HandoverChild
from supervisor.processes.process import Process, ProcessPlan, Role
from tests.supervisor.processes.test_process import FakeProcess

PLAN = ProcessPlan("web-1", Role.WEB, ("run",), Path("web-1.log"))
DRAIN_S = 10.0


@dataclass
class Scene:
    """A relay on a clock that only the test moves."""

    now: float = 1000.0
    spawned: list[FakeProcess] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    failure: Exception | None = None
    web: HandoverChild = field(init=False)

    def __post_init__(self) -> None:
        self.web = HandoverChild(PLAN, self._spawn, lambda: self.now, lambda: 1.0, self._hear)

    def _spawn(self, plan: ProcessPlan) -> Process:
        if self.failure:
            raise self.failure
        self.spawned.append(FakeProcess(pid=len(self.spawned) + 1))
        return self.spawned[-1]

    def _hear(self, child: Child, text: str) -> None:
        self.heard.append(text)

    def step(self, later_s: float = 0.0) -> ChildState:
        self.now += later_s
        self.web.advance()
        return self.web.state

    def ready(self) -> ChildState:
        self.web.ready()
        return self.step()

    def run(self) -> "Scene":
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
    scene = Scene().run()
    assert scene.restart() is ChildState.STARTING
    old, new = scene.spawned
    assert not old.retired
    assert scene.ready() is ChildState.RUNNING
    assert old.retired
    assert not old.killed
    assert scene.web.pid == new.pid
    assert (scene.web.restarts, scene.web.reason) == (1, "because")
    old.how = "exit code 0"
    scene.step()
    assert scene.web.processes == [new]


def test_an_old_one_that_does_not_go_is_killed() -> None:
    scene = Scene().run()
    scene.restart()
    scene.ready()
    scene.step(DRAIN_S - 0.1)
    assert not scene.spawned[0].killed
    scene.step(0.2)
    assert scene.spawned[0].killed


def test_a_successor_that_dies_costs_nothing_and_is_said() -> None:
    scene = Scene().run()
    scene.restart()
    scene.spawned[1].how = "exit code 1"
    assert scene.step() is ChildState.RUNNING
    assert scene.web.pid == scene.spawned[0].pid
    assert "exit code 1" in scene.web.setback
    assert not scene.spawned[0].retired
    assert scene.web.restarts == 0
    assert scene.restart() is ChildState.STARTING
    assert scene.web.setback == ""


def test_a_successor_that_cannot_be_started_costs_nothing() -> None:
    scene = Scene(failure=None).run()
    scene.failure = OSError("no memory")
    assert scene.restart() is ChildState.RUNNING
    assert "no memory" in scene.web.setback


def test_after_a_setback_nobody_but_a_person_tries_again_at_once() -> None:
    scene = Scene().run()
    for _ in range(3):
        scene.restart()
        scene.spawned[-1].how = "exit code 1"
        scene.step()
    count = len(scene.spawned)
    assert scene.restart(asked=False) is ChildState.RUNNING
    assert len(scene.spawned) == count
    scene.now += 60.0
    assert scene.restart(asked=False) is ChildState.STARTING


def test_a_second_restart_does_not_wait_for_the_first_ones_last_buyers() -> None:
    scene = Scene().run()
    for _ in range(2):
        assert scene.restart() is ChildState.STARTING
        assert scene.ready() is ChildState.RUNNING
    assert [process.retired for process in scene.spawned] == [True, True, False]
    assert not any(process.asked or process.killed for process in scene.spawned)


def test_a_stop_in_the_middle_stops_both() -> None:
    scene = Scene().run()
    scene.restart()
    scene.web.stop(scene.now + 5.0)
    scene.step()
    assert all(process.asked for process in scene.spawned)
    scene.spawned[1].how = "exit code 0"
    scene.step()
    assert scene.web.processes == [scene.spawned[0]]
    scene.step(5.0)
    assert scene.spawned[0].killed
    assert scene.step() is ChildState.STOPPED
    assert not scene.web.processes


def test_one_that_dies_alone_is_started_again_after_a_pause() -> None:
    scene = Scene().run()
    scene.spawned[0].how = "killed by SIGKILL"
    assert scene.step() is ChildState.BACKOFF
    assert scene.step(1.0) is ChildState.STARTING


STEPS = st.lists(
    st.sampled_from(["restart", "ready", "old ends", "new dies", "time", "long time"]), max_size=40
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(STEPS)
def test_while_nobody_dies_alone_somebody_always_serves(steps: list[str]) -> None:
    """Whatever the order of restarts, setbacks and ends: a ready process is never asked to go."""
    scene = Scene().run()
    ready = {scene.spawned[0].pid}
    for step in steps:
        newest = scene.spawned[-1]
        match step:
            case "restart":
                scene.restart()
            case "ready" if scene.web.state is ChildState.STARTING:
                scene.ready()
                ready.add(scene.spawned[-1].pid)
            case "old ends":
                for process in scene.living:
                    if process.retired:
                        process.how = "exit code 0"
                scene.step()
            case "new dies" if scene.web.state is ChildState.STARTING:
                newest.how = "exit code 1"
                scene.step()
            case "time" | "long time":
                scene.step(0.5 if step == "time" else 30.0)
        serving = [p for p in scene.living if p.pid in ready and not (p.retired or p.killed)]
        assert serving, (step, scene.spawned)
        assert scene.web.state in (ChildState.RUNNING, ChildState.STARTING, ChildState.DRAINING)
