"""`status` from all sources: the run file, the servers, the tree; and with some of them gone."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from admin.screen import status_tables as screen
from admin.screen.output import Fitted, plain
from core.cluster import run_file
from core.cluster.status import Status, collect, gather
from core.cluster_secret import Secret
from core.errors import AccessDenied, NotRunning, Unavailable
from core.events.edit import EventManager
from core.machine import process_birth
from core.schema import paths
from core.schema.records import (
    Load,
    ProcessRecord,
    Quantiles,
    SupervisorRecord,
    WebRecord,
    WorkerRecord,
    encode,
)
from core.settings import Settings
from core.store.store import Store
from core.zookeeper.client import ZooKeeper
from tests.support.instance import free_port
from tests.support.zookeeper_server import SECRET, Server

HOST = socket.gethostname()
INSTANCE = "0123456789abcdef"
BIRTH = process_birth.birth(os.getpid())


STAGES = {
    stage: Quantiles(p50_ms=12.5, p99_ms=1234.5)
    for stage in ("web", "link", "queue", "commit", "answer")
}


@pytest.fixture
def gone() -> int:
    """Returns a pid that no process has."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def process(name: str, role: str, state: str = "running", **fields: object) -> ProcessRecord:
    """Returns a process of a table, this very process unless told otherwise."""
    here = ProcessRecord(
        name=name,
        role=role,
        state=state,
        pid=os.getpid(),
        birth=BIRTH,
        cpu_percent=12.5,
        rss_bytes=50_000_000,
    )
    return msgspec.structs.replace(here, **fields)


def table(hosts: str, *processes: ProcessRecord) -> SupervisorRecord:
    return SupervisorRecord(
        host=HOST,
        pid=os.getpid(),
        created=0.0,
        birth=BIRTH,
        place=process_birth.place(),
        instance=INSTANCE,
        url="http://127.0.0.1:8000",
        zookeeper=hosts,
        ready=True,
        processes=processes or whole(hosts),
        at=time.time(),
    )


def whole(hosts: str) -> tuple[ProcessRecord, ...]:
    return (
        process("zookeeper-1", "zookeeper", address=hosts),
        process("worker-1", "worker"),
        process("web", "web"),
    )


def worker(state: str = "ready", **fields: object) -> WorkerRecord:
    record = WorkerRecord(
        name="worker-1",
        host=HOST,
        pid=os.getpid(),
        birth=BIRTH,
        instance=INSTANCE,
        address="127.0.0.1:5",
        state=state,
        load=Load(in_flight=3, sold_total=7, sold_per_second=2.5, p99_ms=9.0),
    )
    return msgspec.structs.replace(record, **fields)


def look(
    server: Server, tmp_path: Path, record: WorkerRecord | None, run: SupervisorRecord | None = None
) -> Status:
    """Returns the status of an instance with that registered worker and that run file."""
    run_file.write(tmp_path, run or table(server.hosts))

    async def work(zk: ZooKeeper) -> Status:
        if record is not None:
            await zk.create(paths.worker("worker-1.1"), encode(record), ephemeral=True)
            web = encode(
                WebRecord(name="web", host=HOST, pid=os.getpid(), instance=INSTANCE, stages=STAGES)
            )
            await zk.create(paths.web("web.1"), web, ephemeral=True)
        return await gather(Settings(data_dir=tmp_path), zk)

    return server.session(work)


def test_everything_runs(server: Server, tmp_path: Path) -> None:
    async def stock_up(zk: ZooKeeper) -> bool:
        return await EventManager(zk).create_default_event(10)

    server.session(stock_up)
    found = look(server, tmp_path, worker())
    assert found.healthy
    assert found.problems == ()
    assert found.ensemble.quorum
    (first,) = found.ensemble.servers
    assert (first.id, first.role, first.pid) == (1, "standalone", os.getpid())
    assert first.version
    assert found.supervisor is not None
    assert found.supervisor.pid == os.getpid()
    (seller,) = found.workers
    assert (seller.state, seller.in_flight, seller.sold_total) == ("ready", 3, 7)
    assert (seller.cpu_percent, seller.rss_bytes) == (12.5, 50_000_000)
    assert found.web[0].url == "http://127.0.0.1:8000"
    assert [type_.remaining for type_ in found.events[0].types] == [10, 10, 10]


def test_the_json_has_the_names_of_the_contract(server: Server, tmp_path: Path) -> None:
    async def stock_up(zk: ZooKeeper) -> bool:
        return await EventManager(zk).create_default_event(10)

    server.session(stock_up)
    found = msgspec.json.decode(msgspec.json.encode(look(server, tmp_path, worker())))
    assert {"healthy", "problems", "ensemble", "supervisor", "workers", "web", "events"} <= {*found}
    assert {*found["ensemble"]["servers"][0]} >= {"id", "address", "role", "pid", "version"}
    assert {*found["workers"][0]} == {
        "name",
        "machine",
        "instance",
        "pid",
        "state",
        "address",
        "restarts",
        "last_restart_reason",
        "cpu_percent",
        "rss_bytes",
        "in_flight",
        "sold_total",
        "sold_per_second",
        "p99_ms",
        "trouble",
    }
    assert {*found["web"][0]} >= {"name", "pid", "state", "url"}
    assert {*found["events"][0]["types"][0]} >= {"name", "capacity", "sold", "held", "remaining"}


@pytest.mark.parametrize("state", ["draining", "suspended"])
def test_a_worker_that_does_not_sell_is_a_problem(
    server: Server, tmp_path: Path, state: str
) -> None:
    found = look(server, tmp_path, worker(state))
    assert found.problems == (f"worker-1 is {state}",)


def test_a_worker_without_a_registration_is_a_problem(server: Server, tmp_path: Path) -> None:
    assert look(server, tmp_path, None).problems == ("worker-1 is unregistered",)


def test_the_registration_of_a_dead_incarnation_is_not_its_successors(
    server: Server, tmp_path: Path, gone: int
) -> None:
    found = look(server, tmp_path, worker(pid=gone))
    assert [(each.name, each.state) for each in found.workers] == [("worker-1", "unregistered")]


def test_a_worker_that_backs_off_says_why(server: Server, tmp_path: Path) -> None:
    broken = process(
        "worker-1", "worker", "backoff", pid=None, restarts=2, last_restart_reason="killed"
    )
    run = table(server.hosts, broken, process("web", "web"))
    found = look(server, tmp_path, None, run)
    assert found.problems == ("worker-1 is backoff: killed",)
    assert found.workers[0].restarts == 2


def test_a_dead_process_of_the_run_file_is_seen(server: Server, tmp_path: Path, gone: int) -> None:
    run = table(server.hosts, process("worker-1", "worker"), process("web", "web", pid=gone))
    assert look(server, tmp_path, worker(), run).problems == ("web is dead",)


def test_a_killed_supervisor_is_seen(server: Server, tmp_path: Path, gone: int) -> None:
    run = msgspec.structs.replace(table(server.hosts), pid=gone)
    found = look(server, tmp_path, worker(), run)
    assert found.supervisor is not None
    assert not found.supervisor.alive
    assert "is gone" in found.problems[0]


def test_an_unreadable_counter_is_named_and_costs_its_own_type_only(
    server: Server, tmp_path: Path
) -> None:
    async def stock_up(zk: ZooKeeper) -> str:
        await EventManager(zk).create_default_event(10)
        return (await Store(zk).event("default")).generation

    counter = paths.counter("default", server.session(stock_up), "B")
    server.plant(counter, b"rubbish")
    found = look(server, tmp_path, worker())
    assert not found.healthy
    assert counter in found.problems[0]
    assert [type_.name for type_ in found.events[0].types] == ["A", "C"]


async def test_it_answers_while_zookeeper_is_down(tmp_path: Path) -> None:
    hosts = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"
    run_file.write(tmp_path, table(hosts))
    started = time.monotonic()
    found = await collect(Settings(data_dir=tmp_path), SECRET)
    assert time.monotonic() - started < 4
    assert not found.ensemble.quorum
    assert [server.role for server in found.ensemble.servers] == ["down"] * 3
    assert found.problems[0].startswith("no quorum: 0 of 3")
    assert [(each.name, each.state) for each in found.workers] == [("worker-1", "running")]
    assert [each.state for each in found.web] == ["running"]


async def test_it_connects_by_itself(server: Server, tmp_path: Path) -> None:
    run_file.write(tmp_path, table(server.hosts))
    found = await collect(Settings(data_dir=tmp_path), SECRET)
    assert found.problems == ("worker-1 is unregistered",)


async def test_a_wrong_secret_is_told(server: Server, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, zookeeper=server.hosts)
    with pytest.raises(AccessDenied):
        await collect(settings, Secret(b"w" * 32))


def test_a_machine_with_only_the_secret_sees_registered_processes(
    server: Server, tmp_path: Path
) -> None:
    far = msgspec.structs.replace(
        table(server.hosts), host="far", instance="f" * 16, place="elsewhere"
    )

    async def work(zk: ZooKeeper) -> Status:
        await zk.create(paths.supervisor("s.1"), encode(far), ephemeral=True)
        record = encode(worker(host="far", instance="f" * 16))
        await zk.create(paths.worker("worker-1.1"), record, ephemeral=True)
        return await gather(Settings(data_dir=tmp_path, zookeeper=server.hosts), zk)

    found = server.session(work)
    assert found.healthy
    assert found.supervisor is not None
    assert found.supervisor.host == "far"


async def test_nothing_runs_without_a_run_file(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        await collect(Settings(data_dir=tmp_path), SECRET)


async def test_nothing_runs_when_every_process_of_the_run_file_is_dead(
    tmp_path: Path, gone: int
) -> None:
    dead = process("web", "web", pid=gone)
    run = msgspec.structs.replace(table("127.0.0.1:1", dead), pid=gone)
    run_file.write(tmp_path, run)
    with pytest.raises(NotRunning):
        await collect(Settings(data_dir=tmp_path), SECRET)


def test_the_screen_fits_80_columns(server: Server, tmp_path: Path) -> None:
    async def stock_up(zk: ZooKeeper) -> bool:
        return await EventManager(zk).create_default_event(99_000_000)

    server.session(stock_up)
    busy = Load(in_flight=128, sold_total=12_345_678, sold_per_second=15_800.4, p99_ms=1234.5)
    found = look(server, tmp_path, worker(load=busy))
    console = Console(width=80, file=io.StringIO())
    with console.capture() as captured:
        console.print(screen.status(found))
    text = captured.get()
    assert "…" not in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    for word in ("healthy", "standalone", "worker-1", "12345678", "15800", "99,000,000", "1234.5"):
        assert word in text


def test_in_a_pipe_a_row_is_a_line_and_nothing_is_drawn(server: Server, tmp_path: Path) -> None:
    found = look(server, tmp_path, worker())
    output = io.StringIO()
    Console(file=output, width=240).print(plain(screen.status(found)))
    text = output.getvalue()
    assert not any(character in text for character in "─━│┃…\x1b")
    [row] = [line.split() for line in text.splitlines() if line.startswith("worker-1 ")]
    assert row[:2] == ["worker-1", "ready"]


def test_a_watcher_is_told_that_nobody_answers_and_how_it_was(
    server: Server, tmp_path: Path
) -> None:
    output = io.StringIO()
    absent = screen.absent(look(server, tmp_path, worker()), "nothing is running")
    Console(file=output, width=80).print(absent)
    assert output.getvalue().startswith("! nothing is running")
    assert "worker-1" in output.getvalue()


def test_a_window_that_is_too_low_shows_what_is_wrong_and_counts_what_it_leaves_out(
    server: Server, tmp_path: Path
) -> None:
    found = msgspec.structs.replace(
        look(server, tmp_path, worker()), problems=("server 2 is down",)
    )
    console = Console(width=80, height=24, file=io.StringIO())
    whole = console.render_lines(screen.status(found, live=True))

    def shown(height: int) -> list[str]:
        options = console.options.update(height=height)
        lines = console.render_lines(Fitted(screen.status(found, live=True)), options)
        return ["".join(segment.text for segment in line).rstrip() for line in lines]

    low = shown(8)
    assert re.search(r"\d\d:\d\d:\d\d$", low[0])
    assert low[1] == "! server 2 is down"
    assert low[7] == f"… {len(whole) - 7} more lines: make the window taller"
    assert not any(line.startswith("…") for line in shown(len(whole)))


# --- several machines ----------------------------------------------------------------

OTHER = "fedcba9876543210"


def at_two_machines(server: Server, tmp_path: Path, host: str) -> Status:
    """Returns the status of two machines, whose workers have the same name and pid."""
    run_file.write(tmp_path, table(server.hosts))
    mine = table(server.hosts)
    theirs = msgspec.structs.replace(
        mine, host=host, instance=OTHER, place="elsewhere", url="http://127.0.0.2:8000"
    )
    load = Load(in_flight=1, sold_total=9, sold_per_second=1.0, p99_ms=1.0)

    async def work(zk: ZooKeeper) -> Status:
        await zk.create(paths.supervisor("supervisor.1"), encode(mine), ephemeral=True)
        await zk.create(paths.supervisor("supervisor.2"), encode(theirs), ephemeral=True)
        await zk.create(paths.worker("worker-1.1"), encode(worker()), ephemeral=True)
        other = worker("suspended", host=host, instance=OTHER, load=load)
        await zk.create(paths.worker("worker-1.2"), encode(other), ephemeral=True)
        return await gather(Settings(data_dir=tmp_path), zk)

    return server.session(work)


@pytest.mark.parametrize("host", ["far", HOST], ids=["another name", "the same name"])
def test_workers_of_two_machines_with_one_name_and_one_pid_are_told_apart(
    server: Server, tmp_path: Path, host: str
) -> None:
    found = at_two_machines(server, tmp_path, host)
    by_instance = {each.instance: each for each in found.workers}
    assert {key: each.state for key, each in by_instance.items()} == {
        INSTANCE: "ready",
        OTHER: "suspended",
    }
    assert by_instance[OTHER].machine == host
    assert (by_instance[INSTANCE].sold_total, by_instance[OTHER].sold_total) == (7, 9)
    called = f"{host}-fedc" if host == HOST else host
    assert found.problems == (f"{called}/worker-1 is suspended",)
    assert found.supervisor is not None
    assert found.supervisor.instance == INSTANCE
    output = io.StringIO()
    Console(file=output, width=240).print(plain(screen.status(found)))
    assert f"{called}/worker-1 " in output.getvalue()


def test_the_worker_of_another_machine_does_not_stand_in_for_a_dead_one(
    server: Server, tmp_path: Path
) -> None:
    run_file.write(tmp_path, table(server.hosts))

    async def work(zk: ZooKeeper) -> Status:
        other = encode(worker(host="far", instance=OTHER))
        await zk.create(paths.worker("worker-1.2"), other, ephemeral=True)
        return await gather(Settings(data_dir=tmp_path), zk)

    found = server.session(work)
    assert {(each.machine, each.state) for each in found.workers} == {
        (HOST, "unregistered"),
        ("far", "ready"),
    }


# --- what could not be read ----------------------------------------------------------

LEFT_OUT = ("no supervisor", "no worker", "no web server")


async def test_what_was_not_read_is_not_called_missing(server: Server, tmp_path: Path) -> None:
    """The servers answer, the tree does not, and nothing runs on this machine."""
    settings = Settings(data_dir=tmp_path, zookeeper=server.hosts)
    found = await gather(settings, None)
    assert not found.healthy
    assert found.unread == "no connection to ZooKeeper"
    assert [problem for problem in found.problems if "could not be read" in problem]
    assert not [p for p in found.problems for words in LEFT_OUT if words in p]
    output = io.StringIO()
    Console(file=output, width=240).print(plain(screen.status(found)))
    assert "could not be read" in output.getvalue()
    assert "process " not in output.getvalue()
    assert msgspec.json.decode(msgspec.json.encode(found))["unread"]


def test_a_frozen_process_is_not_called_healthy(server: Server, tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        pid, birth = sleeper.pid, process_birth.birth(sleeper.pid)
        web = process("web", "web", pid=pid, birth=birth)
        run = table(server.hosts, process("worker-1", "worker"), web)
        run = msgspec.structs.replace(run, pid=pid, birth=birth)
        assert look(server, tmp_path, worker(), run).problems == ()
        sleeper.send_signal(signal.SIGSTOP)
        os.waitpid(sleeper.pid, os.WUNTRACED)
        found = look(server, tmp_path, worker(), run)
        assert found.supervisor is not None
        assert (found.supervisor.alive, found.supervisor.frozen) == (True, True)
        assert f"kill -CONT {pid}" in found.problems[0]
        assert found.problems[1] == "web is frozen"
    finally:
        sleeper.kill()
        sleeper.wait()


async def test_addresses_where_nobody_answers_are_not_called_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, zookeeper=f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match=f"could not be read.*{settings.zookeeper}"):
        await collect(settings, SECRET)


def test_what_was_read_and_is_not_there_is_called_missing(server: Server, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, zookeeper=server.hosts)

    async def work(zk: ZooKeeper) -> Status:
        return await gather(settings, zk)

    found = server.session(work)
    assert found.unread == ""
    assert [words for words in LEFT_OUT if any(words in p for p in found.problems)] == [*LEFT_OUT]


# --- containers ----------------------------------------------------------------------


def test_a_container_is_seen_from_outside_by_its_registration(
    server: Server, tmp_path: Path
) -> None:
    """Its run file has pids that mean nothing here, or another process."""
    inside = msgspec.structs.replace(table(server.hosts), place="a container")
    gone = tuple(msgspec.structs.replace(each, birth="b-1") for each in inside.processes)
    inside = msgspec.structs.replace(inside, birth="b-1", processes=gone)
    run_file.write(tmp_path, inside)

    async def work(zk: ZooKeeper) -> Status:
        await zk.create(paths.supervisor("supervisor.1"), encode(inside), ephemeral=True)
        await zk.create(paths.worker("worker-1.1"), encode(worker(birth="b-1")), ephemeral=True)
        return await gather(Settings(data_dir=tmp_path), zk)

    found = server.session(work)
    assert found.problems == ()
    assert found.supervisor is not None
    assert found.supervisor.alive


async def test_the_run_file_of_a_container_that_has_gone_proves_no_life(
    server: Server, tmp_path: Path
) -> None:
    inside = msgspec.structs.replace(table(server.hosts), place="a container", birth="b-1")
    gone = tuple(msgspec.structs.replace(each, birth="b-1") for each in inside.processes)
    run_file.write(tmp_path, msgspec.structs.replace(inside, processes=gone))
    with pytest.raises(NotRunning):
        await gather(Settings(data_dir=tmp_path), None)
