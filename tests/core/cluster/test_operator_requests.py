"""The right supervisor is asked, or none."""

import os
from pathlib import Path

import pytest

from core.cluster import instance_id, operator_requests
from core.errors import NotRunning, ZkticketError
from core.machine import process_birth
from core.schema import paths
from core.schema.records import SupervisorRecord, encode
from core.settings import Settings
from core.zookeeper.client import ZooKeeper
from tests.support.zookeeper_server import Server

ALPHA, BETA, GAMMA = "a" * 16, "b" * 16, "c" * 16


def table(instance: str, host: str) -> SupervisorRecord:
    return SupervisorRecord(
        host=host, pid=1, created=0.0, url="", zookeeper="", instance=instance, at=1.0
    )


def asked(
    server: Server, data_dir: Path, machine: str, *living: SupervisorRecord
) -> SupervisorRecord:
    async def work(zk: ZooKeeper) -> SupervisorRecord:
        for number, each in enumerate(living):
            path = paths.supervisor(f"supervisor.{number}")
            await zk.create(path, encode(each), ephemeral=True)
        return await operator_requests.supervisor_of(zk, Settings(data_dir=data_dir), machine)

    return server.session(work)


def of(data_dir: Path, instance: str) -> Path:
    (data_dir / instance_id.FILE_NAME).write_text(f"{instance}\n")
    return data_dir


def test_that_of_the_data_directory_is_asked(server: Server, tmp_path: Path) -> None:
    two = (table(ALPHA, "alpha"), table(BETA, "beta"))
    assert asked(server, of(tmp_path, BETA), "", *two).instance == BETA


def test_the_only_one_there_is_does_not_stand_in_for_it(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"is not at work.*--machine you may name beta$"):
        asked(server, of(tmp_path, ALPHA), "", table(BETA, "beta"))


def test_from_a_machine_with_the_secret_alone_the_only_one_is_asked(
    server: Server, tmp_path: Path
) -> None:
    assert asked(server, tmp_path, "", table(BETA, "beta")).instance == BETA


def test_from_there_none_of_several_is_asked_unless_it_is_named(
    server: Server, tmp_path: Path
) -> None:
    three = (table(ALPHA, "alpha"), table(BETA, "box"), table(GAMMA, "box"))
    with pytest.raises(ZkticketError, match=f"name alpha or {BETA} or {GAMMA}$") as refused:
        asked(server, tmp_path, "", *three)
    assert refused.value.exit_code == 1


@pytest.mark.parametrize(("name", "found"), [("alpha", ALPHA), (ALPHA, ALPHA), (GAMMA, GAMMA)])
def test_one_is_named_by_its_host_or_by_its_id(
    server: Server, tmp_path: Path, name: str, found: str
) -> None:
    three = (table(ALPHA, "alpha"), table(BETA, "box"), table(GAMMA, "box"))
    assert asked(server, of(tmp_path, BETA), name, *three).instance == found


def test_a_host_of_several_is_no_name(server: Server, tmp_path: Path) -> None:
    two = (table(BETA, "box"), table(GAMMA, "box"))
    with pytest.raises(ZkticketError, match=f"name {BETA} or {GAMMA}$"):
        asked(server, of(tmp_path, BETA), "box", *two)


def test_a_name_that_nobody_has_is_refused_with_those_that_there_are(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(NotRunning, match=r"at work on omega; with --machine you may name alpha$"):
        asked(server, of(tmp_path, ALPHA), "omega", table(ALPHA, "alpha"))


def test_one_that_was_killed_is_not_asked(server: Server, tmp_path: Path) -> None:
    """Its registration lasts until its session ends."""
    killed = SupervisorRecord(
        host="alpha",
        place=process_birth.place(),
        pid=os.getpid(),
        birth="another-1",
        created=0.0,
        url="",
        zookeeper="",
        instance=ALPHA,
    )
    with pytest.raises(NotRunning, match=r"`up` starts it$"):
        asked(server, of(tmp_path, ALPHA), "", killed)


@pytest.mark.parametrize("content", ["", "x", "A" * 16, "a" * 17, "ä" * 16])
def test_a_damaged_identity_is_no_identity(tmp_path: Path, content: str) -> None:
    (tmp_path / instance_id.FILE_NAME).write_text(content)
    for read in (instance_id.load, instance_id.load_or_create):
        with pytest.raises(ZkticketError, match="delete it"):
            read(tmp_path)


def test_an_identity_is_made_once_and_is_nobodys_else(tmp_path: Path) -> None:
    assert instance_id.load(tmp_path) == ""
    made = instance_id.load_or_create(tmp_path)
    assert instance_id.load_or_create(tmp_path) == instance_id.load(tmp_path) == made
    other = tmp_path / "other"
    other.mkdir()
    assert instance_id.load_or_create(other) != made
    assert (tmp_path / instance_id.FILE_NAME).stat().st_mode & 0o777 == 0o600
