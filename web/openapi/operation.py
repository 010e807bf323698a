"""The words in which a route is described: what it takes, what it answers, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.schema.paths import DEFAULT_EVENT
from web.http.problems import STATUS
from web.metrics import prometheus_text
from web.openapi.schema import KEY_SCHEMA, NAME_SCHEMA, ORDER_SCHEMA, Schema
from web.pages import icalendar

# What a request has to bring to be let in: schemes of security, all of them.
Key: TypeAlias = Mapping[str, list[str]]

JSON = "application/json"
PROBLEM = "application/problem+json"
HTML = "text/html"
TEXT = "text/plain"
CALENDAR = icalendar.CONTENT_TYPE.partition(";")[0]
METRICS = prometheus_text.CONTENT_TYPE.partition(";")[0]

# Problems that only pages have: their forms run out, and what they ask for may be refused.
PAGES_ONLY = ("form-expired", "refused")
CODES = {code: status for code, status in STATUS.items() if code not in PAGES_ONLY}
# What any request may run into, and what any post.
ANY = ("malformed", "too-slow", "too-large", "target-too-long", "headers-too-large", "internal")
ANY_POST = ("cross-site",)
# Nothing was sold, or nobody knows yet: the same request with the same key may be sent again.
WAIT = ("overloaded", "no-worker", "no-quorum", "halted", "outcome-unknown")
READ = ("no-quorum", "damaged")
JSON_BODY = ("unsupported-media-type", "invalid")
BUY = (
    *("no-such-event", "no-such-type", "sold-out", "limit-reached", "not-on-sale", "price-changed"),
    *("key-reused", "damaged", *JSON_BODY, *WAIT),
)
AMEND = ("no-such-order", "invalid", "damaged", *WAIT)
OPERATOR = ("unauthorized", "too-many-attempts")

OPERATOR_TOKEN: Key = {"operatorToken": []}
SIGNED: Key = {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}


@dataclass(frozen=True)
class Parameter:
    """`where` is path, query or header; `example` is one that works on a new instance."""

    name: str
    where: str
    schema: Schema
    text: str
    example: Any = None


@dataclass(frozen=True)
class Body:
    """What is sent: a shape by its name."""

    media: str
    shape: str


@dataclass(frozen=True)
class Answer:
    """An answer that is no problem. `shape` is a schema's name; without one it is text.

    `follows` are operations that can be asked about the order in it.
    """

    status: int
    text: str
    media: tuple[str, ...] = ()
    shape: str = ""
    headers: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A route. `path` is Bottle's rule; `codes` are its problems, but for those of any request.

    `keys` are ways to be let in, each enough alone; an empty one is no key at all. Examples take
    the first.
    """

    method: str
    path: str
    name: str
    group: str
    summary: str
    text: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: tuple[Answer, ...] = ()
    codes: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()


# --- what many have in common --------------------------------------------------------

ORDER_ID = Parameter("order_id", "path", ORDER_SCHEMA, "The order's id: 32 hexadecimal digits.")
EVENT = Parameter("name", "path", NAME_SCHEMA, "The event's name.", DEFAULT_EVENT)
KEY = Parameter(
    "Idempotency-Key",
    "header",
    KEY_SCHEMA,
    "1 to 128 visible ASCII characters of your choice. The same request with the same key may be "
    "sent again, to any server, at any time: it is done once. Without a key each request is new.",
    "my-purchase-1",
)
SEEN = Parameter(
    "If-None-Match", "header", {"type": "string"}, "The `ETag` of the answer that you have."
)

PURCHASE = Body(JSON, "Purchase")
CHANGED = Answer(200, "Done, or it had been done before.", (JSON,), "Order")
SAME = Answer(304, "It has not changed.", headers=("ETag", "Cache-Control"))
