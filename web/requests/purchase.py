"""Purchases as buyers ask for them, checked strictly before anything is done."""

import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.errors import BadRequest
from core.schema.paths import DEFAULT_EVENT
from core.text.names import clean, is_shown
from core.transport.link import Purchase
from web.http.body import json_object
from web.http.request import Request
from web.requests.field_types import Amount, Currency, Name, checked, shown

MOST_TICKETS = 10
MOST_CHARACTERS = 64
KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEY_HEADER = "Idempotency-Key"
DIGITS = re.compile(r"[0-9]{1,4}")


def buyer_name(text: str) -> str:
    """Returns the name as it is printed on the ticket. Raises `BadRequest`."""
    name = clean(text)
    if not name:
        raise BadRequest("invalid", "detail.buyer")
    if len(name) > MOST_CHARACTERS:
        raise BadRequest("invalid", "detail.buyer-length", most=MOST_CHARACTERS)
    if not is_shown(name):
        raise BadRequest("invalid", "detail.buyer-printable")
    return name


class PurchaseJson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase."""

    event: Annotated[Name, Meta(description="The event.", examples=[DEFAULT_EVENT])] = DEFAULT_EVENT
    type: Annotated[Name, Meta(description="The ticket type.", examples=["A"])]
    quantity: Annotated[
        int,
        Meta(
            ge=1,
            le=MOST_TICKETS,
            description="How many tickets.",
            examples=[2],
            extra={"most": MOST_TICKETS},
        ),
    ] = 1
    buyer: Annotated[
        str,
        Meta(
            description=f"The name on the ticket: 1 to {MOST_CHARACTERS} printable characters, "
            "not counting spaces at its ends, which are taken off.",
            examples=["Ann"],
            extra_json_schema={"allOf": shown(MOST_CHARACTERS)},
            extra={"clean": buyer_name},
        ),
    ]
    price: Annotated[
        Amount | None,
        Meta(
            description="The price of one ticket, as the event lists it. If a ticket costs "
            "something else by now, the answer is `price-changed`. "
            "Without it, the current price holds."
        ),
    ] = None
    currency: Annotated[Currency, Meta(description="The currency of the price.")] = ""


FIELDS = frozenset(PurchaseJson.__struct_fields__)
# The page's form has a digest of the prices that it showed instead.
FORM_FIELDS = FIELDS - {"price", "currency"}


class Basket(PurchaseJson, frozen=True, kw_only=True):
    """A valid purchase. `keyed` says that the key is the buyer's own and was not made here.

    With `hold` the tickets are only kept for the buyer, for a while. A worker compares `price`, of
    one ticket, and `currency`, which the buyer was shown, with what the ticket costs.
    """

    key: str
    keyed: bool
    hold: bool = False

    def request(self, id_: int, *, keyed: bool, timeout_s: float) -> Purchase:
        """Makes the message to a worker; `keyed` tells it to look for an earlier order."""
        return Purchase(
            id=id_,
            event=self.event,
            type=self.type,
            quantity=self.quantity,
            buyer=self.buyer,
            key=self.key,
            keyed=keyed,
            timeout_s=timeout_s,
            hold=self.hold,
            price=self.price,
            currency=self.currency,
        )


def new_key() -> str:
    """Makes a key that nobody has used."""
    return secrets.token_hex(16)


def from_json(request: Request) -> Basket:
    """Reads a purchase from JSON. Raises `BadRequest`."""
    wanted, key = json_object(request), request.idempotency_key
    return _basket(wanted, FIELDS, key_or_new(key), keyed=key is not None)


def from_form(fields: Mapping[str, str]) -> Basket:
    """Reads a purchase from the fields of the page's form. Raises `BadRequest`."""
    wanted: dict[str, Any] = {**fields}
    if DIGITS.fullmatch(wanted.get("quantity", "")):
        wanted["quantity"] = int(wanted["quantity"])
    wanted.pop("prices", None)
    key = _checked_key(wanted.pop("key", ""))
    return _basket(wanted, FORM_FIELDS, key, keyed=True)


def _basket(wanted: dict[str, Any], known: frozenset[str], key: str, *, keyed: bool) -> Basket:
    for name in wanted:
        if name not in known:
            raise BadRequest("invalid", "detail.unknown-field", _shown(name))
    return checked(Basket, {**wanted, "key": key, "keyed": keyed})


def key_or_new(key: str | None) -> str:
    """Returns the client's key if it is valid, or a new one for None. Raises `BadRequest`."""
    return new_key() if key is None else _checked_key(key)


def _checked_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise BadRequest("invalid", "detail.key", KEY_HEADER)
    return key


def _shown(name: str) -> str:
    """Makes a client's field name safe to repeat in an answer."""
    return name.encode("ascii", "backslashreplace").decode()[:MOST_CHARACTERS]
