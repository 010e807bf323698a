"""The bodies of requests: JSON objects and forms."""

import json
import math
from codecs import BOM_UTF8
from typing import Any
from urllib.parse import parse_qsl

from core.errors import BadRequest
from web.http.request import Request

# An integer of more digits than this is out of any range, and slow to convert.
MOST_DIGITS = 20


def form_fields(request: Request, most: int = 16) -> dict[str, str]:
    """The fields of a form as they were typed, at most so many. Raises `BadRequest`."""
    _expect_media_type(request.content_type, "application/x-www-form-urlencoded")
    try:
        text = request.body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:
        raise BadRequest("malformed", "detail.form") from None
    if len(fields := dict(pairs)) != len(pairs):
        raise BadRequest("malformed", "detail.form-twice")
    return fields


def json_object(request: Request) -> dict[str, Any]:
    """The object in a JSON body. Raises `BadRequest`."""
    _expect_media_type(request.content_type, "application/json")
    try:
        wanted = _DECODER.decode(request.body.removeprefix(BOM_UTF8).decode())
    except (ValueError, RecursionError):
        raise BadRequest("malformed", "detail.not-json") from None
    if not isinstance(wanted, dict):
        raise BadRequest("malformed", "detail.not-object")
    return wanted


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    wanted = dict(pairs)
    if len(wanted) != len(pairs):
        raise ValueError("a key stands twice")
    return wanted


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """JSON knows no difference between 2 and 2.0."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_no_constant,
    parse_float=_number,
    parse_int=_integer,
)


def _expect_media_type(content_type: str, expected: str) -> None:
    if content_type != expected and content_type.partition(";")[0].strip().lower() != expected:
        raise BadRequest("unsupported-media-type", "detail.media-type", expected=expected)
