"""Types are added, corrected and removed while others buy; what was sold is never lost."""

import asyncio
from typing import Any

import pytest

from core.errors import ZkticketError
from core.events import event_manager
from core.events.deletion import delete_event
from core.events.edit import EventManager
from core.events.terms import Terms, TypeTerms
from core.events.terms_file import TypeSaid
from core.schema import paths
from core.schema.records import TicketType
from core.store.availability import TypeAvailability
from core.store.order_lifecycle import Act
from core.transport.link import Code
from core.zookeeper import lost_answers
from tests.support.two_workers import Shop, shop_of
from tests.support.zookeeper_server import Server
from workers.selling.stock_cache import EVENT_AGE_S

MORE = TypeSaid(capacity=3, price="5", where="")


async def edit(shop: Shop, **types: Any) -> None:
    await event_manager.edit(shop.one.zk, "show", Terms(), **types)


def agreed(_question: str) -> None:
    return


async def test_a_type_is_added_and_another_removed_while_workers_sell(server: Server) -> None:
    async with shop_of(server) as shop:
        await edit(shop, added={"B": MORE, "C": MORE})
        await shop.two.sell(type="B", quantity=3)
        assert (await shop.two.buy(type="C", key="know it")).code is Code.SOLD
        await edit(shop, removed=("A",))
        assert (await shop.two.buy(type="A")).code is Code.NO_SUCH_TYPE
        assert (await shop.one.buy(type="A")).code is Code.NO_SUCH_TYPE
        types = (await shop.one.store.availability("show")).types
        assert [(each.name, each.remaining, each.price) for each in types] == [
            ("B", 0, 500),
            ("C", 2, 500),
        ]


async def test_a_type_that_was_only_given_back_stays(server: Server) -> None:
    async with shop_of(server) as shop:
        await edit(shop, added={"B": MORE})
        held = await shop.two.hold(type="B")
        with pytest.raises(ZkticketError, match="type B has orders, so it stays"):
            await edit(shop, removed=("B",))
        await shop.two.amend(held.order, Act.RELEASE)
        with pytest.raises(ZkticketError, match="type B has orders, so it stays"):
            await edit(shop, removed=("B",))
        await edit(shop, types={"A": TypeTerms(capacity=70)}, removed=())
        await edit(shop, removed=("A",))  # its counters have moved, and yet nobody bought


async def test_an_event_with_orders_is_deleted_only_with_them(server: Server) -> None:
    async with shop_of(server) as shop:
        await event_manager.create(shop.one.zk, "other", Terms(), {"A": TicketType(capacity=1)})
        sold = await shop.one.sell()
        with pytest.raises(ZkticketError, match="event delete show --with-orders"):
            await delete_event(shop.one.zk, "show", agreed)
        assert (await shop.two.amend(sold.order, Act.CHECK_IN, note="West")).code is Code.DONE
        await delete_event(shop.one.zk, "show", agreed, with_orders=True)
        assert (await shop.two.buy()).code is Code.NO_SUCH_EVENT


@pytest.mark.parametrize("waits_s", [0.0, EVENT_AGE_S + 0.1])
async def test_a_type_that_is_removed_and_added_again_sells_its_new_stock_at_its_new_price(
    server: Server, waits_s: float
) -> None:
    async with shop_of(server) as shop:
        await edit(shop, added={"B": TypeSaid(capacity=60, price="48", where="")})
        refused = await shop.two.buy(type="B", price=1)  # the worker knows the type from now on
        assert refused.code is Code.PRICE_CHANGED
        await edit(shop, removed=("B",))
        await edit(shop, added={"B": TypeSaid(capacity=3, price="52", where="")})
        await asyncio.sleep(waits_s)
        assert (await shop.two.sell(type="B")).total == 5200
        [kind] = [each for each in await types_of(shop) if each.name == "B"]
        assert (kind.capacity, kind.sold, kind.remaining) == (3, 1, 2)
        await shop.two.sell(type="B", quantity=2)
        assert (await shop.two.buy(type="B")).code is Code.SOLD_OUT


async def types_of(shop: Shop) -> tuple[TypeAvailability, ...]:
    return (await shop.one.store.availability("show")).types


async def test_a_deletion_that_was_interrupted_goes_on(server: Server) -> None:
    async with shop_of(server) as shop:
        zk = shop.one.zk
        for name in ("ended", "half-gone"):
            await event_manager.create(zk, name, Terms(), {"A": TicketType(capacity=1)})
            event = await shop.one.store.event(name)
            await EventManager(zk).close_unsold(name, event)
        await lost_answers.remove(zk, paths.bucket("half-gone", event.generation, "00"))
        for name in ("ended", "half-gone"):
            assert (await shop.two.buy(event=name)).code is not Code.SOLD
            await delete_event(zk, name, agreed)
            assert name not in await shop.one.store.event_names()
