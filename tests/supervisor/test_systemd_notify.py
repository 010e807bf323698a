"""A service manager is told when tickets can be bought; the unit for systemd is well formed."""

import asyncio
import os
import pty
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from supervisor.signals import Stop
from supervisor.systemd_notify import Notifier
from tests.support.instance import ROOT, STOP_S, Instance, eventually
from tests.support.service_manager import abstract_address, heard, listening, managed

UNIT = ROOT / "supervisor" / "zkticket.service"
ONE_FILE = ROOT / "supervisor" / "production" / "onefile.conf"
PROGRAMS = ("/opt/zkticket/.venv/bin/python", "/usr/local/bin/zkticket")


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "n") if request.param == "path" else abstract_address()


def test_a_manager_hears_that_it_is_ready_how_it_is_and_that_it_stops(address: str) -> None:
    with listening(address) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.ready("sells")
        assert heard(manager) == ["READY=1", f"MAINPID={os.getpid()}", "STATUS=sells"]
        notifier.say("sells")
        notifier.say("worker-1 drains\nREADY=0")
        assert heard(manager) == ["STATUS=worker-1 drains READY=0"]
        notifier.alive()
        assert heard(manager) == ["WATCHDOG=1"]
        notifier.stopping()
        assert heard(manager) == ["STOPPING=1", "STATUS=stopping"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/socket"}])
def test_where_nobody_listens_nothing_happens(environ: dict[str, str]) -> None:
    Notifier(environ).ready("sells")


def test_a_manager_that_reads_nothing_keeps_nobody_waiting(address: str) -> None:
    with listening(address):
        notifier = Notifier({"NOTIFY_SOCKET": address})
        for _ in range(2000):
            notifier.alive()


def test_an_instance_tells_its_manager_when_tickets_can_be_bought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(tmp_path, monkeypatch) as (manager, shop):
        ready = _await(manager, "READY=1")
        assert f"MAINPID={shop.process.pid if shop.process else 0}" in ready
        assert shop.buyer().buy().status == 201
        _await(manager, "WATCHDOG=1")
        shop.down()
        assert "STATUS=stopping" in _await(manager, "STOPPING=1")


def _await(manager: socket.socket, line: str) -> list[str]:
    """Returns the first message with that line."""
    while line not in (message := heard(manager)):
        pass
    return message


@pytest.mark.parametrize("drop_ins", [(), (ONE_FILE,)], ids=["sources", "one file"])
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path, drop_ins: tuple[Path, ...]) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here; Debian has it in the package systemd")
    unit = tmp_path / "zkticket.service"
    copy_unit(UNIT, unit)
    for drop_in in drop_ins:
        copy_unit(drop_in, unit.with_suffix(".service.d") / drop_in.name)
    done = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", str(unit)), capture_output=True, text=True
    )
    complaints = [line for line in done.stderr.splitlines() if "zkticket" in line]
    assert (done.returncode, complaints) == (0, [])


def copy_unit(source: Path, target: Path) -> None:
    """Copies it with programs that exist here, as its own do on the machine that runs the unit."""
    text = source.read_text(encoding="utf-8")
    for program in PROGRAMS:
        text = text.replace(program, "/bin/true")
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")


def test_the_unit_leaves_the_shop_selling_when_its_supervisor_is_killed() -> None:
    settings = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line[1:])
    wanted = {"Type": "notify", "KillMode": "process", "Restart": "always", "UMask": "0077"}
    assert wanted.items() <= settings.items()


# --- a terminal that is closed -------------------------------------------------------


async def test_a_terminal_that_is_closed_stops_in_order_however_often_it_is_said() -> None:
    """The shell signals it, then the kernel; a repeat of other signals would mean haste."""

    async def signals(*numbers: int) -> bool:
        stop = Stop(lambda: None)
        stop.hear_signals()
        for number in numbers:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        await stop.stops(asyncio.sleep(60))
        return stop.urgent

    assert not await signals(signal.SIGHUP, signal.SIGHUP)
    assert await signals(signal.SIGTERM, signal.SIGTERM)
    assert await signals(signal.SIGHUP, signal.SIGTERM)


def test_up_in_a_terminal_says_that_it_ends_with_the_terminal(tmp_path: Path) -> None:
    """When the terminal is closed, web, workers and ZooKeeper stop, and nothing is left."""
    shop = Instance(tmp_path / "data")
    command = shop._command(
        "up", "--servers", "1", "--workers", "1", "--port", str(shop.port),
        "--zookeeper-port", str(shop.zookeeper_port),
    )  # fmt: skip
    terminal, inner = pty.openpty()
    # This is its controlling terminal, in a session of its own.
    up = subprocess.Popen(("setsid", "--ctty", *command), stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    try:
        said = b""
        while b"closing this terminal" not in said:
            said += os.read(terminal, 4096)
        assert b"--detach" in said
        pids = [process["pid"] for process in shop.status()["workers"] + shop.status()["web"]]
    finally:
        os.close(terminal)
    assert up.wait(STOP_S) == 0
    eventually("all are gone", lambda: not any(Path(f"/proc/{each}").exists() for each in pids))
    assert shop.run("status").returncode == 3
    log = (shop.data_dir / "logs" / "worker-1.log").read_text()
    assert "Traceback" not in log
