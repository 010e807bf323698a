"""Stock in stripes: each worker sells from a counter of its own, so that commits don't collide.

When a worker's own stripe runs short, it moves half of the fullest other stripe over, in the
same transaction that sells (work stealing, Blumofe and Leiserson 1999: steal in bulk, and
seldom). So the last ticket is found in whichever stripe it lies.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from core.store.stock import StripeCounter


def remaining(counters: Sequence[StripeCounter]) -> int:
    """Adds up what is left of a type in all of its stripes."""
    return sum(counter.stock.remaining for counter in counters)


def draw(
    counters: Sequence[StripeCounter], home: int, sold: int, held: int = 0
) -> tuple[StripeCounter, ...]:
    """Returns the counters that change when so many are sold or held from stripe `home`.

    Together they have lost exactly that many; there must be as many left in all.
    """
    own = counters[home].stock
    short = sold + held - own.remaining
    changed = []
    others = [counter for counter in counters if counter.number != home]
    for donor in sorted(others, key=lambda counter: -counter.stock.remaining):
        if short <= 0:
            break
        gift = min(donor.stock.remaining, max(short, donor.stock.remaining // 2))
        short -= gift
        own = own.add(gift)
        changed.append(replace(donor, stock=donor.stock.add(-gift)))
    assert short <= 0, "more was accepted than is left"
    return (replace(counters[home], stock=own.move(sold=sold, held=held)), *changed)
