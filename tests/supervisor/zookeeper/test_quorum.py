"""Servers of an ensemble trust nobody without their password, not even on loopback."""

import asyncio
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from kazoo.security import OPEN_ACL_UNSAFE

from core.cluster_secret import load_secret
from core.zookeeper.probe import has_quorum, probe_all
from supervisor.zookeeper import quorum_auth
from supervisor.zookeeper.ensemble import ELECTION_OFFSET, QUORUM_OFFSET, local_ensemble
from tests.support.buyers.crowd import Crowd
from tests.support.instance import Instance, eventually, running
from tests.support.stranger import Line, authenticate, calling, follow, introduce
from tests.support.zookeeper_server import PASSWORD, SECRET, Server

Advance = Callable[[Line], None]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("quorum") / "data", "--workers", "1") as instance:
        yield instance


def client_port(shop: Instance, role: str) -> int:
    return int(shop.servers(role)[0]["address"].rpartition(":")[2])


def quorum_port(shop: Instance) -> int:
    return client_port(shop, "leader") + QUORUM_OFFSET


def password(shop: Instance) -> str:
    return load_secret(shop.data_dir).quorum_password


def silently(_line: Line) -> None:
    """Says nothing about its identity."""


def with_a_wrong_password(line: Line) -> None:
    authenticate(line, quorum_auth.USER, "0" * 64)


def with_no_password(line: Line) -> None:
    authenticate(line, quorum_auth.USER, "")


def with_another_name(line: Line) -> None:
    authenticate(line, "super", "0" * 64)


def _paths_handed_over(line: Line, advance: Advance) -> list[str]:
    with suppress(EOFError, ConnectionError):
        advance(line)
        return follow(line)
    return []


def _votes_heard(line: Line, advance: Advance) -> int:
    with suppress(EOFError, ConnectionError):
        advance(line)
        line.read("i")
        return 1
    return 0


def test_a_server_that_knows_the_password_is_handed_the_tree(guarded: Instance) -> None:
    """The strangers below are therefore refused for lack of the password alone."""
    with calling(quorum_port(guarded)) as line:
        authenticate(line, quorum_auth.USER, password(guarded))
        assert "/zkticket/events/default" in follow(line)


@pytest.mark.parametrize(
    "advance", [silently, with_a_wrong_password, with_no_password, with_another_name]
)
def test_a_stranger_is_handed_nothing_by_the_leader(guarded: Instance, advance: Advance) -> None:
    with calling(quorum_port(guarded)) as line:
        assert _paths_handed_over(line, advance) == []
    assert guarded.buyer().buy().status == 201


@pytest.mark.parametrize("advance", [silently, with_a_wrong_password])
def test_a_stranger_takes_no_servers_place_in_an_election(
    guarded: Instance, advance: Advance
) -> None:
    """A server drops its own connection when one with a higher number calls it."""
    with calling(guarded.zookeeper_port + ELECTION_OFFSET) as line:
        introduce(line, server=3)
        assert _votes_heard(line, advance) == 0
    guarded.expect_health()


def test_servers_password_is_in_one_file_of_its_owners_only(guarded: Instance) -> None:
    secret = password(guarded)
    found = [path for path in guarded.data_dir.rglob("*") if path.is_file()]
    holders = [path for path in found if secret.encode() in path.read_bytes()]
    assert holders == [guarded.data_dir / "zookeeper" / "jaas.conf"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    servers = guarded.status()["ensemble"]["servers"]
    words = [word for server in servers for word in psutil.Process(server["pid"]).cmdline()]
    assert not [word for word in words if secret in word]
    assert str(holders[0]) in " ".join(words)


def test_credentials_of_before_do_not_fit_and_are_closed_to_others(tmp_path: Path) -> None:
    ensemble = local_ensemble(tmp_path, 2181, 3, "new")
    local_ensemble(tmp_path, 2181, 3, "old").configure()
    ensemble.credentials.chmod(0o644)
    assert not any(map(ensemble.is_configured, ensemble.servers))
    ensemble.configure()
    assert all(map(ensemble.is_configured, ensemble.servers))
    assert stat.S_IMODE(ensemble.credentials.stat().st_mode) == 0o600
    assert "new" not in repr(ensemble)


def test_servers_of_an_earlier_version_learn_the_password_and_no_sale_is_lost(
    own_shop: Instance,
) -> None:
    """They trusted everybody. The next `up` restarts them together, and says so."""
    believing = _as_an_earlier_version_left_it(own_shop)
    try:
        with calling(quorum_port(own_shop)) as line:
            assert "/zkticket/events/default" in follow(line)
        with Crowd(own_shop.buyer, size=4) as crowd:
            eventually("some sold", lambda: len(crowd.sold) > 50)
            own_shop.up()
            sold = len(crowd.sold)
            own_shop.expect_health()
            eventually("it sells on", lambda: len(crowd.sold) > sold + 50)
        for server in believing:
            assert server.wait(10) is not None
    finally:
        for server in believing:
            server.kill()
            server.wait()
    assert "zookeeper-3; the sale pauses" in own_shop.messages()
    crowd.settle()
    assert set(crowd.statuses) <= {0, 200, 201, 503}
    crowd.expect_sales(own_shop)
    with calling(quorum_port(own_shop)) as line:
        assert _paths_handed_over(line, silently) == []


def _as_an_earlier_version_left_it(shop: Instance) -> list["subprocess.Popen[bytes]"]:
    """Kills the supervisor, and lets the servers run on without authentication."""
    assert shop.process is not None
    shop.process.kill()
    shop.process.wait()
    status = shop.status()
    processes = [psutil.Process(server["pid"]) for server in status["ensemble"]["servers"]]
    commands = [_without_authentication(process.cmdline()) for process in processes]
    for process in processes:
        process.send_signal(signal.SIGTERM)
    psutil.wait_procs(processes, timeout=20)
    (shop.data_dir / "zookeeper" / "jaas.conf").unlink()
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=shop.data_dir / "logs",
        )
        for command in commands
    ]
    hosts = ",".join(server["address"] for server in status["ensemble"]["servers"])
    eventually("a quorum", lambda: has_quorum(asyncio.run(probe_all(hosts))))
    return started


def _without_authentication(command: list[str]) -> list[str]:
    config = Path(command[-1])
    config.write_text(config.read_text().replace(quorum_auth.CONFIG, ""))
    return [word for word in command if not re.search(r"login\.config|fips-mode", word)]


def test_up_says_that_the_root_of_an_ensemble_elsewhere_is_open(
    server: Server, tmp_path: Path
) -> None:
    with server.client("zkticket", PASSWORD) as owner:
        owner.create("/theirs")
        owner.set_acls("/", OPEN_ACL_UNSAFE)
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "secret").write_text(SECRET.value.hex())
    options = ("--zookeeper", server.hosts, "--workers", "1")
    with running(tmp_path / "data", *options) as shop:
        assert shop.messages().count("anybody who reaches this ZooKeeper") == 1
        logged = shop.run("admin", "log", "--source", "supervisor", "--grep", "its root was left")
        assert "setAcl" in logged.stdout
        shop.down()
