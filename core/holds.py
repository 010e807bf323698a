"""Where a hold is listed, so that its end is found without looking through all orders.

Time is cut into slots. A commit that holds tickets lists their orders in the slot in which
they end; one that confirms or releases them leaves the list alone, for what it says is looked
up before anything expires.
"""

import math

from core import paths

SLOT_S = 2.0


def slot_of(until: float) -> int:
    """The slot at whose end a hold until then has expired."""
    return math.ceil(until / SLOT_S)


def slot_ends(slot: int) -> float:
    """In Unix seconds."""
    return slot * SLOT_S


def hold_path(event: str, generation: str, until: float, batch: str) -> str:
    """The list of the holds of a batch that end then."""
    return paths.hold_list(event, generation, slot_of(until), batch)
