"""Reads the id of an order from what an operator typed."""

from core.errors import NoSuchOrder
from core.schema.records import ORDER_ID
from core.store.orders import FIND

# An error repeats so much of a wrong id.
MOST_SHOWN = 80


def order_id_of(text: str) -> str:
    """Finds the id in an order's id or its ticket's address. Raises `NoSuchOrder`."""
    found = ORDER_ID.search(text)
    if found is None:
        raise NoSuchOrder(f"{text[:MOST_SHOWN]!r} is no order's id: 32 digits from 0 to f; {FIND}")
    return found.group()
