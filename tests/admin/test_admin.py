"""The operator's commands on a real tree: what they print, change, refuse and keep."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from admin import znode_tree
from admin.actions.recovery import POLITE
from admin.printable import one_line, printable, printable_bytes
from core.errors import NoNode, NoSuchEvent, NoSuchType, NotRunning, ZkticketError
from core.eventlog import ring
from core.eventlog.audit import note
from core.eventlog.ring import EventLog
from core.events import deletion
from core.events.edit import EventManager
from core.events.restock import reset
from core.schema import paths
from core.schema.records import WorkerRecord, encode
from core.store.store import Store
from core.zookeeper.client import ZooKeeper
from tests.support.commands import Run, commands_on
from tests.support.instance import ROOT
from tests.support.zookeeper_server import SECRET, Server, ref_of, sell
from zkticket import app


@pytest.fixture
def server(zookeeper: Server) -> Server:
    """Ten tickets of each type; three of A are sold."""

    async def stock_up(zk: ZooKeeper) -> None:
        await EventManager(zk).create_default_event(10, stripes=1)
        await sell(zk, 1, 3)

    zookeeper.wipe()
    zookeeper.session(stock_up)
    return zookeeper


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET.value.hex())
    return tmp_path


@pytest.fixture
def run(server: Server, data_dir: Path) -> Run:
    return commands_on(server, data_dir)


def agree(_question: str) -> None:
    """Confirms."""


def decline(_question: str) -> None:
    raise ZkticketError("nothing was changed")


def remaining(server: Server) -> dict[str, tuple[int, int]]:
    async def read(zk: ZooKeeper) -> dict[str, tuple[int, int]]:
        types = (await Store(zk).availability("default")).types
        return {type_.name: (type_.sold, type_.remaining) for type_ in types}

    return server.session(read)


def all_paths(server: Server) -> list[str]:
    async def read(zk: ZooKeeper) -> list[str]:
        return [line async for line in znode_tree.lines(zk, "/", with_data=False)]

    return server.session(read)


# --- reset ---------------------------------------------------------------------------


def test_reset_sets_all_types_and_keeps_the_sold(run: Run, server: Server) -> None:
    done = run("admin", "reset", "--quantity", "50", "--yes")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == [
        "type",
        "sold",
        "held",
        "for",
        "sale",
        "capacity",
    ]
    assert done.stdout.splitlines()[2].split() == ["A", "3", "0", "50", "53"]
    assert remaining(server) == {"A": (3, 50), "B": (0, 50), "C": (0, 50)}
    assert run("verify").exit_code == 0


def test_reset_sets_the_named_types_only(run: Run, server: Server) -> None:
    assert run("admin", "reset", "B", "--quantity", "0", "--yes").exit_code == 0
    assert remaining(server) == {"A": (3, 7), "B": (0, 0), "C": (0, 10)}


def test_reset_is_in_the_log(run: Run) -> None:
    run("admin", "reset", "B", "--quantity", "5", "--yes")
    done = run("admin", "log", "--source", "operator")
    assert "reset by operator: 5 of B of default" in done.stdout


def test_reset_of_an_unknown_type_names_the_known_and_changes_nothing(
    run: Run, server: Server
) -> None:
    done = run("admin", "reset", "A", "X", "--quantity", "50", "--yes")
    assert isinstance(done.exception, NoSuchType)
    assert "A, B, C" in str(done.exception)
    assert remaining(server)["A"] == (3, 7)


def test_reset_of_an_unknown_event_names_the_known(run: Run) -> None:
    done = run("admin", "reset", "--event", "x", "--quantity", "50", "--yes")
    assert isinstance(done.exception, NoSuchEvent)
    assert "default" in str(done.exception)


def test_reset_makes_the_default_event_anew(run: Run, server: Server) -> None:
    assert run("admin", "delete-tree", "--yes").exit_code == 0
    assert run("admin", "reset", "--quantity", "20", "--yes").exit_code == 0
    assert remaining(server) == {"A": (0, 20), "B": (0, 20), "C": (0, 20)}


def test_reset_of_a_half_deleted_event_says_what_to_do(run: Run, server: Server) -> None:
    async def close(zk: ZooKeeper) -> None:
        await EventManager(zk).close(await EventManager(zk).counter_paths("default"))

    server.session(close)
    done = run("admin", "reset", "--quantity", "20", "--yes")
    assert "delete-tree /events/default" in str(done.exception)


@pytest.mark.parametrize("quantity", ["-1", "1.5", "many", "100000001"])
def test_reset_refuses_a_quantity_out_of_range(run: Run, quantity: str) -> None:
    assert run("admin", "reset", "--quantity", quantity, "--yes").exit_code == 2


def test_reset_does_not_overwrite_rubbish(run: Run, server: Server) -> None:
    async def rubbish(zk: ZooKeeper) -> str:
        [path, *_] = await EventManager(zk).counter_paths("default")
        await zk.set(path, b"rubbish")
        return path

    path = server.session(rubbish)
    assert path in str(run("admin", "reset", "A", "--quantity", "5", "--yes").exception)
    assert server.session(lambda zk: zk.get(path)).data == b"rubbish"


def test_a_reset_that_is_declined_changes_nothing(server: Server) -> None:
    before = remaining(server)
    with pytest.raises(ZkticketError):
        server.session(lambda zk: reset(zk, "default", [], 99, decline))
    assert remaining(server) == before


# --- asking first --------------------------------------------------------------------


@pytest.mark.parametrize("command", [["reset", "--quantity", "5"], ["delete-tree"]], ids=str)
def test_what_destroys_refuses_without_terminal_and_yes(
    run: Run, server: Server, command: list[str]
) -> None:
    before = all_paths(server)
    done = run("admin", *command)
    assert isinstance(done.exception, ZkticketError)
    assert done.exception.exit_code == 1
    assert "--yes" in str(done.exception)
    assert all_paths(server) == before


@pytest.mark.parametrize(("answer", "exit_code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_what_destroys_asks_on_a_terminal(
    server: Server, data_dir: Path, answer: bytes, exit_code: int
) -> None:
    ours, theirs = pty.openpty()
    command = ["admin", "delete-tree", "--data-dir", str(data_dir), "--zookeeper", server.hosts]
    try:
        os.write(ours, answer)
        done = subprocess.run(
            [sys.executable, ROOT / "zkticket.py", *command],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == exit_code, done.stderr
    assert "records of 3 sold tickets" in done.stderr
    assert len(all_paths(server)) < 20 if exit_code == 0 else len(all_paths(server)) > 200


# --- delete-tree ---------------------------------------------------------------------


def test_delete_tree_deletes_all_but_the_top(run: Run, server: Server) -> None:
    before = len(all_paths(server))
    done = run("admin", "delete-tree", "--yes")
    assert done.exit_code == 0
    left = [
        path
        for path in all_paths(server)
        if not path.startswith(("/zkticket/log/operator", "/zkticket/retired/"))
    ]
    assert left == ["/zkticket", *(f"/zkticket{top}" for top in sorted(paths.TOP))]
    assert done.stdout == f"{before - len(left)} znodes deleted\n"
    assert "tree deleted by operator" in run("admin", "log").stdout
    server.prepare()


def test_delete_tree_of_one_event_leaves_the_others(run: Run, server: Server) -> None:
    async def another(zk: ZooKeeper) -> bool:
        return await EventManager(zk).create_event("other", "Other", {})

    server.session(another)
    assert run("admin", "delete-tree", "/zkticket/events/default", "--yes").exit_code == 0
    assert server.session(lambda zk: zk.children("/events")) == ["other"]


async def test_delete_tree_keeps_the_registrations_of_living_processes(zk: ZooKeeper) -> None:
    record = WorkerRecord(name="w", host="h", pid=1, address="a", state="ready")
    await zk.create("/workers/w.1", encode(record), ephemeral=True)
    deleted = await deletion.delete_tree(zk, "/", agree)
    assert deleted.kept == 1
    assert await zk.children("/workers") == ["w.1"]


async def test_delete_tree_goes_on_where_it_was_interrupted(zk: ZooKeeper) -> None:
    store = Store(zk)
    generation = (await store.event("default")).generation
    await EventManager(zk).close(await EventManager(zk).counter_paths("default"))
    for bucket in paths.BUCKETS[:100]:
        path = paths.bucket("default", generation, bucket)
        for order in await zk.children(path):
            await zk.delete(f"{path}/{order}")
        await zk.delete(path)
    await deletion.delete_tree(zk, "/events", agree)
    assert await zk.children("/events") == []


async def test_no_sale_commits_once_a_deletion_has_begun(zk: ZooKeeper) -> None:
    store = Store(zk)
    ref = await ref_of(store)
    await EventManager(zk).close(await EventManager(zk).counter_paths("default"))
    with pytest.raises(NoSuchType):
        await store.counters(ref)
    with pytest.raises(NoSuchType):
        await sell(zk, 2)


def test_delete_tree_of_a_type_leaves_the_other_types_on_sale(server: Server) -> None:
    async def work(zk: ZooKeeper) -> None:
        ref = await ref_of(Store(zk), "B")
        await deletion.delete_tree(zk, paths.type_("default", ref.generation, "B"), agree)
        await sell(zk, 2, type_="C")

    server.session(work)
    assert remaining(server) == {"A": (3, 7), "C": (1, 9)}


def test_delete_tree_deletes_an_event_that_cannot_be_read(run: Run, server: Server) -> None:
    server.plant("/events/default", b"rubbish")
    assert run("admin", "delete-tree", "/events/default", "--yes").exit_code == 0
    assert server.session(lambda zk: zk.children("/events")) == []


@pytest.mark.parametrize("path", ["/zookeeper", "..", "", "//", "/events/..", "events"])
def test_delete_tree_outside_of_the_chroot_is_wrong_usage(
    run: Run, server: Server, path: str
) -> None:
    before = all_paths(server)
    done = run("admin", "delete-tree", path, "--yes")
    assert isinstance(done.exception, ZkticketError)
    assert done.exception.exit_code == 2
    assert all_paths(server) == before


def test_delete_tree_refuses_a_root_without_the_marker(run: Run, server: Server) -> None:
    server.plant("", b"somebody else's")
    done = run("admin", "delete-tree", "--yes")
    assert "marker" in str(done.exception)
    assert len(all_paths(server)) > 200


def test_delete_tree_of_nothing_says_so(run: Run) -> None:
    assert isinstance(run("admin", "delete-tree", "/none", "--yes").exception, NoNode)


def test_a_deletion_that_is_declined_deletes_nothing(server: Server) -> None:
    before = all_paths(server)
    with pytest.raises(ZkticketError):
        server.session(lambda zk: deletion.delete_tree(zk, "/", decline))
    assert all_paths(server) == before


# --- tree ----------------------------------------------------------------------------


def test_tree_prints_parents_first_and_siblings_sorted(run: Run) -> None:
    printed = run("admin", "tree").stdout.splitlines()
    assert printed[:3] == ["/zkticket", "/zkticket/alarms", "/zkticket/desired"]
    assert printed == sorted(printed, key=lambda path: path.split("/"))
    assert any(path.endswith("/types/A/stock/0") for path in printed)


def test_tree_shows_rubbish_safely(run: Run, server: Server) -> None:
    server.plant("/log/x", b"\xff\x1b[31m\n\xc3\xa9" + b"y" * 3000)
    printed = run("admin", "tree", "/log/x", "--data").stdout.splitlines()
    assert printed[0] == "/zkticket/log/x"
    assert printed[1].startswith("  \\xff\\x1b[31m\\né")
    assert printed[1].endswith("bytes")
    assert len(printed) == 2


def test_tree_of_nothing_says_so(run: Run) -> None:
    assert isinstance(run("admin", "tree", "/none").exception, NoNode)


def test_text_of_others_is_printable() -> None:
    assert printable("é 🎫 a\x00b\u202ec") == "é 🎫 a\\x00b\\u202ec"
    assert one_line("👩\u200d👧 a\u202e\nb\u2028") == "👩\u200d👧 a\u202e\\nb\\u2028"
    assert printable("\x1b]0;\u2028\x9b") == "\\x1b]0;\\u2028\\x9b"
    assert printable("\U00031350\ue000\u3000明") == "\U00031350\ue000\u3000明"
    assert printable_bytes(b"ok \xfe") == "ok \\xfe"


# --- log -----------------------------------------------------------------------------


async def fill_log(zk: ZooKeeper) -> None:
    for number, source in enumerate(("web", "worker-1", "worker-2")):
        at = time.time() - 3600 * number
        log = EventLog(source, iter([at, at]).__next__)
        await log.load(zk)
        log.info("start", f"{source} begins")
        log.warning("sold", "x", ["ab" * 16])
        await log.flush(zk)


def test_log_filters(run: Run, server: Server) -> None:
    server.session(fill_log)
    assert len(run("admin", "log").stdout.splitlines()) == 6
    assert len(run("admin", "log", "--source", "web").stdout.splitlines()) == 2
    assert len(run("admin", "log", "--level", "warning").stdout.splitlines()) == 3
    assert len(run("admin", "log", "--since", "90m").stdout.splitlines()) == 4
    assert len(run("admin", "log", "--grep", "begins$").stdout.splitlines()) == 3
    assert len(run("admin", "log", "--order", "ab" * 16).stdout.splitlines()) == 3
    assert len(run("admin", "log", "--tail", "1").stdout.splitlines()) == 1
    assert run("admin", "log", "--tail", "0").stdout == ""


def test_log_as_json_is_an_object_a_line(run: Run, server: Server) -> None:
    server.session(fill_log)
    found = [json.loads(line) for line in run("admin", "log", "--json").stdout.splitlines()]
    assert [each["source"] for each in found] == ["worker-2"] * 2 + ["worker-1"] * 2 + ["web"] * 2


def test_log_exports_a_file_for_each_source(run: Run, server: Server, tmp_path: Path) -> None:
    server.session(fill_log)
    assert run("admin", "log", "--export", str(tmp_path / "out")).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "web.log",
        "worker-1.log",
        "worker-2.log",
    ]


def test_log_names_an_unreadable_slot_and_goes_on(run: Run, server: Server) -> None:
    server.session(fill_log)
    server.plant(paths.log_slot("web", 0), b"rubbish")
    done = run("admin", "log")
    assert len(done.stdout.splitlines()) == 4
    assert paths.log_slot("web", 0) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_log_without_zookeeper_names_the_local_files(data_dir: Path) -> None:
    (data_dir / "logs").mkdir()
    (data_dir / "logs" / "worker-1.log").write_text("")
    options = ["--data-dir", str(data_dir), "--zookeeper", "127.0.0.1:1"]
    done = CliRunner().invoke(app, ["admin", "log", *options])
    assert isinstance(done.exception, ZkticketError)
    assert done.exception.exit_code == 1
    assert "worker-1.log" in str(done.exception)


@pytest.mark.parametrize(
    "options", [("--since", "soon"), ("--grep", "("), ("--level", "loud"), ("--tail", "-1")]
)
def test_log_with_wrong_options_is_wrong_usage(run: Run, options: tuple[str, ...]) -> None:
    done = run("admin", "log", *options)
    assert getattr(done.exception, "exit_code", done.exit_code) == 2


async def test_two_operators_at_once_both_get_into_the_log(zk: ZooKeeper) -> None:
    rival = EventLog("operator", time.time)
    await rival.load(zk)
    await note(zk, "reset", "first")
    rival.info("reset", "second")
    for _ in range(2):
        await rival.flush(zk)
    slots = await ring.read(zk, "operator")
    texts = [found.entry.text for slot in slots for found in slot.entries]
    assert texts == ["first", "second"]


# --- verify, status ------------------------------------------------------------------


def test_verify_prints_its_proof_and_leaves_the_machine_to_the_sale(
    run: Run, lowered: list[int]
) -> None:
    done = run("verify")
    assert (done.exit_code, lowered) == (0, [POLITE])
    assert "A: capacity 10 = 3 sold + 0 held + 7 remaining; 1 orders" in done.stdout


def test_verify_names_the_first_breach(run: Run, server: Server) -> None:
    server.remove(
        next(path for path in all_paths(server) if path.count("/") == 7 and "/orders/" in path)[9:]
    )
    done = run("verify", "--json")
    assert isinstance(done.exception, ZkticketError)
    assert "stock/0" in str(done.exception)
    found = json.loads(done.stdout)
    assert not found["ok"]
    assert found["breach"]["znode"].endswith("/types/A/stock/0")


def test_status_of_a_tree_without_processes_is_degraded(run: Run) -> None:
    done = run("status", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["healthy"] is False


@pytest.mark.parametrize(
    "command",
    [["status"], ["verify"], ["admin", "log"], ["admin", "tree"], ["admin", "delete-tree"]],
    ids=" ".join,
)
def test_without_an_instance_nothing_is_running(tmp_path: Path, command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--data-dir", str(tmp_path)])
    assert isinstance(done.exception, NotRunning)
    assert done.exception.exit_code == 3
