"""The data of requests as JSON Schema.

It is checked field by field in `web.requests.purchase` and `web.requests.order_change`; their
bounds stand here.
"""

import re
from collections.abc import Mapping

from core.schema.records import DEFAULT_EVENT
from core.store.orders import ORDER_ID
from core.text.names import BLANKS, CONTROLS, FORMATS, IGNORABLE, MARKS, SPACES
from web.api.order_changes import MOST_ADDRESS, MOST_PAYMENT
from web.openapi.schema import NAME_SCHEMA, Schema, thing
from web.requests.order_change import MOST_CHARACTERS as MOST_NOTED
from web.requests.purchase import (
    CURRENCY,
    MOST_CHARACTERS,
    MOST_PRICE,
    MOST_TICKETS,
)


def _ecma(ranges: str) -> str:
    """Ranges of characters as ECMA-262 writes them. JSON knows no halves of characters."""
    whole = ranges.replace(r"\ud800-\udfff", "")
    return re.sub(r"\\U([0-9a-f]{8})", lambda code: chr(int(code[1], 16)), whole)


_CONTROLS, _SPACES = _ecma(CONTROLS), _ecma(SPACES)
# What Python strips from both ends, and what we strip everywhere.
_EDGES = rf"[\t-\r\u001c-\u0020\u0085{_SPACES}\u2028\u2029{MARKS}]"
_MARK = f"[{MARKS}]"
_VISIBLE = f"[^{_CONTROLS}{_SPACES}{_ecma(BLANKS)}{_ecma(IGNORABLE)}{_ecma(FORMATS)}]"
_INNER = f"[^{_CONTROLS}{MARKS}]"
_EDGE = f"[^{_CONTROLS}{_SPACES}{MARKS}]"


def _shown(most: int) -> list[Schema]:
    """A text that shows something, of so many characters without what is stripped of it."""
    inner = f"(?:{_MARK}*{_INNER}){{0,{most - 2}}}{_MARK}*{_EDGE}"
    return [{"pattern": _VISIBLE}, {"pattern": f"^{_EDGES}*{_EDGE}(?:{inner})?{_EDGES}*$"}]


PURCHASE: Mapping[str, Schema] = {
    "event": {**NAME_SCHEMA, "default": DEFAULT_EVENT, "description": "The event."},
    "type": {**NAME_SCHEMA, "description": "The ticket type."},
    "quantity": {"type": "integer", "minimum": 1, "maximum": MOST_TICKETS, "default": 1},
    "buyer": {
        "type": "string",
        "allOf": _shown(MOST_CHARACTERS),
        "description": f"The name on the ticket: 1 to {MOST_CHARACTERS} printable characters, "
        "not counting spaces at its ends, which are taken off.",
    },
}
# What a program says that it was shown; the page's form has a digest of its prices instead.
SHOWN: Mapping[str, Schema] = {
    "price": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": MOST_PRICE,
        "description": "What one ticket costs, as the event lists it. Where it costs something "
        "else by now the answer is `price-changed`; without it, whatever it costs is agreed.",
    },
    "currency": {
        "type": "string",
        "pattern": rf"^({CURRENCY.pattern})?$",
        "description": "That of the price.",
    },
}


def taken() -> dict[str, Schema]:
    """Every schema of a request, by name."""
    return {
        "Purchase": thing(
            {**PURCHASE, **SHOWN},
            *("event", "quantity", *SHOWN),
            additionalProperties=False,
            description="A purchase.",
        ),
        "CheckIn": thing(
            {
                "order": _named("The order's id, or the address in its QR code."),
                "door": _noted("Where: told to who comes with the same ticket again."),
            },
            "door",
            description="A scan of a ticket.",
        ),
        "Payment": thing(
            {
                "hold": _named("The hold that was paid."),
                "payment": _noted(
                    "The payment, as its provider calls it; without it the call's `webhook-id` "
                    "names it.",
                    MOST_PAYMENT,
                ),
                "amount": {
                    "type": ["integer", "null"],
                    "minimum": 0,
                    "maximum": MOST_PRICE,
                    "description": "What was paid, in units as the order's `total`; another sum "
                    "is refused.",
                },
                "currency": SHOWN["currency"],
            },
            *("payment", "amount", "currency"),
            description="A payment that has come in.",
        ),
    }


def _named(description: str) -> Schema:
    """An order's id somewhere in a short text."""
    return {
        "type": "string",
        "pattern": ORDER_ID.pattern,
        "maxLength": MOST_ADDRESS,
        "description": description,
    }


def _noted(description: str, most: int = MOST_NOTED) -> Schema:
    return {
        "type": "string",
        "default": "",
        "anyOf": [{"allOf": _shown(most)}, {"pattern": f"^{_EDGES}*$"}],
        "description": f"{description} At most {most} printable characters.",
    }
