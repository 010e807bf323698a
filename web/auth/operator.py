"""Who may pass: with the operators' token, or with a session that it began."""

import hmac

from msgspec.structs import replace

from core.clock import Clock
from core.text.names import clean
from web.auth.ended_sessions import Ended
from web.auth.sessions import COOKIE, Session, Sessions
from web.auth.throttle import TokenThrottle
from web.http.problems import Problem, problem
from web.http.request import Request


class OperatorGuard:
    """Compares in constant time, and slows down who guesses."""

    def __init__(
        self,
        token: str,
        clock: Clock,
        ended: Ended,
    ) -> None:
        self._token = token.encode()
        self._attempts = TokenThrottle(clock.monotonic)
        self.sessions = Sessions(token, clock.now, ended)

    def session(self, request: Request) -> Session | None:
        return self.sessions.find(request.cookies(COOKIE))

    def is_asked(self, request: Request) -> bool:
        """Whether a request means to pass: it brings a token, be it right or wrong."""
        return _bearer(request) is not None

    def refusal(self, request: Request) -> Problem | None:
        """Why a request may not pass that should bring the token in its `Authorization`."""
        given = _bearer(request)
        return problem("unauthorized") if given is None else self.try_token(given, request.client)

    def try_token(self, given: str, address: str) -> Problem | None:
        """None where that is the token, brought or typed in by the client at that address."""
        # The right one never waits for a neighbour's wrong ones, whose address a proxy may share:
        # it has 128 random bits, which nobody guesses at any speed.
        if hmac.compare_digest(clean(given).encode(errors="replace"), self._token):
            return None
        wait_s = self._attempts.wait_s(address)
        if wait_s:
            return replace(problem("too-many-attempts"), retry_after=wait_s)
        self._attempts.failed(address)
        return problem("unauthorized")


def _bearer(request: Request) -> str | None:
    """The token of the request's `Authorization`; None where it brings none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given if scheme.lower() == "bearer" else None
