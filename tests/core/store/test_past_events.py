"""An event that is over neither sells nor holds, and buyers can change nothing any more."""

import time
from typing import Any

import pytest

from core.errors import ZkticketError
from core.events import event_manager
from core.events.terms import Terms
from core.schema.records import Event
from core.schema.sale_window import LASTS_S, is_over, is_settled, sale_ends_at, sale_state
from core.store.order_lifecycle import Act
from core.transport.link import Code
from tests.support.fakes.fake_site import GALA
from tests.support.two_workers import shop_of
from tests.support.zookeeper_server import Server
from web.http.i18n import Languages
from web.pages.sale import _choose
from web.pages.sale_view import events_on_show, sale_view
from web.reads.catalog import Snapshot

HOUR = 3600.0


def event(**times: Any) -> Event:
    return Event(generation="00000000", title="Show", **times)


@pytest.mark.parametrize(
    ("times", "sale_ends", "settles"),
    [
        ({}, None, None),
        ({"closes_at": 50}, 50, None),
        ({"starts_at": 100}, 100 + LASTS_S, 100 + LASTS_S),
        ({"starts_at": 100, "ends_at": 200}, 200, 200),
        ({"ends_at": 200}, 200, 200),
        ({"starts_at": 100, "ends_at": 200, "closes_at": 90}, 90, 200),
        ({"starts_at": 100, "ends_at": 200, "closes_at": 300}, 300, 300),
    ],
)
def test_a_sale_ends_as_it_is_said_or_else_with_its_event(
    times: dict[str, float], sale_ends: float | None, settles: float | None
) -> None:
    found = event(**times)
    assert sale_ends_at(found) == sale_ends
    if sale_ends is not None:
        assert sale_state(found, sale_ends - 1) == "open"
        assert sale_state(found, sale_ends) == "closed"
    if settles is not None:
        assert not is_settled(found, settles - 1)
        assert is_settled(found, settles)
    assert is_over(found, 1e10) == ("starts_at" in times or "ends_at" in times)


def around(ends_in_s: float, **rules: Any) -> dict[str, Any]:
    now = time.time()
    return {"starts_at": now - HOUR, "ends_at": now + ends_in_s, "cancellable": True, **rules}


async def test_after_its_end_an_event_sells_and_changes_nothing_for_buyers(server: Server) -> None:
    async with shop_of(server, **around(HOUR)) as shop:
        sold, scanned = await shop.one.sell(), await shop.one.sell()
        held = await shop.one.hold()
        shop.clock.ahead_s = 2 * HOUR
        for hold in (False, True):
            assert (await shop.two.buy(hold=hold)).code is Code.NOT_ON_SALE
        for act, code in (
            (Act.CONFIRM, Code.HOLD_EXPIRED),
            (Act.EXTEND, Code.HOLD_EXPIRED),
        ):
            assert (await shop.two.amend(held.order, act)).code is code
        assert (await shop.two.amend(sold.order, Act.CANCEL)).code is Code.NOT_CANCELLABLE
        admitted = await shop.two.amend(scanned.order, Act.CHECK_IN, note="north")
        assert admitted.code is Code.DONE
        cancelled = await shop.two.amend(sold.order, Act.CANCEL, operator=True)
        assert cancelled.code is Code.DONE


async def test_a_hold_lasts_no_longer_than_its_event_and_money_for_it_is_late_then(
    server: Server,
) -> None:
    async with shop_of(server, **around(60)) as shop:
        held = await shop.one.hold()
        ends = (await shop.one.store.order(held.order)).order.until
        assert ends == pytest.approx(shop.event.ends_at, abs=0.01)
        assert (await shop.one.amend(held.order, Act.EXTEND)).code is Code.NO_MORE_EXTENSIONS
        shop.clock.ahead_s = 61
        late = await shop.two.pay(held.order, "p1")
        assert late.code is Code.HOLD_EXPIRED
        assert late.order is not None
        assert [each.refused for each in late.order.payments] == ["hold-expired"]


async def test_an_event_that_is_moved_into_the_past_sells_no_holds_any_more(server: Server) -> None:
    async with shop_of(server, **around(HOUR)) as shop:
        held = await shop.one.hold()
        await event_manager.edit(shop.one.zk, "show", Terms(ends_at=time.time() - 5))
        for act in (Act.CONFIRM, Act.EXTEND):
            assert (await shop.two.amend(held.order, act)).code is Code.NOT_ON_SALE
        paid = await shop.two.pay(held.order, "p1")
        assert paid.code is Code.NOT_ON_SALE
        assert (await shop.two.amend(held.order, Act.RELEASE)).code is Code.DONE
        with pytest.raises(ZkticketError, match=r"is over; .* a later --ends"):
            await event_manager.open_sale(shop.one.zk, "show", time.time())


async def test_a_sale_that_is_said_to_close_later_goes_on_after_the_event(server: Server) -> None:
    async with shop_of(server, **around(HOUR, closes_at=time.time() + 3 * HOUR)) as shop:
        shop.clock.ahead_s = 2 * HOUR
        sold, held = await shop.one.sell(), await shop.one.hold()
        assert (await shop.two.amend(held.order, Act.CONFIRM)).code is Code.DONE
        assert (await shop.two.amend(sold.order, Act.CANCEL)).code is Code.DONE
        shop.clock.ahead_s = 4 * HOUR
        assert (await shop.one.buy()).code is Code.NOT_ON_SALE


# --- what buyers see -----------------------------------------------------------------


def snapshot(*names: str) -> Snapshot:
    """Returns events; those named `past-…` are over before second 1000."""
    return Snapshot(
        tuple(
            _named(name, starts_at=10.0 if name.startswith("past") else 1e9, ends_at=None)
            for name in names
        ),
        as_of=2e5,
        stale=False,
    )


def _named(name: str, **fields: Any) -> Any:
    from msgspec.structs import replace

    return replace(GALA, name=name, title=name, opens_at=None, closes_at=None, **fields)


def test_past_events_leave_the_list_and_are_still_at_their_own_address() -> None:
    found = snapshot("past-1", "coming", "default")
    now = 2e5
    default = _choose(found, "", now)
    assert default is not None
    page = sale_view(Languages().default, default, found, now, {})
    assert (default.name, page.others) == ("coming", True)
    past = _choose(found, "past-1", now)
    assert past is not None
    page = sale_view(Languages().default, past, found, now, {})
    assert (page.state, page.lead) == ("closed", "This event is over.")
    assert page.others
    assert {event.name for event in events_on_show(found, now)} == {"coming", "default"}


def test_the_plain_address_shows_an_event_that_is_to_come_as_long_as_there_is_one() -> None:
    first = _choose(snapshot("past-1", "tomorrow"), "", 2e5)
    assert first is not None
    assert first.name == "tomorrow"
    only = _choose(snapshot("past-1"), "", 2e5)
    assert only is not None
    assert only.name == "past-1"
