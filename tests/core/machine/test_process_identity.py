"""A process is recognised again, whatever happens to the clock, and to its pid."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from core.cluster import status
from core.machine import process_birth, process_identity
from core.schema.records import ProcessRecord, SupervisorRecord
from supervisor import orphans
from supervisor.processes.health_verdict import ProcessTree
from supervisor.processes.spawned_process import SystemProcess

STEPS_S = (5.0, -5.0, 3600.0, -3600.0)


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    yield child
    child.kill()
    child.wait()


def step_the_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Sets the clock as psutil sees it: `btime` in /proc/stat moves, ticks don't."""
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + seconds)


def record_of(pid: int) -> ProcessRecord:
    process = SystemProcess(psutil.Process(pid))
    return ProcessRecord(
        name="worker-1",
        role="worker",
        state="running",
        pid=pid,
        created=process.created,
        birth=process.birth,
    )


@pytest.mark.parametrize("seconds", STEPS_S)
def test_an_adopted_process_outlives_a_step_of_the_clock(
    sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    adopted = SystemProcess(psutil.Process(sleeper.pid))
    step_the_clock(monkeypatch, seconds)
    assert adopted.ended() is None
    assert sleeper.poll() is None


@pytest.mark.parametrize("seconds", STEPS_S)
def test_a_process_table_of_before_a_step_is_still_true(
    sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    mine = record_of(sleeper.pid)
    table = SupervisorRecord(
        host="here",
        pid=sleeper.pid,
        created=mine.created,
        birth=mine.birth,
        url="",
        zookeeper="",
        processes=(mine,),
    )
    step_the_clock(monkeypatch, seconds)
    assert status._supervises(table)
    assert [each.state for each in status._checked(table).processes] == ["running"]


def test_a_pid_that_is_used_again_is_another_process(sleeper: "subprocess.Popen[bytes]") -> None:
    meant = record_of(sleeper.pid)
    boot, _, tick = meant.birth.rpartition("-")
    earlier = msgspec.structs.replace(meant, birth=f"{boot}-{int(tick) - 1}")
    assert process_identity.living(meant) is not None
    assert process_identity.living(earlier) is None
    assert process_identity.is_replaced(earlier)


def test_the_same_tick_of_another_boot_is_another_process(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    meant = record_of(sleeper.pid)
    tick = meant.birth.rpartition("-")[2]
    assert process_identity.living(msgspec.structs.replace(meant, birth=f"x-{tick}")) is None


def test_a_process_with_the_pid_of_a_dead_child_is_not_killed_for_it(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    adopted = SystemProcess(psutil.Process(sleeper.pid))
    adopted.birth = "another-1"
    assert adopted.ended() == "it is gone"
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.3)


def test_a_zombie_lives_no_more(sleeper: "subprocess.Popen[bytes]") -> None:
    meant = record_of(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert process_identity.living(meant) is None
    assert not process_identity.is_replaced(meant)


def test_a_name_with_blanks_and_brackets_hides_no_birth(tmp_path: Path) -> None:
    odd = tmp_path / "x) R 1 ("
    odd.symlink_to("/bin/sleep")
    child = subprocess.Popen([odd, "60"])
    try:
        ticks = int(process_birth.birth(child.pid).rpartition("-")[2])
        mine = int(process_birth.birth(os.getpid()).rpartition("-")[2])
        assert ticks >= mine
    finally:
        child.kill()
        child.wait()


def test_without_a_birth_the_time_of_creation_tells(sleeper: "subprocess.Popen[bytes]") -> None:
    """This is for kernels without /proc, and for tables of an earlier version."""
    old = msgspec.structs.replace(record_of(sleeper.pid), birth="")
    assert process_identity.living(old) is not None
    assert process_identity.living(msgspec.structs.replace(old, created=1.0)) is None


@pytest.mark.parametrize("seconds", STEPS_S)
def test_usage_is_sampled_on_over_a_step(
    sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    before = ProcessTree().usage(os.getpid())
    step_the_clock(monkeypatch, seconds)
    tree = ProcessTree()
    after = tree.usage(os.getpid())
    assert after.rss_bytes > psutil.Process().memory_info().rss // 2
    assert after.threads == before.threads
    assert {each.pid for each in tree.family(os.getpid())} >= {os.getpid(), sleeper.pid}


def test_a_containers_processes_are_no_leftovers_of_a_directory_of_the_same_name(
    tmp_path: Path,
) -> None:
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces of processes can be made here")
    script = tmp_path / "sleep.py"
    script.write_text("import time; print(1, flush=True); time.sleep(60)")
    worker = (sys.executable, str(script), "worker", "--name", "worker-1", "--data-dir")
    with (
        subprocess.Popen([*inside, *worker, str(tmp_path)], stdout=subprocess.PIPE) as contained,
        subprocess.Popen([*worker, str(tmp_path)], stdout=subprocess.PIPE) as ours,
    ):
        for each in (contained, ours):
            assert each.stdout is not None
            each.stdout.readline()
        try:
            assert [left.process.pid for left in orphans.find(tmp_path)] == [ours.pid]
        finally:
            ours.kill()
            contained.kill()
