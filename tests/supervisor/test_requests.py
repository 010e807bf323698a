"""Operators' requests: their queue, and the course of rolling restarts."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from core.cluster.operator_requests import known
from core.errors import ZkticketError
from core.schema.records import Desired, OperatorRequest, ProcessRecord, Progress, SupervisorRecord
from core.zookeeper.probe import ServerState
from supervisor.operations import desired_state_file
from supervisor.operations.request_executor import MOST_REMEMBERED, Requests, Tell
from supervisor.operations.rolling_restart import RollingRestart
from supervisor.processes.child import Child, ChildState
from supervisor.processes.fleet import Fleet
from supervisor.processes.health_verdict import HealthLimits
from supervisor.processes.spawned_process import Process, ProcessPlan, Role
from tests.support.fakes.fake_processes import FakeProcess

NOW = 1000.0


def request(
    name: str, action: str = "act", at: float = NOW, timeout_s: float = 5.0
) -> OperatorRequest:
    return OperatorRequest(id=name, action=action, at=at, timeout_s=timeout_s)


@dataclass
class Office:
    """A queue of requests with one action, which a test controls."""

    done: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    heard: list[tuple[bool, str]] = field(default_factory=list)
    requests: Requests = field(init=False)

    def __post_init__(self) -> None:
        self.requests = Requests(
            {"act": self._act, "fail": self._fail, "hang": self._hang},
            now=lambda: NOW,
            changed=lambda: None,
            log=lambda well, text: self.heard.append((well, text)),
        )

    async def _act(self, asked: OperatorRequest, tell: Tell) -> str:
        tell("at it")
        self.done.append(asked.id)
        return f"{asked.id} done"

    async def _fail(self, asked: OperatorRequest, tell: Tell) -> str:
        raise ZkticketError("no luck")

    async def _hang(self, asked: OperatorRequest, tell: Tell) -> str:
        tell("half of it")
        await asyncio.sleep(60)
        return ""

    async def _forget(self, request_id: str) -> None:
        self.over.append(request_id)

    def serve(self, *batches: list[OperatorRequest]) -> dict[str, Progress]:
        async def scene() -> None:
            server = asyncio.create_task(self.requests.serve(self._forget))
            for batch in batches:
                self.requests.note(batch)
            async with asyncio.timeout(10):
                while len(self.over) < len({each.id for batch in batches for each in batch}):
                    await asyncio.sleep(0.005)
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)

        asyncio.run(scene())
        return {progress.id: progress for progress in self.requests.progress}


def test_requests_are_done_once_and_in_order() -> None:
    office = Office()
    first, second = request("1"), request("2")
    told = office.serve([first], [first, second], [first, second])
    assert office.done == office.over == ["1", "2"]
    assert told["2"] == Progress(id="2", state="done", text="2 done")
    assert office.heard == [(True, "act: 1 done"), (True, "act: 2 done")]


def test_a_request_that_was_withdrawn_is_not_done() -> None:
    office = Office()
    office.serve([request("1"), request("2")], [request("1")])
    assert office.done == ["1"]


def test_what_fails_is_told_with_its_reason() -> None:
    told = Office().serve([request("1", "fail")])
    assert told["1"] == Progress(id="1", state="failed", text="no luck")


def test_what_takes_too_long_is_given_up_and_says_where_it_stood() -> None:
    told = Office().serve([request("1", "hang", timeout_s=0.05)])
    assert told["1"].state == "failed"
    assert told["1"].text.endswith("half of it")


def test_what_nobody_waits_for_any_more_is_not_begun_and_the_unknown_is_refused() -> None:
    office = Office()
    told = office.serve([request("1", at=NOW - 1000.0), request("2", "dance")])
    assert [told[name].state for name in ("1", "2")] == ["failed", "failed"]
    assert "dance" in told["2"].text
    assert not office.done


def test_only_the_latest_requests_are_remembered_once_nobody_asks_for_them() -> None:
    office = Office()
    many = [request(str(number)) for number in range(MOST_REMEMBERED + 10)]
    assert len(office.serve(many)) == len(many)
    office.requests.note(many[-1:])
    assert len(office.requests.progress) == MOST_REMEMBERED
    assert office.requests.progress[-1].id == many[-1].id


# --- rolling -------------------------------------------------------------------------


@dataclass
class Crew:
    """A fleet of workers that start and drain within a few turns of the supervisor's loop."""

    fleet: Fleet = field(init=False)
    rolling: RollingRestart = field(init=False)
    fails: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    leader: str = ""
    at_work: list[int] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        limits = HealthLimits(hung_s=10.0, memory_bytes=1)
        self.fleet = Fleet(b"k" * 32, Path(), limits, 10.0, lambda: self.now)
        self.rolling = RollingRestart(self.fleet, lambda: self.now, 10.0, lambda: None, self._probe)

    async def _probe(self, hosts: str) -> list[ServerState]:
        """Answers for the servers: running ones serve, unless they are mute; `leader` leads."""
        return [ServerState(address, self._role(address)) for address in hosts.split(",")]

    def _role(self, address: str) -> str:
        [child] = [each for each in self.fleet.children if each.plan.address == address]
        if child.state is not ChildState.RUNNING or child.plan.name in self.mute:
            return "down"
        return "leader" if child.plan.name == self.leader else "follower"

    def serve(self, count: int) -> None:
        """Starts that many ZooKeeper servers."""
        for number in range(1, count + 1):
            name = f"zookeeper-{number}"
            plan = ProcessPlan(name, Role.ZOOKEEPER, (), Path("log"), f"127.0.0.1:{number}")
            self.fleet.children.append(self.hire(plan))
        while self.fleet.unsettled(Role.ZOOKEEPER):
            self.turn()

    def hire(self, plan: ProcessPlan) -> Child:
        child = Child(plan, self._spawn, lambda: self.now, lambda: 0.0, lambda _child, _text: None)
        child.start()
        return child

    def _spawn(self, plan: ProcessPlan) -> Process:
        self._pid += 1
        return FakeProcess(self._pid, how="exit code 1" if plan.name in self.fails else None)

    _pid = 2**22

    def resize(self, count: int) -> list[str]:
        plans = [
            ProcessPlan(f"worker-{number}", Role.WORKER, (), Path("log"))
            for number in range(1, count + 1)
        ]
        return self.fleet.resize(plans, self.hire)

    def turn(self) -> None:
        self.now += 1.0
        self.fleet.advance()
        for child in self.fleet.children:
            process = child.process
            if isinstance(process, FakeProcess) and process.asked:
                process.how = "exit code 0"
            elif child.state is ChildState.STARTING:
                child.ready()
        self.at_work.append(sum(child.state is ChildState.RUNNING for child in self.fleet.children))

    def settle(self) -> None:
        while self.fleet.unsettled(Role.WORKER):
            self.turn()

    def do(
        self, act: Callable[[OperatorRequest, Tell], object], *names: str
    ) -> tuple[str, list[str]]:
        told: list[str] = []

        async def scene() -> str:
            asked = OperatorRequest(id="1", action="", names=names, at=0.0, timeout_s=5.0)
            acting = asyncio.ensure_future(act(asked, told.append))  # type: ignore[call-overload]
            while not acting.done():
                self.turn()
                await asyncio.sleep(0.005)
            return str(await acting)

        return asyncio.run(scene()), told


def pids(fleet: Fleet) -> list[int | None]:
    return [child.pid for child in fleet.children]


def test_a_rolling_restart_takes_one_at_a_time_and_waits_for_its_successor() -> None:
    crew = Crew()
    crew.resize(3)
    crew.settle()
    before = pids(crew.fleet)
    crew.at_work.clear()
    done, told = crew.do(crew.rolling.restart)
    assert done.startswith("worker-1, worker-2, worker-3 restarted")
    assert not set(before) & set(pids(crew.fleet))
    assert min(crew.at_work) == 2
    assert any(text.startswith("worker-2 (2 of 3)") for text in told)
    assert [child.restarts for child in crew.fleet.children] == [1, 1, 1]


def test_a_rolling_restart_stops_at_one_that_does_not_come_back() -> None:
    crew = Crew()
    crew.resize(3)
    crew.settle()
    crew.fails.add("worker-1")
    with pytest.raises(ZkticketError, match="worker-1 does not start"):
        crew.do(crew.rolling.restart)
    assert [child.restarts for child in crew.fleet.children[1:]] == [0, 0]
    crew.fails.clear()
    done, _ = crew.do(crew.rolling.restart, "worker-1")
    assert done.startswith("worker-1 restarted")


def test_two_that_do_not_start_are_not_waiting_for_each_other() -> None:
    crew = Crew()
    crew.resize(2)
    crew.settle()
    for child in crew.fleet.children:
        child.state = ChildState.FATAL
        child.process = None
    for name in ("worker-1", "worker-2"):
        assert crew.do(crew.rolling.restart, name)[0].startswith(f"{name} restarted")


def test_servers_restart_one_by_one_and_the_leader_last() -> None:
    crew = Crew(leader="zookeeper-1")
    crew.serve(3)
    crew.at_work.clear()
    done, told = crew.do(crew.rolling.restart, "zookeeper-1", "zookeeper-2", "zookeeper-3")
    assert done.startswith("zookeeper-2, zookeeper-3, zookeeper-1 restarted")
    assert min(crew.at_work) == 2
    assert any(text.startswith("zookeeper-1 (3 of 3)") for text in told)


async def test_a_server_is_restarted_only_while_the_others_serve() -> None:
    crew = Crew(mute={"zookeeper-3"})
    crew.serve(3)
    told: list[str] = []
    asked = OperatorRequest(id="1", action="", names=("zookeeper-1",), at=0.0, timeout_s=5.0)
    acting = asyncio.create_task(crew.rolling.restart(asked, told.append))
    for _ in range(50):
        crew.turn()
        await asyncio.sleep(0.005)
    assert set(told) == {"zookeeper-1 waits: the others have no quorum without it"}
    assert [child.restarts for child in crew.fleet.children] == [0, 0, 0]
    crew.mute.clear()
    while not acting.done():
        crew.turn()
        await asyncio.sleep(0.005)
    assert (await acting).startswith("zookeeper-1 restarted")


def test_a_server_is_not_restarted_where_another_one_does_not_start() -> None:
    crew = Crew()
    crew.serve(3)
    crew.fleet.children[2].state = ChildState.FATAL
    crew.fleet.children[2].process = None
    with pytest.raises(ZkticketError, match="zookeeper-3 does not start"):
        crew.do(crew.rolling.restart, "zookeeper-1")
    assert crew.do(crew.rolling.restart, "zookeeper-3")[0].startswith("zookeeper-3 restarted")


@pytest.mark.parametrize("count", [1, 2])
def test_one_of_few_servers_is_restarted_if_it_is_named(count: int) -> None:
    table = SupervisorRecord(
        host="h",
        pid=1,
        created=0.0,
        url="",
        zookeeper="",
        processes=tuple(map(server, range(count))),
    )
    with pytest.raises(ZkticketError, match=r"would pause.*`restart zookeeper-0`"):
        known(table, "zookeeper")
    assert known(table, "zookeeper-0") == ("zookeeper-0",)
    crew = Crew()
    crew.serve(count)
    assert crew.do(crew.rolling.restart, "zookeeper-1")[0].startswith("zookeeper-1 restarted")


def server(number: int) -> ProcessRecord:
    return ProcessRecord(name=f"zookeeper-{number}", role="zookeeper", state="running", pid=1)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ZkticketError, match="worker-7"):
        Crew().do(Crew().rolling.restart, "worker-7")


def test_scaling_ends_when_new_workers_work_and_surplus_ones_have_gone() -> None:
    crew = Crew()
    assert crew.resize(2) == ["worker-1", "worker-2"]
    crew.settle()
    kept = pids(crew.fleet)
    assert crew.resize(4) == ["worker-3", "worker-4"]
    assert crew.do(crew.rolling.scale)[0] == "4 workers at work"
    assert pids(crew.fleet)[:2] == kept
    assert crew.resize(1) == ["worker-4", "worker-3", "worker-2"]
    assert crew.resize(2) == ["worker-2"]
    assert crew.do(crew.rolling.scale)[0] == "2 workers at work"
    assert [child.plan.name for child in crew.fleet.children] == ["worker-1", "worker-2"]
    assert crew.resize(2) == []


def test_surplus_workers_drain_one_after_the_other() -> None:
    crew = Crew()
    crew.resize(6)
    crew.settle()
    crew.at_work.clear()
    crew.resize(2)
    crew.do(crew.rolling.scale)
    falls = [before - after for before, after in itertools.pairwise([6, *crew.at_work])]
    assert set(falls) <= {0, 1}
    assert sum(falls) == 4


def test_a_worker_that_is_wanted_again_before_its_turn_to_go_is_left_alone() -> None:
    crew = Crew()
    crew.resize(3)
    crew.settle()
    kept = pids(crew.fleet)
    crew.resize(1)
    crew.resize(3)
    crew.do(crew.rolling.scale)
    assert pids(crew.fleet) == kept
    crew.resize(1)
    crew.turn()
    crew.resize(3)
    crew.do(crew.rolling.scale)
    assert pids(crew.fleet)[:2] == kept[:2]
    assert [child.state for child in crew.fleet.children] == [ChildState.RUNNING] * 3
    crew.resize(1)
    assert crew.do(crew.rolling.scale)[0] == "1 worker at work"


# --- what is kept in mind ------------------------------------------------------------


def test_the_wish_counts_until_up_is_told_another_number() -> None:
    wish = Desired(workers=5, instead_of=3)
    assert [wish.workers_of(told) for told in (3, 4)] == [5, 4]
    assert Desired().workers_of(7) == 7


def test_the_wish_is_kept_on_disk_and_damage_to_it_does_no_harm(tmp_path: Path) -> None:
    assert desired_state_file.load(tmp_path) == Desired()
    desired_state_file.save(tmp_path, Desired(workers=5, instead_of=3))
    assert desired_state_file.load(tmp_path).workers == 5
    (tmp_path / desired_state_file.FILE_NAME).write_bytes(b"{")
    assert desired_state_file.load(tmp_path) == Desired()


async def test_a_worker_that_leaves_while_newcomers_are_greeted_ends_nothing() -> None:
    crew = Crew()
    crew.resize(3)
    fleet = crew.fleet
    fleet.advance()

    async def works(_child: Child) -> bool:
        fleet.children = fleet.children[:1]
        return True

    hired = list(fleet.children)
    with patch.object(fleet, "_works", works):
        assert await fleet.greet() == hired
    assert len(fleet.children) == 1


async def test_a_successor_is_not_at_work_because_its_dead_predecessor_was() -> None:
    crew = Crew()
    crew.resize(1)
    fleet = crew.fleet
    fleet.advance()
    [child] = fleet.children

    async def works(_child: Child) -> bool:
        assert isinstance(child.process, FakeProcess)
        child.process.how = "exit code 1"
        fleet.advance()
        crew.now += 1.0
        fleet.advance()
        return True

    with patch.object(fleet, "_works", works):
        assert await fleet.greet() == []
    fleet.advance()
    assert child.state is ChildState.STARTING
