"""Every route of the site: what it takes, what it answers, and when.

This is the part of the description that is written by hand; the data is in `shapes`, and the
words and statuses of problems are those of `web.problems`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.logquery import UNITS_S
from core.models import DEFAULT_EVENT
from web import calendar, metrics
from web.live import RULE
from web.openapi.shapes import (
    ACT_FIELDS,
    KEY_SCHEMA,
    MINUTES_SCHEMA,
    NAME_SCHEMA,
    ORDER_SCHEMA,
    Schema,
)
from web.operator.acts import acts
from web.operator.search import LEVELS

# What a request has to bring to be let in: schemes of security, all of them.
Key: TypeAlias = Mapping[str, list[str]]

JSON = "application/json"
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"
HTML = "text/html"
TEXT = "text/plain"
CALENDAR = calendar.CONTENT_TYPE.partition(";")[0]
METRICS = metrics.CONTENT_TYPE.partition(";")[0]
ASSETS = ("text/css", "text/javascript", "image/svg+xml")

# The groups of what browsers ask for.
PAGES = ("Pages", "Operators' pages")

# None, or as many of these units.
DURATION = rf"^$|^[0-9]{{1,9}}[{''.join(UNITS_S)}]$"

# What any request may run into, and what any post.
ANY = ("malformed", "too-slow", "too-large", "internal")
ANY_POST = ("cross-site",)
# Nothing was sold, or nobody knows yet: the same request with the same key may be sent again.
WAIT = ("overloaded", "no-quorum", "halted", "outcome-unknown")
READ = ("no-quorum", "damaged")
JSON_BODY = ("unsupported-media-type", "invalid")
BUY = (
    *("no-such-event", "no-such-type", "sold-out", "limit-reached", "not-on-sale"),
    *("key-reused", "damaged", *JSON_BODY, *WAIT),
)
AMEND = ("no-such-order", "invalid", "damaged", *WAIT)
OPERATOR = ("unauthorized", "too-many-attempts")

OPERATOR_TOKEN: Key = {"operatorToken": []}
OPERATOR_SESSION: Key = {"operatorSession": []}
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
    """What is sent: a shape by its name, with an example."""

    media: str
    shape: str
    example: Mapping[str, Any]


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

    `keys` are ways to be let in, each enough alone; an empty one is no key at all.
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
MINUTES = Parameter("minutes", "query", MINUTES_SCHEMA, "How far back.", 5)

PURCHASE = Body(
    JSON, "Purchase", {"event": DEFAULT_EVENT, "type": "A", "quantity": 2, "buyer": "Ann"}
)
# The answer yes to an operators' question, as it stands in the page's form.
YES = {"csrf": "{csrf}", "id": "0123456789abcdef"}
EVENT_FORM = Body(FORM, "EventForm", {"csrf": "{csrf}", "zone": "UTC", "name": "gala"})
CHANGES = ("getOrder", "cancelOrder", "checkIn")
HOLD_CHANGES = ("getHold", "confirmHold", "extendHold", "releaseHold", "payHold")
CHANGED = Answer(200, "Done, or it had been done before.", (JSON,), "Order")
SAME = Answer(304, "It has not changed.", headers=("ETag", "Cache-Control"))
PAGE = Answer(200, "The page.", (HTML,))
SIGN_IN = Answer(303, "Who has no session is sent to sign in.", headers=("Location",))
DONE = Answer(303, "Done, or to sign in.", headers=("Location",))


def operations() -> tuple[Operation, ...]:
    """In the order in which people should read them."""
    return (*_orders(), *_holds(), *_events(), *_doors(), *_machines(), *_pages(), *_boards())


# --- buying --------------------------------------------------------------------------


def _orders() -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            "/api/orders",
            "buy",
            "Orders",
            "Buy tickets",
            "The order is sold when the answer says so: a majority of ZooKeeper's servers has it "
            "on disk. After a 503, or no answer at all, send the same request with the same key "
            "again: it gives the true answer and never buys twice.",
            parameters=(KEY,),
            body=PURCHASE,
            answers=(
                Answer(201, "Sold.", (JSON,), "Order", follows=CHANGES),
                Answer(
                    200,
                    "Sold before, by this key: the same order.",
                    (JSON,),
                    "Order",
                    ("Idempotency-Replayed",),
                    CHANGES,
                ),
            ),
            codes=BUY,
        ),
        Operation(
            "GET",
            "/api/orders/<order_id>",
            "getOrder",
            "Orders",
            "An order as it is now",
            "Whoever has the id may look: it can't be guessed.",
            parameters=(ORDER_ID,),
            answers=(Answer(200, "The order.", (JSON,), "Order"),),
            codes=("no-such-order", *READ),
        ),
        Operation(
            "POST",
            "/api/orders/<order_id>/cancel",
            "cancelOrder",
            "Orders",
            "Cancel an order",
            "Its tickets are for sale again at once. Buyers may where the event is `cancellable`, "
            "operators always, with their token.",
            parameters=(ORDER_ID, KEY),
            answers=(CHANGED,),
            codes=(*OPERATOR, "not-valid", "already-checked-in", "not-cancellable", *AMEND),
            keys=({}, OPERATOR_TOKEN),
        ),
    )


def _holds() -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            "/api/holds",
            "hold",
            "Holds",
            "Keep tickets for a buyer",
            "They are off sale until `held_until`, then for sale again. Like a purchase otherwise.",
            parameters=(KEY,),
            body=PURCHASE,
            answers=(
                Answer(201, "Held.", (JSON,), "Order", follows=HOLD_CHANGES),
                Answer(
                    200,
                    "Held before, by this key: the same order.",
                    (JSON,),
                    "Order",
                    ("Idempotency-Replayed",),
                    HOLD_CHANGES,
                ),
            ),
            codes=BUY,
        ),
        Operation(
            "GET",
            "/api/holds/<order_id>",
            "getHold",
            "Holds",
            "A hold as it is now",
            "A hold is an order: this is the same as `/api/orders/{order_id}`.",
            parameters=(ORDER_ID,),
            answers=(Answer(200, "The order.", (JSON,), "Order"),),
            codes=("no-such-order", *READ),
        ),
        _change("confirm", "Buy what is held", ("hold-expired", "not-held")),
        _change("release", "Give back what is held", ("not-held",)),
        _change(
            "extend",
            "Keep it as long once more",
            ("hold-expired", "not-held", "no-more-extensions"),
            "As often as the event's `extensions` say. With a key, a repeat extends it once.",
        ),
        Operation(
            "POST",
            "/api/payments",
            "payHold",
            "Holds",
            "A payment confirms a hold",
            "A payment provider's call, signed as Standard Webhooks has it with the key that "
            "`admin payment-secret` prints. It may be repeated. After `hold-expired` nothing was "
            "sold: refund it.",
            body=Body(JSON, "Payment", {"hold": "{order}", "payment": "pay-7"}),
            answers=(CHANGED,),
            codes=("bad-signature", "hold-expired", "not-held", *JSON_BODY, *AMEND),
            keys=(SIGNED,),
        ),
    )


def _change(act: str, summary: str, codes: tuple[str, ...], text: str = "") -> Operation:
    return Operation(
        "POST",
        f"/api/holds/<order_id>/{act}",
        f"{act}Hold",
        "Holds",
        summary,
        text or "May be repeated: what is so already stays so.",
        parameters=(ORDER_ID, KEY),
        answers=(CHANGED,),
        codes=(*codes, *AMEND),
    )


def _events() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            "/api/events",
            "getEvents",
            "Events",
            "All events, and what is left",
            "Without ZooKeeper they are shown as they were, with `stale`.",
            answers=(Answer(200, "The events.", (JSON,), "Events"),),
            codes=("no-quorum",),
        ),
        Operation(
            "GET",
            "/api/events/<name>",
            "getEvent",
            "Events",
            "An event, and what is left of it",
            parameters=(EVENT,),
            answers=(Answer(200, "The event.", (JSON,), "Event"),),
            codes=("no-such-event", *READ),
        ),
        Operation(
            "GET",
            RULE,
            "watchEvent",
            "Events",
            "What is left, for who keeps watching",
            "Small, from memory, and cacheable for a second. Ask again after `poll_after_ms`, "
            "with `If-None-Match`.",
            parameters=(EVENT, SEEN),
            answers=(
                Answer(
                    200, "How it is.", (JSON,), "Availability", headers=("ETag", "Cache-Control")
                ),
                SAME,
            ),
            codes=("no-such-event", *READ),
        ),
    )


def _doors() -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            "/api/check-in",
            "checkIn",
            "At the door",
            "Let the holder of a ticket in",
            "The first scan lets in. The second is refused, with the order, which says when and "
            "where the first was. A scan that is repeated with its key is the same scan.",
            parameters=(KEY,),
            body=Body(JSON, "CheckIn", {"order": "{order}", "door": "North"}),
            answers=(Answer(200, "Let in.", (JSON,), "Order"),),
            codes=(*OPERATOR, "not-valid", "already-checked-in", *JSON_BODY, *AMEND),
            keys=(OPERATOR_TOKEN,),
        ),
    )


# --- machines ------------------------------------------------------------------------


def _machines() -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            "/api/status",
            "getStatus",
            "Operation",
            "What `status --json` prints",
            answers=(Answer(200, "How everything is.", (JSON,), "Status"),),
            codes=(*OPERATOR, "no-quorum"),
            keys=(OPERATOR_TOKEN,),
        ),
        Operation(
            "GET",
            "/api/operator/history",
            "getHistory",
            "Operation",
            "How the sale has been over the last minutes",
            parameters=(MINUTES,),
            answers=(Answer(200, "The samples.", (JSON,), "History"),),
            codes=(*OPERATOR, "invalid"),
            keys=(OPERATOR_TOKEN,),
        ),
        Operation(
            "GET",
            "/healthz",
            "isAlive",
            "Operation",
            "The web server is alive",
            answers=(Answer(200, "It is.", (TEXT,)),),
        ),
        Operation(
            "GET",
            "/readyz",
            "isReady",
            "Operation",
            "Tickets can be sold",
            answers=(
                Answer(200, "They can.", (TEXT,)),
                Answer(503, "Not now; the text says what is missing.", (TEXT,)),
            ),
        ),
        Operation(
            "GET",
            "/metrics",
            "getMetrics",
            "Operation",
            "Counts for Prometheus",
            answers=(Answer(200, "Prometheus' text format 0.0.4.", (METRICS,)),),
        ),
        Operation(
            "GET",
            "/openapi.json",
            "getDescription",
            "Operation",
            "This description",
            parameters=(SEEN,),
            answers=(
                Answer(200, "OpenAPI 3.1.", (JSON,), headers=("ETag", "Cache-Control")),
                SAME,
            ),
        ),
    )


# --- pages ---------------------------------------------------------------------------


def _pages() -> tuple[Operation, ...]:
    change = Parameter(
        "act",
        "path",
        {"type": "string", "enum": ["confirm", "extend", "release", "cancel"]},
        "What is to be done.",
        "extend",
    )
    shown = Parameter(
        "event",
        "query",
        {"type": "string", "pattern": f"^$|{NAME_SCHEMA['pattern']}"},
        "The event's name; without one the default event, or else the first.",
        DEFAULT_EVENT,
    )
    return (
        _page("/", "showSale", "The sale page", ("no-such-event", *READ), parameters=(shown,)),
        Operation(
            "POST",
            "/orders",
            "buyByForm",
            "Pages",
            "Buy tickets by the page's form",
            "What went wrong stands on the page that comes back, its form filled in.",
            body=Body(FORM, "PurchaseForm", {**PURCHASE.example, "key": "my-form-1"}),
            answers=(Answer(303, "Sold: to the ticket's page.", headers=("Location",)),),
            codes=BUY,
        ),
        Operation(
            "POST",
            "/holds",
            "holdByForm",
            "Pages",
            "Keep tickets by the page's form",
            body=Body(FORM, "PurchaseForm", {**PURCHASE.example, "key": "my-form-2"}),
            answers=(Answer(303, "Held: to the order's page.", headers=("Location",)),),
            codes=BUY,
        ),
        Operation(
            "POST",
            "/orders/<order_id>/<act>",
            "changeByForm",
            "Pages",
            "Change an order by its page's form",
            parameters=(ORDER_ID, change),
            body=Body(FORM, "ChangeForm", {"key": "my-form-3"}),
            answers=(Answer(303, "Done: back to the order.", headers=("Location",)),),
            codes=(
                *("not-found", "unsupported-media-type", "hold-expired", "not-held"),
                *("no-more-extensions", "not-valid", "already-checked-in", "not-cancellable"),
                *AMEND,
            ),
        ),
        _page(
            "/orders/<order_id>",
            "showTicket",
            "The ticket's page",
            ("no-such-order", *READ),
            parameters=(ORDER_ID,),
        ),
        Operation(
            "GET",
            "/orders/<order_id>/calendar.ics",
            "getCalendar",
            "Pages",
            "The ticket for a calendar",
            "There is none of an event that has no time.",
            parameters=(ORDER_ID,),
            answers=(Answer(200, "iCalendar.", (CALENDAR,)),),
            codes=("no-such-order", "not-found", *READ),
        ),
        Operation(
            "POST",
            "/language",
            "chooseLanguage",
            "Pages",
            "Choose the pages' language",
            body=Body(FORM, "LanguageForm", {"to": "zh-TW", "back": "/"}),
            answers=(Answer(303, "Back to the page.", headers=("Location", "Set-Cookie")),),
            codes=("not-found", "unsupported-media-type"),
        ),
        Operation(
            "GET",
            "/static/<name>",
            "getAsset",
            "Pages",
            "A style sheet, script or picture",
            parameters=(Parameter("name", "path", {"type": "string"}, "", "style.css"),),
            answers=(Answer(200, "The file.", ASSETS, headers=("Cache-Control",)),),
            codes=("not-found",),
        ),
        _page("/docs", "showDescription", "This description, for people", ()),
    )


def _boards() -> tuple[Operation, ...]:
    act = Parameter(
        "name", "path", {"type": "string", "enum": list(acts())}, "What is to be done.", "restart"
    )
    zone = Parameter("zone", "query", {"type": "string"}, "By whose clock times are written.")
    find = Parameter("find", "query", {"type": "string"}, "A buyer's name, or an order's id.")
    done = Parameter("done", "query", {"type": "string"}, "The act that was done just now.")
    minutes = Parameter("minutes", "query", {"type": "string"}, "How far back: 5, 15 or 30.")
    text: Schema = {"type": "string"}
    log = (
        Parameter("level", "query", {"type": "string", "enum": ["", *LEVELS]}, "And worse ones."),
        Parameter("source", "query", text, "A process."),
        Parameter("since", "query", {"type": "string", "pattern": DURATION}, "As `10m`."),
        Parameter("text", "query", text, "What stands in the entry."),
        Parameter("order", "query", text, "What the entry is about."),
    )
    asked = tuple(
        Parameter(name, "query", schema, schema["description"])
        for name, schema in ACT_FIELDS.items()
    )
    return (
        Operation(
            "GET",
            "/operator/sign-in",
            "showSignIn",
            "Operators' pages",
            "The way in",
            answers=(PAGE,),
        ),
        Operation(
            "POST",
            "/operator/sign-in",
            "signIn",
            "Operators' pages",
            "Begin a session",
            body=Body(FORM, "SignInForm", {"token": "{token}"}),
            answers=(Answer(303, "Signed in.", headers=("Location", "Set-Cookie")),),
            codes=(*OPERATOR, "unsupported-media-type"),
        ),
        Operation(
            "POST",
            "/operator/sign-out",
            "signOut",
            "Operators' pages",
            "End the session",
            body=Body(FORM, "SignOutForm", {"csrf": "{csrf}"}),
            answers=(Answer(303, "Signed out.", headers=("Location", "Set-Cookie")),),
            codes=("form-expired", "unsupported-media-type"),
            keys=({}, OPERATOR_SESSION),
        ),
        _board("/operator", "showBoard", "How everything is, live", (), (minutes, done)),
        Operation(
            "GET",
            "/operator/live",
            "showFigures",
            "Operators' pages",
            "The part of the board that changes",
            parameters=(minutes,),
            answers=(PAGE,),
            codes=("unauthorized",),
            keys=(OPERATOR_SESSION,),
        ),
        _board("/operator/log", "showLog", "The log", ("invalid", "refused"), log),
        _board(
            "/operator/act/<name>",
            "askAct",
            "What an act would do",
            ("not-found", "invalid", "refused"),
            (act, *asked),
        ),
        _posted(
            "/operator/act/<name>",
            "doAct",
            "Do it",
            Body(FORM, "ActForm", {**YES, "name": "worker-1"}),
            ("not-found", "invalid", "refused"),
            (act,),
        ),
        _board("/operator/events", "listEvents", "The events", ("refused",), ()),
        _board(
            "/operator/events/<name>",
            "showEvent",
            "An event",
            ("no-such-event", "refused"),
            (EVENT, done),
        ),
        _board(
            "/operator/new-event", "askEvent", "The form for a new event", ("refused",), (zone,)
        ),
        _posted(
            "/operator/new-event",
            "createEvent",
            "Make it, or have a file fill in the form",
            EVENT_FORM,
            ("invalid", "refused"),
            answers=(PAGE, DONE),
        ),
        _board(
            "/operator/events/<name>/edit",
            "askEdit",
            "The form of an event",
            ("no-such-event", "refused"),
            (EVENT, zone),
        ),
        _posted(
            "/operator/events/<name>/edit",
            "editEvent",
            "Change it",
            EVENT_FORM,
            ("no-such-event", "invalid", "refused"),
            (EVENT,),
        ),
        _board("/operator/orders", "findOrders", "Orders of a buyer", ("refused",), (find,)),
        _board(
            "/operator/orders/<order_id>",
            "explainOrder",
            "An order's life",
            ("no-such-order", "refused"),
            (ORDER_ID, done),
        ),
        _board(
            "/operator/orders/<order_id>/cancel",
            "askCancel",
            "What cancelling would do",
            ("no-such-order", "refused"),
            (ORDER_ID,),
        ),
        _posted(
            "/operator/orders/<order_id>/cancel",
            "doCancel",
            "Cancel it",
            Body(FORM, "YesForm", YES),
            ("refused", "not-valid", "already-checked-in", *AMEND),
            (ORDER_ID,),
        ),
        _board("/operator/check-in", "showDoor", "The page at the doors", ("refused",), ()),
        _posted(
            "/operator/check-in",
            "scan",
            "Let the holder of a ticket in",
            Body(FORM, "ScanForm", {"csrf": "{csrf}", "scan": "1", "order": "{order}"}),
            ("invalid", "refused"),
            answers=(
                Answer(200, "Let in.", (HTML,)),
                SIGN_IN,
                Answer(404, "There is no such order.", (HTML,)),
                Answer(409, "It lets nobody in, or has done so.", (HTML,)),
                Answer(500, "The ticket's record can't be read.", (HTML,)),
                Answer(503, "Nobody knows yet: send the same scan again.", (HTML,)),
            ),
        ),
    )


def _posted(
    path: str,
    name: str,
    summary: str,
    body: Body,
    codes: tuple[str, ...],
    parameters: tuple[Parameter, ...] = (),
    answers: tuple[Answer, ...] = (DONE,),
) -> Operation:
    return Operation(
        "POST",
        path,
        name,
        "Operators' pages",
        summary,
        parameters=parameters,
        body=body,
        answers=answers,
        codes=("form-expired", "unsupported-media-type", *codes),
        keys=(OPERATOR_SESSION,),
    )


def _page(
    path: str,
    name: str,
    summary: str,
    codes: tuple[str, ...],
    parameters: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(
        "GET", path, name, "Pages", summary, parameters=parameters, answers=(PAGE,), codes=codes
    )


def _board(
    path: str, name: str, summary: str, codes: tuple[str, ...], parameters: tuple[Parameter, ...]
) -> Operation:
    return Operation(
        "GET",
        path,
        name,
        "Operators' pages",
        summary,
        parameters=parameters,
        answers=(PAGE, SIGN_IN),
        codes=codes,
        keys=(OPERATOR_SESSION,),
    )
