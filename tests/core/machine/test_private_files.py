"""The data directory is its user's alone: files that others planted are refused in one line."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cluster import run_file
from core.cluster_secret import load_or_create_secret, load_secret
from core.errors import NotRunning, Untrusted, ZkticketError
from core.machine import private_directory, private_files
from core.receipts.format import FOLDER, segments
from core.settings import Settings
from supervisor import daemon, lock, orphans
from supervisor.operations import desired_state_file
from supervisor.processes.spawned_process import ProcessPlan, Role, spawner
from supervisor.zookeeper.ensemble import MAIN_CLASS, local_ensemble
from tests.support.instance import ENTRYPOINT, Instance, environment
from workers.receipts.journal import JournalBounds, ReceiptJournal

SOMEBODY = 54321
VICTIM = "nobody's business\n"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory as `up` leaves it."""
    path = tmp_path / "data"
    private_directory.claim(path, said_nothing)
    load_or_create_secret(path)
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file elsewhere that an attacker would like to have overwritten, or read."""
    path = tmp_path / "victim"
    path.write_text(VICTIM)
    path.chmod(0o600)
    return path


@pytest.fixture
def as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes everything that exists so far another user's."""

    def change() -> None:
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
        for module in (private_directory, private_files):
            monkeypatch.setattr(module, "ROOT", SOMEBODY)

    return change


def said_nothing(text: str) -> None:
    raise AssertionError(f"nothing was open, and it says: {text}")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(path: Path) -> list[Path]:
    """Returns everything in a tree that others may read or write."""
    every = [path, *path.rglob("*")]
    return [each for each in every if each.lstat().st_mode & 0o077]


# --- what we make --------------------------------------------------------------------


def test_after_a_sale_nothing_in_the_data_directory_is_open_to_others(shop: Instance) -> None:
    """The directory was made by its user, with the usual umask."""
    assert shop.buyer().buy().status == 201
    assert (shop.data_dir / "zookeeper" / "1" / "data" / "version-2").is_dir()
    assert open_to_others(shop.data_dir) == []


def test_what_was_exported_is_for_its_user_alone(shop: Instance, tmp_path: Path) -> None:
    assert shop.buyer().buy().status == 201
    directory = tmp_path / "export"
    directory.mkdir(mode=0o755)
    (directory / "supervisor.log").write_text("an export before this one, readable by all")
    assert shop.run("admin", "log", "--export", str(directory)).returncode == 0
    assert (directory / "supervisor.log").read_text().count("an export before") == 0
    assert [mode(path) for path in directory.iterdir()] == [0o600] * len(list(directory.iterdir()))


def test_a_directory_that_was_open_is_closed_with_all_that_is_in_it(data_dir: Path) -> None:
    (data_dir / "logs").mkdir()
    (data_dir / "logs" / "worker-1.log").write_text("Ann has bought a ticket\n")
    for path in (data_dir, *data_dir.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    said: list[str] = []
    private_directory.claim(data_dir, said.append)
    assert open_to_others(data_dir) == []
    assert said == [f"{data_dir} was open to other users; it is closed to them now"]
    private_directory.claim(data_dir, said_nothing)


def test_a_child_is_started_so_that_its_files_are_its_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        plan = ProcessPlan("worker-1", Role.WORKER, ("touch", "made"), tmp_path / "worker-1.log")
        process = spawner(os.environ)(plan)
        while process.ended() is None:
            pass
    finally:
        os.umask(before)
    assert (mode(tmp_path / "made"), mode(tmp_path / "worker-1.log")) == (0o600, 0o600)


def test_a_secret_that_was_copied_for_all_to_read_is_closed_by_its_reader(
    data_dir: Path,
) -> None:
    """This is how `scp` leaves it on another machine."""
    (data_dir / "secret").chmod(0o644)
    load_secret(data_dir)
    assert mode(data_dir / "secret") == 0o600


@pytest.mark.parametrize("what", ["a file in it", "everybody's, as /tmp is"])
def test_a_directory_of_other_things_is_neither_taken_nor_changed(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "other"
    path.mkdir()
    (path / "thesis.txt").write_text("for all to read")
    path.chmod(0o1777 if what.startswith("everybody") else 0o755)
    before = mode(path)
    with pytest.raises(Untrusted, match="name one of its own with --data-dir"):
        private_directory.claim(path, said_nothing)
    assert mode(path) == before
    assert list(path.iterdir()) == [path / "thesis.txt"]


# --- what others have planted --------------------------------------------------------

PLACES = (
    "secret",
    "lock",
    "run.json",
    "desired.json",
    "logs/worker-1.log",
    "logs/supervisor.log",
    "receipts/worker-1/00000001",
    "receipts/settlements",
    "zookeeper/ensemble.json",
    "zookeeper/1/zoo.cfg",
    "zookeeper/1/data/myid",
)


def a_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def a_hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def a_pipe(path: Path, _victim: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("plant", [a_link, a_hard_link, a_pipe])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_starts_where_something_else_stands_in_the_place_of_a_file(
    data_dir: Path, victim: Path, place: str, plant: Callable[[Path, Path], None]
) -> None:
    path = data_dir / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    plant(path, victim)
    if place == "secret":  # this marks a directory as ours
        with pytest.raises(Untrusted, match="secret"):
            load_secret(data_dir)
    with pytest.raises(Untrusted) as refusal:
        private_directory.claim(data_dir, said_nothing)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert (victim.read_text(), mode(victim)) == (VICTIM, 0o600)


@pytest.mark.parametrize("place", ["logs", "receipts", "zookeeper", "zookeeper/1"])
def test_nothing_starts_where_a_link_stands_in_the_place_of_a_directory(
    data_dir: Path, tmp_path: Path, place: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = data_dir / place
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(Untrusted, match=place):
        private_directory.claim(data_dir, said_nothing)
    with pytest.raises(Untrusted, match=place):
        private_files.make_directory(path)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("place", sorted(private_directory.FILES - {"secret"}))
def test_nothing_starts_where_a_directory_stands_in_the_place_of_a_file(
    data_dir: Path, place: str
) -> None:
    path = data_dir / place
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(Untrusted, match=f"{place} is a directory; move it away"):
        private_directory.claim(data_dir, said_nothing)


@pytest.mark.parametrize("place", sorted(private_directory.FOLDERS))
def test_nothing_starts_where_something_else_stands_in_the_place_of_a_directory(
    data_dir: Path, place: str
) -> None:
    path = data_dir / place
    path.touch(0o600)
    with pytest.raises(Untrusted, match=f"{place} is no directory; move it away"):
        private_directory.claim(data_dir, said_nothing)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as planted:
        planted.bind(str(path))
    with pytest.raises(Untrusted, match=f"{place} is no directory; move it away"):
        private_directory.claim(data_dir, said_nothing)


def test_all_that_was_planted_is_refused_by_a_real_start(data_dir: Path, victim: Path) -> None:
    (data_dir / "logs").mkdir()
    (data_dir / "logs" / "worker-1.log").symlink_to(victim)
    done = subprocess.run(
        [sys.executable, str(ENTRYPOINT), "up", "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: {data_dir}/logs/worker-1.log is a link or no plain file, and may lead anywhere; "
        "remove it, or choose another --data-dir"
    ]
    assert victim.read_text() == VICTIM


def test_each_writer_refuses_a_link_by_itself(data_dir: Path, victim: Path) -> None:
    """It may have come there after the start."""
    for directory in ("logs", "zookeeper", "zookeeper/1", "zookeeper/1/data", FOLDER):
        (data_dir / directory).mkdir()
    (data_dir / FOLDER / "worker-1").mkdir()
    for place in PLACES:
        (data_dir / place).unlink(missing_ok=True)
        (data_dir / place).symlink_to(victim)
    log, nothing = (
        data_dir / "logs" / "worker-1.log",
        ProcessPlan("w", Role.WORKER, ("true",), Path()),
    )
    appenders: list[Callable[[], object]] = [
        lambda: private_files.append(log),
        lambda: spawner(os.environ)(ProcessPlan("w", Role.WORKER, nothing.argv, log)),
        lambda: lock.hold(data_dir).__enter__(),
        lambda: load_or_create_secret(data_dir),
        lambda: ReceiptJournal(data_dir / FOLDER / "worker-1", JournalBounds(1000, 4)).open(),
        lambda: daemon.detach(Settings(data_dir=data_dir), ["true"]),
        lambda: desired_state_file.load(data_dir),
        lambda: run_file.read(data_dir),
    ]
    for act in appenders:
        with pytest.raises(Untrusted):
            act()
    # Replacing a file puts a new one in the link's place.
    local_ensemble(data_dir, 2181, 1, "password").configure()
    assert not (data_dir / "zookeeper" / "1" / "zoo.cfg").is_symlink()
    assert (victim.read_text(), mode(victim)) == (VICTIM, 0o600)


def test_a_draft_that_somebody_left_or_planted_is_in_nobodys_way(
    data_dir: Path, victim: Path
) -> None:
    (data_dir / "run.json.new").symlink_to(victim)
    private_files.write(data_dir / "run.json", b"{}")
    assert private_files.read(data_dir / "run.json") == b"{}"
    assert not (data_dir / "run.json.new").is_symlink()
    assert victim.read_text() == VICTIM


# --- whose it is ---------------------------------------------------------------------


def test_another_users_directory_is_taken_by_nobody(
    data_dir: Path, as_somebody_else: Callable[[], None]
) -> None:
    runfile_ = data_dir / run_file.FILE_NAME
    runfile_.write_text("{}")
    owner = private_files.user(data_dir.stat().st_uid)
    as_somebody_else()
    acts: list[Callable[[], object]] = [
        lambda: private_directory.claim(data_dir, said_nothing),
        lambda: load_secret(data_dir),
        lambda: run_file.read(data_dir),
        lambda: daemon.down(Settings(data_dir=data_dir)),
        lambda: daemon.detach(Settings(data_dir=data_dir), ["true"]),
    ]
    for act in acts:
        with pytest.raises(Untrusted) as refusal:
            act()
        assert f"belongs to {owner}, and you are user {SOMEBODY}" in str(refusal.value)
        assert f"`chown -R {SOMEBODY} {data_dir}`" in str(refusal.value)
    assert mode(data_dir) == 0o700


def test_a_single_file_of_another_user_is_believed_by_nobody(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned, secret = os.fstat, (data_dir / "secret").stat().st_ino

    def planted(descriptor: int) -> os.stat_result:
        found = owned(descriptor)
        fields = list(found)
        if found.st_ino == secret:
            fields[stat.ST_UID] = SOMEBODY
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", planted)
    with pytest.raises(Untrusted, match=f"secret belongs to user {SOMEBODY}"):
        load_secret(data_dir)


@pytest.mark.parametrize("rights", [0o777, 0o775, 0o702])
def test_a_directory_in_which_others_may_write_is_read_by_nobody(
    data_dir: Path, rights: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_directory, "_own_groups", lambda _owner: set())
    data_dir.chmod(rights)
    with pytest.raises(Untrusted, match="can be changed by other users"):
        load_secret(data_dir)


@pytest.mark.parametrize("rights", [0o777, 0o772])
def test_a_directory_is_not_taken_where_others_may_put_another_one_in_its_place(
    tmp_path: Path, rights: int
) -> None:
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(rights)
    with pytest.raises(Untrusted, match=f"`chmod go-w {above}`"):
        private_directory.claim(above / "data", said_nothing)
    above.chmod(0o1777)  # like /tmp, where nobody can move the files of others
    private_directory.claim(above / "data", said_nothing)


def test_the_way_by_which_a_link_leads_there_has_to_be_safe_as_well(tmp_path: Path) -> None:
    open_, closed = tmp_path / "open", tmp_path / "closed"
    open_.mkdir()
    closed.mkdir()
    (closed / "link").symlink_to(open_ / "data")
    private_directory.claim(open_ / "data", said_nothing)
    private_directory.claim(closed / "link", said_nothing)
    open_.chmod(0o777)
    with pytest.raises(Untrusted, match="open to them"):
        private_directory.claim(closed / "link", said_nothing)


def test_a_group_that_is_its_users_alone_is_nobody_else(tmp_path: Path) -> None:
    """Many systems create files in home directories like this."""
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(0o775)
    private_directory.claim(above / "data", said_nothing)


def test_where_nothing_is_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        run_file.read(tmp_path / "nowhere")
    with pytest.raises(ZkticketError, match="no secret in"):
        load_secret(tmp_path / "nowhere")
    assert segments(tmp_path / "nowhere") == []


def test_another_users_process_is_no_leftover_whatever_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(tmp_path / "zookeeper" / "1" / "zoo.cfg")
    command = [sys.executable, "-c", "input()", MAIN_CLASS, config]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            assert [left.process.pid for left in orphans.find(tmp_path)] == [process.pid]
            monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
            assert orphans.find(tmp_path) == []
        finally:
            process.kill()
