"""The routes for programs: buying, holds, events, doors, and what machines ask."""

from web.openapi.operation import (
    AMEND,
    BUY,
    CALENDAR,
    CHANGED,
    EVENT,
    JSON,
    JSON_BODY,
    KEY,
    METRICS,
    OPERATOR,
    OPERATOR_TOKEN,
    ORDER_ID,
    PURCHASE,
    READ,
    SAME,
    SEEN,
    SIGNED,
    TEXT,
    Answer,
    Body,
    Operation,
    Parameter,
)
from web.openapi.schema import MINUTES_SCHEMA
from web.reads.live import RULE

CHANGES = ("getOrder", "cancelOrder", "checkIn")
HOLD_CHANGES = ("getHold", "confirmHold", "extendHold", "releaseHold", "payHold")
MINUTES = Parameter("minutes", "query", MINUTES_SCHEMA, "How far back.", 5)


def operations() -> tuple[Operation, ...]:
    """In the order in which people should read them."""
    return (*_orders(), *_holds(), *_events(), *_doors(), *_machines())


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
            keys=(OPERATOR_TOKEN, {}),
        ),
        Operation(
            "GET",
            "/orders/<order_id>/calendar.ics",
            "getCalendar",
            "Orders",
            "The ticket for a calendar",
            "There is none of an event that has no time. Problems are pages, not JSON.",
            parameters=(ORDER_ID,),
            answers=(Answer(200, "iCalendar.", (CALENDAR,)),),
            codes=("no-such-order", "not-found", *READ),
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
            "They are off sale until `held_until`, then for sale again. Like a purchase otherwise. "
            "From one address so many tickets are held at a time; with the operator's token, any.",
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
            codes=(*BUY, "too-many-holds", *OPERATOR),
            keys=({}, OPERATOR_TOKEN),
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
            "`admin payment-secret` prints. The same payment has the same answer again. With any "
            "409 it counts for nothing and is recorded with the order: refund it, unless it is "
            "`payment-used`, for then it has paid another order.",
            body=Body(JSON, "Payment"),
            answers=(CHANGED,),
            codes=(
                *("bad-signature", "hold-expired", "not-held"),
                *("paid-already", "payment-used", "wrong-amount", *JSON_BODY, *AMEND),
            ),
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
            body=Body(JSON, "CheckIn"),
            answers=(Answer(200, "Let in.", (JSON,), "Order"),),
            codes=(*OPERATOR, "not-valid", "already-checked-in", *JSON_BODY, *AMEND),
            keys=(OPERATOR_TOKEN,),
        ),
    )


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
            "Programs on this machine that no proxy speaks for need no token.",
            answers=(Answer(200, "Prometheus' text format 0.0.4.", (METRICS,)),),
            codes=OPERATOR,
            keys=({}, OPERATOR_TOKEN),
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
