"""What the reference's template shows of routes, schemas and problems."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import msgspec

from web.http.problems import STATUS
from web.http.route_description import ANY, ANY_POST, SCHEMAS, Route
from web.openapi.routes import all_codes, codes_of
from web.openapi.schemas import Schema, name_of, schema_of

ANYWHERE = (*ANY, *ANY_POST)
# A longer pattern tells a reader nothing; its description does.
MOST_PATTERN = 48


class Row(msgspec.Struct, frozen=True):
    """A parameter or a member. `kind` is its type in words, `shape` a schema that it is made of."""

    name: str
    kind: str
    shape: str
    needed: bool
    text: str


def prose(text: str) -> str:
    """The text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def parameters(route: Route) -> list[Row]:
    schemas = [(each, schema_of(each.type)) for each in route.parameters]
    return [
        _row(each.name, schema, needed=each.where == "path", text=schema["description"])
        for each, schema in schemas
    ]


def members(schema: Schema) -> list[Row]:
    needed = schema.get("required", ())
    return [
        _row(name, each, needed=name in needed, text=each.get("description", ""))
        for name, each in schema["properties"].items()
    ]


def shape(content: Any) -> str:
    """The name of an answer's schema, or "" for a media type."""
    return "" if isinstance(content, str) else name_of(content)


def problems(route: Route) -> Mapping[int, list[str]]:
    """The codes by status, without those of any request."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes_of(route), key=lambda code: STATUS[code]):
        if code not in ANYWHERE:
            by_status.setdefault(STATUS[code], []).append(code)
    return by_status


# --- a schema in words ---------------------------------------------------------------


def _row(name: str, schema: Schema, *, needed: bool, text: str) -> Row:
    return Row(name, _kind(schema), _shape_in(schema), needed, text)


def _kind(schema: Schema) -> str:
    """The type and bounds in words, such as `integer, 1 to 10`."""
    return ", ".join((_type(schema), *_bounds(schema)))


def _type(schema: Schema) -> str:
    match schema:
        case {"$ref": str(name)}:
            return str(name.removeprefix(SCHEMAS))
        case {"anyOf": [*choices]} if "type" not in schema:
            return " or ".join(_kind(each) for each in choices)
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"additionalProperties": dict(values)}:
            return f"{_kind(values)} by name"
        case {"const": value}:
            return str(value).lower()
        case {"enum": [int(), *_]}:
            return "integer"
    return str(schema.get("type", "string"))


def _bounds(schema: Schema) -> Iterable[str]:
    match schema:
        case {"minimum": least, "maximum": most}:
            yield f"{least} to {most}"
        case {"minimum": least}:
            yield f"{least} or more"
    if "enum" in schema and schema["enum"] != all_codes():
        yield "one of " + ", ".join(str(each) for each in schema["enum"])
    if len(pattern := schema.get("pattern", "")) in range(1, MOST_PATTERN):
        yield pattern
    if schema.get("format"):
        yield schema["format"]
    if schema.get("default") not in (None, ""):
        yield f"{schema['default']} by default"


def _shape_in(schema: Any) -> str:
    """The name of a schema that this one refers to."""
    for word, value in schema.items():
        if word == "$ref":
            return str(value.removeprefix(SCHEMAS))
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, dict) and (found := _shape_in(part)):
                return found
    return ""
