"""Lets people in: with their token, or with a session that was begun with it."""

import hmac

from msgspec.structs import replace

from core.clock import Clock
from core.text.names import clean
from web.auth.ended_sessions import Ended
from web.auth.guess_throttle import GuessThrottle
from web.auth.known_tokens import KnownTokens
from web.auth.roles import OPERATOR, Access, Area
from web.auth.sessions import COOKIE, Session, Sessions
from web.http.problems import Problem, problem
from web.http.request import Request

# When to try a token again that can't be looked up.
UNKNOWN_S = 2


class OperatorGuard:
    """Compares tokens in constant time, and slows down guessing."""

    def __init__(self, token: str, clock: Clock, ended: Ended, known: KnownTokens) -> None:
        self._token = token.encode()
        self._known = known
        self._attempts = GuessThrottle(clock.monotonic)
        self.sessions = Sessions(token, clock.now, ended, known)

    def session(self, request: Request) -> Session | None:
        return self.sessions.find(request.cookies(COOKIE))

    def is_asked(self, request: Request) -> bool:
        """Whether a request brings a token, right or wrong."""
        return _bearer(request) is not None

    def enter(self, request: Request, area: Area) -> Access | Problem:
        """The access by the token in `Authorization`, or the problem of one that opens no area."""
        given = _bearer(request)
        if given is None:
            return problem("unauthorized")
        access = self.try_token(given, request.client)
        return access if isinstance(access, Problem) else access.refusal(area) or access

    def refusal(self, request: Request, area: Area) -> Problem | None:
        """The problem of a request without a token that opens the area, else None."""
        found = self.enter(request, area)
        return found if isinstance(found, Problem) else None

    def try_token(self, given: str, address: str) -> Access | Problem:
        """The access by the token that the client at that address gave, or the problem."""
        # The right token never waits because of wrong ones from the same address, which may be a
        # proxy's: it has 128 random bits or more, which nobody guesses at any speed.
        token = clean(given)
        if hmac.compare_digest(token.encode(errors="replace"), self._token):
            return OPERATOR
        if access := self._known.of_token(token):
            return access
        wait_s = self._attempts.wait_s(address)
        if wait_s:
            return replace(problem("too-many-attempts"), retry_after=wait_s)
        if not self._known.current:  # it may be right
            return replace(problem("no-quorum", "detail.no-tokens"), retry_after=UNKNOWN_S)
        self._attempts.failed(address)
        return problem("unauthorized")


def _bearer(request: Request) -> str | None:
    """The token in the request's `Authorization`, or None."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given if scheme.lower() == "bearer" else None
