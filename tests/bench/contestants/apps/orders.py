"""What the Flask shops share: incoming purchases and outgoing orders."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from flask import Response

JSON = "application/json"


class Purchase(msgspec.Struct, frozen=True):
    """A purchase, checked as strictly as a shop would."""

    type: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
    buyer: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    event: str = "default"


class Order(msgspec.Struct, frozen=True):
    """A sold order, in the shape of zkticket's own answer; `zxid` numbers the sales."""

    order: str
    event: str
    type: str
    quantity: int
    buyer: str
    created_at: str
    zxid: int
    status: str = "sold"


_purchases = msgspec.json.Decoder(Purchase)


def purchase_in(body: bytes) -> Purchase:
    """Reads a purchase. Raises `msgspec.DecodeError`."""
    return _purchases.decode(body)


def created(purchase: Purchase, key: str, at: datetime, number: int) -> Response:
    """Answers 201 with the order."""
    order = Order(
        order=key,
        event=purchase.event,
        type=purchase.type,
        quantity=purchase.quantity,
        buyer=purchase.buyer,
        created_at=at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        zxid=number,
    )
    return Response(msgspec.json.encode(order), 201, mimetype=JSON)


def refused(status: int, code: str) -> Response:
    return Response(msgspec.json.encode({"code": code}), status, mimetype=JSON)
