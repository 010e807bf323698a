"""What a buyer asks for, checked strictly before anything is done about it."""

import json
import math
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from core.errors import BadRequest
from core.schema.records import DEFAULT_EVENT, NAME
from core.text.names import clean, is_shown
from core.transport.link import Purchase

MOST_TICKETS = 10
MOST_CHARACTERS = 64
KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEY_HEADER = "Idempotency-Key"
CURRENCY = re.compile(r"[A-Z]{3}")
# In units as an event's prices; what JSON's numbers hold exactly (RFC 7493).
MOST_PRICE = 2**53 - 1
DIGITS = re.compile(r"[0-9]{1,4}")
# An integer of more digits than this is out of range anyway, and slow to convert.
MOST_DIGITS = 20
PURCHASE = frozenset({"event", "type", "quantity", "buyer"})
FIELDS = PURCHASE | {"price", "currency"}
FORM_FIELDS = PURCHASE | {"key", "prices"}
# A form with more of them is none of ours.
MOST_FIELDS = 16


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase that can be meant. `keyed`: the key is the buyer's own, not minted here.

    `hold`: the tickets are only kept for the buyer, for a while. `price`, of one ticket, and
    `currency` are what he was shown, if he says so; whether it costs that, a worker decides.
    """

    event: str
    type: str
    quantity: int
    buyer: str
    key: str
    keyed: bool
    hold: bool = False
    price: int | None = None
    currency: str = ""

    def request(self, id_: int, *, keyed: bool, timeout_s: float) -> Purchase:
        """The message to a worker; `keyed` tells it to look for an earlier order."""
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
    """A key that nobody has used."""
    return secrets.token_hex(16)


def from_json(content_type: str, body: bytes, key: str | None) -> Basket:
    """The basket in a JSON request; `key` is its `Idempotency-Key`. Raises `BadRequest`."""
    expect_media_type(content_type, "application/json")
    wanted = json_object(body)
    keyed = key is not None
    return _basket(wanted, FIELDS, new_key() if key is None else checked_key(key), keyed)


def from_form(content_type: str, body: bytes) -> Basket:
    """The basket in the page's form. Raises `BadRequest`."""
    return of_form(form_fields(content_type, body))


def form_fields(content_type: str, body: bytes, most: int = 16) -> dict[str, str]:
    """The form's fields as they were typed, `most` of them. Raises `BadRequest`."""
    expect_media_type(content_type, "application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most
        )
    except ValueError:
        raise BadRequest("malformed", "detail.form") from None
    if len(fields := dict(pairs)) != len(pairs):
        raise BadRequest("malformed", "detail.form-twice")
    return fields


def of_form(fields: Mapping[str, str]) -> Basket:
    """The basket in the form's fields. Raises `BadRequest`."""
    wanted: dict[str, Any] = dict(fields)
    if DIGITS.fullmatch(wanted.get("quantity", "")):
        wanted["quantity"] = int(wanted["quantity"])
    return _basket(wanted, FORM_FIELDS, checked_key(fields.get("key", "")), keyed=True)


def _basket(wanted: Mapping[str, Any], known: frozenset[str], key: str, keyed: bool) -> Basket:
    for name in wanted:
        if name not in known:
            raise BadRequest("invalid", "detail.unknown-field", _shown(name))
    return Basket(
        event=_name(wanted, "event", DEFAULT_EVENT),
        type=_name(wanted, "type", None),
        quantity=_quantity(wanted.get("quantity", 1)),
        buyer=_buyer(wanted.get("buyer")),
        key=key,
        keyed=keyed,
        price=price_in(wanted.get("price"), "price"),
        currency=currency_in(wanted.get("currency", "")),
    )


# --- fields --------------------------------------------------------------------------


def _name(wanted: Mapping[str, Any], field: str, default: str | None) -> str:
    value = wanted.get(field, default)
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadRequest("invalid", f"detail.{field}", field)
    return value


def _quantity(value: Any) -> int:
    # JSON knows no difference between 2 and 2.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # A bool is an int in Python, and is none here.
    if type(value) is not int or not 1 <= value <= MOST_TICKETS:
        raise BadRequest("invalid", "detail.quantity", "quantity", most=MOST_TICKETS)
    return value


def price_in(value: Any, field: str) -> int | None:
    """An amount of money, in units as an event's prices. Raises `BadRequest`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and (type(value) is not int or not 0 <= value <= MOST_PRICE):
        raise BadRequest("invalid", "detail.price", field)
    return value


def currency_in(value: Any) -> str:
    """A currency, which may be left open. Raises `BadRequest`."""
    if not isinstance(value, str) or (value and not CURRENCY.fullmatch(value)):
        raise BadRequest("invalid", "detail.currency", "currency")
    return value


def _buyer(value: Any) -> str:
    if not isinstance(value, str):
        raise BadRequest("invalid", "detail.buyer", "buyer")
    name = clean(value)
    if not 1 <= len(name) <= MOST_CHARACTERS:
        raise BadRequest("invalid", "detail.buyer-length", "buyer", most=MOST_CHARACTERS)
    if not is_shown(name):
        raise BadRequest("invalid", "detail.buyer-printable", "buyer")
    return name


def checked_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise BadRequest("invalid", "detail.key", KEY_HEADER)
    return key


# --- formats -------------------------------------------------------------------------


def expect_media_type(content_type: str, expected: str) -> None:
    if content_type.partition(";")[0].strip().lower() != expected:
        raise BadRequest("unsupported-media-type", "detail.media-type", expected=expected)


def json_object(body: bytes) -> dict[str, Any]:
    """The object in a JSON body. Raises `BadRequest`."""
    try:
        wanted = _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadRequest("malformed", "detail.not-json") from None
    if not isinstance(wanted, dict):
        raise BadRequest("malformed", "detail.not-object")
    return wanted


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    wanted = dict(pairs)
    if len(wanted) != len(pairs):
        raise ValueError("a key stands twice")
    return wanted


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_int=_integer
)


def _shown(name: str) -> str:
    """A name that a stranger chose, fit to be repeated in an answer."""
    return name.encode("ascii", "backslashreplace").decode()[:MOST_CHARACTERS]
