"""The fields of requests: a struct with these types is both their check and their schema.

msgspec checks types and bounds. Texts that people type are also checked by a function, which stands
in the `extra` of the field's `Meta`, beside the text for the client if `detail.<field>` is not it.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta

from core.errors import BadRequest
from core.schema.records import NAME
from core.text.names import BLANKS, CONTROLS, FORMATS, IGNORABLE, MARKS, SPACES, clean, is_shown

Request = TypeVar("Request", bound=msgspec.Struct)
Clean = Callable[[str], str]
# What msgspec raises; the second for a lone surrogate where it expects no text.
NOT_THAT = (msgspec.ValidationError, UnicodeEncodeError)


# --- checking ------------------------------------------------------------------------


def checked(type_: type[Request], wanted: Mapping[str, Any]) -> Request:
    """Converts what a client sent into a struct with clean texts.

    Raises `BadRequest`, which names the first field of the struct that is at fault.
    """
    try:
        request = msgspec.convert(wanted, type_)
        for name, cleaned in _texts(type_):
            msgspec.structs.force_setattr(request, name, cleaned(getattr(request, name)))
    except (*NOT_THAT, BadRequest):
        raise _first_fault(type_, wanted) from None
    return request


@cache
def _texts(type_: type[msgspec.Struct]) -> tuple[tuple[str, Clean], ...]:
    fields = [(field.name, _extra(field)) for field in msgspec.structs.fields(type_)]
    return tuple((name, extra["clean"]) for name, extra in fields if "clean" in extra)


def _first_fault(type_: type[msgspec.Struct], wanted: Mapping[str, Any]) -> BadRequest:
    return next(
        fault for field in msgspec.structs.fields(type_) if (fault := _fault(field, wanted))
    )


def _fault(field: msgspec.structs.FieldInfo, wanted: Mapping[str, Any]) -> BadRequest | None:
    """Says why the field is refused, or None if it is not."""
    extra = _extra(field)
    value = wanted.get(field.name, None if field.required else field.default)
    try:
        found = msgspec.convert(value, field.type)
        if "clean" in extra:
            extra["clean"](found)
    except NOT_THAT:
        told = {"most": extra["most"]} if "most" in extra else {}
        return BadRequest("invalid", extra.get("text", f"detail.{field.name}"), field.name, **told)
    except BadRequest as error:
        return BadRequest("invalid", error.text, field.name, **error.values)
    return None


def _extra(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """Collects the `extra` of the field's `Meta`s."""
    metas = [each for each in get_args(field.type) if isinstance(each, Meta)]
    return {key: value for meta in metas for key, value in (meta.extra or {}).items()}


# --- types ---------------------------------------------------------------------------


def whole(pattern: re.Pattern[str]) -> Meta:
    """Requires that the pattern matches the whole text."""
    return Meta(pattern=rf"^{pattern.pattern}\Z")


EXAMPLE_ORDER = "9c1b7f20d84e4a6fb3c2a1908e7d6f55"

Name = Annotated[str, whole(NAME)]
# In units as an event's prices; what JSON's numbers hold exactly (RFC 7493).
Amount = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Currency = Annotated[str, whole(re.compile("(?:[A-Z]{3})?"))]


def note(text: str, most: int) -> str:
    """Cleans a short text of a machine or an operator; it may be empty. Raises `BadRequest`."""
    cleaned = clean(text)
    if len(cleaned) > most or (cleaned and not is_shown(cleaned)):
        raise BadRequest("invalid", "detail.note", most=most)
    return cleaned


def note_meta(most: int, description: str, examples: list[str]) -> Meta:
    """Describes a text that `note` accepts."""
    return Meta(
        description=f"{description} At most {most} printable characters.",
        extra_json_schema={"anyOf": [{"allOf": shown(most)}, {"pattern": f"^{_EDGES}*$"}]},
        extra={"text": "detail.note", "most": most, "clean": lambda text: note(text, most)},
        examples=examples,
    )


# --- texts as JSON Schema ------------------------------------------------------------


def _ecma(ranges: str) -> str:
    """Writes ranges of characters as ECMA-262 does, without surrogates, which JSON lacks."""
    without_halves = ranges.replace(r"\ud800-\udfff", "")
    return re.sub(r"\\U([0-9a-f]{8})", lambda code: chr(int(code[1], 16)), without_halves)


_CONTROLS, _SPACES = _ecma(CONTROLS), _ecma(SPACES)
# What Python strips from both ends, and what we remove everywhere.
_EDGES = rf"[\t-\r\u001c-\u0020\u0085{_SPACES}\u2028\u2029{MARKS}]"
_MARK = f"[{MARKS}]"
_VISIBLE = f"[^{_CONTROLS}{_SPACES}{_ecma(BLANKS)}{_ecma(IGNORABLE)}{_ecma(FORMATS)}]"
_INNER = f"[^{_CONTROLS}{MARKS}]"
_EDGE = f"[^{_CONTROLS}{_SPACES}{MARKS}]"


def shown(most: int) -> list[dict[str, str]]:
    """The patterns of a visible text with at most `most` characters after cleaning."""
    inner = f"(?:{_MARK}*{_INNER}){{0,{most - 2}}}{_MARK}*{_EDGE}"
    return [{"pattern": _VISIBLE}, {"pattern": f"^{_EDGES}*{_EDGE}(?:{inner})?{_EDGES}*$"}]
