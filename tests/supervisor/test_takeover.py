"""What a killed supervisor left is taken over where it runs what the new one would start."""

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from supervisor.orphans import Leftover
from supervisor.processes.commands import web_plan, worker_plans
from supervisor.processes.spawned_process import ProcessPlan, SystemProcess
from supervisor.zookeeper import class_data_archive
from supervisor.zookeeper.ensemble import local_ensemble
from tests.core.machine.test_program import unpacked

CLASS_PATH = "app/.zookeeper/3.9.5/*"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Returns the program of the version that starts now."""
    return unpacked(tmp_path / "cache", "bb")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Returns the program of the version that has started what runs."""
    return unpacked(tmp_path / "cache", "aa")


def program(script: Path, monkeypatch: pytest.MonkeyPatch, port: int = 8000) -> list[ProcessPlan]:
    """Plans a worker and the web of an instance, as that program would."""
    settings = Settings(data_dir=Path("/srv/tickets"), port=port)
    monkeypatch.setattr(sys, "executable", str(script.parents[1] / "bin" / "zkticket"))
    return [*worker_plans(settings, 1, script), web_plan(settings, script)]


def server(version: Path, class_path: str = "", jvm: tuple[str, ...] = ()) -> ProcessPlan:
    """Plans a server, with the Java and the jars that lie in `version`."""
    ensemble = local_ensemble(Path("/srv/tickets"), 2181, 3, "p" * 32)
    java, jars = version / "java" / "bin" / "java", class_path or f"{version}/{CLASS_PATH}"
    return ensemble.plan(ensemble.servers[0], java, jars, Path("/srv/tickets/logs"), jvm)


def left(plan: ProcessPlan) -> Leftover:
    return Leftover(plan.name, plan.role, plan.argv, SystemProcess(psutil.Process()))


def taken_over(old: Sequence[ProcessPlan], new: Sequence[ProcessPlan], script: Path) -> list[bool]:
    return [left(was).runs(now, script) for was, now in zip(old, new, strict=True)]


def test_a_new_version_of_the_one_file_takes_over_what_the_old_one_runs(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [*program(old, monkeypatch), server(old.parents[1])]
    after = [*program(new, monkeypatch), server(new.parents[1])]
    assert all(was.argv != now.argv for was, now in zip(before, after, strict=True))
    assert taken_over(before, after, new) == [True, True, True]


def test_other_options_and_other_programs_are_not_taken_over(
    tmp_path: Path, old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = program(new, monkeypatch)
    other_port = program(old, monkeypatch, port=9000)
    assert taken_over(other_port, after, new) == [True, False]
    checkout = tmp_path / "src" / "zkticket" / "zkticket.py"
    assert taken_over(program(checkout, monkeypatch), after, new) == [False, False]
    elsewhere = unpacked(tmp_path / "elsewhere", "aa")
    assert taken_over(program(elsewhere, monkeypatch), after, new) == [False, False]


def test_a_server_stays_with_or_without_an_archive_of_classes(old: Path, new: Path) -> None:
    archives = [
        class_data_archive.OPTION + str(path.parents[1] / "classes.jsa") for path in (old, new)
    ]
    for before in ((), (archives[0],)):
        for after in ((), (archives[1],)):
            plan = server(new.parents[1], jvm=after)
            assert left(server(old.parents[1], jvm=before)).runs(plan, new)


def test_a_server_of_another_zookeeper_or_another_java_is_not_taken_over(
    old: Path, new: Path
) -> None:
    now = server(new.parents[1])
    directory = old.parents[1]
    others = [
        server(directory, f"{directory}/app/.zookeeper/3.9.4/*"),
        server(directory, "/opt/zookeeper/conf:/opt/zookeeper/lib/*"),
        server(Path("/usr"), f"{directory}/{CLASS_PATH}"),
        server(directory, jvm=("-XX:+UseZGC",)),
    ]
    assert [left(other).runs(now, new) for other in others] == [False] * len(others)
    own = server(old.parents[1], "/opt/zookeeper/conf:/opt/zookeeper/lib/*")
    same = server(new.parents[1], "/opt/zookeeper/conf:/opt/zookeeper/lib/*")
    assert left(own).runs(same, new)
