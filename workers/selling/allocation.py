"""Divides the stock among requests, first come, first served."""

from collections.abc import Callable, Sequence

from core.store.stock import TypeRef
from workers.selling.pending_purchase import Candidate


def allocate(
    candidates: Sequence[Candidate], stock_of: Callable[[TypeRef], int]
) -> tuple[list[Candidate], list[Candidate]]:
    """Returns who gets tickets and who falls short; a smaller request behind may still fit."""
    left = {ref: stock_of(ref) for ref in {ref for _, ref in candidates}}
    accepted: list[Candidate] = []
    short: list[Candidate] = []
    for request, ref in candidates:
        if request.purchase.quantity <= left[ref]:
            left[ref] -= request.purchase.quantity
            accepted.append((request, ref))
        else:
            short.append((request, ref))
    return accepted, short
