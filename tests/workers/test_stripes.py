"""Stock in stripes: how many tickets a sale takes from which."""

import pytest

from core.schema.records import Stock
from core.store.stock import StripeCounter, TypeRef
from workers.selling.stripe_choice import draw, remaining

REF = TypeRef("default", "g", "A")


def stripes(*left: int) -> tuple[StripeCounter, ...]:
    return tuple(StripeCounter(REF, n, Stock(remaining=count), 5) for n, count in enumerate(left))


def test_a_sale_touches_its_own_stripe_only_while_that_lasts() -> None:
    [changed] = draw(stripes(5, 5, 5), 1, 5)
    assert (changed.number, changed.version) == (1, 5)
    assert (changed.stock.remaining, changed.stock.sold) == (0, 5)


def test_an_empty_stripe_takes_half_of_the_fullest() -> None:
    own, donor = draw(stripes(0, 4, 9), 0, 1)
    assert (own.stock.remaining, own.stock.sold) == (3, 1)
    assert (donor.number, donor.stock.remaining, donor.stock.sold) == (2, 5, 0)


@pytest.mark.parametrize("left", [(1, 1, 1), (0, 0, 7), (3, 0, 4), (2, 9, 2), (6,)])
@pytest.mark.parametrize("home", [0, 1, 2])
def test_every_ticket_can_be_sold_and_none_appears(left: tuple[int, ...], home: int) -> None:
    home %= len(left)
    for tickets in range(1, sum(left) + 1):
        after = {counter.number: counter for counter in stripes(*left)}
        for counter in draw(stripes(*left), home, tickets):
            after[counter.number] = counter
        assert min(counter.stock.remaining for counter in after.values()) >= 0
        assert remaining(tuple(after.values())) == sum(left) - tickets
        assert after[home].stock.sold == tickets
        assert sum(counter.stock.capacity for counter in after.values()) == sum(left)
