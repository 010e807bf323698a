"""Whichever answer is lost, an operator's act happens once, and the operator is told so."""

from collections.abc import Awaitable, Callable
from itertools import count, product
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss

from core.cluster import access_tokens, alarms, desired_state, ended_sessions, operator_requests
from core.errors import EventExists
from core.events import create, event_manager, restock
from core.events.deletion import delete_tree
from core.events.terms import Terms, TypeTerms
from core.schema import paths
from core.schema.records import (
    Alarm,
    Desired,
    EndedSessions,
    Event,
    SupervisorRecord,
    TicketType,
)
from core.store.store import Store
from core.zookeeper.client import ZooKeeper
from tests.support.lost_answers import LostAnswers
from tests.support.zookeeper_server import Server

# More than the writes of any of these acts.
MOST_WRITES = 40
WAIT_S = 10.0
TYPES = {f"T{number}": TicketType(capacity=7, stripes=3) for number in range(8)}
# Each turn has a name of its own: to empty the tree each time would take longer.
Act = Callable[[ZooKeeper, str], Awaitable[object]]


def agreed(_question: str) -> None:
    """Agrees to everything."""


def table(instance: str) -> SupervisorRecord:
    return SupervisorRecord(
        host="here", pid=1, created=0.0, url="", zookeeper="", instance=instance, workers=3
    )


async def make(zk: ZooKeeper, name: str) -> None:
    event = await event_manager.create(zk, name, Terms(title="Gala", limit=4), TYPES)
    assert (await Store(zk).event(name)).generation == event.generation
    assert {each.name: each.remaining for each in (await Store(zk).availability(name)).types} == (
        dict.fromkeys(TYPES, 7)
    )


async def make_twice(zk: ZooKeeper, name: str) -> None:
    await event_manager.create(zk, name, Terms(title="Gala"), TYPES)
    with pytest.raises(EventExists):
        await event_manager.create(zk, name, Terms(title="Another"), TYPES)
    assert (await Store(zk).event(name)).title == "Gala"


async def add_to_a_capacity(zk: ZooKeeper, name: str) -> None:
    await event_manager.edit(zk, name, Terms(place="Hall"), {"T0": TypeTerms(added=5)})
    found = await Store(zk).availability(name)
    assert (found.place, found.types[0].capacity, found.types[0].remaining) == ("Hall", 12, 12)


async def reset_two(zk: ZooKeeper, name: str) -> None:
    stock = await restock.reset(zk, name, ["T1", "T2"], 9, agreed)
    assert [each.remaining for each in stock.values()] == [9, 9]
    found = await Store(zk).availability(name)
    assert [each.remaining for each in found.types[:4]] == [7, 9, 9, 7]


async def scale(zk: ZooKeeper, name: str) -> None:
    request = await operator_requests.ask_scale(zk, table(name), "once", 5, 10.0)
    znode = await zk.get(paths.desired(name))
    assert znode.data.count(request.id.encode()) == 1
    assert b'"workers":5' in znode.data


async def begin_to_watch(zk: ZooKeeper, name: str) -> None:
    wanted = desired_state.watch(zk, name, lambda: Desired(workers=4))
    assert (await anext(wanted)).workers == 4


async def end_a_session(zk: ZooKeeper, name: str) -> None:
    register = ended_sessions.EndedSessionsZnode(zk)
    after = await register.add(EndedSessions(sessions={name: 2000}), 1000.0)
    assert after == await register.load()
    assert after.sessions[name] == 2000


async def sound_an_alarm(zk: ZooKeeper, name: str) -> None:
    await alarms.sound(zk, Alarm(source=name, text="y", at=2.0))
    assert [each.text for each in await alarms.standing(zk) if each.source == name] == ["y"]


async def clear_alarms(zk: ZooKeeper, name: str) -> None:
    await alarms.clear(zk, await alarms.standing(zk))
    assert not await alarms.standing(zk)


async def make_a_token(zk: ZooKeeper, name: str) -> None:
    await access_tokens.create(zk, "door", name, name, 1.0)
    assert [each.event for each in await access_tokens.load(zk) if each.name == name] == [name]


async def revoke_a_token(zk: ZooKeeper, name: str) -> None:
    assert (await access_tokens.revoke(zk, f"of {name}")).event == name
    assert [each for each in await access_tokens.load(zk) if each.name == f"of {name}"] == []


async def delete_an_event(zk: ZooKeeper, name: str) -> None:
    await delete_tree(zk, paths.event(name), agreed)
    assert await zk.find(paths.event(name)) is None


async def prepare(zk: ZooKeeper, name: str) -> None:
    """Prepares the tree for the act."""
    await create.create_event(zk, name, Event(generation="0a", title="Old"), TYPES)
    await alarms.sound(zk, Alarm(source="worker-1", text="x", at=1.0))
    await access_tokens.create(zk, "door", f"of {name}", name, 1.0)


def lose(server: Server, act: Act, nth: int, *, happens: bool) -> bool:
    """Loses one answer; returns whether the act had so many writes."""

    async def work(zk: ZooKeeper) -> bool:
        name = f"{act.__name__}-{nth}-{happens:d}"
        if act not in (make, make_twice):
            await prepare(zk, name)
        losing = LostAnswers(zk, nth, happens=happens)
        with pytest.MonkeyPatch.context() as patch:
            losing.begin(patch)
            await act(zk, name)
        return losing.lost

    return server.session(work)


SHORT = (
    make,
    make_twice,
    add_to_a_capacity,
    reset_two,
    scale,
    begin_to_watch,
    end_a_session,
    sound_an_alarm,
    clear_alarms,
    make_a_token,
    revoke_a_token,
)
LOSSES = [*product(SHORT, (True, False)), (delete_an_event, True)]


@pytest.mark.parametrize(
    ("act", "happens"),
    LOSSES,
    ids=[f"{act.__name__}-{'reply' if happens else 'request'}" for act, happens in LOSSES],
)
def test_an_act_is_done_once_whichever_answer_is_lost(
    server: Server, act: Act, happens: bool
) -> None:
    nth = 0
    while lose(server, act, nth, happens=happens):
        nth += 1
        assert nth < MOST_WRITES
    assert nth > 0


def test_a_large_event_is_made_once_whichever_answer_is_lost(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "PART_BYTES", 2 * 1024)
    nth = 0
    while lose(server, make, nth, happens=True):
        nth += 1
    assert nth > 3


def lose_in_preparing(server: Server, nth: int) -> bool:
    """Loses one answer; returns whether the whole tree has so many creations."""
    numbers = count()

    class Lossy(KazooClient):  # type: ignore[misc]
        def create_async(self, *args: Any, **options: Any) -> Any:
            result = super().create_async(*args, **options)
            if next(numbers) == nth:
                result.wait(WAIT_S)
                raise ConnectionLoss
            return result

    async def names(zk: ZooKeeper) -> list[str]:
        return await zk.children("/")

    server.remove("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.zookeeper.kazoo_adapter.KazooClient", Lossy)
        server.prepare()
    assert {f"/{name}" for name in server.session(names)} == set(paths.TOP)
    return next(numbers) > nth


def test_the_tree_is_made_whichever_answer_is_lost(server: Server) -> None:
    nth = 0
    while lose_in_preparing(server, nth):
        nth += 1
    assert nth == 1 + len(paths.TOP)
