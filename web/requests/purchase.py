"""What a buyer asks for, checked strictly before anything is done about it."""

import json
import math
import re
import secrets
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from core.errors import BadRequest
from core.schema.paths import DEFAULT_EVENT
from core.text.names import clean, is_shown
from core.transport.link import Purchase
from web.requests.field_types import Amount, Currency, Name, checked, shown

MOST_TICKETS = 10
MOST_CHARACTERS = 64
KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEY_HEADER = "Idempotency-Key"
DIGITS = re.compile(r"[0-9]{1,4}")
# An integer of more digits than this is out of range anyway, and slow to convert.
MOST_DIGITS = 20


def buyer_name(text: str) -> str:
    """The name as it stands on the ticket. Raises `BadRequest`."""
    name = clean(text)
    if not 1 <= len(name) <= MOST_CHARACTERS:
        raise BadRequest("invalid", "detail.buyer-length", most=MOST_CHARACTERS)
    if not is_shown(name):
        raise BadRequest("invalid", "detail.buyer-printable")
    return name


class PurchaseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
            description="What one ticket costs, as the event lists it. Where it costs something "
            "else by now the answer is `price-changed`; without it, whatever it costs is agreed."
        ),
    ] = None
    currency: Annotated[Currency, Meta(description="That of the price.")] = ""


FIELDS = frozenset(PurchaseRequest.__struct_fields__)
# The page's form says by a digest what prices it has shown.
FORM_FIELDS = FIELDS - {"price", "currency"}


class Basket(PurchaseRequest, frozen=True, kw_only=True):
    """A purchase that can be meant. `keyed`: the key is the buyer's own, not minted here.

    `hold`: the tickets are only kept for the buyer, for a while. `price`, of one ticket, and
    `currency` are what the buyer was shown; whether it costs that, a worker decides.
    """

    key: str
    keyed: bool
    hold: bool = False

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
    wanted = json_object(content_type, body)
    return _basket(wanted, FIELDS, key_or_new(key), keyed=key is not None)


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


def from_form(fields: Mapping[str, str]) -> Basket:
    """The basket in the fields of the page's form. Raises `BadRequest`."""
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
    """The key that a client sent, or one of ours. Raises `BadRequest`."""
    return new_key() if key is None else _checked_key(key)


def _checked_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise BadRequest("invalid", "detail.key", KEY_HEADER)
    return key


# --- formats -------------------------------------------------------------------------


def expect_media_type(content_type: str, expected: str) -> None:
    if content_type != expected and content_type.partition(";")[0].strip().lower() != expected:
        raise BadRequest("unsupported-media-type", "detail.media-type", expected=expected)


def json_object(content_type: str, body: bytes) -> dict[str, Any]:
    """The object in a JSON body. Raises `BadRequest`."""
    expect_media_type(content_type, "application/json")
    try:
        wanted = _DECODER.decode(body.removeprefix(BOM_UTF8).decode())
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


def _number(text: str) -> int | float:
    """JSON knows no difference between 2 and 2.0."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_no_constant,
    parse_float=_number,
    parse_int=_integer,
)


def _shown(name: str) -> str:
    """A name that a stranger chose, fit to be repeated in an answer."""
    return name.encode("ascii", "backslashreplace").decode()[:MOST_CHARACTERS]
