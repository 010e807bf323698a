"""Lets operators in: with their token, or with a session that was begun with it."""

import hmac

from msgspec.structs import replace

from core.clock import Clock
from core.text.names import clean
from web.auth.ended_sessions import Ended
from web.auth.guess_throttle import GuessThrottle
from web.auth.sessions import COOKIE, Session, Sessions
from web.http.problems import Problem, problem
from web.http.request import Request


class OperatorGuard:
    """Compares tokens in constant time, and slows down guessing."""

    def __init__(self, token: str, clock: Clock, ended: Ended) -> None:
        self._token = token.encode()
        self._attempts = GuessThrottle(clock.monotonic)
        self.sessions = Sessions(token, clock.now, ended)

    def session(self, request: Request) -> Session | None:
        return self.sessions.find(request.cookies(COOKIE))

    def is_asked(self, request: Request) -> bool:
        """Whether a request brings a token, right or wrong."""
        return _bearer(request) is not None

    def refusal(self, request: Request) -> Problem | None:
        """The problem of a request without the right token in its `Authorization`, else None."""
        given = _bearer(request)
        return problem("unauthorized") if given is None else self.try_token(given, request.client)

    def try_token(self, given: str, address: str) -> Problem | None:
        """None if the client at that address gave the right token, else the problem."""
        # The right token never waits because of wrong ones from the same address, which may be a
        # proxy's: it has 128 random bits, which nobody guesses at any speed.
        if hmac.compare_digest(clean(given).encode(errors="replace"), self._token):
            return None
        wait_s = self._attempts.wait_s(address)
        if wait_s:
            return replace(problem("too-many-attempts"), retry_after=wait_s)
        self._attempts.failed(address)
        return problem("unauthorized")


def _bearer(request: Request) -> str | None:
    """The token in the request's `Authorization`, or None."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given if scheme.lower() == "bearer" else None
