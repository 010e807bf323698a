"""The simulated ZooKeeper answers every request as the real ensemble does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random
from typing import Any, TypeAlias

import pytest

from core.cluster_secret import load_secret
from core.errors import ZooKeeperError
from core.zookeeper.client import Committed, Refused, Znode, ZooKeeper, connect
from core.zookeeper.multi import Check, Create, Delete, Operation, SetData
from tests.simulation.border import Machine
from tests.simulation.world.event_loops import START_S, World
from tests.simulation.world.network import Weather
from tests.simulation.zookeeper.ensemble import Ensemble
from tests.simulation.zookeeper.session import SimulatedZooKeeper
from tests.simulation.zookeeper.tree import Tree
from tests.support.instance import Instance

STEPS = 120
LONGEST_S = 600.0

Connect: TypeAlias = Callable[[], Awaitable[ZooKeeper]]
Step: TypeAlias = Callable[[ZooKeeper], Awaitable[Any]]


def steps(seed: int) -> Iterator[tuple[int, Step | None]]:
    """Steps of two sessions: what each does, None for one that ends and begins anew."""
    rng = Random(seed)
    paths = [f"/sim-{seed}", *(f"/sim-{seed}/{name}" for name in ("a", "b", "a/c", "a/d", "b/e"))]
    yield 0, lambda zk: zk.create(paths[0])
    for _ in range(STEPS):
        yield rng.randrange(2), None if rng.random() < 0.03 else step(rng, paths)


def step(rng: Random, paths: Sequence[str]) -> Step:
    path, data = rng.choice(paths[1:]), rng.choice((b"", b"x", "é".encode()))
    version = rng.choice((-1, -1, 0, 1, 2))
    ephemeral = rng.random() < 0.2
    some = [operation(rng, rng.choice(paths[1:])) for _ in range(rng.randint(1, 4))]
    wanted = rng.sample(paths, 3)
    return rng.choices(
        (
            lambda zk: zk.create(path, data, ephemeral=ephemeral),
            lambda zk: zk.set(path, data, version),
            lambda zk: zk.delete(path, version),
            lambda zk: zk.multi(some),
            lambda zk: zk.ensure(*wanted[:1]),
            lambda zk: zk.get(path),
            lambda zk: zk.find(path),
            lambda zk: zk.get_many(wanted),
            lambda zk: zk.children(path),
        ),
        weights=(6, 3, 2, 6, 1, 2, 1, 2, 2),
    )[0]


def operation(rng: Random, path: str) -> Operation:
    version = rng.choice((-1, -1, 0, 1, 2))
    return rng.choice(
        (
            Check(path, version),
            Create(path, b"made"),
            SetData(path, b"set", version),
            Delete(path, version),
        )
    )


async def perform(connect: Connect, seed: int) -> list[Any]:
    """Returns the answer to every step, and the tree at the end."""
    clients = [await connect(), await connect()]
    answers = []
    for who, what in steps(seed):
        if what is None:
            await clients[who].close()
            clients[who] = await connect()
            continue
        # Another session's write may not have reached this one's server yet.
        await clients[who].sync()
        answers.append(await outcome(what(clients[who])))
    for client in clients:
        await client.close()
    return comparable(answers)


async def outcome(pursued: Awaitable[Any]) -> Any:
    try:
        return await pursued
    except ZooKeeperError as error:
        return type(error).__name__


def comparable(answers: list[Any]) -> list[Any]:
    """Returns the answers with zxids as ranks, for two ensembles count from different numbers."""
    seen = {0, *(zxid for answer in answers for zxid in zxids(answer))}
    ranks = {zxid: rank for rank, zxid in enumerate(sorted(seen))}
    return [described(answer, ranks) for answer in answers]


def zxids(answer: Any) -> list[int]:
    match answer:
        case Znode():
            return [answer.created_zxid, answer.modified_zxid]
        case Committed(zxid):
            return [zxid]
        case list():
            return [zxid for each in answer for zxid in zxids(each)]
    return []


def described(answer: Any, ranks: dict[int, int]) -> Any:
    match answer:
        case Znode(path, data, version, created, modified, children, ephemeral):
            return (path, data, version, ranks[created], ranks[modified], children, ephemeral)
        case Committed(zxid):
            return "Committed", ranks[zxid]
        case Refused(index, error):
            return "Refused", index, type(error).__name__
        case list():
            return [described(each, ranks) for each in answer]
    return answer


def on_the_ensemble(shop: Instance, seed: int) -> list[Any]:
    hosts = ",".join(f"127.0.0.1:{shop.zookeeper_port + number}" for number in range(3))
    password = load_secret(shop.data_dir).zookeeper_password
    return asyncio.run(perform(lambda: connect(hosts, password), seed))


def simulated(seed: int) -> list[Any]:
    world = World(Random(seed))
    ensemble = Ensemble(world, Tree(), Weather(lag_s=0.05))
    ensemble.set_weather(ensemble.weather)
    machine = Machine(ensemble, "anybody", 1)
    found: list[Any] = []

    async def open_session() -> ZooKeeper:
        zk = machine.connect(6.0)
        zk.start()
        await zk.wait_connected(5.0)
        return zk.as_zookeeper()

    async def play() -> None:
        found.extend(await perform(open_session, seed))

    task = []
    machine.call_soon(lambda: task.append(machine.start(play())))
    assert world.run(lambda: bool(task) and task[0].done(), START_S + LONGEST_S)
    task[0].result()
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_same_sequence_has_the_same_answers_on_the_real_ensemble(
    shop: Instance, seed: int
) -> None:
    assert simulated(seed) == on_the_ensemble(shop, seed)


def test_the_simulated_session_has_every_method_of_the_real_one() -> None:
    for name, real in inspect.getmembers(ZooKeeper, inspect.isfunction):
        if not name.startswith("_"):
            simulated = getattr(SimulatedZooKeeper, name)
            assert inspect.signature(simulated) == inspect.signature(real), name
