"""What somebody wants of an order that exists, checked before anything is done about it."""

import re
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from core.errors import BadRequest
from core.schema.records import ORDER_ID, Payment
from core.store.lifecycle import Act, OrderChange
from core.text.names import clean
from core.transport.link import ChangeRequest
from web.http.body import json_object
from web.http.request import Request
from web.requests.field_types import EXAMPLE_ORDER, Amount, Currency, checked, note_meta
from web.requests.purchase import Basket, key_or_new

MOST_CHARACTERS = 64
# An order's id may come as the address that a QR code carries, no longer than this.
MOST_ADDRESS = 511
# Of the ids that providers give; Stripe's may have so many, and money must not go unrecorded.
MOST_PAYMENT = 255
ALONE = re.compile(rf"(?<![0-9a-f]){ORDER_ID.pattern}(?![0-9a-f])")


def order_in(text: str) -> str:
    """The order's id in what was typed or scanned: an address, or a number in groups; or "".

    Two numbers that ran into each other are neither.
    """
    found = ALONE.search(text) or ORDER_ID.fullmatch("".join(text.split()).lower())
    return found.group() if found else ""


def _order(text: str) -> str:
    if found := order_in(text):
        return found
    raise BadRequest("invalid", "detail.order")


def order_meta(description: str) -> Meta:
    """For an order's id somewhere in a short text."""
    return Meta(
        max_length=MOST_ADDRESS,
        description=description,
        examples=[EXAMPLE_ORDER],
        extra_json_schema={"pattern": ORDER_ID.pattern},
        extra={"text": "detail.order", "clean": _order},
    )


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


# The first field at fault is told of, so their order is part of the interface.
class CheckInJson(msgspec.Struct, frozen=True, kw_only=True):
    """A scan of a ticket."""

    order: Annotated[str, order_meta("The order's id, or the address in its QR code.")]
    door: Annotated[
        str,
        note_meta(
            MOST_CHARACTERS, "Where: told to anyone who comes with the same ticket.", ["North"]
        ),
    ] = ""


class PaymentJson(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that has come in."""

    payment: Annotated[
        str,
        note_meta(
            MOST_PAYMENT,
            "The payment, as its provider calls it; without it the call's `webhook-id` names it.",
            ["pay-7"],
        ),
    ] = ""
    amount: Annotated[
        Amount | None,
        Meta(
            description="What was paid, in units as the order's `total`; another sum is refused.",
            extra={"text": "detail.price"},
        ),
    ] = None
    currency: Annotated[Currency, Meta(description="That of the amount.")] = ""
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
) -> WantedChange:
    """Raises `BadRequest`: an order of that name can't exist, or the key is none."""
    if not ORDER_ID.fullmatch(order):
        raise BadRequest("no-such-order", "problem.no-such-order")
    return WantedChange(
        order=order, act=act, note=note, key=key_or_new(key), operator=operator, payment=payment
    )


def from_scan(request: Request) -> WantedChange:
    """A scan of a ticket, as JSON. Raises `BadRequest`."""
    scan = checked(CheckInJson, _fields(CheckInJson, request))
    return wanted_change(scan.order, Act.CHECK_IN, request.idempotency_key, note=scan.door)


def from_payment(request: Request, call: str) -> WantedChange:
    """A payment that a provider's call tells of, as JSON. Raises `BadRequest`.

    The call's own id names a payment without a name.
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
    """The fields of that type in a JSON object; what it has besides counts for nothing."""
    sent = json_object(request.content_type, request.body)
    return {name: sent[name] for name in type_.__struct_fields__ if name in sent}
