"""The data of the interface as JSON Schema, from the types and bounds that the code works with.

What is answered comes from the types themselves. `NOTES` adds what a Python type can't say; a
note on a field that is not there is an error. What is taken is checked field by field in
`web.basket` and `web.errand`, and stands in `_taken`, with their bounds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, get_args

import msgspec
from msgspec import UNSET

from core.availability import EventAvailability, TypeAvailability
from core.models import DEFAULT_EVENT, NAME, Alarm, OrderView, Progress, Quantiles
from core.models import Status as OrderStatus
from core.orders import ORDER_ID
from core.status import Ensemble, Server, Status, Supervisor, Web, Worker
from web.basket import JOINERS, KEY, MOST_CHARACTERS, MOST_FIELDS, MOST_TICKETS
from web.changes import MOST_ADDRESS
from web.errand import MOST_CHARACTERS as MOST_NOTED
from web.live import Availability, Left
from web.operator.acts import ID
from web.operator.board import MINUTES
from web.operator.history import Sample
from web.pace import STEPS_S
from web.problems import STATUS, ProblemJson

Schema: TypeAlias = dict[str, Any]

HERE = "#/components/schemas/"
# What the interface calls these types.
NAMES = {
    "OrderView": "Order",
    "EventAvailability": "EventStock",
    "TypeAvailability": "TicketType",
    "ProblemJson": "Problem",
}
ANSWERED = (
    OrderView,
    ProblemJson,
    EventAvailability,
    TypeAvailability,
    Availability,
    Left,
    Status,
    Alarm,
    Ensemble,
    Server,
    Supervisor,
    Progress,
    Worker,
    Web,
    Quantiles,
    Sample,
)

# Regular expressions as ECMA-262 has them, with Unicode's properties. Spaces are what Python
# strips from both ends.
_SPACE = r"[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_JOINERS = "".join(f"\\u{ord(joiner):04x}" for joiner in JOINERS)
_VISIBLE = r"[^\p{C}\p{Z}]"
_INNER = rf"(?:[^\p{{C}}\p{{Zl}}\p{{Zp}}]|[{_JOINERS}])"
_EDGE = rf"(?:{_VISIBLE}|[{_JOINERS}])"

NAME_SCHEMA: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
ORDER_SCHEMA: Schema = {"type": "string", "pattern": f"^{ORDER_ID.pattern}$"}
KEY_SCHEMA: Schema = {"type": "string", "pattern": f"^{KEY.pattern}$"}
MINUTES_SCHEMA: Schema = {"type": "integer", "enum": list(MINUTES), "default": MINUTES[-1]}
# What an act may be about.
ACT_FIELDS: Mapping[str, Schema] = {
    "name": {"type": "string", "description": "Of restart: the process; without one, all workers."},
    "workers": {"type": "string", "description": "Of scale: how many."},
    "event": {"type": "string", "description": "Of reset: the event."},
    "type": {"type": "string", "description": "Of reset: the ticket type; without one, all."},
    "quantity": {"type": "string", "description": "Of reset: how many are for sale then."},
}
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
    },
    "EventAvailability": {
        "name": NAME_SCHEMA,
        "currency": {"pattern": "^[A-Z]{3}$", "description": "ISO 4217."},
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
        "price": {**COUNT, "description": "In hundredths of the event's currency."},
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
        "status": {"enum": sorted(set(STATUS.values()))},
        "detail": {"description": "What went wrong, in the language of `Content-Language`."},
        "code": {
            "enum": sorted(STATUS),
            "description": "What went wrong, for programs. A code never changes its meaning.",
        },
        "field": {"description": "The field or header at fault."},
        "remaining": {**COUNT, "description": "How many tickets are left."},
        "retry_after": {"minimum": 1, "description": "In seconds, as the header `Retry-After`."},
        "order": {"description": "The order that was not changed, as it is."},
    },
    "Alarm": {"at": UNIX},
    "Server": {"role": {"enum": ["leader", "follower", "standalone", "down"]}},
    "Sample": {
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
    "Ensemble": "ZooKeeper's servers.",
}


def shapes(tags: Sequence[str]) -> dict[str, Schema]:
    """Every schema of the description, by name. `tags` are those of the languages."""
    return dict(sorted({**_answered(), **_gathered(), **_taken(tags)}.items()))


def reference(name: str) -> Schema:
    """A schema that is the one of that name."""
    return {"$ref": HERE + name}


# --- what is answered ----------------------------------------------------------------


def _answered() -> dict[str, Schema]:
    _, found = msgspec.json.schema_components(ANSWERED, ref_template=HERE + "{name}")
    types = {each.__name__: each for each in ANSWERED}
    return {NAMES.get(name, name): _shape(types[name], found[name]) for name in found}


def _shape(type_: type[msgspec.Struct], schema: Schema) -> Schema:
    """The schema of what is written, where msgspec's is that of what may be read."""
    notes = NOTES.get(type_.__name__, {})
    properties = {name: _written(each) for name, each in schema["properties"].items()}
    for name, note in notes.items():
        properties[name] = {**properties[name], **note}
    return {
        "type": "object",
        "description": TEXTS.get(type_.__name__, " ".join(schema.get("description", "").split())),
        "properties": properties,
        "required": [name for name in properties if _is_always_there(type_, name)],
    }


def _written(schema: Schema) -> Schema:
    """A property without its default, its references by the interface's names."""
    written: Schema = {}
    for word, value in schema.items():
        if word == "$ref":
            name = value.removeprefix(HERE)
            written[word] = HERE + NAMES.get(name, name)
        elif isinstance(value, dict):
            written[word] = _written(value)
        elif isinstance(value, list):
            written[word] = [_written(each) if isinstance(each, dict) else each for each in value]
        elif word != "default":
            written[word] = value
    return written


def _is_always_there(type_: type[msgspec.Struct], name: str) -> bool:
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    if name not in fields:  # the tag
        return True
    field = fields[name]
    return field.required or not (type_.__struct_config__.omit_defaults or field.default is UNSET)


def _gathered() -> dict[str, Schema]:
    """Answers that are put together where they are sent."""
    reading: dict[str, Schema] = {
        "as_of": {"type": "string", **MOMENT, "description": "When that was so."},
        "stale": {"type": "boolean", "description": "ZooKeeper is away: it may have changed."},
    }
    stock = _answered()["EventStock"]
    return {
        "Event": _object(
            {**stock["properties"], **reading},
            description="An event with what is left of each type.",
        ),
        "DamagedEvent": _object(
            {"name": NAME_SCHEMA, "unavailable": {"const": True}},
            description="An event whose record in ZooKeeper can't be read.",
        ),
        "Events": _object(
            {
                "events": {
                    "type": "array",
                    "items": {"anyOf": [reference("Event"), reference("DamagedEvent")]},
                },
                **reading,
            },
            description="All events, also those whose sale is yet to open.",
        ),
        "History": _object(
            {"samples": {"type": "array", "items": reference("Sample")}},
            description="A sample each second, the oldest first.",
        ),
    }


# --- what is taken -------------------------------------------------------------------


def _taken(tags: Sequence[str]) -> dict[str, Schema]:
    purchase: dict[str, Schema] = {
        "event": {**NAME_SCHEMA, "default": DEFAULT_EVENT, "description": "The event."},
        "type": {**NAME_SCHEMA, "description": "The ticket type."},
        "quantity": {"type": "integer", "minimum": 1, "maximum": MOST_TICKETS, "default": 1},
        "buyer": {
            "type": "string",
            "allOf": [{"pattern": _VISIBLE}, {"pattern": _trimmed(MOST_CHARACTERS)}],
            "description": f"The name on the ticket: 1 to {MOST_CHARACTERS} printable characters, "
            "not counting spaces at its ends, which are taken off.",
        },
    }
    csrf: Schema = {"type": "string", "description": "As it stands in the page's forms."}
    return {
        "Purchase": _object(
            purchase, "event", "quantity", additionalProperties=False, description="A purchase."
        ),
        "CheckIn": _object(
            {
                "order": _named("The order's id, or the address in its QR code."),
                "door": _noted("Where: told to who comes with the same ticket again."),
            },
            "door",
            description="A scan of a ticket.",
        ),
        "Payment": _object(
            {
                "hold": _named("The hold that was paid."),
                "payment": _noted("The payment, as its provider calls it."),
            },
            "payment",
            description="A payment that has come in.",
        ),
        "PurchaseForm": _object(
            {**purchase, "key": {**KEY_SCHEMA, "description": "Makes the form buy once."}},
            "event",
            "quantity",
            additionalProperties=False,
            description="The sale page's form.",
        ),
        "ChangeForm": _form(
            {"key": {**KEY_SCHEMA, "description": "Makes the form change the order once."}},
            "key",
            description="A button of an order's page.",
        ),
        "LanguageForm": _form(
            {
                "to": {"type": "string", "enum": list(tags)},
                "back": {"type": "string", "description": "An address of ours."},
            },
            "back",
            description="The switch of languages.",
        ),
        "SignInForm": _form(
            {"token": {"type": "string", "description": "The operator's token."}},
            description="The operators' way in.",
        ),
        "SignOutForm": _form({"csrf": csrf}, "csrf", description="The operators' way out."),
        "YesForm": _form(
            {"csrf": csrf, "id": {"type": "string", "description": "Of the question."}},
            description="The answer yes to a question.",
        ),
        "ScanForm": _form(
            {
                "csrf": csrf,
                "scan": {"type": "string", "description": "Names the scan: sent again, it is one."},
                "order": {"type": "string", "description": "The order's id or address."},
                "door": {"type": "string", "description": "Where."},
            },
            "door",
            description="A scan of a ticket.",
        ),
        "EventForm": _form(
            {
                "csrf": csrf,
                "zone": {"type": "string", "description": "By whose clock times are written."},
                "name": {"type": "string", "description": "Of a new event."},
            },
            *("zone", "name"),
            description="The form of an event, with what stands on its page.",
        ),
        "ActForm": _form(
            {
                "csrf": csrf,
                "id": {"type": "string", "pattern": f"^{ID.pattern}$"},
                **ACT_FIELDS,
            },
            *ACT_FIELDS,
            description="The answer yes to an act's question, with the fields of its page.",
        ),
    }


def _form(properties: Mapping[str, Schema], *optional: str, description: str) -> Schema:
    """A form in which each field stands once; what it has besides these counts for nothing."""
    return _object(
        properties,
        *optional,
        additionalProperties={"type": "string"},
        maxProperties=MOST_FIELDS,
        description=description,
    )


def _trimmed(most: int) -> str:
    return rf"^{_SPACE}*{_EDGE}(?:{_INNER}{{0,{most - 2}}}{_EDGE})?{_SPACE}*$"


def _named(description: str) -> Schema:
    """An order's id somewhere in a short text."""
    return {
        "type": "string",
        "pattern": ORDER_ID.pattern,
        "maxLength": MOST_ADDRESS,
        "description": description,
    }


def _noted(description: str) -> Schema:
    return {
        "type": "string",
        "default": "",
        "allOf": [
            {"pattern": rf"^$|[\u0020]|{_VISIBLE}"},
            {"pattern": rf"^{_INNER}{{0,{MOST_NOTED}}}$"},
        ],
        "description": f"{description} At most {MOST_NOTED} printable characters.",
    }


def _object(properties: Mapping[str, Schema], *optional: str, **more: Any) -> Schema:
    """An object with all of these properties, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, **more}
