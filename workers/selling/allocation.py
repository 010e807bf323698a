"""Who gets tickets of what there is, first come, first served."""

from collections.abc import Callable, Sequence

from core.store.stock import TypeRef
from workers.selling.request import Candidate


def allocate(
    candidates: Sequence[Candidate], stock_of: Callable[[TypeRef], int]
) -> tuple[list[Candidate], list[Candidate]]:
    """Who gets tickets, and who falls short. A smaller wish behind one that falls short may fit."""
    left = {ref: stock_of(ref) for ref in {ref for _, ref in candidates}}
    accepted: list[Candidate] = []
    short: list[Candidate] = []
    for wish, ref in candidates:
        if wish.purchase.quantity <= left[ref]:
            left[ref] -= wish.purchase.quantity
            accepted.append((wish, ref))
        else:
            short.append((wish, ref))
    return accepted, short
