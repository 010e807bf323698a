"""What somebody wants of an order that exists, checked before anything is done about it."""

import re
from typing import Any, TypeAlias

import msgspec

from core.errors import BadRequest
from core.schema.records import Payment
from core.store.lifecycle import Act, OrderChange
from core.store.orders import ORDER_ID
from core.text.names import clean, is_shown
from core.transport.link import ChangeRequest
from web.requests.purchase import Basket, checked_key, new_key

MOST_CHARACTERS = 64
ALONE = re.compile(rf"(?<![0-9a-f]){ORDER_ID.pattern}(?![0-9a-f])")


class WantedChange(OrderChange, frozen=True, kw_only=True):
    """A change that a worker can be asked for; sent again with the same key, it acts once."""

    @property
    def keyed(self) -> bool:
        """Whether an answer of "no" needs a look at what an earlier request has done."""
        return True

    def request(self, id_: int, *, keyed: bool, timeout_s: float) -> ChangeRequest:
        """The message to a worker."""
        assert keyed
        return ChangeRequest(id=id_, timeout_s=timeout_s, **msgspec.structs.asdict(self))


Wanted: TypeAlias = Basket | WantedChange


def errand(
    order: str,
    act: Act,
    key: str | None,
    *,
    note: str = "",
    operator: bool = False,
    payment: Payment | None = None,
) -> WantedChange:
    """Raises `BadRequest`: an order of that name can't exist, or the key is none."""
    if not ORDER_ID.fullmatch(order):
        raise BadRequest("no-such-order", "problem.no-such-order")
    checked = new_key() if key is None else checked_key(key)
    return WantedChange(
        order=order, act=act, note=note, key=checked, operator=operator, payment=payment
    )


def order_in(text: str) -> str:
    """The order's id in what was typed or scanned: an address, or a number in groups; or "".

    Two numbers that ran into each other are neither.
    """
    found = ALONE.search(text) or ORDER_ID.fullmatch("".join(text.split()).lower())
    return found.group() if found else ""


def note(wanted: dict[str, Any], field: str, most: int = MOST_CHARACTERS) -> str:
    """A short text that a machine or an operator gave. Raises `BadRequest`."""
    value = wanted.get(field, "")
    text = clean(value) if isinstance(value, str) else None
    if text is None or len(text) > most or (text and not is_shown(text)):
        raise BadRequest("invalid", "detail.note", field, most=most)
    return text
