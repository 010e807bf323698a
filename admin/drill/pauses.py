"""Measures how long buyers waited while something was broken."""

from collections.abc import Iterator, Sequence

from admin.drill.proof.history import PurchaseAttempt

Span = tuple[float, float]


def longest_pause(attempts: Sequence[PurchaseAttempt], span: Span) -> float:
    """Returns the longest pause, in seconds, that overlaps that span of time."""
    since, until = span
    touching = [pause for pause in _pauses(attempts) if pause[0] < until and pause[1] > since]
    return max((ended_s - began_s for began_s, ended_s in touching), default=0.0)


def _pauses(attempts: Sequence[PurchaseAttempt]) -> Iterator[Span]:
    """Yields the times in which somebody was asking all along and nobody was served."""
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
    """Yields the times in which some purchase was between its first attempt and its last answer."""
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
