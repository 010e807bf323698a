"""The simulation's own parts: the clock, the processes, the tree's past, the sessions."""

import asyncio
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Ambiguous, NodeExists, Unavailable
from core.zookeeper.client import Committed
from core.zookeeper.multi import Check, Create, Delete, Operation, SetData
from tests.simulation.border import Machine
from tests.simulation.world.event_loops import START_S, Process, World
from tests.simulation.world.network import CALM
from tests.simulation.zookeeper.ensemble import Ensemble
from tests.simulation.zookeeper.session import SimulatedZooKeeper
from tests.simulation.zookeeper.tree import Node, Tree

PATHS = ("/a", "/b", "/a/c")


def operations() -> st.SearchStrategy[Operation]:
    path, version = st.sampled_from(PATHS), st.sampled_from((-1, 0, 1))
    return st.one_of(
        st.builds(Create, path, st.binary(max_size=2)),
        st.builds(SetData, path, st.binary(max_size=2), version),
        st.builds(Delete, path, version),
        st.builds(Check, path, version),
    )


def whole(tree: Tree, at: int | None = None) -> dict[str, Node | None]:
    return {path: tree.node(path, at) for path in ("/", *PATHS)}


@settings(derandomize=True, database=None, max_examples=200)
@given(st.lists(st.lists(operations(), min_size=1, max_size=3), max_size=20))
def test_a_tree_remembers_how_it_was_and_a_refusal_leaves_no_trace(
    transactions: list[list[Operation]],
) -> None:
    tree = Tree()
    states = {0: whole(tree)}
    for transaction in transactions:
        before = whole(tree)
        if isinstance(tree.apply(transaction), Committed):
            states[tree.zxid] = whole(tree)
        else:
            assert whole(tree) == before
    assert {zxid: whole(tree, zxid) for zxid in states} == states
    assert whole(tree.copy()) == whole(tree)


# --- time and processes --------------------------------------------------------------


def test_time_jumps_to_what_is_due_and_keeps_its_order() -> None:
    world, seen = World(Random(0)), list[tuple[str, float]]()
    for name, delay_s in (("late", 3600.0), ("soon", 0.5), ("after soon", 0.5)):
        world.after(delay_s, lambda name=name: seen.append((name, world.now - START_S)))
    assert not world.run(lambda: False, START_S + 4000)
    assert seen == [("soon", 0.5), ("after soon", 0.5), ("late", 3600.0)]


def test_a_paused_process_does_later_what_was_due_and_a_killed_one_never() -> None:
    world, seen = World(Random(0)), list[tuple[str, float]]()
    processes = {name: Process(world, name) for name in ("runs", "paused", "killed")}

    async def live(name: str) -> None:
        await asyncio.sleep(1)
        seen.append((name, world.now - START_S))

    for name, process in processes.items():
        process.start(live(name))
    world.after(0.5, processes["paused"].pause)
    world.after(0.5, processes["killed"].kill)
    world.after(9.0, processes["paused"].resume)
    world.run(lambda: False, START_S + 60)
    assert seen == [("runs", 1.0), ("paused", 9.0)]
    world.end(processes.values())


# --- sessions ------------------------------------------------------------------------


class Pair:
    """Two machines on one ensemble, each with a session of two seconds."""

    def __init__(self) -> None:
        self.world = World(Random(1))
        self.ensemble = Ensemble(self.world, Tree(), CALM)
        self.machines = [Machine(self.ensemble, "machine", number) for number in (1, 2)]

    def client(self, number: int) -> SimulatedZooKeeper:
        zk = self.machines[number].zk
        assert zk is not None
        return zk

    def play(self, *scenes: object) -> None:
        """Plays the scenes in turn: coroutines on the first machine, or seconds to pass."""
        for machine in self.machines:
            machine.call_soon(lambda machine=machine: machine.connect(2.0).start())
        self.world.run(lambda: False, self.world.now + 1)
        for scene in scenes:
            if asyncio.iscoroutine(scene):
                task = self.machines[0].start(scene)
                assert self.world.run(task.done, self.world.now + 60)
                task.result()
            else:
                assert isinstance(scene, float)
                self.world.run(lambda: False, self.world.now + scene)


def test_an_ephemeral_znode_goes_when_its_owner_sleeps_past_the_sessions_end() -> None:
    pair = Pair()

    async def before() -> None:
        await pair.client(0).create("/here", ephemeral=True)
        pair.machines[0].pause()
        pair.world.after(5.0, pair.machines[0].resume)

    async def after() -> None:
        with pytest.raises((Ambiguous, Unavailable)):
            await pair.client(0).create("/again", ephemeral=True)
        await asyncio.sleep(1)
        await pair.client(0).wait_connected(5.0)
        assert await pair.client(0).find("/here") is None

    pair.play(before(), after())


def test_what_was_sent_before_a_break_may_happen_after_it() -> None:
    ends = set()
    for seed in range(40):
        pair = Pair()
        pair.world.rng.seed(seed)

        async def write(pair: Pair = pair) -> None:
            connection = pair.client(0).connection
            assert connection is not None
            pair.world.after(0.001, connection.break_off)
            with suppress(Ambiguous):
                await pair.client(0).create("/late")
            ends.add(("at once", pair.ensemble.tree.node("/late") is not None))

        pair.play(write(), 5.0)
        ends.add(("later", pair.ensemble.tree.node("/late") is not None))
    assert ends == {("at once", False), ("at once", True), ("later", False), ("later", True)}


def test_a_follower_that_is_behind_answers_with_the_past_until_it_is_synced() -> None:
    pair = Pair()

    async def look() -> None:
        zk = pair.client(0)
        assert zk.connection is not None
        zk.connection.server = 1
        pair.ensemble.fall_behind(1, 60.0)
        pair.ensemble.decide([Create("/news")])
        assert await zk.find("/news") is None
        await zk.sync()
        assert await zk.find("/news") is not None

    pair.play(look())


def test_a_server_that_is_behind_its_client_is_not_used() -> None:
    pair = Pair()

    async def look() -> None:
        zk = pair.client(0)
        for server in (1, 2):
            pair.ensemble.fall_behind(server, 60.0)
        await zk.create("/mine")
        assert zk.connection is not None
        zk.connection.break_off()
        with pytest.raises((Ambiguous, Unavailable)):
            await zk.get("/mine")
        await asyncio.sleep(1)
        await zk.wait_connected(30.0)
        assert zk.connection is not None
        assert zk.connection.server == 0
        with pytest.raises(NodeExists):
            await zk.create("/mine")

    pair.play(look())


def test_a_watch_fires_once_and_not_over_a_lost_connection() -> None:
    pair, fired = Pair(), list[str]()

    async def look() -> None:
        mine = pair.client(0)
        await mine.ensure("/a", "/b")
        await mine.children("/a", lambda: fired.append("a"))
        await mine.get("/b", lambda: fired.append("b"))
        for number in range(2):
            await mine.create(f"/a/{number}")
        await asyncio.sleep(1)
        assert fired == ["a"]
        assert mine.connection is not None
        mine.connection.break_off()
        await asyncio.sleep(1)
        pair.ensemble.decide([SetData("/b", b"changed", -1)])
        await asyncio.sleep(1)
        assert fired == ["a"]

    pair.play(look())
