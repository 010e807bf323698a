"""The servers' files and ports, Java, and where ZooKeeper's jars come from."""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import StartupError
from supervisor.processes.spawned_process import Process, ProcessPlan
from supervisor.zookeeper import class_data_archive, java, maven, zkcli
from supervisor.zookeeper.ensemble import (
    JVM,
    MAIN_CLASS,
    Ensemble,
    heap_mb,
    local_ensemble,
    wait_for_quorum,
    young_mb,
)
from supervisor.zookeeper.jar_pins import Unpinned
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.instance import Instance, free_ensemble_port

PASSWORD = "p" * 32


def never(plan: ProcessPlan) -> Process:
    raise AssertionError("nothing must be started")


def formed(tmp_path: Path, servers: int = 3) -> Ensemble:
    """Returns an ensemble that has served; each server has stored something."""
    ensemble = local_ensemble(tmp_path, 2181, servers, PASSWORD)
    ensemble.configure()
    for server in ensemble.servers:
        server.transactions.mkdir()
        (server.transactions / "log.1").write_text("x")
    ensemble.note_served([server.address for server in ensemble.servers])
    return ensemble


def test_three_servers_know_each_other_on_loopback(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path, 2181, 3, PASSWORD)
    ensemble.configure()
    second = (tmp_path / "zookeeper" / "2" / "zoo.cfg").read_text()
    assert "clientPort=2182\nclientPortAddress=127.0.0.1\n" in second
    assert "server.3=127.0.0.1:2890:3890\n" in second
    assert "admin.enableServer=false\n" in second
    assert "4lw.commands.whitelist=srvr,mntr,ruok\n" in second
    assert "forceSync" not in second
    assert (tmp_path / "zookeeper" / "2" / "data" / "myid").read_text() == "2\n"
    assert ensemble.hosts == "127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183"


def test_a_path_is_written_as_java_reads_it(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path / "my té\\st 🎫", 2181, 1, PASSWORD)
    assert r"/my t\u00e9\u005cst \ud83c\udfab/zookeeper/1/data" in ensemble.config_of(
        ensemble.servers[0]
    )


def test_one_server_stands_alone(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path, 2181, 1, PASSWORD)
    ensemble.configure()
    assert "server." not in ensemble.servers[0].config.read_text()
    assert ensemble.ports_of(ensemble.servers[0]) == (2181,)


def test_the_jvm_has_a_heap_limit_and_its_own_log(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path, 2181, 3, PASSWORD)
    plan = ensemble.plan(ensemble.servers[0], Path("/java"), "/jars/*", tmp_path / "logs")
    [heap] = [word for word in plan.argv if word.startswith("-Xmx")]
    heap_is = int(heap.removeprefix("-Xmx").removesuffix("m"))
    assert 512 <= heap_is <= 4096
    assert f"-Xmn{young_mb(heap_is)}m" in plan.argv
    assert plan.argv[-1] == str(tmp_path / "zookeeper" / "1" / "zoo.cfg")
    assert plan.log == tmp_path / "logs" / "zookeeper-1.log"


@pytest.mark.parametrize(
    ("memory_gb", "servers", "heap"),
    [(1, 3, 512), (8, 3, 682), (24, 3, 2048), (24, 1, 4096), (512, 3, 4096)],
)
def test_the_servers_share_a_quarter_of_the_memory(memory_gb: int, servers: int, heap: int) -> None:
    assert heap_mb(memory_gb << 30, servers) == heap
    assert 128 <= young_mb(heap) <= min(256, heap / 4)


def test_a_server_that_has_lost_its_data_is_refused(tmp_path: Path) -> None:
    ensemble = formed(tmp_path)
    first, second, third = ensemble.servers
    shutil.rmtree(second.transactions)
    (third.transactions / "log.1").unlink()
    ensemble.require_data(first)
    for server in (second, third):
        with pytest.raises(StartupError, match=f"server {server.id} has lost its data"):
            ensemble.require_data(server)
    plan = ensemble.plan(second, Path("/java"), "", tmp_path)
    with pytest.raises(StartupError, match="lost its data"):
        ensemble.guarded(never)(plan)


def test_a_server_that_never_served_may_be_empty(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path, 2181, 3, PASSWORD)
    ensemble.configure()
    for server in ensemble.servers:
        ensemble.require_data(server)
    ensemble.note_served([server.address for server in ensemble.servers[:2]])
    ensemble.require_data(ensemble.servers[2])
    with pytest.raises(StartupError):
        ensemble.require_data(ensemble.servers[0])


def test_another_number_of_servers_is_refused(tmp_path: Path) -> None:
    formed(tmp_path).require_size()
    with pytest.raises(StartupError, match="--servers 3"):
        local_ensemble(tmp_path, 2181, 1, PASSWORD).require_size()
    local_ensemble(tmp_path, 2181, 0, PASSWORD).require_size()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    ensemble = formed(tmp_path)
    ensemble.record.write_text("{")
    with pytest.raises(StartupError, match=r"ensemble\.json is damaged"):
        ensemble.require_size()


@pytest.mark.parametrize(
    ("offset", "use"),
    [
        (0, "{port}, from --zookeeper-port on, for clients"),
        (707, r"{port}, {client} \+ 707, for its quorum"),
        (1707, r"{port}, {client} \+ 1707, for elections"),
    ],
)
def test_a_port_in_use_is_named_with_its_option_and_what_it_is_for(
    tmp_path: Path, offset: int, use: str
) -> None:
    first = free_ensemble_port()
    ensemble = local_ensemble(tmp_path, first, 3, PASSWORD)
    ensemble.require_ports(ensemble.servers)
    client, port = first + 1, first + 1 + offset
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = f"port {port} is in use; choose another with --zookeeper-port "
        said += r"\(zookeeper-2 needs " + use.format(client=client, port=port) + r"\)"
        with pytest.raises(StartupError, match=said):
            ensemble.require_ports(ensemble.servers)


@pytest.mark.parametrize("first", [1, 2181, 62_000])
@pytest.mark.parametrize("servers", range(1, 8))
def test_no_two_servers_share_a_port_whatever_is_chosen(
    tmp_path: Path, first: int, servers: int
) -> None:
    ensemble = local_ensemble(tmp_path, first, servers, PASSWORD)
    ports = [port for server in ensemble.servers for port in ensemble.ports_of(server)]
    assert len(set(ports)) == len(ports) == (1 if servers == 1 else 3 * servers)
    assert max(ports) <= 65_535


def test_a_port_that_a_server_does_not_need_is_free_for_others(tmp_path: Path) -> None:
    assert local_ensemble(tmp_path, 2181, 1, PASSWORD).use_of(2181 + 707) == ""
    assert "zookeeper-3" in local_ensemble(tmp_path, 2181, 3, PASSWORD).use_of(2183 + 1707)


async def test_no_quorum_is_noticed_with_progress(tmp_path: Path) -> None:
    told: list[str] = []
    hosts = local_ensemble(tmp_path, free_ensemble_port(), 3, PASSWORD).hosts
    with pytest.raises(StartupError, match="no quorum"):
        await wait_for_quorum(hosts, 0.3, told.append)
    assert told == ["waiting for ZooKeeper: 0 of 3 servers answer"]


# --- Java ----------------------------------------------------------------------------


def fake_java(directory: Path, version: str) -> Path:
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return program


def test_java_is_found_where_java_home_says_first(tmp_path: Path) -> None:
    home, path = fake_java(tmp_path / "a", "21.0.2"), fake_java(tmp_path / "b", "17.0.15")
    environ = {"PATH": f"{path.parent}:{os.environ['PATH']}"}
    assert find_java(environ) == path
    assert find_java({**environ, "JAVA_HOME": str(tmp_path / "a")}) == home


def test_no_java_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no Java found"):
        find_java({"PATH": str(tmp_path)})


def test_a_java_home_without_java_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="JAVA_HOME"):
        find_java({**os.environ, "JAVA_HOME": str(tmp_path)})


@pytest.mark.parametrize("version", ["1.8.0_362", "10.0.2"])
def test_a_java_that_is_too_old_is_said(tmp_path: Path, version: str) -> None:
    java = fake_java(tmp_path, version)
    with pytest.raises(StartupError, match="needs 11 or later"):
        find_java({"PATH": f"{java.parent}:{os.environ['PATH']}"})


def test_the_release_file_spares_the_start_of_a_jvm(tmp_path: Path) -> None:
    java = fake_java(tmp_path, "8")
    (tmp_path / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n')
    assert find_java({"PATH": str(java.parent)}) == java


def test_java_that_does_not_run_is_said(tmp_path: Path) -> None:
    program = fake_java(tmp_path, "17")
    program.write_text("#!/no/such/shell\n")
    with pytest.raises(StartupError, match="does not run"):
        find_java({"PATH": str(program.parent)})


# --- the archive of classes ----------------------------------------------------------


async def test_an_archive_is_made_in_one_step_and_servers_start_from_it(tmp_path: Path) -> None:
    program, class_path = find_java(os.environ), find_class_path(os.environ).text
    made = class_data_archive.archive_of(program, class_path, tmp_path)
    assert class_data_archive.options(made) == ()
    await class_data_archive.train(program, class_path, made, os.environ)
    assert list(tmp_path.iterdir()) == [made]
    assert made.stat().st_mode & 0o777 == 0o644  # set-up and the shop may have two users
    # A JVM that must use the archive, and would not start without it.
    command = [
        str(program),
        "-Xmx2g",
        *JVM,
        *class_data_archive.options(made),
        "-Xshare:on",
        "-cp",
        class_path,
        MAIN_CLASS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "Exiting JVM with code 2" in done.stderr  # it ran, and lacked its configuration


def test_other_jars_have_another_archive(tmp_path: Path) -> None:
    program, folder = fake_java(tmp_path / "java", "17"), jars(tmp_path / "jars", JAR)
    before = class_data_archive.archive_of(program, f"{folder}/*", tmp_path)
    assert class_data_archive.archive_of(program, f"{folder}/*", tmp_path) == before
    (folder / "netty-handler.jar").touch()
    assert class_data_archive.archive_of(program, f"{folder}/*", tmp_path) != before


async def test_an_archive_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    program = fake_java(tmp_path / "java", "17")
    made = class_data_archive.archive_of(program, "", tmp_path / "cache")
    with pytest.raises(StartupError):
        await class_data_archive.train(program, "", made, os.environ, quorum_s=0.2)
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_java_has_another_archive(tmp_path: Path) -> None:
    first, second = fake_java(tmp_path / "a", "17"), fake_java(tmp_path / "b", "17")
    assert class_data_archive.archive_of(first, "", tmp_path) != class_data_archive.archive_of(
        second, "", tmp_path
    )


# --- ZooKeeper's jars ----------------------------------------------------------------


JAR = "zookeeper-3.9.5.jar"


def jars(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).touch()
    return directory


def pinned(directory: Path, *names: str) -> Path:
    """Returns a pom with pins of these jars, all of them empty."""
    directory.mkdir(exist_ok=True)
    lines = [f"{hashlib.sha256().hexdigest()}  {name}\n" for name in names]
    (directory / "pom.sha256").write_text("".join(lines))
    return directory / "pom.xml"


def fake_maven(directory: Path, script: str) -> dict[str, str]:
    directory.mkdir(exist_ok=True)
    (directory / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "mvn").chmod(0o755)
    return {"PATH": f"{directory}:{os.environ['PATH']}"}


DELIVER = """
for word; do case $word in -DoutputDirectory=*) out=${word#*=};; esac; done
mkdir "$out" && cd "$out"
"""


def delivering(directory: Path, script: str = f"touch {JAR}") -> dict[str, str]:
    """Makes a Maven that delivers what `script` says."""
    return fake_maven(directory, DELIVER + script)


def test_zookeeper_home_comes_first(tmp_path: Path) -> None:
    fetched = jars(tmp_path / "fetched", JAR)
    jars(tmp_path / "home" / "lib", "zookeeper-3.9.6.jar")
    environ = {"ZOOKEEPER_HOME": str(tmp_path / "home")}
    assert find_class_path(environ, fetched).text.endswith(f"{tmp_path}/home/lib/*")


def test_a_zookeeper_home_that_is_none_is_said(tmp_path: Path) -> None:
    fetched = jars(tmp_path / "fetched", JAR)
    with pytest.raises(StartupError, match="ZOOKEEPER_HOME"):
        find_class_path({"ZOOKEEPER_HOME": str(tmp_path)}, fetched)


def test_what_was_fetched_before_needs_no_maven(tmp_path: Path) -> None:
    fetched = jars(tmp_path / "fetched", JAR)
    found = find_class_path({"PATH": ""}, fetched, pom=pinned(tmp_path, JAR))
    assert (found.text, found.warning) == (f"{fetched}/*", "")


def test_maven_fetches_once(tmp_path: Path) -> None:
    environ, pom = delivering(tmp_path / "bin"), pinned(tmp_path, JAR)
    fetched = tmp_path / "deep" / "3.9.5"
    assert find_class_path(environ, fetched, pom=pom).text == f"{fetched}/*"
    assert [path.name for path in fetched.parent.iterdir()] == ["3.9.5"]
    assert find_class_path({"PATH": ""}, fetched, pom=pom).text == f"{fetched}/*"


def altered(fetched: Path) -> str:
    (fetched / JAR).write_text("something else")
    return f"{JAR} is not the one whose SHA-256 is pinned"


def incomplete(fetched: Path) -> str:
    (fetched / JAR).unlink()
    return f"{JAR} is missing"


def with_one_more(fetched: Path) -> str:
    (fetched / "agent.jar").touch()
    return r"agent\.jar does not belong there"


def with_a_folder(fetched: Path) -> str:
    (fetched / "more").mkdir()
    return "more does not belong there"


def linked(fetched: Path) -> str:
    """Replaces it with a link: it may be another file when a server starts."""
    (fetched / JAR).rename(fetched.with_suffix(".jar"))
    (fetched / JAR).symlink_to(fetched.with_suffix(".jar"))
    return f"{JAR} is not the one whose SHA-256 is pinned"


def piped(fetched: Path) -> str:
    """Replaces it with a pipe into which nobody writes: a reader waits for ever."""
    (fetched / JAR).unlink()
    os.mkfifo(fetched / JAR)
    return f"{JAR} is not the one whose SHA-256 is pinned"


@pytest.mark.parametrize(
    "damage", [altered, incomplete, with_one_more, with_a_folder, linked, piped]
)
def test_jars_that_are_not_the_pinned_ones_are_fetched_anew_or_refused(
    tmp_path: Path, damage: Callable[[Path], str]
) -> None:
    fetched, pom = jars(tmp_path / "fetched", JAR), pinned(tmp_path, JAR)
    debian = jars(tmp_path / "debian", "zookeeper.jar", "slf4j-simple.jar")
    said = damage(fetched)
    for environ in ({"PATH": ""}, fake_maven(tmp_path / "bin", "exit 1")):
        with pytest.raises(Unpinned, match=rf"{said}.*delete {fetched} and try again") as refused:
            find_class_path(environ, fetched, debian, pom)
        assert "\n" not in str(refused.value)
    assert find_class_path(delivering(tmp_path / "bin"), fetched, debian, pom).warning == ""
    assert [path.name for path in fetched.iterdir()] == [JAR]
    assert (fetched / JAR).read_bytes() == b""


@pytest.mark.parametrize(
    ("brought", "said"),
    [
        (f"echo altered > {JAR}", f"{JAR} is not the one whose SHA-256 is pinned"),
        (f"touch {JAR} agent.jar", "agent.jar does not belong there"),
        ("touch other.jar", "other.jar does not belong there"),
    ],
)
def test_what_maven_brings_is_taken_only_if_it_is_what_is_pinned(
    tmp_path: Path, brought: str, said: str
) -> None:
    environ, pom = delivering(tmp_path / "bin", brought), pinned(tmp_path, JAR)
    debian = jars(tmp_path / "debian", "zookeeper.jar", "slf4j-simple.jar")
    with pytest.raises(Unpinned, match=said):
        find_class_path(environ, tmp_path / "cache" / "3.9.5", debian, pom)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("pom", [java.POM, zkcli.POM])
def test_every_jar_that_a_pom_names_is_pinned(pom: Path) -> None:
    names = [line.split()[1] for line in pom.with_suffix(".sha256").read_text().splitlines()]
    wanted = re.findall(r"<artifactId>([\w-]+)</artifactId>\s*<version>([\w.]+)<", pom.read_text())
    for artifact, version in wanted:
        if artifact not in ("zookeeper-server", "zookeeper-shell", "maven-dependency-plugin"):
            assert f"{artifact}-{version}.jar" in names
    assert names == sorted(names)


def test_set_up_finds_no_zookeeper_in_an_older_set_of_jars(tmp_path: Path) -> None:
    fetched, pom = jars(tmp_path / "fetched", JAR), pinned(tmp_path, JAR, "netty-handler.jar")
    assert not java.is_at_hand({}, fetched, pom)
    assert java.is_at_hand({"ZOOKEEPER_HOME": "/somewhere"}, fetched, pom)
    find_class_path(
        delivering(tmp_path / "bin", f"touch {JAR} netty-handler.jar"), fetched, pom=pom
    )
    assert java.is_at_hand({}, fetched, pom)


def test_debians_is_the_last_resort_with_a_warning(tmp_path: Path) -> None:
    environ = fake_maven(tmp_path / "bin", "echo '[ERROR] cannot reach it'; exit 1")
    debian = jars(tmp_path / "debian", "zookeeper.jar", "slf4j-simple.jar")
    found = find_class_path(environ, tmp_path / "none", debian)
    assert found.text == f"{debian}/zookeeper.jar:{debian}/slf4j-simple.jar"
    assert "may lose acknowledged sales" in found.warning
    assert "cannot reach it" in found.warning


def test_no_zookeeper_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"Maven is not installed.*ZOOKEEPER_HOME"):
        find_class_path({"PATH": str(tmp_path)}, tmp_path / "none", tmp_path / "debian")


def test_a_registry_that_does_not_answer_is_given_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maven, "MAVEN_S", 0.3)
    environ = fake_maven(tmp_path / "bin", "exec sleep 30")
    begun = time.monotonic()
    with pytest.raises(StartupError, match="within"):
        find_class_path(environ, tmp_path / "none", tmp_path / "debian")
    assert time.monotonic() - begun < 5.0


# --- ZooKeeper's shell ---------------------------------------------------------------


def test_the_shells_jars_are_fetched_once(tmp_path: Path) -> None:
    fetched, extras = jars(tmp_path / "3.9.5", JAR), tmp_path / "3.9.5-shell"
    environ, pom = delivering(tmp_path / "bin"), pinned(tmp_path, JAR)
    first = zkcli.command(environ, "127.0.0.1:2181", fetched, extras, (pom, pom))
    (tmp_path / "bin" / "mvn").write_text("#!/bin/sh\nexit 1\n")
    assert zkcli.command(environ, "127.0.0.1:2181", fetched, extras, (pom, pom)) == first
    (extras / JAR).write_text("altered")
    with pytest.raises(Unpinned, match=f"{extras / JAR} is not the one"):
        zkcli.command(environ, "127.0.0.1:2181", fetched, extras, (pom, pom))
    assert first[-5:] == [
        "-cp",
        f"{fetched}/*:{extras}/*",
        "org.apache.zookeeper.ZooKeeperMain",
        "-server",
        "127.0.0.1:2181",
    ]


def test_a_zookeeper_home_has_all_that_the_shell_needs(tmp_path: Path) -> None:
    jars(tmp_path / "home" / "lib", "zookeeper-3.9.6.jar")
    environ = {**os.environ, "ZOOKEEPER_HOME": str(tmp_path / "home")}
    started = zkcli.command(environ, "127.0.0.1:2181", tmp_path / "none", tmp_path / "extras")
    assert f"{tmp_path}/home/conf:{tmp_path}/home/lib/*" in started
    assert not (tmp_path / "extras").exists()


def test_a_shell_whose_jars_cannot_be_fetched_says_what_to_do(tmp_path: Path) -> None:
    fetched, pom = jars(tmp_path / "3.9.5", JAR), pinned(tmp_path, JAR)
    environ = fake_maven(tmp_path / "bin", "echo '[ERROR] cannot reach it'; exit 1")
    with pytest.raises(StartupError, match=r"cannot reach it.*ZOOKEEPER_HOME"):
        zkcli.command(environ, "127.0.0.1:2181", fetched, tmp_path / "extras", (pom, pom))


def test_the_shell_is_refused_where_nothing_runs(tmp_path: Path) -> None:
    done = Instance(tmp_path / "data").run("admin", "zkcli")
    assert done.returncode == 3
    assert "nothing is running" in done.stderr
