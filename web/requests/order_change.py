"""Changes of an existing order, as clients ask for them: checked before anything is done."""

import re
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from core.errors import BadRequest
from core.schema.order_number import CODE_PATTERN, NUMBER_PATTERN, number_of, typed_number
from core.schema.records import NAME, ORDER_ID, Payment
from core.store.order_lifecycle import Act, OrderChange
from core.store.orders import order_id_in
from core.text.names import clean
from core.transport.link import ChangeRequest
from web.http.body import json_object
from web.http.request import Request
from web.requests.field_types import (
    EXAMPLE_ORDER,
    Amount,
    Currency,
    Name,
    checked,
    note_meta,
    whole,
)
from web.requests.purchase import Basket, key_or_new

MOST_CHARACTERS = 64
# An order's id may come as the address that a QR code carries, no longer than this.
MOST_ADDRESS = 511
# The longest id of a payment: Stripe's may be so long, and money must not go unrecorded.
MOST_PAYMENT = 255
MOST_TYPES = 64
EventName = Annotated[str, whole(re.compile(f"(?:{NAME.pattern})?"))]
EXAMPLE_NUMBER = number_of(EXAMPLE_ORDER)


def ticket_in(text: str) -> str:
    """Cleans a ticket as it was scanned or typed: an order's id, or a number or code as it is.

    Raises `BadRequest`.
    """
    if found := order_id_in(text):
        return found
    if typed_number(text) is None:
        raise BadRequest("invalid", "detail.ticket", "order")
    return text


def _order(text: str) -> str:
    if found := order_id_in(text):
        return found
    raise BadRequest("invalid", "detail.order")


def order_meta(description: str) -> Meta:
    """Describes a short text with an order's id somewhere in it."""
    return Meta(
        max_length=MOST_ADDRESS,
        description=description,
        examples=[EXAMPLE_ORDER],
        extra_json_schema={"pattern": ORDER_ID.pattern},
        extra={"text": "detail.order", "clean": _order},
    )


class WantedChange(OrderChange, frozen=True, kw_only=True):
    """A change that a worker can be asked for. With the same key it is made once."""

    @property
    def keyed(self) -> bool:
        """Whether the worker looks for an earlier request with this key before it refuses."""
        return True

    def request(self, id_: int, *, keyed: bool, timeout_s: float) -> ChangeRequest:
        """The message to a worker."""
        assert keyed
        return ChangeRequest(id=id_, timeout_s=timeout_s, **msgspec.structs.asdict(self))


# The first field at fault is reported, so the order of fields is part of the interface.
class CheckInJson(msgspec.Struct, frozen=True, kw_only=True):
    """A scan of a ticket."""

    order: Annotated[
        str,
        Meta(
            max_length=MOST_ADDRESS,
            description="What the ticket's QR code holds, or the order's number or id.",
            examples=[EXAMPLE_ORDER, EXAMPLE_NUMBER],
            extra_json_schema={
                "pattern": f"{ORDER_ID.pattern}|^(?:{NUMBER_PATTERN}|{CODE_PATTERN})$"
            },
            extra={"text": "detail.ticket", "clean": ticket_in},
        ),
    ]
    door: Annotated[
        str,
        note_meta(
            MOST_CHARACTERS, "The door: shown at a later scan of the same ticket.", ["North"]
        ),
    ] = ""
    event: Annotated[
        EventName, Meta(description="The door's event; tickets of others are refused.")
    ] = ""
    types: Annotated[
        tuple[Name, ...],
        Meta(
            max_length=MOST_TYPES,
            description="The door's types of tickets; all for none.",
            extra={"text": "detail.type"},
        ),
    ] = ()


class PaymentJson(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that has come in."""

    payment: Annotated[
        str,
        note_meta(
            MOST_PAYMENT,
            "The payment's id at its provider. Without it, the call's `webhook-id` is the id.",
            ["pay-7"],
        ),
    ] = ""
    amount: Annotated[
        Amount | None,
        Meta(
            description="What was paid, in units as the order's `total`; any other sum is refused.",
            extra={"text": "detail.price"},
        ),
    ] = None
    currency: Annotated[Currency, Meta(description="The currency of the amount.")] = ""
    hold: Annotated[str, order_meta("The hold that was paid.")]


Wanted: TypeAlias = Basket | WantedChange


def wanted_change(
    order: str,
    act: Act,
    key: str | None,
    *,
    note: str = "",
    operator: bool = False,
    payment: Payment | None = None,
    event: str = "",
    types: tuple[str, ...] = (),
    by: str = "",
) -> WantedChange:
    """Raises `BadRequest` if no order can have that id, or if the key is not valid."""
    if not ORDER_ID.fullmatch(order):
        raise BadRequest("no-such-order", "problem.no-such-order")
    return WantedChange(
        order=order,
        act=act,
        note=note,
        key=key_or_new(key),
        operator=operator,
        payment=payment,
        event=event,
        types=types,
        by=by,
    )


def from_scan(request: Request) -> CheckInJson:
    """Reads a scan of a ticket from JSON. Raises `BadRequest`."""
    return checked(CheckInJson, _fields(CheckInJson, request))


def from_payment(request: Request, call: str) -> WantedChange:
    """Reads a payment from a provider's JSON. Raises `BadRequest`.

    `call` is the id of the provider's call; it names a payment that has no name.
    """
    wanted = _fields(PaymentJson, request)
    name = wanted.get("payment", "")
    if isinstance(name, str) and not clean(name):
        wanted["payment"] = call
    told = checked(PaymentJson, wanted)
    if not told.payment:
        raise BadRequest("invalid", "detail.note", "payment", most=MOST_PAYMENT)
    paid = Payment(id=told.payment, amount=told.amount, currency=told.currency)
    return wanted_change(told.hold, Act.CONFIRM, None, payment=paid)


def _fields(type_: type[msgspec.Struct], request: Request) -> dict[str, Any]:
    """Reads the fields of that type from a JSON object, and ignores all others."""
    sent = json_object(request)
    return {name: sent[name] for name in type_.__struct_fields__ if name in sent}
