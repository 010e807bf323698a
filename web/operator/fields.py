"""Fields of the operators' forms and addresses, and of their cookies."""

import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote, unquote

from core.errors import BadRequest
from web.auth.sessions import PATH
from web.http.cookies import YEAR_S, set_cookie
from web.http.request import Request

Fields: TypeAlias = Mapping[str, str]

EVENTS = f"{PATH}/events"
WHOLE = re.compile(r"[0-9]{1,9}")


def whole_number(text: str, least: int, most: int, field: str | None = None) -> int:
    """The number in a field. Raises `BadRequest` for another text, or one out of bounds."""
    if not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise BadRequest("invalid", "operators.number", field, least=least, most=most)
    return int(text)


def event_page(name: str) -> str:
    """An event's address; its name may come out of another address, so it is quoted."""
    return f"{EVENTS}/{quote(name, safe='')}"


def kept(request: Request, name: str) -> str:
    """What this device remembers under that name, or ""."""
    return unquote(next(request.cookies(name), ""))


def keep(name: str, value: str) -> tuple[str, str]:
    """The header that makes this device remember it; an empty value forgets it."""
    lasts_s = YEAR_S if value else 0
    return set_cookie(name, quote(value, safe=""), path=PATH, lasts_s=lasts_s, same_site="Strict")
