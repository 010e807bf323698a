"""Payments: one counts for an order, each for one order only, and all of them are on record."""

import asyncio
import csv
import json
import sys
from typing import Any

import pytest
from msgspec.structs import replace

from admin.recovery.recount import recount
from core.errors import Ambiguous
from core.receipts.restore import mend, restore
from core.schema import paths
from core.schema.records import PAYMENT, Change, Order, OrderView, Payment, encode, payment_key
from core.store.batch import Sale
from core.store.order_history import timeline
from core.store.order_lifecycle import MOST_REFUSED, Act
from core.text.export import csv_rows, json_lines
from core.transport.link import Answer, Code
from tests.support.lost_answers import LostAnswers
from tests.support.two_workers import KEY, PRICE, Shop, shop_of
from tests.support.zookeeper_server import Server


def told(answer: Answer | OrderView | None) -> list[tuple[str, str]]:
    """Returns the payments on record, and why they do not count."""
    order = answer.order if isinstance(answer, Answer) else answer
    assert order is not None
    return [(each.id, each.refused) for each in order.payments]


async def on_record(shop: Shop, order: OrderView) -> list[tuple[str, str]]:
    await shop.one.zk.sync()
    return told((await shop.one.store.order(order.order)).view)


# --- one order -----------------------------------------------------------------------


async def test_a_payment_counts_once_and_a_second_one_is_refused_and_on_record(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold(quantity=2)
        first = await shop.one.pay(held.order, "p1", 2 * PRICE, "EUR")
        assert (first.code, told(first)) == (Code.DONE, [("p1", "")])
        again = await shop.two.pay(held.order, "p1", 2 * PRICE, "EUR")
        assert (again.code, again.order) == (Code.DONE, first.order)
        for worker in shop.workers:
            other = await worker.pay(held.order, "p2", 2 * PRICE, "EUR")
            assert other.code is Code.PAID_ALREADY
            assert told(other) == [("p1", ""), ("p2", "paid-already")]
        assert (await shop.one.pay(held.order, "p1")).code is Code.DONE
        assert await on_record(shop, held) == [("p1", ""), ("p2", "paid-already")]
        found = (await shop.one.store.order(held.order)).view.payments[1]
        assert (found.amount, found.currency, found.counts) == (2 * PRICE, "EUR", False)


async def test_of_two_payments_at_once_at_two_workers_one_counts(server: Server) -> None:
    async with shop_of(server) as shop:
        for number in range(6):
            held = await shop.one.hold(buyer=f"b{number}")
            answers = await asyncio.gather(
                *(
                    worker.pay(held.order, f"p{number}-{each}")
                    for each, worker in enumerate((*shop.workers, *shop.workers))
                )
            )
            assert sorted(each.code for each in answers) == [Code.DONE, *[Code.PAID_ALREADY] * 3]
            record = await on_record(shop, held)
            assert sorted(refused for _, refused in record) == ["", *["paid-already"] * 3]


async def test_a_hold_that_was_confirmed_free_may_be_paid_once_and_the_reverse(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        free, bought = await shop.one.hold(), await shop.one.sell()
        assert (await shop.one.amend(free.order, Act.CONFIRM)).code is Code.DONE
        for number, order in enumerate((free, bought)):
            assert (await shop.two.pay(order.order, f"a{number}")).code is Code.DONE
            assert (await shop.one.pay(order.order, f"b{number}")).code is Code.PAID_ALREADY
        paid = await shop.one.hold()
        assert (await shop.one.pay(paid.order, "p1")).code is Code.DONE
        assert (await shop.two.amend(paid.order, Act.CONFIRM)).code is Code.DONE
        assert await on_record(shop, paid) == [("p1", "")]
        assert (await shop.counts())[1:] == (0, 3)


@pytest.mark.parametrize(
    ("amount", "currency"), [(PRICE - 1, "EUR"), (PRICE + 1, ""), (PRICE, "TWD"), (0, "EUR")]
)
async def test_another_sum_or_currency_than_agreed_sells_nothing_and_is_on_record(
    server: Server, amount: int, currency: str
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        wrong = await shop.one.pay(held.order, "p1", amount, currency)
        assert (wrong.code, wrong.order and wrong.order.status) == (Code.WRONG_AMOUNT, "held")
        assert (await shop.two.pay(held.order, "p1", PRICE, "EUR")).code is Code.WRONG_AMOUNT
        right = await shop.two.pay(held.order, "p2", PRICE, "EUR")
        assert (right.code, told(right)) == (Code.DONE, [("p1", "wrong-amount"), ("p2", "")])


async def test_money_that_is_late_is_on_record_with_the_order(server: Server) -> None:
    async with shop_of(server) as shop:
        past, released, expired, sold = [await shop.one.hold(buyer=f"b{n}") for n in range(4)]
        await shop.one.amend(released.order, Act.RELEASE)
        await shop.one.amend(sold.order, Act.CONFIRM)
        await shop.one.amend(sold.order, Act.CANCEL, operator=True)
        shop.clock.ahead_s += 400
        assert (await shop.two.pay(past.order, "p0")).code is Code.HOLD_EXPIRED
        await shop.one.janitor.round()
        assert (await shop.two.pay(expired.order, "p1")).code is Code.HOLD_EXPIRED
        assert (await shop.two.pay(released.order, "p2")).code is Code.NOT_HELD
        assert (await shop.two.pay(sold.order, "p3")).code is Code.NOT_HELD
        for order, record in (
            (past, ("p0", "hold-expired")),
            (expired, ("p1", "hold-expired")),
            (released, ("p2", "not-held")),
            (sold, ("p3", "not-held")),
        ):
            assert await on_record(shop, order) == [record]
        assert (await shop.counts())[1:] == (0, 0)


async def test_a_payment_that_counted_counted_though_its_order_was_cancelled_since(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        await shop.one.pay(held.order, "p1")
        await shop.one.amend(held.order, Act.CANCEL, operator=True)
        again = await shop.two.pay(held.order, "p1")
        assert (again.code, again.order and again.order.status) == (Code.DONE, "cancelled")
        assert (await shop.two.pay(held.order, "p2")).code is Code.PAID_ALREADY


async def test_there_is_a_bound_on_what_is_recorded_and_a_mark_where_it_is_passed(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        answers = await asyncio.gather(
            *(shop.one.pay(held.order, f"w{number}", 1) for number in range(MOST_REFUSED + 5))
        )
        assert {answer.code for answer in answers} == {Code.WRONG_AMOUNT}
        right = await shop.two.pay(held.order, "right", PRICE)
        assert right.code is Code.DONE
        assert (await shop.two.pay(held.order, "late", PRICE)).code is Code.PAID_ALREADY
        found = (await shop.one.store.order(held.order)).view
        assert len(found.payments) == MOST_REFUSED + 1
        assert (found.more_payments, found.payments[-1].id) == (True, "right")


# --- several orders ------------------------------------------------------------------


async def test_a_payment_counts_for_one_order_only_and_the_other_has_it_on_record(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        one, other = await shop.one.hold(buyer="Ann"), await shop.one.hold(buyer="Bob")
        assert (await shop.one.pay(one.order, "p1")).code is Code.DONE
        for worker in shop.workers:
            refused = await worker.pay(other.order, "p1")
            assert (refused.code, told(refused)) == (Code.PAYMENT_USED, [("p1", "payment-used")])
        assert (await shop.one.pay(one.order, "p1")).code is Code.DONE
        assert (await shop.two.pay(other.order, "p2")).code is Code.DONE
        assert (await shop.two.pay(one.order, "p2")).code is Code.PAYMENT_USED


async def test_of_many_orders_that_one_payment_comes_in_for_at_once_one_is_paid(
    server: Server,
) -> None:
    async with shop_of(server) as shop:
        held = [await shop.one.hold(buyer=f"b{number}") for number in range(8)]
        answers = await asyncio.gather(
            *(shop.workers[number % 2].pay(order.order, "p1") for number, order in enumerate(held))
        )
        assert sorted(each.code for each in answers) == [Code.DONE, *[Code.PAYMENT_USED] * 7]
        assert (await shop.counts())[1:] == (7, 1)


async def test_a_payment_for_no_order_sells_nothing_and_is_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop_of(server) as shop:
        assert (await shop.one.pay("0" * 32, "p-lost", PRICE)).code is Code.NO_SUCH_ORDER
    assert "payment 'p-lost' of 4800, counts for nothing" in caplog.text


# --- what is lost --------------------------------------------------------------------


async def test_a_payment_whose_answer_is_lost_counts_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        await shop.one.pay(held.order, "p1")
        multi, lost = shop.one.zk.multi, [True] * 3

        async def forgetful(operations: Any) -> Any:
            outcome = await multi(operations)
            if lost:
                lost.pop()
                raise Ambiguous("the answer is lost")
            return outcome

        other = await shop.two.hold(buyer="Bob")
        with monkeypatch.context() as patch:
            patch.setattr(shop.one.zk, "multi", forgetful)
            surplus, first = await asyncio.gather(
                shop.one.pay(held.order, "p2"), shop.one.pay(other.order, "p3")
            )
        assert not lost
        assert (surplus.code, first.code) == (Code.PAID_ALREADY, Code.DONE)
        assert await on_record(shop, held) == [("p1", ""), ("p2", "paid-already")]
        assert await on_record(shop, other) == [("p3", "")]


async def test_a_payment_is_in_no_doubt_while_the_place_of_its_claim_is_made(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        with monkeypatch.context() as patch:
            # Before this write, the transaction was refused: there is no such place.
            lost = LostAnswers(shop.one.zk, 1, happens=True)
            lost.begin(patch)
            paid = await shop.one.pay(held.order, "p1", PRICE, "EUR")
        assert lost.lost
        assert (paid.code, told(paid)) == (Code.DONE, [("p1", "")])


async def test_what_the_tree_forgot_of_a_payment_is_put_back_with_its_claim(server: Server) -> None:
    async with shop_of(server) as shop:
        zk = shop.one.zk
        held = await shop.one.hold()
        before = await zk.get(f"{await path_of(shop, held)}")
        await shop.one.pay(held.order, "p1", PRICE, "EUR")
        stored = await shop.one.store.order(held.order)
        # All of the tree but the counters goes back to before the payment.
        await zk.set(before.path, before.data, -1)
        await zk.delete(paths.payment(payment_key(KEY, "p1")))
        [counter] = [
            each
            for each in await shop.one.store.counters(stored.ref)
            if each.stock.sold or each.stock.held < 0
        ]
        await zk.set(
            counter.path, json.dumps({"v": 1, "remaining": 10, "held": 0, "sold": 0}).encode(), -1
        )
        sale = Sale(stored.ref, held.order, stored.order)
        assert await restore(zk, [sale], KEY, oversell=False) == 1
        assert await on_record(shop, held) == [("p1", "")]
        other = await shop.one.hold(buyer="Bob")
        assert (await shop.two.pay(other.order, "p1")).code is Code.PAYMENT_USED
        assert (await shop.two.pay(held.order, "p2")).code is Code.PAID_ALREADY


async def test_a_recount_names_an_order_that_counts_two_payments(server: Server) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        await shop.one.pay(held.order, "p1")
        zk, path = shop.one.zk, await path_of(shop, held)
        whole = await zk.get(path)
        order = (await shop.one.store.order(held.order)).order
        twice = replace(order, changes=(*order.changes, change(PAYMENT, "w.9", P2)))
        await zk.set(path, encode(twice), -1)
        proof = await recount(zk)
        assert proof.breach is not None
        assert proof.breach.znode.endswith(held.order)
        assert "it counts 2 payments: p1, p2" in proof.breach.text
        await zk.set(path, whole.data, -1)


async def path_of(shop: Shop, order: OrderView) -> str:
    return paths.order("show", shop.event.generation, order.order)


def made(*changes: Change, status: Any = "sold") -> Order:
    return Order(
        type="A",
        quantity=1,
        buyer="Ann",
        status=status,
        at=1.0,
        batch="w.1",
        until=9.0,
        changes=changes,
    )


def change(act: str, batch: str, payment: Payment | None = None) -> Change:
    return Change(act=act, at=2.0, batch=batch, payment=payment)


P1, P2 = Payment(id="p1"), Payment(id="p2")
SURPLUS = replace(P2, refused="paid-already")


@pytest.mark.parametrize(
    ("confirmed", "there", "then"),
    [
        (  # a surplus payment is put back though the order was cancelled since
            made(change("confirm", "w.2", P1), change(PAYMENT, "w.3", SURPLUS)),
            made(change("confirm", "w.2", P1), change("cancel", "w.4"), status="cancelled"),
            ("cancelled", [("p1", ""), ("p2", "paid-already")]),
        ),
        (  # the tree forgot the payment, and the order was paid again: both are on record
            made(change("confirm", "w.2", P1)),
            made(change("confirm", "w.4", P2)),
            ("sold", [("p2", ""), ("p1", "paid-already")]),
        ),
        (  # the tree forgot the payment, and the hold expired: the late payment stays on record
            made(change("confirm", "w.2", P1)),
            made(
                change("expire", "w.4"),
                change(PAYMENT, "w.5", replace(P2, refused="hold-expired")),
                status="expired",
            ),
            ("sold", [("p2", "hold-expired"), ("p1", "")]),
        ),
    ],
)
def test_lost_payments_are_put_back_and_one_counts(
    confirmed: Order, there: Order, then: tuple[str, list[tuple[str, str]]]
) -> None:
    from core.store.orders import StoredOrder
    from core.store.stock import TypeRef

    id_ = "0" * 32
    found = mend(Sale(TypeRef("e", "g", "A"), id_, confirmed), StoredOrder(id_, "e", there, 7, "g"))
    assert found is not None
    order = found.sale.order
    record = [(payment.id, payment.refused) for _, payment in order.payments]
    assert (order.status, record) == then


# --- as it is told -------------------------------------------------------------------


def test_what_an_earlier_version_noted_is_a_payment_that_counts() -> None:
    noted = Change(act="confirm", at=2.0, batch="w.2", note="pay-7")
    assert made(noted).paid == Payment(id="pay-7")
    assert made(replace(noted, note="")).paid is None


async def test_exports_and_the_order_s_life_tell_of_every_payment(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async with shop_of(server) as shop:
        held = await shop.one.hold()
        await shop.one.pay(held.order, "p1", PRICE, "EUR")
        surplus = await shop.one.pay(held.order, "=p2", PRICE, "EUR")
        assert surplus.order is not None
        json_lines(sys.stdout)(surplus.order)
        csv_rows(sys.stdout, OrderView)(surplus.order)
        texts = [each.text for each in (await timeline(shop.one.zk, held.order)).moments]
        assert any("payment p1 of 48.00 EUR, counts;" in text for text in texts)
        assert any("counts for nothing: paid-already" in text for text in texts)
    line, *rows = capsys.readouterr().out.splitlines()
    payments = json.loads(line)["payments"]
    assert [(each["id"], each["amount"], each["counts"]) for each in payments] == [
        ("p1", PRICE, True),
        ("=p2", PRICE, False),
    ]
    [cells] = csv.DictReader(rows)
    assert cells["payments"].count(f'"amount":{PRICE}') == 2
    assert '"refused":"paid-already"' in cells["payments"]
