"""Whichever answer of ZooKeeper is lost: what operators do is done once, and they are told so."""

from collections.abc import Awaitable, Callable

import pytest

from admin.tree import delete_tree
from core import alarms, asking, events, founding, paths
from core.errors import EventExists
from core.models import Alarm, Event, SupervisorRecord, TicketType
from core.store import Store
from core.zk import ZooKeeper
from tests.lost_answers import LostAnswers
from tests.zookeeper_server import Server

# More writes than any of these acts has.
MOST_WRITES = 40
TYPES = {f"T{number}": TicketType(capacity=7, stripes=3) for number in range(8)}
Act = Callable[[ZooKeeper], Awaitable[object]]


def agreed(_question: str) -> None:
    """Nobody is asked."""


def table() -> SupervisorRecord:
    return SupervisorRecord(
        host="here", pid=1, created=0.0, url="", zookeeper="", instance="here", workers=3
    )


async def create(zk: ZooKeeper) -> None:
    event = await events.create(zk, "gala", events.Terms(title="Gala", limit=4), TYPES)
    assert (await Store(zk).event("gala")).generation == event.generation
    assert {each.name: each.remaining for each in (await Store(zk).availability("gala")).types} == (
        dict.fromkeys(TYPES, 7)
    )


async def create_twice(zk: ZooKeeper) -> None:
    await events.create(zk, "gala", events.Terms(title="Gala"), TYPES)
    with pytest.raises(EventExists):
        await events.create(zk, "gala", events.Terms(title="Another"), TYPES)
    assert (await Store(zk).event("gala")).title == "Gala"


async def scale(zk: ZooKeeper) -> None:
    request = await asking.ask_scale(zk, table(), "once", 5, 10.0)
    znode = await zk.get(paths.desired("here"))
    assert znode.data.count(request.id.encode()) == 1
    assert b'"workers":5' in znode.data


async def clear_alarms(zk: ZooKeeper) -> None:
    await alarms.clear(zk, await alarms.standing(zk))
    assert not await alarms.standing(zk)


async def delete_an_event(zk: ZooKeeper) -> None:
    await delete_tree(zk, paths.event("old"), agreed)
    assert await zk.find(paths.event("old")) is None


async def prepare(zk: ZooKeeper) -> None:
    """What is there before the act."""
    await founding.found(zk, "old", Event(generation="0a", title="Old"), TYPES)
    await alarms.sound(zk, Alarm(source="worker-1", text="x", at=1.0))


def lose(server: Server, act: Act, nth: int, *, happens: bool) -> bool:
    """Whether the act had so many writes."""

    async def work(zk: ZooKeeper) -> bool:
        await prepare(zk)
        losing = LostAnswers(zk, nth, happens=happens)
        with pytest.MonkeyPatch.context() as patch:
            losing.begin(patch)
            await act(zk)
        return losing.lost

    server.wipe()
    return server.session(work)


@pytest.mark.parametrize("happens", [True, False], ids=["reply", "request"])
@pytest.mark.parametrize("act", [create, create_twice, scale, clear_alarms, delete_an_event])
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
    monkeypatch.setattr(founding, "PART_BYTES", 2 * 1024)
    nth = 0
    while lose(server, create, nth, happens=True):
        nth += 1
    assert nth > 3
