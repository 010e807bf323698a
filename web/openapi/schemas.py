"""The data of requests and answers as JSON Schema, from the types that the code works with."""

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.inspect import Field, StructType, Type, multi_type_info

from web.api.events import DamagedEvent
from web.http.problems import STATUS, ProblemJson
from web.http.route_description import SCHEMAS
from web.openapi.routes import all_codes, described_routes

Schema: TypeAlias = dict[str, Any]
Struct: TypeAlias = type[msgspec.Struct]

# The interface's names of types that have another name in the code; an ending "Json" is dropped.
NAMES = {
    "EnsembleStatus": "Ensemble",
    "EventReport": "EventStock",
    "HistorySample": "Sample",
    "OrderView": "Order",
    "PaymentView": "OrderPayment",
    "ServerStatus": "Server",
    "SupervisorStatus": "Supervisor",
    "TypeAvailability": "TicketType",
    "WebStatus": "Web",
    "WorkerStatus": "Worker",
}


@cache
def schemas() -> dict[str, Schema]:
    """Makes every schema, by the interface's name."""
    found = {**_of_requests(), **_of_answers()}
    problem = found["Problem"]["properties"]
    problem["code"]["enum"] = all_codes()
    problem["status"]["enum"] = sorted({STATUS[code] for code in all_codes()})
    return dict(sorted(found.items()))


def schema_of(type_: Any) -> Schema:
    """The schema of a parameter."""
    schema: Schema = _published(msgspec.json.schema(type_))
    return schema


def name_of(type_: Struct) -> str:
    return _published_name(type_.__name__)


def _published_name(name: str) -> str:
    return NAMES.get(name, name.removesuffix("Json"))


def reference(type_: Struct) -> Schema:
    """Refers to the schema of a type."""
    return {"$ref": SCHEMAS + name_of(type_)}


def example_of(request: Struct) -> dict[str, Any]:
    """Puts an example of a request together from those of its fields."""
    properties = schemas()[name_of(request)]["properties"]
    return {name: each["examples"][0] for name, each in properties.items() if "examples" in each}


# --- from types ----------------------------------------------------------------------


def _of_requests() -> dict[str, Schema]:
    types = {route.body for route in described_routes() if route.body}
    return {name_of(type_): _object(_published(schema)) for type_, schema in _components(types)}


def _of_answers() -> dict[str, Schema]:
    """Makes schemas of data as it is written; msgspec's own describe data that is read."""
    every = [answer for route in described_routes() for answer in route.answers]
    types = {each.content for each in every if isinstance(each.content, type)}
    return {
        name_of(type_): _object(
            _published(schema, "default") | {"required": _always(type_, schema)}
        )
        for type_, schema in _components({*types, ProblemJson, DamagedEvent})
    }


def _components(types: set[Struct]) -> Iterator[tuple[Struct, Schema]]:
    """Yields the types and all types that they refer to, each with msgspec's schema."""
    _, found = msgspec.json.schema_components(types, ref_template=SCHEMAS + "{name}")
    for type_ in set(_structs(multi_type_info(types))):
        yield type_, found[type_.__name__]


def _structs(part: Any) -> Iterator[Struct]:
    if isinstance(part, StructType):
        yield part.cls
    if isinstance(part, Type | Field):
        part = tuple(getattr(part, name) for name in part.__struct_fields__)
    for each in part if isinstance(part, tuple | list) else ():
        yield from _structs(each)


def _always(type_: Struct, schema: Schema) -> list[str]:
    """Lists the fields that are written whatever their value is."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    may_miss = {
        name
        for name, field in fields.items()
        if field.default is UNSET or (type_.__struct_config__.omit_defaults and not field.required)
    }
    return [name for name in schema["properties"] if name not in may_miss]


def _object(schema: Schema) -> Schema:
    """Makes an object's schema, required properties first."""
    properties, required = schema["properties"], schema["required"]
    names = dict.fromkeys((*required, *properties))
    return {
        "type": "object",
        "description": " ".join(schema["description"].split()),
        "properties": {name: properties[name] for name in names},
        "required": required,
        **({"additionalProperties": False} if "additionalProperties" in schema else {}),
    }


def _published(part: Any, without: str = "") -> Any:
    """Uses the interface's names and ECMA-262's patterns, and drops the keyword `without`."""
    match part:
        case dict():
            return {key: _published(each, without) for key, each in part.items() if key != without}
        case list() | tuple():
            return [_published(each, without) for each in part]
        case str() if part.startswith(SCHEMAS):
            return SCHEMAS + _published_name(part.removeprefix(SCHEMAS))
        case str():
            return part.replace(r"\Z", "$")
    return part
