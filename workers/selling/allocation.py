"""Who gets tickets of what there is, first come, first served."""

from collections.abc import Callable, Sequence

from core.store.stock import TypeRef
from workers.selling.purchase_request import Candidate


def allocate(
    candidates: Sequence[Candidate], stock_of: Callable[[TypeRef], int]
) -> tuple[list[Candidate], list[Candidate]]:
    """Who gets tickets, and who falls short. A smaller one behind it may fit."""
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
