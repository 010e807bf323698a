"""The description as a page: frozen, ready to print."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from web.http.i18n import Language
from web.http.problems import STATUS
from web.http.route_description import ANY, ANY_POST, JSON, SCHEMAS, Parameter, Route
from web.openapi.curl import curl
from web.openapi.document import GROUPS, path_of, sample
from web.openapi.routes import all_codes, codes_of, described_routes
from web.openapi.schemas import Schema, name_of, schema_of

# A longer pattern tells a reader nothing; its description does.
MOST_PATTERN = 48


@dataclass(frozen=True)
class Row:
    """A parameter or a member. `kind` is its type in words, `shape` a schema that it is made of."""

    name: str
    kind: str
    shape: str
    needed: bool
    text: str


@dataclass(frozen=True)
class Outcome:
    """An answer: `media` and `shape` of its body, `codes` where it is a problem."""

    status: int
    text: str
    media: str
    shape: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """An operation. `locks` are what opens it."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    locks: tuple[str, ...]
    parameters: tuple[Row, ...]
    body: str
    media: str
    members: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    command: str


@dataclass(frozen=True)
class Group:
    """`slug` names it in addresses and texts."""

    slug: str
    name: str
    text: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Shape:
    name: str
    text: str
    members: tuple[Row, ...]


@dataclass(frozen=True)
class Trouble:
    """A problem. `anywhere`: any request may run into it, or any post."""

    code: str
    status: int
    text: str
    anywhere: bool


@dataclass(frozen=True)
class ReferencePage:
    groups: tuple[Group, ...]
    shapes: tuple[Shape, ...]
    troubles: tuple[Trouble, ...]


def reference_page(description: Schema, language: Language) -> ReferencePage:
    """The page of that description; what problems mean is in the reader's language."""
    schemas = description["components"]["schemas"]
    entries = [(each.group, _entry(each, schemas)) for each in described_routes()]
    groups = tuple(
        Group(_slug(name), name, text, tuple(entry for group, entry in entries if group == name))
        for name, text in GROUPS.items()
    )
    taken = {entry.body for group in groups for entry in group.entries}
    shapes = tuple(
        Shape(name, schema.get("description", ""), _members(schema))
        for name, schema in schemas.items()
        if name not in taken
    )
    return ReferencePage(groups, shapes, tuple(_troubles(language)))


def prose(text: str) -> str:
    """The text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _slug(name: str) -> str:
    return name.lower().replace("'", "").replace(" ", "-")


def _troubles(language: Language) -> Iterable[Trouble]:
    for status, code in sorted((STATUS[code], code) for code in all_codes()):
        text = language.say(f"problem.{code}", **sample(code).values)
        yield Trouble(code, status, text, code in (*ANY, *ANY_POST))


def _entry(route: Route, schemas: Mapping[str, Schema]) -> Entry:
    body = name_of(route.body) if route.body else ""
    return Entry(
        name=route.name,
        method=route.method,
        path=path_of(route.path),
        summary=route.summary,
        text=route.text,
        locks=tuple(" + ".join(key) for key in route.keys if key),
        parameters=tuple(_parameter(each) for each in route.parameters),
        body=body,
        media=JSON if body else "",
        members=_members(schemas[body]) if body else (),
        outcomes=tuple(_outcomes(route)),
        command=curl(route),
    )


def _parameter(parameter: Parameter) -> Row:
    schema = schema_of(parameter.type)
    return _row(parameter.name, schema, parameter.where == "path", schema["description"])


def _outcomes(route: Route) -> Iterable[Outcome]:
    for answer in route.answers:
        shape = "" if isinstance(answer.content, str) else name_of(answer.content)
        yield Outcome(answer.status, answer.text, answer.media, shape, ())
    own = [code for code in codes_of(route) if code not in (*ANY, *ANY_POST)]
    for status in sorted({STATUS[code] for code in own}):
        codes = tuple(code for code in own if STATUS[code] == status)
        yield Outcome(status, "", "", "", codes)


# --- members -------------------------------------------------------------------------


def _members(schema: Schema) -> tuple[Row, ...]:
    needed = schema.get("required", ())
    return tuple(
        _row(name, each, name in needed, each.get("description", ""))
        for name, each in schema["properties"].items()
    )


def _row(name: str, schema: Schema, needed: bool, text: str) -> Row:
    return Row(name, _kind(schema), _shape_in(schema), needed, text)


def _kind(schema: Schema) -> str:
    """Its type and bounds, as `integer, 1 to 10`."""
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
        yield f"{schema['default']} unless said"


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
