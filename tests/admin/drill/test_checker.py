"""The history checker passes every honest sale, and catches every planted fault."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from admin.drill.pauses import longest_pause
from admin.drill.proof.checker import Finding, Kind, Reset, check
from admin.drill.proof.history import History, PurchaseAttempt, Wish, answered, unanswered
from admin.drill.proof.tree_books import Books, TypeBooks
from core.errors import ZkticketError
from core.schema.records import Order, OrderView, order_id
from core.store.orders import StoredOrder

EVENT = "night"
TYPES = ("A", "B")
MOST_TRIES = 4
FATES = ("answered", "answered", "answered", "request lost", "reply lost", "late", "shed", "unsure")

quick = settings(derandomize=True, max_examples=150, deadline=None)


def id_of(event: str, key: str) -> str:
    return order_id(b"secret", event, key)


@dataclass
class ModelShop:
    """A shop that keeps its promises, while requests and replies are lost."""

    rng: random.Random
    purchases: int
    attempts: list[PurchaseAttempt] = field(default_factory=list)
    orders: dict[str, StoredOrder] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)
    _capacity: dict[str, int] = field(default_factory=dict)
    _due: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def run(self) -> "ModelShop":
        for name in TYPES:
            self._capacity[name] = self._left[name] = self.rng.randint(0, 15)
        for number in range(self.purchases):
            key, quantity = f"key-{number}", self.rng.randint(1, 4)
            wish = Wish(
                key=key,
                buyer=f"Ann {number}",
                type=self.rng.choice(TYPES),
                quantity=quantity,
                event=EVENT,
            )
            self._ask_at(self.rng.uniform(0, 10), wish, 1)
        while self._due:
            now, _, act = heapq.heappop(self._due)
            act(now)
        return self

    @property
    def books(self) -> Books:
        types = [
            TypeBooks(
                event=EVENT,
                name=name,
                capacity=self._capacity[name],
                remaining=self._left[name],
                held=0,
                sold=self._capacity[name] - self._left[name],
            )
            for name in TYPES
        ]
        return Books(tuple(types), tuple(self.orders.values()))

    def _at(self, moment: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), act))

    def _ask_at(self, moment: float, wish: Wish, tries: int) -> None:
        self._at(moment, lambda now: self._ask(now, wish, tries))

    def _ask(self, now: float, wish: Wish, tries: int) -> None:
        fate = self.rng.choice(FATES)
        reaches, ends = sorted(now + self.rng.uniform(0.01, 3) for _ in range(2))
        if fate == "late":
            reaches, ends = ends, reaches
        if fate not in ("request lost", "shed"):
            self._at(reaches, lambda moment: self._arrive(moment, wish, now, ends, fate))
        if fate in ("shed", "unsure"):
            code = "overloaded" if fate == "shed" else "outcome-unknown"
            self._end(msgspec.structs.replace(unanswered(wish, now, ends), status=503, code=code))
        elif fate != "answered":
            self._end(unanswered(wish, now, ends))
        again = fate != "answered" or self.rng.random() < 0.2
        if again and tries < MOST_TRIES:
            self._ask_at(ends + self.rng.uniform(-0.5, 1), wish, tries + 1)

    def _arrive(self, now: float, wish: Wish, began: float, ends: float, fate: str) -> None:
        key = id_of(EVENT, wish.key)
        known = self.orders.get(key)
        if known is None and self._left[wish.type] >= wish.quantity:
            self._left[wish.type] -= wish.quantity
            self.orders[key] = stored(wish, now, next(self._numbers))
        if fate != "answered":
            return
        order = self.orders.get(key)
        attempt = unanswered(wish, began, ends)
        if order is None:
            self._end(msgspec.structs.replace(attempt, status=409, code="sold-out"))
        else:
            status = 201 if known is None else 200
            self._end(
                msgspec.structs.replace(
                    attempt, status=status, order=order.view, replayed=known is not None
                )
            )

    def _end(self, attempt: PurchaseAttempt) -> None:
        self.attempts.append(attempt)


def stored(wish: Wish, at: float, zxid: int) -> StoredOrder:
    order = Order(
        type=wish.type,
        quantity=wish.quantity,
        buyer=wish.buyer,
        status="sold",
        at=round(at, 3),
        batch=f"b{zxid}",
    )
    return StoredOrder(id_of(wish.event, wish.key), wish.event, order, zxid)


def sale(seed: int, purchases: int) -> ModelShop:
    return ModelShop(random.Random(seed), purchases).run()


sales = st.builds(sale, st.integers(0, 2**32), st.integers(1, 25))


def found(attempts: list[PurchaseAttempt], books: Books) -> tuple[Finding, ...]:
    return check(attempts, books, id_of)


def kinds(attempts: list[PurchaseAttempt], books: Books) -> set[Kind]:
    return {finding.kind for finding in found(attempts, books)}


def told_sold(shop: ModelShop) -> list[PurchaseAttempt]:
    return [attempt for attempt in shop.attempts if attempt.sold]


def type_of(books: Books, name: str) -> TypeBooks:
    return next(type_ for type_ in books.types if type_.name == name)


def with_type(books: Books, changed: TypeBooks) -> Books:
    types = tuple(changed if type_.name == changed.name else type_ for type_ in books.types)
    return replace(books, types=types)


def without(books: Books, order: str) -> Books:
    return replace(books, orders=tuple(each for each in books.orders if each.id != order))


def with_order(books: Books, order: StoredOrder) -> Books:
    """Returns the books with one more order, counted as it should be."""
    type_ = type_of(books, order.order.type)
    grown = replace(
        type_,
        capacity=type_.capacity + order.order.quantity,
        sold=type_.sold + order.order.quantity,
    )
    return with_type(replace(books, orders=(*books.orders, order)), grown)


# --- an honest sale ------------------------------------------------------------------


@quick
@given(sales)
def test_an_honest_sale_passes(shop: ModelShop) -> None:
    assert found(shop.attempts, shop.books) == ()


@quick
@given(sales)
def test_the_order_in_which_attempts_were_noted_does_not_matter(shop: ModelShop) -> None:
    shop.rng.shuffle(shop.attempts)
    assert found(shop.attempts, shop.books) == ()


# --- planted faults ------------------------------------------------------------------


@quick
@given(sales)
def test_an_order_lost_with_its_count_is_caught(shop: ModelShop) -> None:
    assume(told_sold(shop))
    victim = shop.rng.choice(told_sold(shop))
    assert victim.order is not None
    type_ = type_of(shop.books, victim.type)
    forgotten = replace(
        type_, sold=type_.sold - victim.quantity, remaining=type_.remaining + victim.quantity
    )
    books = with_type(without(shop.books, victim.order.order), forgotten)
    lost = [each for each in found(shop.attempts, books) if each.kind is Kind.LOST]
    assert [each.key for each in lost] == [victim.key]


@quick
@given(sales)
def test_an_order_lost_while_its_count_stands_is_lost_and_nothing_else(shop: ModelShop) -> None:
    assume(told_sold(shop))
    victim = shop.rng.choice(told_sold(shop))
    assert victim.order is not None
    assert kinds(shop.attempts, without(shop.books, victim.order.order)) == {Kind.LOST}


@quick
@given(sales)
def test_a_second_order_for_a_key_is_caught(shop: ModelShop) -> None:
    assume(shop.orders)
    first = shop.rng.choice(shop.books.orders)
    second = msgspec.structs.replace(first, id="f" * 32)
    doubled = found(shop.attempts, with_order(shop.books, second))
    assert {each.kind for each in doubled} >= {Kind.DOUBLED}
    assert "f" * 32 in {each.order for each in doubled}


@quick
@given(sales)
def test_stock_taken_twice_for_one_order_is_caught(shop: ModelShop) -> None:
    assume(shop.orders)
    order = shop.rng.choice(shop.books.orders).order
    type_ = type_of(shop.books, order.type)
    assume(type_.remaining >= order.quantity)
    twice = replace(
        type_, remaining=type_.remaining - order.quantity, sold=type_.sold + order.quantity
    )
    assert Kind.DOUBLED in kinds(shop.attempts, with_type(shop.books, twice))


@quick
@given(sales)
def test_tickets_refused_as_sold_out_and_left_to_the_end_are_stranded(shop: ModelShop) -> None:
    refused = [attempt for attempt in shop.attempts if attempt.code == "sold-out"]
    assume(refused)
    victim = shop.rng.choice(refused)
    type_ = type_of(shop.books, victim.type)
    more = replace(
        type_,
        capacity=type_.capacity + victim.quantity,
        remaining=type_.remaining + victim.quantity,
    )
    stranded = [
        each
        for each in found(shop.attempts, with_type(shop.books, more))
        if each.kind is Kind.STRANDED
    ]
    assert victim.key in {each.key for each in stranded}


def test_tickets_refused_as_sold_out_that_were_sold_later_are_misreported() -> None:
    early = Wish(key="early", buyer="Ann", type="A", event=EVENT)
    late = Wish(key="late", buyer="Bob", type="A", event=EVENT)
    order = stored(late, 5.0, 1)
    attempts = [
        msgspec.structs.replace(unanswered(early, 1, 2), status=409, code="sold-out"),
        msgspec.structs.replace(unanswered(late, 4, 6), status=201, order=order.view),
    ]
    books = Books((TypeBooks(EVENT, "A", 1, 0, 0, 1),), (order,))
    [misreported] = found(attempts, books)
    assert (misreported.kind, misreported.key) == (Kind.MISREPORTED, "early")


def test_a_refusal_before_a_reset_says_nothing_of_what_is_left() -> None:
    wish = Wish(key="early", buyer="Ann", type="A", event=EVENT)
    attempts = [msgspec.structs.replace(unanswered(wish, 1, 2), status=409, code="sold-out")]
    books = Books((TypeBooks(EVENT, "A", 5, 5, 0, 0),), ())
    assert {each.kind for each in check(attempts, books, id_of)} == {Kind.STRANDED}
    assert check(attempts, books, id_of, [Reset(EVENT, "A", 3.0)]) == ()


@quick
@given(sales, st.sampled_from(["vanished", "held"]))
def test_tickets_that_are_nowhere_are_stranded(shop: ModelShop, where: str) -> None:
    type_ = shop.rng.choice(shop.books.types)
    assume(type_.remaining)
    fewer = replace(type_, remaining=type_.remaining - 1, held=int(where == "held"))
    assert Kind.STRANDED in kinds(shop.attempts, with_type(shop.books, fewer))


@quick
@given(sales)
def test_an_oversold_type_is_caught(shop: ModelShop) -> None:
    assume(shop.orders)
    type_ = type_of(shop.books, shop.rng.choice(shop.books.orders).order.type)
    for wrong in (
        replace(type_, capacity=type_.capacity - 1),
        replace(type_, remaining=-1, capacity=type_.sold - 1),
        replace(type_, sold=type_.sold - 1, remaining=type_.remaining + 1),
    ):
        assert Kind.OVERSOLD in kinds(shop.attempts, with_type(shop.books, wrong))


@quick
@given(
    sales,
    st.sampled_from([(409, "sold-out"), (409, "limit-reached"), (503, "no-quorum")]),
)
def test_a_sale_reported_as_failed_is_caught(shop: ModelShop, said: tuple[int, str]) -> None:
    keys = [attempt.key for attempt in shop.attempts]
    once = [attempt for attempt in told_sold(shop) if keys.count(attempt.key) == 1]
    assume(once)
    victim = shop.rng.choice(once)
    lie = msgspec.structs.replace(victim, status=said[0], code=said[1], order=None)
    attempts = [lie if attempt is victim else attempt for attempt in shop.attempts]
    misreported = [each for each in found(attempts, shop.books) if each.kind is Kind.MISREPORTED]
    assert victim.key in {each.key for each in misreported}


@quick
@given(sales, st.sampled_from([409, 422]))
def test_a_refusal_after_the_sale_was_answered_is_caught(shop: ModelShop, status: int) -> None:
    assume(told_sold(shop))
    sold = max(told_sold(shop), key=lambda attempt: attempt.ended_s)
    lie = msgspec.structs.replace(
        sold, began_s=99.0, ended_s=99.5, status=status, code="limit-reached", order=None
    )
    later = [attempt for attempt in shop.attempts if attempt.key == sold.key and attempt.open]
    assume(not later)
    assert kinds([*shop.attempts, lie], shop.books) == {Kind.MISREPORTED}


@quick
@given(sales, st.sampled_from(["zxid", "order", "quantity", "buyer"]))
def test_a_replay_that_differs_is_caught(shop: ModelShop, what: str) -> None:
    assume(told_sold(shop))
    sold = shop.rng.choice(told_sold(shop))
    other = {"zxid": 10_000, "order": "e" * 32, "quantity": 9, "buyer": "Eve"}[what]
    assert sold.order is not None
    order: OrderView = msgspec.structs.replace(sold.order, **{what: other})
    replay = msgspec.structs.replace(
        sold, began_s=99.0, ended_s=99.5, status=200, order=order, replayed=True
    )
    assert Kind.MISREPORTED in kinds([*shop.attempts, replay], shop.books)


@quick
@given(sales)
def test_a_repeat_answered_as_a_new_sale_is_caught(shop: ModelShop) -> None:
    assume(told_sold(shop))
    sold = shop.rng.choice(told_sold(shop))
    again = msgspec.structs.replace(sold, began_s=99.0, ended_s=99.5, status=201, replayed=False)
    assert kinds([*shop.attempts, again], shop.books) == {Kind.MISREPORTED}


@quick
@given(sales)
def test_an_order_that_nobody_asked_for_is_caught(shop: ModelShop) -> None:
    stranger = stored(Wish(key="x", buyer="Eve", type="A", event=EVENT), 1.0, 10_000)
    assert Kind.FOREIGN in kinds(shop.attempts, with_order(shop.books, stranger))


# --- what buyers don't know ----------------------------------------------------------


@pytest.mark.parametrize("sold", [True, False])
@pytest.mark.parametrize("said", [(None, ""), (503, "outcome-unknown"), (500, "internal")])
def test_a_purchase_whose_end_is_not_known_may_have_sold_or_not(
    sold: bool, said: tuple[int | None, str]
) -> None:
    wish = Wish(key="k", buyer="Ann", type="A", event=EVENT)
    attempt = msgspec.structs.replace(unanswered(wish, 1, 2), status=said[0], code=said[1])
    orders = (stored(wish, 1.5, 1),) if sold else ()
    books = Books((TypeBooks(EVENT, "A", 5, 5 - sold, 0, int(sold)),), orders)
    assert found([attempt], books) == ()


# --- pauses --------------------------------------------------------------------------


def asked(key: str, began_s: float, ended_s: float, status: int | None = 201) -> PurchaseAttempt:
    wish = Wish(key=key, buyer="Ann", type="A")
    return msgspec.structs.replace(unanswered(wish, began_s, ended_s), status=status)


def test_a_pause_is_the_longest_time_without_an_answer_while_somebody_asks() -> None:
    attempts = [
        asked("a", 0, 1),
        asked("b", 0, 2),
        asked("c", 1, 5),
        asked("d", 2, 6),
        asked("e", 6, 6.5),
    ]
    assert longest_pause(attempts, (2.5, 7)) == 3.0


def test_a_time_in_which_nobody_asks_is_no_pause() -> None:
    attempts = [asked("a", 0, 1), asked("b", 9, 10)]
    assert longest_pause(attempts, (0, 20)) == 1.0


def test_a_buyer_that_waits_before_it_asks_again_counts_as_asking() -> None:
    attempts = [asked("a", 0, 1), asked("b", 1, 2, 503), asked("b", 5, 6)]
    assert longest_pause(attempts, (1, 6)) == 5.0


def test_a_pause_counts_for_the_spell_that_it_touches() -> None:
    attempts = [asked("a", 0, 1), asked("b", 0, 4), asked("c", 3, 5), asked("d", 5, 7)]
    assert longest_pause(attempts, (1, 2)) == 3.0
    assert longest_pause(attempts, (5.5, 7)) == 2.0


def test_without_an_answer_at_all_the_pause_lasts_to_the_end() -> None:
    assert longest_pause([asked("a", 0, 8, None)], (1, 2)) == 8.0


# --- the recorder --------------------------------------------------------------------


@quick
@given(sales)
def test_a_history_is_stored_and_read_again(shop: ModelShop) -> None:
    lines = b"\n".join(msgspec.json.encode(attempt) for attempt in shop.attempts)
    assert msgspec.json.Decoder(PurchaseAttempt).decode_lines(lines) == shop.attempts


def test_a_history_is_written_as_it_grows(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    attempts = [asked(f"k{number}", number, number + 1) for number in range(3)]
    for attempt in attempts:
        history.add(attempt)
    history.close()
    assert list(history.attempts) == attempts
    written = (tmp_path / "history.jsonl").read_bytes()
    assert msgspec.json.Decoder(PurchaseAttempt).decode_lines(written) == attempts


def test_an_answer_becomes_an_attempt() -> None:
    wish = Wish(key="k", buyer="Ann", type="A", event=EVENT)
    view = stored(wish, 1.5, 1).view
    headers = {"idempotency-replayed": "true"}
    sold = answered(wish, 1, 2, 200, headers, msgspec.json.encode(view))
    assert (sold.key, sold.order, sold.replayed, sold.sold) == ("k", view, True, True)
    refused = answered(wish, 1, 2, 409, {}, b'{"code": "sold-out", "remaining": 0}')
    assert (refused.code, refused.denied, refused.order) == ("sold-out", True, None)
    with pytest.raises(ZkticketError, match="not as promised"):
        answered(wish, 1, 2, 502, {}, b"<html>")
