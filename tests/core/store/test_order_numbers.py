"""Orders looked up by number and code: one bucket of each event is read, and nothing else."""

import pytest

from core.errors import AmbiguousNumber, NoSuchOrder
from core.schema import paths
from core.schema.order_number import code_of, number_of
from core.schema.records import Order, encode
from core.zookeeper.multi import Create, Delete
from tests.support.two_workers import Shop, shop_of
from tests.support.zookeeper_server import Server

TICKET_KEY = b"tickets"
ORDER = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1.0, batch="w.b")


def path_of(shop: Shop, order_id: str) -> str:
    return paths.order("show", shop.event.generation, order_id)


async def test_an_order_is_found_by_its_number_and_by_its_code(server: Server) -> None:
    async with shop_of(server) as shop:
        store = shop.one.store
        sold = (await shop.two.buy()).order
        assert sold is not None
        number = number_of(sold.order)
        for text in (sold.order, number, code_of(TICKET_KEY, sold.order)):
            assert (await store.order_of(text, TICKET_KEY)).id == sold.order
        twin = sold.order[:20] + "0" * 12
        await shop.one.zk.multi([Create(path_of(shop, twin), encode(ORDER))])
        with pytest.raises(AmbiguousNumber, match=twin):
            await store.order_of(number, TICKET_KEY)
        found = await store.order_of(code_of(TICKET_KEY, twin), TICKET_KEY)
        assert found.id == twin
        for text in (code_of(b"forged", sold.order), number[::-1], number_of("0" * 32)):
            with pytest.raises(NoSuchOrder):
                await store.order_of(text, TICKET_KEY)
        await shop.one.zk.multi([Delete(path_of(shop, twin))])
