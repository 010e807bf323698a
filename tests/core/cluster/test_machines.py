"""Several machines share one tree: each looks after its own processes, and is asked by name."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.cluster import registry
from core.zookeeper.client import ZooKeeper
from tests.support.instance import Instance, eventually
from tests.support.machines import Machine, copied, machine, machines, with_the_secret_only
from tests.support.zookeeper_server import Server

pytestmark = pytest.mark.timeout(240)


def registrations(server: Server, of: Machine) -> dict[str, str]:
    """Returns the registered workers of one machine, and their names."""

    async def work(zk: ZooKeeper) -> dict[str, str]:
        found = await registry.workers(zk)
        mine = [each for each in found if each.record.host == of.name]
        return {each.record.name: each.registration for each in mine}

    return server.session(work)


def workers(of: Instance, machine_: Machine) -> list[dict[str, Any]]:
    found = json.loads(of.run("status", "--json", *machine_.options[:2]).stdout)
    return [each for each in found["workers"] if each["machine"] == machine_.name]


def all_ready(of: Machine) -> bool:
    return {each["state"] for each in workers(of, of)} == {"ready"}


def test_the_death_of_a_worker_is_no_matter_of_another_machines_namesake(
    server: Server, tmp_path: Path
) -> None:
    with machines(tmp_path, server, "alpha", "beta") as (alpha, beta):
        for each in (alpha, beta):
            eventually("all workers sell", partial(all_ready, each), 60.0)
        before = registrations(server, beta)
        pids = {each["name"]: each["pid"] for each in workers(alpha, alpha)}
        assert pids == {each["name"]: each["pid"] for each in workers(beta, beta)}
        [first] = alpha.processes("--name worker-1")
        first.kill()
        eventually(
            "its successor sells",
            lambda: (
                {(each["restarts"], each["state"]) for each in workers(alpha, alpha)}
                == {(0, "ready"), (1, "ready")}
            ),
            60.0,
        )
        assert registrations(server, beta) == before
        assert {each["restarts"] for each in workers(beta, beta)} == {0}
        assert alpha.buyer().buy().status == beta.buyer().buy().status == 201
        whole = alpha.run("status").stdout
        assert "alpha/worker-1" in whole
        assert "beta/worker-1" in whole


def test_no_machine_is_asked_in_place_of_another(server: Server, tmp_path: Path) -> None:
    shared = ("--zookeeper", server.hosts)
    with machines(tmp_path, server, "alpha", "beta") as (alpha, beta):
        visitor = with_the_secret_only(tmp_path, server)
        unsure = visitor.run("scale", "1", *shared)
        assert (unsure.returncode, unsure.stdout) == (1, "")
        assert "--machine you may name alpha or beta" in unsure.stderr
        alpha.stop()
        for command in (("scale", "1"), ("restart",), ("restart", "worker-1"), ("restart", "web")):
            refused = alpha.run(*command, *shared)
            assert (refused.returncode, refused.stdout) == (3, "")
            assert "is not at work; `up` starts it" in refused.stderr
            assert "with --machine you may name beta" in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
        unknown = alpha.run("scale", "1", *shared, "--machine", "alpha")
        assert unknown.returncode == 3
        assert "no supervisor is at work on alpha" in unknown.stderr
        assert len(workers(beta, beta)) == 2
        assert {each["restarts"] for each in workers(beta, beta)} == {0}
        for name in ("beta", beta.id):
            done = alpha.run("scale", "1", *shared, "--machine", name)
            assert done.returncode == 0, done.stderr
        assert len(workers(beta, beta)) == 1


def test_a_machine_with_another_name_is_the_same_instance(server: Server, tmp_path: Path) -> None:
    shop = machine(tmp_path, "alpha", server)
    try:
        shop.up()
        identity = shop.id
        assert (shop.data_dir / "instance").stat().st_mode & 0o777 == 0o600
        assert shop.run("scale", "1").returncode == 0
        shop.stop()
        shop.name = "omega"
        shop.up()
        assert (shop.id, shop.status()["supervisor"]["host"]) == (identity, "omega")
        assert [each["name"] for each in shop.status()["workers"]] == ["worker-1"]
    finally:
        shop.clean_up()


def test_what_is_desired_is_remembered_where_the_tree_has_forgotten_it(
    server: Server, tmp_path: Path
) -> None:
    """This is so after an upgrade: the tree has it under the instance's former name."""
    shop = machine(tmp_path, "alpha", server)
    try:
        shop.up()
        assert shop.run("scale", "1").returncode == 0
        shop.stop()
        (shop.data_dir / "instance").unlink()
        shop.up()
        eventually("it is in the tree again", lambda: len(shop.status()["workers"]) == 1)
        assert shop.run("scale", "2").returncode == 0
    finally:
        shop.clean_up()


def test_a_copy_of_a_data_directory_is_refused_while_the_original_is_at_work(
    server: Server, tmp_path: Path
) -> None:
    with machines(tmp_path, server, "alpha") as (alpha,):
        copy = copied(alpha, tmp_path)
        try:
            with pytest.raises(AssertionError):
                copy.up()
            assert copy.process is not None
            assert copy.process.wait(60) == 1
            last = copy.messages().splitlines()[-1]
            assert last.startswith("error: ")
            assert "lives on alpha" in last
            assert "delete instance in it" in last
            (copy.data_dir / "instance").unlink()
            copy.up()
            assert copy.id != alpha.id
            eventually("alpha is well", lambda: alpha.run("status").returncode == 0)
        finally:
            copy.clean_up()
