"""Fields of the operators' forms and addresses, and of their cookies."""

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote, unquote

from web.auth.sessions import PATH
from web.http.cookies import set_cookie
from web.http.request import Request

Fields: TypeAlias = Mapping[str, str]

EVENTS = f"{PATH}/events"
YEAR_S = 365 * 24 * 3600


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
