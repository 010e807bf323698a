"""ZooKeeper's configuration for an ensemble elsewhere, started as we ship it."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from core.zookeeper.probe import probe_all
from supervisor.zookeeper.ensemble import MAIN_CLASS
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.instance import ROOT, eventually, free_port, running
from tests.web.metrics.test_monitoring import documented, exported

FOLDER = ROOT / "supervisor" / "production"
HOSTS = ("a", "b", "c")


@contextmanager
def ensemble(home: Path) -> Iterator[tuple[str, Path]]:
    """Three servers with the shipped files; only directories and ports differ."""
    ports = [[free_port() for _ in range(3)] for _ in HOSTS]
    jaas = (FOLDER / "jaas.conf").read_text().replace("CHANGE-ME", "5e" * 32)
    with ExitStack() as stack:
        for number, (client, _, _) in enumerate(ports, 1):
            place = home / str(number)
            for name in ("zookeeper", "zookeeper-log"):
                (place / name).mkdir(parents=True)
            (place / "zookeeper" / "myid").write_text(f"{number}\n")
            (place / "jaas.conf").write_text(jaas)
            (place / "zoo.cfg").write_text(_placed(place, client, ports))
            stack.enter_context(_server(place))
        yield ",".join(f"127.0.0.1:{client}" for client, _, _ in ports), home


def _placed(place: Path, client: int, ports: list[list[int]]) -> str:
    text = (FOLDER / "zoo.cfg").read_text(encoding="utf-8")
    text = text.replace("/var/lib/", f"{place}/").replace("clientPort=2181", f"clientPort={client}")
    for host, (_, quorum, election) in zip(HOSTS, ports, strict=True):
        text = text.replace(f"{host}.example:2888:3888", f"127.0.0.1:{quorum}:{election}")
    return text


@contextmanager
def _server(place: Path) -> Iterator[None]:
    class_path = find_class_path(os.environ).text
    command = [str(find_java(os.environ)), "-Xmx256m", "-XX:TieredStopAtLevel=1"]
    command += [f"-Djava.security.auth.login.config={place}/jaas.conf", "-cp", class_path]
    with (place / "out").open("wb") as out:
        process = subprocess.Popen(
            [*command, MAIN_CLASS, str(place / "zoo.cfg")], stdout=out, stderr=out
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def roles(hosts: str) -> list[str]:
    return sorted(state.role for state in asyncio.run(probe_all(hosts)))


@pytest.mark.timeout(240)
def test_an_instance_sells_on_an_ensemble_with_the_shipped_configuration(tmp_path: Path) -> None:
    with ensemble(tmp_path / "zookeeper") as (hosts, home):
        wanted = ["follower", "follower", "leader"]
        eventually("a quorum", lambda: roles(hosts) == wanted, timeout_s=60)
        with running(tmp_path / "data", "--zookeeper", hosts, "--workers", "1") as shop:
            assert shop.buyer().buy().status == 201
            shop.verify()
            told = shop.buyer().get("/metrics").body.decode()
            assert documented() == exported(told)
            assert re.search(r"zkticket_receipts_written_timestamp_seconds\{.*\} 1\d{9}\.", told)
        said = (home / "1" / "out").read_text(errors="replace")
        # The file's values have reached the election, where the defaults are others.
        assert re.search(r"fastleader.maxNotificationInterval ?= ?1000", said)
        assert "SASL" in said or "sasl" in said
        assert list((home / "1" / "zookeeper-log").rglob("log.*"))


@pytest.mark.timeout(240)
def test_a_copy_of_the_data_directory_is_a_backup_that_proves_itself(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--servers", "1", "--workers", "1") as shop:
        orders = [shop.buyer().buy().json["order"] for _ in range(20)]
        shop.down()
    subprocess.run(("cp", "-a", str(shop.data_dir), str(tmp_path / "restored")), check=True)
    shutil.rmtree(shop.data_dir)
    with running(tmp_path / "restored", "--servers", "1", "--workers", "1") as restored:
        restored.verify()
        proved = restored.run("verify", "--receipts")
        assert (proved.returncode, "20 of 20 orders" in proved.stdout) == (0, True), proved.stderr
        assert restored.buyer().get(f"/api/orders/{orders[0]}").json["status"] == "sold"
        assert restored.buyer().buy().status == 201
