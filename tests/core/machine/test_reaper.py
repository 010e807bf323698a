"""Everything that a soak, a test run or a drill has started ends with it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from supervisor.zookeeper.ensemble import MAIN_CLASS
from tests.support.instance import ENTRYPOINT, ROOT, environment, eventually

START_S = 60.0
SOAK = ("-m", "tests.faults", "--minutes", "1")
TESTS = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/zookeeper/test_client.py")
DRILL = (str(ENTRYPOINT), "drill", "worker")


def servers(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Returns the ZooKeeper servers that it has started."""
    return [child for child in started(process) if MAIN_CLASS in arguments(child)]


def arguments(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def started(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return list(psutil.Process(process.pid).children(recursive=True))


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(SOAK, signal.SIGKILL, id="soak-killed"),
        pytest.param(SOAK, signal.SIGTERM, id="soak-ended"),
        pytest.param(TESTS, signal.SIGKILL, id="tests-killed"),
        pytest.param(TESTS, signal.SIGINT, id="tests-interrupted"),
        pytest.param(DRILL, signal.SIGKILL, id="drill-killed"),
    ],
)
def test_nothing_is_left_of_a_run_that_was_ended(
    command: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    environ = {**environment(), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually("servers run", lambda: servers(process), START_S)
        all_of_it = started(process)
        process.send_signal(number)
        process.wait(START_S)
    finally:
        process.kill()
    eventually("all of it is gone", lambda: not any(map(lives, all_of_it)), START_S)


def test_a_run_ends_with_the_make_that_started_it(tmp_path: Path) -> None:
    """`make` passes SIGTERM on, but SIGKILL kills it alone."""
    environ = {**environment(), "TMPDIR": str(tmp_path), "MAKELEVEL": "1"}
    run = [sys.executable, *SOAK]
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    make = subprocess.Popen(
        [sys.executable, "-c", script, *run],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually("servers run", lambda: servers(make), START_S)
        all_of_it = started(make)
    finally:
        make.kill()
        make.wait()
    eventually("all of it is gone", lambda: not any(map(lives, all_of_it)), START_S)
