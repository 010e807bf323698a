"""`restart supervisor`: a new one takes over everything that the old one started, during a sale."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest

from core.errors import ZkticketError
from core.schema.records import OperatorRequest, Progress, SupervisorRecord
from core.settings import Settings
from supervisor import lock, successor
from supervisor.operations.request_executor import Requests
from supervisor.processes.spawned_process import SystemProcess
from supervisor.successor import Handover
from tests.core.machine.test_program import unpacked
from tests.supervisor.test_requests import NOW, Crew
from tests.supervisor.test_restart import Newcomers
from tests.support.buyers.crowd import Crowd
from tests.support.instance import ROOT, Instance, eventually, running
from tests.support.service_manager import heard, managed

TERM = 1 << (signal.SIGTERM - 1)
COPIED = ("core", "supervisor", "workers", "web", "admin")


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("sale") / "data", "--quantity", "500000") as instance:
        yield instance


def own_command(script: Path) -> list[str]:
    """Returns its command line where the variable of the one file is set."""
    with patch.object(sys, "argv", [str(script), "up", "--port", "9000"]):
        return successor.own_command(script, {"ZKTICKET_BINARY": "/opt/zkticket"})


def test_the_successor_of_the_one_file_is_started_from_the_file_itself(tmp_path: Path) -> None:
    script = unpacked(tmp_path, "aa")
    assert own_command(script) == ["/opt/zkticket", "up", "--port", "9000"]


def test_the_successor_of_a_checkout_is_the_checkout_whatever_a_shell_has_kept(
    tmp_path: Path,
) -> None:
    script = tmp_path / "zkticket.py"
    assert own_command(script)[-4:] == [str(script), "up", "--port", "9000"]
    assert own_command(script)[0] == sys.executable


def supervisor(shop: Instance) -> psutil.Process:
    assert shop.process is not None
    return psutil.Process(shop.process.pid)


def replaced(shop: Instance) -> None:
    done = shop.run("restart", "supervisor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("supervisor restarted in ")


def children(shop: Instance) -> set[psutil.Process]:
    return set(supervisor(shop).children())


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if _lives(each)]


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def zombies(shop: Instance) -> list[psutil.Process]:
    found = supervisor(shop).children()
    return [each for each in found if each.status() == psutil.STATUS_ZOMBIE]


def record(shop: Instance, kind: str, name: str) -> Any:
    return next(found for found in shop.status()[kind] if found["name"] == name)


# --- in a sale -----------------------------------------------------------------------


def test_a_supervisor_is_replaced_and_no_buyer_notices(sale: Instance) -> None:
    before, pid = children(sale), supervisor(sale).pid
    others = sale.types()["A"]["sold"]
    with Crowd(sale.buyer) as crowd, Newcomers(sale.port) as newcomers:
        eventually("some sold", lambda: len(crowd.sold) > 100)
        replaced(sale)
        replaced(sale)
        sold = len(crowd.sold)
        eventually("it sells on", lambda: len(crowd.sold) > sold + 100)
    assert set(crowd.statuses) == {201}, crowd.unsure
    assert newcomers.served > 100
    assert not newcomers.failures
    crowd.expect_sales(sale, others=others)
    sale.expect_health()
    assert children(sale) == before
    told = sale.status()["supervisor"]
    assert (told["pid"], told["alive"]) == (pid, True)
    assert sale.messages().count("the supervisor has been replaced; the sale goes on") == 2
    log = sale.run("admin", "log", "--source", "supervisor").stdout
    assert log.count("took over from the previous supervisor") == 2
    assert log.count("makes way for its successor") == 2


def test_the_new_one_restarts_what_dies_and_nothing_stays_a_zombie(sale: Instance) -> None:
    replaced(sale)
    [web] = [found["pid"] for found in sale.status()["web"]]
    worker = sale.worker("worker-2")
    os.kill(worker["pid"], signal.SIGKILL)
    eventually("a new worker", lambda: sale.worker("worker-2")["pid"] not in (worker["pid"], None))
    with Newcomers(sale.port) as newcomers:
        eventually("some served", lambda: newcomers.served > 50)
        os.kill(web, signal.SIGKILL)
        eventually("a new web", lambda: record(sale, "web", "web-1")["pid"] not in (web, None))
        served = newcomers.served
        eventually("more served", lambda: newcomers.served > served + 50)
    # The page's listening socket was handed over as well.
    assert not [error for error in newcomers.failures if isinstance(error, ConnectionRefusedError)]
    sale.expect_health()
    after = sale.worker("worker-2")
    assert after["restarts"] == worker["restarts"] + 1
    assert after["last_restart_reason"] == "died: killed by SIGKILL"
    assert not zombies(sale)
    replaced(sale)
    assert sale.worker("worker-2")["restarts"] == after["restarts"]
    assert sale.run("restart", "web").returncode == 0
    assert sale.run("restart", "worker-1").returncode == 0
    sale.expect_health()
    assert not zombies(sale)


def test_its_lock_stays_held_and_no_child_has_it(sale: Instance) -> None:
    replaced(sale)
    with pytest.raises(lock.InUse) as found, lock.hold(sale.data_dir):
        pass
    assert found.value.pid == supervisor(sale).pid
    os.kill(sale.worker()["pid"], signal.SIGKILL)
    sale.expect_health()
    held = [
        child
        for child in supervisor(sale).children()
        if any(file.path == str(sale.data_dir / "lock") for file in child.open_files())
    ]
    assert not held


def test_a_signal_that_comes_in_between_stops_it_all_the_same(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--servers", "1", "--workers", "1") as shop:
        replaced(shop)
        before, old = children(shop), supervisor(shop)
        command = shop._command("restart", "supervisor")
        nowhere = subprocess.DEVNULL
        asking = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        status = Path(f"/proc/{old.pid}/status")
        deadline = time.monotonic() + 30.0
        while not _blocked(status.read_text()) & TERM:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.kill(old.pid, signal.SIGTERM)
        assert shop.process is not None
        try:
            assert shop.process.wait(30.0) == 0, shop.messages()
        finally:
            asking.kill()
            asking.wait()
        assert not living(before)


def _blocked(status: str) -> int:
    [line] = [line for line in status.splitlines() if line.startswith("SigBlk")]
    return int(line.split()[1], 16)


# --- however it was started ----------------------------------------------------------


def test_in_the_background_it_stays_there_until_down(tmp_path: Path) -> None:
    shop = Instance(tmp_path / "data")
    ports = ("--port", str(shop.port), "--zookeeper-port", str(shop.zookeeper_port))
    try:
        started = shop.run("up", "--detach", "--servers", "1", "--workers", "1", *ports)
        assert started.returncode == 0, started.stderr
        before = shop.status()["supervisor"]
        found = psutil.Process(before["pid"])
        left = set(found.children())
        replaced(shop)
        after = shop.status()["supervisor"]
        assert after["pid"] == before["pid"]
        assert set(found.children()) == left
        assert shop.buyer().buy().status == 201
        assert shop.run("down").returncode == 0
        eventually("all have ended", lambda: not living([found, *left]))
        assert not [each for each in left if each.is_running()]
    finally:
        shop.clean_up()


def test_its_service_manager_hears_that_it_is_ready_and_never_that_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(tmp_path, monkeypatch) as (manager, shop):
        main = f"MAINPID={supervisor(shop).pid}"
        assert main in _until_ready(manager)
        replaced(shop)
        assert main in _until_ready(manager)
        shop.down()


def _until_ready(manager: socket.socket) -> list[str]:
    while "READY=1" not in (message := heard(manager)):
        assert "STOPPING=1" not in message
    return message


# --- another version -----------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Returns a copy of the program that a test may change."""
    home = tmp_path / "program"
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, home / name, ignore=ignored)
    shutil.copy(ROOT / "zkticket.py", home)
    (home / ".zookeeper").symlink_to(ROOT / ".zookeeper")
    return home


def shop_of(program: Path) -> Instance:
    options = ("--servers", "1", "--workers", "1")
    return Instance(program.parent / "data", options, entrypoint=program / "zkticket.py")


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


def test_a_version_that_does_not_start_is_refused_and_a_good_one_takes_over(
    installed: Path,
) -> None:
    shop = shop_of(installed)
    loop = installed / "supervisor" / "supervisor.py"
    try:
        before = children(shop.up())
        good = loop.read_text()
        for broken, why in (
            ("import nothing_that_there_is\n", "No module named 'nothing_that_there_is'"),
            ("def run(:\n", "SyntaxError"),
            ("raise SystemExit(0)\n", "exit code 0"),
        ):
            loop.write_text(broken + good)
            refused = shop.run("restart", "supervisor")
            assert (refused.returncode, refused.stdout) == (1, "")
            assert why in refused.stderr.splitlines()[-1]
            assert refused.stderr.splitlines()[-1].endswith("so the old one goes on")
            assert children(shop) == before
        loop.write_text(good)
        change(loop, "the supervisor has been replaced", "a newer supervisor is here")
        # Other command lines are no reason to stop running processes.
        change(
            installed / "supervisor" / "zookeeper" / "ensemble.py",
            "MOST_YOUNG_MB = 256",
            "MOST_YOUNG_MB = 255",
        )
        replaced(shop)
        assert "a newer supervisor is here" in shop.messages()
        assert children(shop) == before
        old = psutil.Process(shop.servers("standalone")[0]["pid"]).cmdline()
        assert shop.run("restart", "zookeeper-1").returncode == 0
        assert psutil.Process(shop.servers("standalone")[0]["pid"]).cmdline() != old
        shop.expect_health()
        shop.down()
    finally:
        shop.clean_up()


def test_where_the_successor_cannot_be_executed_the_old_one_goes_on(installed: Path) -> None:
    change(
        installed / "supervisor" / "successor.py",
        "os.execve(command[0], ",
        "os.execve('/nonexistent', ",
    )
    shop = shop_of(installed)
    try:
        before = children(shop.up())
        refused = shop.run("restart", "supervisor")
        assert refused.returncode == 1
        assert "can't be executed (No such file or directory)" in refused.stderr
        assert children(shop) == before
        worker = shop.worker()
        os.kill(worker["pid"], signal.SIGKILL)
        eventually("a new worker", lambda: shop.worker()["pid"] not in (worker["pid"], None))
        shop.expect_health()
        assert not zombies(shop)
        shop.down()
    finally:
        shop.clean_up()


def test_a_successor_that_ends_leaves_the_shop_selling_for_the_next(installed: Path) -> None:
    shop = shop_of(installed)
    preflight = installed / "supervisor" / "preflight.py"
    good = preflight.read_text()
    try:
        before = children(shop.up())
        change(preflight, "    ensemble.require_size()\n", "    raise StartupError('no luck')\n")
        assert shop.process is not None
        told = shop.run("restart", "supervisor")
        assert shop.process.wait(10.0) == 1
        assert (told.returncode, told.stdout) == (1, "")
        assert "`status`" in told.stderr
        assert shop.buyer().buy().status == 201
        preflight.write_text(good)
        assert children(shop.up()) == set()  # they have no parent now
        pids = {found["pid"] for found in (*shop.status()["workers"], *shop.status()["web"])}
        assert pids < {process.pid for process in before}
        shop.run("down")
    finally:
        shop.clean_up()


# --- its parts -----------------------------------------------------------------------

ASKED = OperatorRequest(id="1", action="restart", names=("supervisor",), timeout_s=5.0, at=NOW)
TABLE = SupervisorRecord(host="here", pid=1, created=0.0, url="", zookeeper="")
ECHO = (
    "import os, sys; sys.path.insert(0, sys.argv[1])\n"
    "from pathlib import Path\n"
    "from core.settings import Settings\n"
    "from supervisor.successor import rehearsed\n"
    "settings = Settings(data_dir=Path(sys.argv[2]), zookeeper='elsewhere:2181')\n"
    "assert rehearsed(settings, os.environ)\n"
)


def handover(data_dir: Path) -> Handover:
    return Handover(
        data_dir=str(data_dir), lock=0, door=None, request=ASKED.id, at=NOW, table=TABLE
    )


async def rehearse(program: str, named: Path, meant: Path) -> None:
    command = [sys.executable, "-c", program, str(ROOT), str(named)]
    await successor.rehearse(command, os.environ, handover(meant))


async def test_a_rehearsal_ends_before_anything_is_done_and_proves_how_far_it_came(
    tmp_path: Path,
) -> None:
    await rehearse(ECHO, tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ZkticketError, match="it would be one for"):
        await rehearse(ECHO, tmp_path / "elsewhere", tmp_path)
    with pytest.raises(ZkticketError, match=r"\(exit code 0\), so the old one goes on"):
        await rehearse("", tmp_path, tmp_path)
    with pytest.raises(ZkticketError, match="can't be executed: No such file"):
        await successor.rehearse(["/nonexistent"], os.environ, handover(tmp_path))


async def test_a_rehearsal_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(successor, "REHEARSAL_S", 0.2)
    before = psutil.Process().children()
    with pytest.raises(ZkticketError, match="not within"):
        await rehearse("import time; time.sleep(60)", tmp_path, tmp_path)
    assert psutil.Process().children() == before


def test_a_handover_is_for_one_process_alone(tmp_path: Path) -> None:
    assert successor.inherited({}) is None
    stale = {successor.VARIABLE: "1 7"}
    assert successor.inherited(stale) is None
    assert not successor.rehearsed(Settings(data_dir=tmp_path), stale)


def test_a_supervisor_that_is_about_to_be_replaced_is_waited_for() -> None:
    crew = Crew()
    crew.resize(2)
    crew.settle()
    crew.fleet.children[0].restart("ill", 100.0)
    crew.fleet.advance()
    assert [child.plan.name for child in crew.fleet.moving] == ["worker-1"]

    _, told = crew.do(lambda _, tell: successor.await_rest(crew.fleet, tell))
    assert not crew.fleet.moving
    assert set(told) == {"the supervisor waits: worker-1 is being replaced"}


async def test_what_the_old_one_has_done_is_not_done_again() -> None:
    acts: list[str] = []

    async def act(request: OperatorRequest, _: Any) -> str:
        acts.append(request.id)
        return ""

    over = [Progress(id=state, state=state, text="") for state in ("done", "failed", "running")]
    requests = Requests(
        {"act": act},
        now=lambda: NOW,
        changed=lambda: None,
        log=lambda *_: None,
        over=over,
    )

    ids = ("done", "failed", "running", "new")
    requests.note([OperatorRequest(id=id_, action="act", timeout_s=5.0, at=NOW) for id_ in ids])
    assert [each.id for each in requests.progress] == list(ids)
    server = asyncio.create_task(requests.serve(_forget))
    async with asyncio.timeout(10):
        while len(acts) < 2:
            await asyncio.sleep(0.005)
    server.cancel()
    assert acts == ["running", "new"]


async def _forget(_: str) -> None:
    return None


def test_an_adopted_child_of_our_own_is_reaped_and_says_how_it_ended() -> None:
    for code, says in (("raise SystemExit(3)", "exit code 3"), ("", "exit code 0")):
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
        adopted = SystemProcess(psutil.Process(pid))
        assert eventually("its end", adopted.ended) == says
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_a_child_whose_threads_still_end_is_no_zombie_left_behind() -> None:
    """Its first thread is a zombie, and there is nothing to reap until the others have ended."""
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(0.5,)).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    process = psutil.Process(pid)
    adopted = SystemProcess(process)
    eventually("its first thread has ended", lambda: process.status() == psutil.STATUS_ZOMBIE)
    while adopted.ended() is None:
        time.sleep(0.01)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
