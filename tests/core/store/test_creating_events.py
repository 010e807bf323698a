"""Events of any size are made whole, or stay closed until they are."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence

import pytest

from admin.recovery.recount import recount
from core.errors import BadZnode, Unavailable
from core.events import create
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import Event, TicketType
from core.store.store import Store
from core.zookeeper.client import Outcome, ZooKeeper
from core.zookeeper.multi import Operation

Multi = Callable[[Sequence[Operation]], Awaitable[Outcome]]

TYPES = {f"T{number:04d}": TicketType(capacity=7, stripes=3) for number in range(1000)}
FEW = dict(list(TYPES.items())[:40])


async def types_of(zk: ZooKeeper) -> dict[str, TicketType]:
    """Returns the complete types on sale, by name."""
    found = await Store(zk).availability("big")
    return {each.name: TicketType(capacity=each.remaining, stripes=3) for each in found.types}


def failing(multi: Multi, after: int) -> Multi:
    """Makes a call that works so many times."""
    calls = itertools.count()

    async def limited(operations: Sequence[Operation]) -> Outcome:
        if next(calls) >= after:
            raise Unavailable("gone")
        return await multi(operations)

    return limited


async def test_an_event_that_fits_no_transaction_is_made_whole(zk: ZooKeeper) -> None:
    store = Store(zk)
    assert await EventManager(zk).create_event("big", "Big", TYPES)
    assert not (await store.event("big")).unfinished
    assert await types_of(zk) == TYPES
    assert not await EventManager(zk).create_event("big", "Big", FEW)
    assert (await recount(zk)).ok


async def test_a_draft_is_sound_but_not_on_sale_and_making_it_again_finishes_it(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "PART_BYTES", 8 * 1024)
    store = Store(zk)
    with monkeypatch.context() as broken:
        broken.setattr(zk, "multi", failing(zk.multi, after=3))
        with pytest.raises(Unavailable):
            await EventManager(zk).create_event("big", "Big", FEW)
    draft = await store.event("big")
    assert draft.unfinished
    assert not draft.on_sale(0.0)
    assert 0 < len(await types_of(zk)) < len(FEW)
    assert (await recount(zk)).ok
    assert await EventManager(zk).create_event("big", "Another title", FEW)
    event = await store.event("big")
    assert (event.unfinished, event.generation, event.title) == (False, draft.generation, "Big")
    assert event.on_sale(0.0)
    assert await types_of(zk) == FEW


async def test_several_creations_of_the_same_event_make_one(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "PART_BYTES", 8 * 1024)
    made = await asyncio.gather(
        *(EventManager(zk).create_event("big", "Big", FEW) for _ in range(4))
    )
    assert made.count(True) == 1
    assert await types_of(zk) == FEW


async def test_rubbish_in_the_events_place_is_named(zk: ZooKeeper) -> None:
    await zk.create(paths.event("big"), b"rubbish")
    with pytest.raises(BadZnode):
        await EventManager(zk).create_event("big", "Big", FEW)


def test_an_event_stored_before_there_were_drafts_is_none() -> None:
    assert not Event(generation="1", title="Old").unfinished
