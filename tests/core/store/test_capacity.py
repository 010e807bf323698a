"""Capacities that organisers change while others buy, hold and give back."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import Ambiguous, NoSuchType, WrongUsage, ZkticketError
from core.events import event_manager, restock
from core.events.edit import EventManager
from core.events.terms import Terms, TypeTerms
from core.schema.records import Stock, TicketType
from core.store.order_lifecycle import Act
from core.store.stock import TypeRef
from core.transport.link import Code
from core.zookeeper.client import ZooKeeper
from tests.support.commands import Run, commands_on
from tests.support.two_workers import CAPACITY, Worker, shop_of
from tests.support.zookeeper_server import Server

NOTHING = Terms()


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Run:
    return commands_on(server, tmp_path)


async def edit(zk: ZooKeeper, **said: Any) -> None:
    await event_manager.edit(zk, "show", NOTHING, {"A": TypeTerms(**said)})


def agree(_question: str) -> None:
    """Confirms."""


# --- one change ----------------------------------------------------------------------


async def test_a_capacity_is_set_in_all_or_added_to_and_what_comes_back_stays_within(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        sold = await shop.one.sell(quantity=10)
        held = await shop.two.hold(quantity=5)
        await edit(shop.one.zk, capacity=25)
        assert await shop.counts() == (10, 5, 10)
        await edit(shop.one.zk, added=5)
        assert await shop.counts() == (15, 5, 10)
        assert (await shop.one.buy(quantity=16)).code is Code.SOLD_OUT
        await shop.two.amend(held.order, Act.RELEASE)
        await shop.two.amend(sold.order, Act.CANCEL, operator=True)
        assert await shop.counts() == (30, 0, 0)


async def test_a_capacity_below_what_is_sold_and_held_is_refused_with_the_numbers(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        await shop.one.sell(quantity=10)
        await shop.two.hold(quantity=5)
        with pytest.raises(ZkticketError, match=r"14 .* too few: 10 are sold and 5 held"):
            await edit(shop.one.zk, capacity=14)
        assert await shop.counts() == (CAPACITY - 15, 5, 10)
        await edit(shop.one.zk, capacity=15)
        assert await shop.counts() == (0, 5, 10)


async def test_a_change_of_several_things_happens_whole_or_not_at_all(server: Server) -> None:
    async with shop_of(server) as shop:
        await shop.one.sell(quantity=10)
        with pytest.raises(ZkticketError, match="too few"):
            await event_manager.edit(
                shop.one.zk, "show", Terms(title="Other"), {"A": TypeTerms(capacity=3, price="1")}
            )
        with pytest.raises(NoSuchType, match="its types are: A"):
            await event_manager.edit(
                shop.one.zk, "show", Terms(title="Other"), {"X": TypeTerms(price="1")}
            )
        assert (await shop.one.store.event("show")).title == "Show"
        type_, version = await shop.one.store.ticket_type(
            TypeRef("show", shop.event.generation, "A")
        )
        assert (type_.capacity, type_.price, version) == (CAPACITY, 4800, 0)


async def test_a_sold_out_type_is_sold_again_by_those_that_knew_it_as_sold_out(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        await shop.one.sell(quantity=CAPACITY)
        assert (await shop.one.buy()).code is Code.SOLD_OUT
        assert (await shop.two.buy()).code is Code.SOLD_OUT
        await edit(shop.one.zk, added=2)
        await shop.one.sell()
        await shop.two.sell()
        assert (await shop.two.buy()).code is Code.SOLD_OUT


# --- while others buy ----------------------------------------------------------------


async def test_a_reset_that_others_overtake_never_makes_more_than_was_agreed_to(
    server: Server,
) -> None:
    """12 of 60 are sold, 13 more are wanted: 25 in all, whoever buys meanwhile."""
    async with shop_of(server) as shop:
        await shop.one.sell(quantity=12)
        asked, agreed = asyncio.Event(), asyncio.Event()

        async def buyers() -> None:
            await asked.wait()
            await shop.two.sell(quantity=5)
            agreed.set()

        def confirm(question: str) -> None:
            assert "A: 25 in all, 12 sold and 0 held" in question
            asked.set()

        class Late(EventManager):
            """An office whose first transaction comes after those buyers."""

            async def resize(self, ref, capacity):  # type: ignore[no-untyped-def]
                await agreed.wait()
                return await super().resize(ref, capacity)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(restock, "EventManager", Late)
            stock, _ = await asyncio.gather(
                restock.reset(shop.one.zk, "show", ["A"], 13, confirm), buyers()
            )
        assert stock == {"A": Stock(remaining=8, sold=17)}
        assert await shop.counts() == (8, 0, 17)


async def test_a_reset_by_numbers_that_are_old_goes_by_those_numbers(server: Server) -> None:
    """The operators' page does this: the answer comes with what was sold when it asked."""
    async with shop_of(server) as shop:
        await shop.one.sell(quantity=17)
        stock = await restock.reset(shop.one.zk, "show", [], 13, agree, {"A": 12})
        assert stock == {"A": Stock(remaining=8, sold=17)}
        stock = await restock.reset(shop.one.zk, "show", [], 2, agree, {"A": 12})
        assert stock == {"A": Stock(remaining=0, sold=17)}


@pytest.mark.parametrize("seed", range(3))
async def test_the_room_is_never_oversold_however_its_size_changes_while_others_come_and_go(
    server: Server, seed: int
) -> None:
    async with shop_of(server) as shop:
        rng = random.Random(seed)
        ref = TypeRef("show", shop.event.generation, "A")
        done = asyncio.Event()

        async def buyer(worker: Worker, number: int) -> None:
            hold = rng.random() < 0.5
            answer = await worker.buy(
                buyer=f"b{number}", quantity=rng.randint(1, 4), hold=hold, key=f"k{number}"
            )
            assert answer.code in (Code.SOLD, Code.SOLD_OUT)
            if answer.order is None:
                return
            other = rng.choice(shop.workers)
            if hold:
                act = rng.choice((Act.CONFIRM, Act.RELEASE))
                assert (await other.amend(answer.order.order, act)).code is Code.DONE
            elif rng.random() < 0.5:
                gone = await other.amend(answer.order.order, Act.CANCEL, operator=True)
                assert gone.code is Code.DONE

        async def organiser() -> int:
            changes = 0
            while not done.is_set():
                said = rng.choice(({"capacity": rng.randint(0, 90)}, {"added": 3}))
                with suppress(ZkticketError):  # most of them are too small
                    await edit(shop.one.zk, **said)
                    changes += 1
            return changes

        async def auditor() -> None:
            """Checks P1 at one moment after another."""
            while not done.is_set():
                shelf = await shop.two.store.type_stock(ref)
                assert shelf.stock.capacity == shelf.type.capacity
                assert min(shelf.stock.held, shelf.stock.sold, shelf.stock.remaining) >= 0

        watching = asyncio.gather(organiser(), auditor())
        for first in range(0, 90, 15):
            await asyncio.gather(
                *(buyer(rng.choice(shop.workers), first + number) for number in range(15))
            )
        done.set()
        changes, _ = await watching
        assert changes > 3


async def test_a_change_whose_answer_is_lost_happens_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_of(server) as shop:
        zk, lost = shop.one.zk, [True, True]
        multi = zk.multi

        async def forgetful(operations):  # type: ignore[no-untyped-def]
            outcome = await multi(operations)
            if lost:
                lost.pop()
                raise Ambiguous("the answer is lost")
            return outcome

        with monkeypatch.context() as patch:
            patch.setattr(zk, "multi", forgetful)
            await edit(zk, added=5)
        assert not lost
        assert await shop.counts() == (CAPACITY + 5, 0, 0)


# --- the command ---------------------------------------------------------------------


def test_event_edit_sets_and_adds_and_says_what_there_is_then(run: Run, server: Server) -> None:
    assert run("event", "create", "gala", "--type", "A:20:48", "--type", "B:7").exit_code == 0
    done = run("event", "edit", "gala", "--capacity", "A=25", "--capacity", "B=+5")
    assert done.exit_code == 0, done.exception
    assert "A: 25 in all, 0 sold, 0 held, 25 for sale" in done.output
    assert "B: 12 in all, 0 sold, 0 held, 12 for sale" in done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--capacity", "A"), "write it like A=25 or A=\\+5"),
        (("--capacity", "A=-3"), "write it like A=25 or A=\\+5"),
        (("--capacity", "A=٣"), "write it like A=25 or A=\\+5"),
        (("--capacity", "A=25", "--capacity", "A=+5"), "given twice for A"),
        (("--price", "A=1", "--price", "A=2"), "given twice for A"),
        (("--price", "A=0.001"), "is no price"),
        (("--capacity", "A=99999999999999999"), "types.A.capacity"),
    ],
    ids=str,
)
def test_an_odd_capacity_or_price_is_refused_and_nothing_changes(
    run: Run, server: Server, options: tuple[str, ...], says: str
) -> None:
    assert run("event", "create", "gala", "--type", "A:20:48").exit_code == 0
    done = run("event", "edit", "gala", "--title", "Other", *options)
    assert isinstance(done.exception, WrongUsage)
    with pytest.raises(WrongUsage, match=says):
        raise done.exception
    assert "20 for sale" in run("event", "edit", "gala", "--capacity", "A=20").output


def test_a_reset_says_how_many_there_are_in_all(run: Run, server: Server) -> None:
    server.session(
        lambda zk: EventManager(zk).create_event("gala", "Gala", {"A": TicketType(capacity=20)})
    )
    done = run("admin", "reset", "--event", "gala", "--quantity", "13", "--yes")
    assert done.stdout.splitlines()[-1].split() == ["A", "0", "0", "13", "13"]
