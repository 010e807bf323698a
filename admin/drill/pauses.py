"""How long buyers waited while something was broken."""

from collections.abc import Iterator, Sequence

import msgspec

from admin.drill.proof.history import PurchaseAttempt

Span = tuple[float, float]


class Spell(msgspec.Struct, frozen=True):
    """From a fault to the end of its consequences, on the history's clock."""

    fault: str
    began_s: float
    ended_s: float


def longest_pauses(
    attempts: Sequence[PurchaseAttempt], spells: Sequence[Spell]
) -> dict[str, float]:
    """The longest pause that a fault of each kind brought, in seconds."""
    pauses = list(_pauses(attempts))
    longest = {spell.fault: 0.0 for spell in spells}
    for spell in spells:
        for began_s, ended_s in pauses:
            if began_s < spell.ended_s and ended_s > spell.began_s:
                longest[spell.fault] = max(longest[spell.fault], ended_s - began_s)
    return longest


def _pauses(attempts: Sequence[PurchaseAttempt]) -> Iterator[Span]:
    """The times in which somebody wanted something all along and nobody was served."""
    served = iter(sorted(attempt.ended_s for attempt in attempts if attempt.served))
    next_s = next(served, None)
    for began_s, ended_s in _asking(attempts):
        while next_s is not None and next_s <= ended_s:
            if next_s > began_s:
                yield began_s, next_s
                began_s = next_s
            next_s = next(served, None)
        yield began_s, ended_s


def _asking(attempts: Sequence[PurchaseAttempt]) -> Iterator[Span]:
    """The times in which a purchase was open: from its first attempt to the end of its last."""
    purchases: dict[tuple[str, str], Span] = {}
    for attempt in attempts:
        purchase = (attempt.event, attempt.key)
        began_s, ended_s = purchases.get(purchase, (attempt.began_s, attempt.ended_s))
        purchases[purchase] = min(began_s, attempt.began_s), max(ended_s, attempt.ended_s)
    open_: Span | None = None
    for began_s, ended_s in sorted(purchases.values()):
        if open_ is None or began_s > open_[1]:
            if open_ is not None:
                yield open_
            open_ = began_s, ended_s
        else:
            open_ = open_[0], max(open_[1], ended_s)
    if open_ is not None:
        yield open_
