"""The data of requests and answers as JSON Schema, from the types that the code works with.

`NOTES` adds what a Python type can't say; a note on a field that is not there is an error.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import UNSET

from core.cluster.status import (
    EnsembleStatus,
    ServerStatus,
    Status,
    SupervisorStatus,
    WebStatus,
    WorkerStatus,
)
from core.schema.records import Alarm, Disk, OrderView, PaymentView, Progress, Quantiles
from core.schema.records import Status as OrderStatus
from core.store.availability import EventAvailability, TypeAvailability
from web.http.problems import ProblemJson
from web.metrics.history import HistorySample
from web.openapi.operation import CODES
from web.openapi.schema import HERE, NAME_SCHEMA, ORDER_SCHEMA, Schema, reference, thing
from web.reads.live import Availability, Left
from web.reads.poll_interval import STEPS_S
from web.requests.order_change import CheckInRequest, PaymentRequest
from web.requests.purchase import PurchaseRequest

# What the interface calls these types.
NAMES = {
    "PurchaseRequest": "Purchase",
    "CheckInRequest": "CheckIn",
    "PaymentRequest": "Payment",
    "OrderView": "Order",
    "PaymentView": "OrderPayment",
    "EventAvailability": "EventStock",
    "TypeAvailability": "TicketType",
    "ProblemJson": "Problem",
    "EnsembleStatus": "Ensemble",
    "ServerStatus": "Server",
    "SupervisorStatus": "Supervisor",
    "WorkerStatus": "Worker",
    "WebStatus": "Web",
}
REQUESTS = (PurchaseRequest, CheckInRequest, PaymentRequest)
ANSWERS = (
    OrderView,
    PaymentView,
    ProblemJson,
    EventAvailability,
    TypeAvailability,
    Availability,
    Left,
    Status,
    Alarm,
    Disk,
    EnsembleStatus,
    ServerStatus,
    SupervisorStatus,
    Progress,
    WorkerStatus,
    WebStatus,
    Quantiles,
    HistorySample,
)

MOMENT: Schema = {"format": "date-time"}
COUNT: Schema = {"minimum": 0}
UNIX: Schema = {"description": "Unix seconds."}

NOTES: Mapping[str, Mapping[str, Schema]] = {
    "OrderView": {
        "order": {**ORDER_SCHEMA, "description": "The order's id."},
        "event": NAME_SCHEMA,
        "type": NAME_SCHEMA,
        "quantity": {"minimum": 1},
        "buyer": {"description": "The name as it was sent, without spaces at its ends."},
        "status": {
            "enum": list(get_args(OrderStatus)),
            "description": "Held and sold orders have their tickets, the others gave them back.",
        },
        "created_at": MOMENT,
        "zxid": {**COUNT, "description": "ZooKeeper's transaction that made the order."},
        "held_until": {**MOMENT, "description": "Of a hold: when it ends."},
        "extended": {**COUNT, "description": "Of a hold: how often it was extended."},
        "checked_in_at": MOMENT,
        "checked_in_by": {"description": "The door."},
        "price": {
            **COUNT,
            "description": "Of one ticket, as it was agreed, in units as the event's prices; what "
            "it costs now changes nothing. Orders of an earlier version have none.",
        },
        "total": {**COUNT, "description": "`price` times `quantity`."},
        "currency": {"pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
        "decimals": {"description": "Those of `price` and `total`; 2 where it is not there."},
        "payments": {"description": "All that came in for it, also those to be given back."},
        "more_payments": {
            "description": "More came in than are recorded, and none of them counts."
        },
    },
    "PaymentView": {
        "id": {"description": "As its provider calls it."},
        "at": MOMENT,
        "counts": {"description": "Whether it paid the order; one at the most does."},
        "amount": {**COUNT, "description": "In units as the order's `total`, where it was said."},
        "currency": {"pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
        "refused": {"description": "The code of why it does not count."},
    },
    "EventAvailability": {
        "name": NAME_SCHEMA,
        "currency": {"pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
        "decimals": {
            "minimum": 0,
            "maximum": 4,
            "description": "Of the prices: with 2, 4850 is 48.50.",
        },
        "opens_at": {"description": "When the sale opens, in Unix seconds; null: it has."},
        "closes_at": {"description": "When the sale closes, in Unix seconds; null: it does not."},
        "starts_at": UNIX,
        "ends_at": UNIX,
        "limit": {**COUNT, "description": "Tickets of one buyer; 0 is no limit."},
        "hold_s": {"minimum": 1, "description": "How long a hold lasts, in seconds."},
        "extensions": {**COUNT, "description": "How often a hold may be extended by as much."},
        "cancellable": {"description": "Whether buyers may cancel their orders."},
    },
    "TypeAvailability": {
        "name": NAME_SCHEMA,
        "colour": {"pattern": "^(#[0-9a-f]{6})?$"},
        "price": {
            **COUNT,
            "description": "In the event's currency; with 2 `decimals`, 4850 is 48.50.",
        },
        "capacity": {**COUNT, "description": "`sold` + `held` + `remaining`, always."},
        "sold": COUNT,
        "held": COUNT,
        "remaining": {**COUNT, "description": "For sale now."},
    },
    "Availability": {
        "event": NAME_SCHEMA,
        "sale": {"description": "How the sale stands."},
        "opens_in_ms": {**COUNT, "description": "Before the sale: until it opens."},
        "stale": {"description": "ZooKeeper is away: this is how it was at `as_of`."},
        "as_of": MOMENT,
        "poll_after_ms": {
            "enum": [1000 * step for step in STEPS_S],
            "description": "When to ask again; the more watch, the later.",
        },
    },
    "Left": {"name": NAME_SCHEMA, "remaining": COUNT, "capacity": COUNT},
    "ProblemJson": {
        "title": {"description": "The status in words."},
        "status": {"enum": sorted(set(CODES.values()))},
        "detail": {"description": "What went wrong, in the language of `Content-Language`."},
        "code": {
            "enum": sorted(CODES),
            "description": "What went wrong, for programs. A code never changes its meaning.",
        },
        "field": {"description": "The field or header at fault."},
        "remaining": {**COUNT, "description": "How many tickets are left."},
        "retry_after": {"minimum": 1, "description": "In seconds, as the header `Retry-After`."},
        "order": {"description": "The order that was not changed, as it is."},
    },
    "Alarm": {"at": UNIX},
    "Disk": {
        "directory": {"description": "The uppermost directory of the instance on this disk."},
        "state": {"enum": ["ok", "low", "full", "read-only"]},
        "free_bytes": COUNT,
        "size_bytes": COUNT,
    },
    "ServerStatus": {"role": {"enum": ["leader", "follower", "standalone", "down"]}},
    "HistorySample": {
        "at": UNIX,
        "sold": {**COUNT, "description": "Tickets per second."},
        "shed": {**COUNT, "description": "Purchases per second that were turned away."},
        "failed": {**COUNT, "description": "Purchases per second that failed."},
        "in_flight": {"description": "Purchases that wait on a worker, by worker."},
        "cpu": {"description": "Per cent of one core, by process."},
    },
}

# Where what a type says of itself is not for those who only see its JSON.
TEXTS = {
    "EventAvailability": "An event with what is left of each type.",
    "TypeAvailability": "A kind of ticket; what is left of it adds up.",
    "EnsembleStatus": "ZooKeeper's servers.",
}


@cache
def schemas() -> dict[str, Schema]:
    """Every schema, by name."""
    types = {each.__name__: each for each in (*REQUESTS, *ANSWERS)}
    _, found = msgspec.json.schema_components(types.values(), ref_template=HERE + "{name}")
    named = {NAMES.get(name, name): _shape(types[name], found[name]) for name in found}
    return dict(sorted({**named, **_gathered(named["EventStock"])}.items()))


def example_of(shape: str) -> dict[str, Any]:
    """A request, out of the examples of its fields."""
    properties = schemas()[shape]["properties"]
    return {name: each["examples"][0] for name, each in properties.items() if "examples" in each}


def _shape(type_: type[msgspec.Struct], schema: Schema) -> Schema:
    """An object, first what it has to have. Of an answer that is what is always written."""
    is_sent = type_ in REQUESTS
    notes = NOTES.get(type_.__name__, {})
    text = TEXTS.get(type_.__name__) or schema.get("description", "")
    properties = _published(schema["properties"], "" if is_sent else "default")
    for name, note in notes.items():
        properties[name] = {**properties[name], **note}
    required = schema["required"] if is_sent else _always_there(type_, properties)
    return {
        "type": "object",
        "description": " ".join(text.split()),
        "properties": {name: properties[name] for name in dict.fromkeys((*required, *properties))},
        "required": required,
        **({"additionalProperties": False} if "additionalProperties" in schema else {}),
    }


def _published(part: Any, without: str = "") -> Any:
    """The schema in the interface's names and ECMA-262's patterns, without a word of msgspec's."""
    match part:
        case dict():
            return {key: _published(each, without) for key, each in part.items() if key != without}
        case list():
            return [_published(each, without) for each in part]
        case str() if part.startswith(HERE):
            name = part.removeprefix(HERE)
            return HERE + NAMES.get(name, name)
        case str():
            return part.replace(r"\Z", "$")
    return part


def _always_there(type_: type[msgspec.Struct], names: Iterable[str]) -> list[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    omits = type_.__struct_config__.omit_defaults
    # A name without a field is the tag.
    return [
        name
        for name in names
        if (field := fields.get(name)) is None
        or field.required
        or not (omits or field.default is UNSET)
    ]


def _gathered(stock: Schema) -> dict[str, Schema]:
    """Answers that are put together where they are sent."""
    reading: dict[str, Schema] = {
        "as_of": {"type": "string", **MOMENT, "description": "When that was so."},
        "stale": {"type": "boolean", "description": "ZooKeeper is away: it may have changed."},
    }
    return {
        "Event": thing(
            {**stock["properties"], **reading},
            description="An event with what is left of each type.",
        ),
        "DamagedEvent": thing(
            {"name": NAME_SCHEMA, "unavailable": {"const": True}},
            description="An event whose record in ZooKeeper can't be read.",
        ),
        "Events": thing(
            {
                "events": {
                    "type": "array",
                    "items": {"anyOf": [reference("Event"), reference("DamagedEvent")]},
                },
                **reading,
            },
            description="All events, also those whose sale is yet to open.",
        ),
        "History": thing(
            {"samples": {"type": "array", "items": reference("HistorySample")}},
            description="A sample each second, the oldest first.",
        ),
    }
