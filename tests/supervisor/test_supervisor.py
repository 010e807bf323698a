"""A whole supervisor on real JVMs, with small stand-ins for workers and web."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import psutil
import pytest

from core.cluster import run_file
from core.errors import NotRunning, ZkticketError
from core.machine import process_birth, process_identity
from core.schema.records import ProcessRecord, SupervisorRecord
from core.settings import Settings
from core.transport.listen_socket import listen
from supervisor import daemon, lock, orphans
from supervisor.processes.child import Child, ChildState
from supervisor.processes.fleet import Fleet
from supervisor.processes.health_verdict import MUTE_S, HealthLimits
from supervisor.processes.spawned_process import ProcessPlan, Role, Spawn
from tests.support.fakes.fake_processes import FakeProcess
from tests.support.instance import (
    ENTRYPOINT,
    ROOT,
    environment,
    eventually,
    free_ensemble_port,
    free_port,
    freeze,
)

START_S = 60.0

# `up` with stand-ins in place of zkticket.py.
UP = """
import asyncio, logging, os, sys
from pathlib import Path
from core.errors import ZkticketError
from core.settings import read_settings
from supervisor.supervisor import supervise
settings = read_settings(os.environ, {})
try:
    asyncio.run(supervise(settings, os.environ, Path(sys.argv[1])))
except ZkticketError as error:
    sys.exit(f"error: {error}")
"""

# A worker sleeps; the web says that it is ready, and has a bell. Both end at SIGTERM.
STAND_IN = f"""
import asyncio, os, signal, sys, time
from pathlib import Path
sys.path.append({str(ROOT)!r})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
async def web():
    from core.transport.listen_socket import Bell, inherited
    listener = inherited()
    data_dir = Path(sys.argv[sys.argv.index("--data-dir") + 1])
    if (data_dir.parent / "lifeless").exists():
        sys.exit(1)
    Bell(data_dir, listener, os.getpid(), lambda: True).hang(asyncio.get_running_loop())
    async def answer(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
        writer.close()
    await (await asyncio.start_server(answer, sock=listener)).serve_forever()
if sys.argv[1] == "web":
    asyncio.run(web())
while True:
    time.sleep(60)
"""


@dataclass
class Stage:
    """A data directory and the supervisor on it."""

    home: Path
    settings: Settings
    process: subprocess.Popen[bytes] | None = None
    all_pids: set[int] = field(default_factory=set)

    def launch(self, **changes: Any) -> subprocess.Popen[bytes]:
        settings = replace(self.settings, **changes)
        environ = {name: text for name, text in os.environ.items() if "ZKTICKET" not in name}
        for name in ("data_dir", "port", "workers", "servers", "zookeeper_port", "zookeeper"):
            environ[f"ZKTICKET_{name.upper()}"] = str(getattr(settings, name))
        environ |= {"ZKTICKET_DRAIN_S": "3.0", "PYTHONPATH": str(ROOT)}
        (self.home / "stand_in.py").write_text(STAND_IN)
        with (self.home / "out").open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, str(self.home / "stand_in.py")],
                stdout=out,
                stderr=out,
                env=environ,
                start_new_session=True,
            )
        return self.process

    def up(self, **changes: Any) -> SupervisorRecord:
        process = self.launch(**changes)
        deadline = time.monotonic() + START_S
        # It says so after the record does.
        while "zkticket sells" not in self.said():
            assert process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        record = self.record()
        assert record is not None
        assert record.ready
        assert record.pid == process.pid
        self.all_pids |= {entry.pid for entry in record.processes if entry.pid}
        return record

    def refused(self, **changes: Any) -> str:
        assert self.launch(**changes).wait(START_S) == 1, self.said()
        return self.said().splitlines()[-1]

    def said(self) -> str:
        return (self.home / "out").read_text()

    def record(self) -> SupervisorRecord | None:
        with contextlib.suppress(ZkticketError):
            return run_file.read(self.settings.data_dir)
        return None

    def entry(self, name: str) -> ProcessRecord:
        record = self.record()
        assert record is not None
        return next(entry for entry in record.processes if entry.name == name)

    def back(self, before: ProcessRecord) -> ProcessRecord:
        """Waits until the child lives under another pid; returns its entry."""

        def found() -> ProcessRecord | None:
            entry = self.entry(before.name)
            return entry if entry.pid not in (None, before.pid) else None

        entry = eventually(f"{before.name} is back", found)
        assert isinstance(entry, ProcessRecord)
        return entry

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of zkticket's commands on this instance."""
        command = [sys.executable, str(ENTRYPOINT), *arguments]
        environ = {**environment(), "ZKTICKET_DATA_DIR": str(self.settings.data_dir)}
        return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60)

    def kill_supervisor(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def down(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0, self.said()

    def left(self) -> list[orphans.Leftover]:
        return orphans.find(self.settings.data_dir)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for left in self.left():
            left.process.kill()


@contextlib.contextmanager
def staged(home: Path, **changes: Any) -> Iterator[Stage]:
    settings = Settings(
        data_dir=home / "data",
        port=free_port(),
        workers=2,
        servers=1,
        zookeeper_port=free_ensemble_port(),
    )
    stage = Stage(home, replace(settings, **changes))
    try:
        yield stage
    finally:
        stage.clean_up()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


# Both are started before everything else and checked later, for they take ten seconds.


@pytest.fixture(scope="module", autouse=True)
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A supervisor with an ensemble that does not answer."""
    home = tmp_path_factory.mktemp("unreachable")
    with staged(home, zookeeper=f"127.0.0.1:{free_port()}") as stage:
        stage.launch()
        yield stage


@pytest.fixture(scope="module", autouse=True)
def lifeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A supervisor with a web that dies at once."""
    with staged(tmp_path_factory.mktemp("lifeless")) as stage:
        (stage.home / "lifeless").touch()
        stage.launch()
        yield stage


def test_a_quorum_of_three_comes_up_and_goes_down_leaving_nothing(stage: Stage) -> None:
    record = stage.up(servers=3)
    assert [entry.name for entry in record.processes] == [
        *(f"zookeeper-{n}" for n in (1, 2, 3)),
        *(f"worker-{n}" for n in (1, 2)),
        "web-1",
    ]
    assert f"zkticket sells at http://127.0.0.1:{stage.settings.port}/" in stage.said()
    formed = json.loads((stage.settings.data_dir / "zookeeper" / "ensemble.json").read_bytes())
    assert formed["servers"] == 3
    assert len(formed["served"]) >= 2
    stage.down()
    assert not [pid for pid in stage.all_pids if psutil.pid_exists(pid)]
    assert stage.record() is None


def test_a_dead_child_of_every_role_is_back(stage: Stage) -> None:
    record = stage.up()
    for entry in record.processes:
        assert entry.pid is not None
        os.kill(entry.pid, signal.SIGKILL)
    for entry in record.processes:
        again = stage.back(entry)
        assert again.restarts == 1
        assert "SIGKILL" in (again.last_restart_reason or "")
    eventually("the web runs", lambda: stage.entry("web-1").state == "running")
    stage.down()
    assert not stage.left()


def test_a_web_that_was_given_up_keeps_nobody_waiting_until_it_is_restarted(stage: Stage) -> None:
    stage.up()

    def given_up() -> bool:
        entry = stage.entry("web-1")
        if entry.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(entry.pid, signal.SIGKILL)
        return entry.state == ChildState.FATAL

    eventually("the web is given up", given_up, 60.0)
    door = ("127.0.0.1", stage.settings.port)
    with pytest.raises(ConnectionRefusedError):
        eventually("the door is shut", lambda: socket.create_connection(door, 5).close())
    with socket.create_server(door):
        failed = stage.command("restart", "web")
        assert failed.returncode == 1
        assert f"port {stage.settings.port} is in use" in failed.stderr
    done = stage.command("restart", "web")
    assert done.returncode == 0, done.stderr
    assert stage.entry("web-1").state == ChildState.RUNNING
    with socket.create_connection(door, 5) as buyer:
        buyer.sendall(b"GET / HTTP/1.1\r\n")
        assert buyer.recv(64).startswith(b"HTTP/1.1 200")
    stage.down()


def test_a_killed_supervisors_processes_are_taken_over(stage: Stage) -> None:
    before = {entry.name: entry.pid for entry in stage.up().processes}
    stage.kill_supervisor()
    after = {entry.name: entry.pid for entry in stage.up().processes}
    assert after == before
    assert "taking over what a killed supervisor left" in stage.said()
    pid = after["worker-1"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually("an adopted worker is restarted", lambda: stage.entry("worker-1").restarts == 1)
    stage.down()
    assert not stage.left()


def test_a_killed_supervisors_processes_that_fit_no_more_are_stopped(stage: Stage) -> None:
    before = {entry.name: entry.pid for entry in stage.up().processes}
    stage.kill_supervisor()
    after = {entry.name: entry.pid for entry in stage.up(port=free_port()).processes}
    assert "stopping what an earlier supervisor left: web-1" in stage.said()
    assert after["zookeeper-1"] == before["zookeeper-1"]
    assert after["web-1"] != before["web-1"]
    stage.kill_supervisor()
    moved = stage.up(zookeeper_port=free_ensemble_port())
    assert {entry.pid for entry in moved.processes}.isdisjoint(after.values())
    assert len(stage.left()) == len(moved.processes)
    stage.down()


def test_down_stops_a_supervisor_and_what_a_dead_one_left(stage: Stage) -> None:
    stage.up()
    daemon.down(stage.settings)
    assert stage.process is not None
    assert stage.process.wait(5) == 0
    stage.up()
    stage.kill_supervisor()
    daemon.down(stage.settings)
    assert not stage.left()
    with pytest.raises(NotRunning):
        daemon.down(stage.settings)


def test_a_second_signal_hurries(stage: Stage) -> None:
    record = stage.up()
    sleeper = next(entry.pid for entry in record.processes if entry.name == "worker-1")
    assert sleeper is not None
    freeze(sleeper)
    assert stage.process is not None
    begun = time.monotonic()
    stage.process.send_signal(signal.SIGINT)
    eventually("it stops", lambda: "stopping" in stage.said())
    stage.process.send_signal(signal.SIGINT)
    assert stage.process.wait(10) == 0
    assert time.monotonic() - begun < stage.settings.drain_s
    assert not stage.left()


def test_a_sleeper_is_killed_when_its_time_is_over(stage: Stage) -> None:
    record = stage.up()
    for entry in record.processes:
        assert entry.pid is not None
        freeze(entry.pid)
    stage.down()
    assert not stage.left()


def test_a_second_up_names_the_first(stage: Stage) -> None:
    stage.up()
    first = stage.process
    assert first is not None
    try:
        assert f"in use by pid {first.pid}" in stage.refused()
    finally:
        stage.process = first
    stage.down()


def test_lost_server_data_is_refused_and_nothing_is_started(stage: Stage) -> None:
    stage.up()
    stage.down()
    data = stage.settings.data_dir / "zookeeper" / "1" / "data" / "version-2"
    data.rename(stage.home / "elsewhere")
    assert "server 1 has lost its data" in stage.refused()
    assert "--servers 1" in stage.refused(servers=3)
    (stage.home / "elsewhere").rename(data)
    stage.up()
    stage.down()


def test_taken_ports_are_named_before_anything_starts(stage: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use; choose another with --port" in stage.refused(port=port)
        said = stage.refused(zookeeper_port=port)
        assert f"port {port} is in use; choose another with --zookeeper-port" in said
    first = stage.settings.zookeeper_port
    assert "--port" in stage.refused(port=first)
    assert not (stage.settings.data_dir / "zookeeper").exists()


def test_an_unreachable_ensemble_is_said_and_nothing_is_left(unreachable: Stage) -> None:
    assert unreachable.process is not None
    assert unreachable.process.wait(25.0) == 1, unreachable.said()
    assert unreachable.settings.zookeeper in unreachable.said().splitlines()[-1]
    assert not unreachable.left()


def test_a_child_that_cannot_live_ends_the_start(lifeless: Stage) -> None:
    assert lifeless.process is not None
    assert lifeless.process.wait(START_S) == 1, lifeless.said()
    assert "web-1 does not start" in lifeless.said().splitlines()[-1]
    assert not lifeless.left()


# --- without JVMs --------------------------------------------------------------------


def test_a_data_dir_that_cannot_be_written_is_said(stage: Stage) -> None:
    (stage.home / "file").touch()
    assert "--data-dir" in stage.refused(data_dir=stage.home / "file" / "data")


def test_a_held_lock_names_its_holder_and_a_dead_holder_frees_it(tmp_path: Path) -> None:
    with lock.hold(tmp_path):
        with pytest.raises(lock.InUse) as found, lock.hold(tmp_path):
            pass
        assert found.value.pid == os.getpid()
        assert process_identity.living(found.value) is not None
    with lock.hold(tmp_path):
        pass


def test_down_signals_no_process_that_only_has_the_pid_of_another_container(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with lock.hold(tmp_path):
            born = process_birth.birth(os.getpid())
            (tmp_path / lock.FILE_NAME).write_text(f"{bystander.pid} {born}0\n")
            with pytest.raises(ZkticketError, match="another container"):
                daemon.down(Settings(data_dir=tmp_path))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        assert bystander.wait() == -signal.SIGKILL


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
def test_a_host_that_is_not_ours_is_said(host: str) -> None:
    with pytest.raises(ZkticketError, match="--host"):
        listen(host, free_port(), "--port")


def test_detach_hands_on_the_last_line_of_what_failed(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; print('first', flush=True); sys.exit('error: no luck')",
    ]
    with pytest.raises(ZkticketError, match=r"^no luck$"):
        daemon.detach(Settings(data_dir=tmp_path), command)


# --- the fleet -----------------------------------------------------------------------


@dataclass
class Crew:
    """Running workers or servers, with a clock and vitals that the test sets."""

    now: float = 0.0
    fleet: Fleet = field(init=False)

    def __post_init__(self) -> None:
        limits = HealthLimits(hung_s=10.0, memory_bytes=1)
        self.fleet = Fleet(b"k" * 32, Path(), limits, 10.0, lambda: self.now)

    def add(self, count: int, role: Role = Role.WORKER) -> "Crew":
        for number in range(1, count + 1):
            plan = ProcessPlan(f"{role.value}-{number}", role, (), Path("log"))
            # No process has such a pid, so it has no memory either.
            process = FakeProcess(pid=2**22 + number)
            child = Child(plan, _giving(process), lambda: self.now, lambda: 0.0, _ignore)
            child.start()
            child.ready()
            self.fleet.children.append(child)
        self.fleet.advance()
        for child in self.fleet.children:
            child.ready()
        self.fleet.advance()
        return self

    def give_memory(self, *numbers: int) -> None:
        """Takes three samples over the limit for these workers."""
        for at in range(3):
            self.fleet.sample(float(at))
        for number in numbers:
            samples = self.fleet._vitals[2**22 + number].samples
            for index, sample in enumerate(samples):
                samples[index] = msgspec.structs.replace(sample, rss_bytes=2)

    def silence(self, *numbers: int, beats: int = 11) -> None:
        for number in numbers:
            self.fleet._vitals[2**22 + number].heart._missed = beats

    @property
    def states(self) -> list[ChildState]:
        self.fleet.advance()
        return [child.state for child in self.fleet.children]


def _giving(process: FakeProcess) -> Spawn:
    def spawn(plan: ProcessPlan) -> FakeProcess:
        return process

    return spawn


def _ignore(_child: Child, _text: str) -> None:
    pass


RUNNING, DRAINING = ChildState.RUNNING, ChildState.DRAINING


def test_one_overloaded_worker_is_restarted_at_a_time() -> None:
    crew = Crew().add(4)
    crew.give_memory(1, 2)
    said = crew.fleet.judge()
    assert said is not None
    assert said.startswith("worker-1 is restarted: memory")
    assert crew.states == [DRAINING, RUNNING, RUNNING, RUNNING]
    assert crew.fleet.judge() is None


def test_no_overloaded_worker_is_restarted_while_fewer_than_two_others_are_well() -> None:
    crew = Crew().add(2)
    crew.give_memory(1)
    assert crew.fleet.judge() is None
    crew = Crew().add(3)
    crew.silence(3)
    crew.give_memory(1)
    assert "worker-3" in (crew.fleet.judge() or "")
    assert crew.states == [RUNNING, RUNNING, DRAINING]


def test_of_two_hung_workers_the_second_waits_until_the_first_is_back() -> None:
    crew = Crew().add(3)
    crew.silence(1, 2)
    crew.fleet.sample(0.0)
    assert "worker-1" in (crew.fleet.judge() or "")
    assert crew.states == [DRAINING, RUNNING, RUNNING]
    assert crew.fleet.judge() is None


def heard(crew: Crew, times: int = 1) -> None:
    """Counts the heartbeats of so many turns."""

    async def nothing_new(_child: Child) -> bool:
        return False

    with patch.object(crew.fleet, "_works", nothing_new):
        for _ in range(times):
            asyncio.run(crew.fleet.hear())


@pytest.mark.parametrize(
    ("missed", "restarted"),
    [
        ((1, 0, 0), True),
        ((1, 1, 0), False),  # without a quorum none of them can serve
        ((1, 0), False),
        ((1,), False),
        ((1, 0, 1, 0, 0), True),
    ],
)
def test_a_server_is_restarted_that_serves_nobody_while_most_others_do(
    missed: tuple[int, ...], restarted: bool
) -> None:
    crew = Crew().add(len(missed), Role.ZOOKEEPER)
    for number, beats in enumerate(missed, start=1):
        crew.silence(number, beats=beats)
    heard(crew, int(MUTE_S) - 1)
    assert crew.fleet.judge() is None  # it may still be catching up
    heard(crew)
    said = crew.fleet.judge()
    assert (said is not None) == restarted
    assert crew.states.count(DRAINING) == restarted
    # Its restart is under way: the next one has its turn after it.
    assert crew.fleet.judge() is None


def test_no_server_is_mute_by_what_nobody_could_serve() -> None:
    crew = Crew().add(3, Role.ZOOKEEPER)
    crew.silence(1, 2, beats=1)
    crew.silence(3, beats=0)
    heard(crew, 2 * int(MUTE_S))
    crew.silence(2, beats=0)  # there is a quorum again, which the first has yet to join
    heard(crew)
    assert crew.fleet.judge() is None


def test_a_server_that_has_not_served_yet_may_take_its_time() -> None:
    crew = Crew().add(3, Role.ZOOKEEPER)
    crew.silence(2, 3, beats=0)
    heard(crew, 2 * int(MUTE_S))
    crew.now += 1000.0
    assert crew.fleet.judge() is None


def test_what_died_while_nobody_looked_is_counted() -> None:
    before = ProcessRecord(
        name="worker-1",
        role="worker",
        state="running",
        pid=7,
        restarts=2,
        last_restart_reason="hung",
        restart_causes={"hung": 2},
    )
    [child] = Crew().add(1).fleet.children
    child.remember(before, lives=True)
    assert (child.restarts, child.reason, child.causes) == (2, "hung", {"hung": 2})
    child.remember(before, lives=False)
    assert (child.restarts, child.causes) == (3, {"hung": 2, "died": 1})
    assert child.reason == "died while there was no supervisor"


def test_a_hung_worker_is_restarted_even_when_it_is_alone() -> None:
    crew = Crew().add(1)
    crew.silence(1)
    crew.fleet.sample(0.0)
    assert "hung" in (crew.fleet.judge() or "")
    assert crew.states == [DRAINING]
    crew.now += 5.0
    crew.fleet.advance()
    assert crew.fleet.children[0].state is not DRAINING or crew.states == [ChildState.BACKOFF]


def test_a_restarted_worker_begins_with_a_clean_sheet() -> None:
    crew = Crew().add(3)
    crew.give_memory(1)
    crew.fleet.judge()
    crew.fleet.advance()
    process = crew.fleet.children[0].process
    assert isinstance(process, FakeProcess)
    process.how = "exit code 0"
    crew.fleet.advance()
    assert crew.fleet.children[0].state is ChildState.BACKOFF
    assert process.pid not in crew.fleet._vitals
