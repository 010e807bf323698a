"""The link with which the page of a hold sends its buyer to the shop: see `web/PAYMENT.md`."""

import hmac
from urllib.parse import urlencode

from core.schema.records import OrderView


def payment_link(key: bytes, shop: str, order: OrderView, back: str) -> str:
    """The shop's address with what is owed for a hold, signed with the payment key.

    `back` is where the buyer comes back to. The signature is over all of the query before it.
    """
    query = urlencode(
        {
            "hold": order.order,
            "number": order.number,
            "amount": order.total,
            "currency": order.currency,
            "return": back,
        }
    )
    return f"{shop}?{query}&signature={hmac.digest(key, query.encode(), 'sha256').hex()}"
