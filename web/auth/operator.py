"""Who may pass: with the operators' token, or with a session that it began."""

import hmac
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from core.clock import Clock
from core.text.names import clean
from web.auth.ended_sessions import Ended
from web.auth.sessions import Session, Sessions
from web.auth.throttle import Attempts
from web.http.problems import Problem, problem


class Guard:
    """Compares in constant time, and slows down who guesses."""

    def __init__(
        self,
        token: str,
        clock: Clock,
        ended: Ended,
    ) -> None:
        self._token = token.encode()
        self._attempts = Attempts(clock.monotonic)
        self.sessions = Sessions(token, clock.now, ended)

    def session(self, environ: Mapping[str, Any]) -> Session | None:
        """The session of a request (a WSGI environment)."""
        return self.sessions.find(environ.get("HTTP_COOKIE", ""))

    def is_asked(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request means to pass: it brings a token, be it right or wrong."""
        return _bearer(environ) is not None

    def refusal(self, environ: Mapping[str, Any]) -> Problem | None:
        """Why a request may not pass that should bring the token in its `Authorization`."""
        given = _bearer(environ)
        return problem("unauthorized") if given is None else self.try_token(given, environ)

    def try_token(self, given: str, environ: Mapping[str, Any]) -> Problem | None:
        """None where that is the token, brought or typed in."""
        # The right one never waits for a neighbour's wrong ones, whose address a proxy may share:
        # it has 128 random bits, which nobody guesses at any speed.
        if hmac.compare_digest(clean(given).encode(errors="replace"), self._token):
            return None
        address = environ.get("REMOTE_ADDR", "")
        wait_s = self._attempts.wait_s(address)
        if wait_s:
            return replace(problem("too-many-attempts"), retry_after=wait_s)
        self._attempts.failed(address)
        return problem("unauthorized")


def _bearer(environ: Mapping[str, Any]) -> str | None:
    """The token of the request's `Authorization`; None where it brings none."""
    scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return given if scheme.lower() == "bearer" else None
