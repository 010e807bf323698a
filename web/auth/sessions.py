"""Operators' sessions: cookies that are signed with a key made from the token.

Nothing is stored, so a web server's successor knows them; `web.auth.ended_sessions` remembers
which ones were ended before their time.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Iterable

import msgspec

from web.auth.ended_sessions import Ended
from web.auth.known_tokens import KnownTokens
from web.auth.roles import OPERATOR, Access
from web.http import cookies

COOKIE = "operator"
# Browsers send the cookie to these addresses only.
PATH = "/operator"
# A long shift.
LASTS_S = 12 * 3600
# An end in Unix seconds, a random id, whose token it was unless it was the operator's own, and the
# signature.
COOKIE_VALUE = re.compile(r"(\d{1,12})\.([0-9a-f]{32})(?:\.([0-9a-f]{32}))?\.([0-9a-f]{64})")


class Session(msgspec.Struct, frozen=True):
    """`csrf` stands in each form of the session; no other session's is accepted."""

    id: str
    ends_at: int
    csrf: str
    access: Access


class Sessions:
    """Begins, finds and ends sessions. `now` is in Unix seconds.

    A new operator's token ends all of them; a person's that is revoked ends those begun with it.
    """

    def __init__(
        self, token: str, now: Callable[[], float], ended: Ended, known: KnownTokens
    ) -> None:
        self._key = _derived(token.encode(), "operator session")
        self._now = now
        self._ended = ended
        self._known = known

    def begin(self, access: Access = OPERATOR) -> str:
        """The value of a new session's cookie."""
        id_, ends_at = secrets.token_hex(16), int(self._now()) + LASTS_S
        signed = f"{ends_at}.{id_}" + (f".{access.ref}" if access.ref else "")
        return f"{signed}.{self._proof(signed)}"

    def find(self, values: Iterable[str]) -> Session | None:
        """The first valid session in a request's cookies."""
        found = map(self._session, values)
        return next((session for session in found if session is not None), None)

    def _session(self, cookie: str) -> Session | None:
        value = COOKIE_VALUE.fullmatch(cookie)
        if value is None:
            return None
        ends_at, id_ = int(value[1]), value[2]
        if not hmac.compare_digest(value[4], self._proof(cookie.rpartition(".")[0])):
            return None
        access = self._known.of_ref(value[3]) if value[3] else OPERATOR
        if access is None:
            return None
        if ends_at <= self._now() or self._ended.bars(id_, ends_at - LASTS_S, ends_at):
            return None
        return Session(id_, ends_at, _derived(self._key, f"form {id_}").hex(), access)

    async def end(self, session: Session) -> bool:
        """Ends the session; False if other web servers may not know that yet."""
        return await self._ended.end(session.id, session.ends_at)

    def _proof(self, signed: str) -> str:
        return _derived(self._key, signed).hex()


def set_cookie(value: str, *, secure: bool) -> tuple[str, str]:
    """The header that keeps the session in the browser; an empty value ends it there."""
    lasts_s = LASTS_S if value else 0
    return cookies.set_cookie(
        COOKIE, value, path=PATH, lasts_s=lasts_s, same_site="Strict", secure=secure
    )


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), "sha256")
