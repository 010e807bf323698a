"""How a Bottle route answers.

A route returns a `Reply`, or a `Problem` that becomes one in the asker's language, or a
coroutine that ends in either. The coroutine is awaited on the event loop after Bottle has let
go of the request: it must not use `bottle.request`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import bottle

from core.errors import BadRequest
from web.http.problems import Problem, of_request
from web.http.replies import Reply

Outcome: TypeAlias = Reply | Problem
# The answer that a problem gets in a request of that WSGI environment.
Trouble: TypeAlias = Callable[[Mapping[str, Any], Problem], Reply]


class Waiting(Exception):
    """Leaves Bottle at once: the answer is not there yet, and none of Bottle's own is sent."""

    def __init__(self, outcome: Awaitable[Outcome]) -> None:
        super().__init__()
        self.outcome = outcome


class ReplyPlugin:
    """Lets Bottle's routes answer so. `admit` may refuse a request by its environment."""

    name = "replies"
    api = 2

    def __init__(
        self, admit: Callable[[Mapping[str, Any]], Problem | None], trouble: Trouble
    ) -> None:
        self._admit = admit
        self._trouble = trouble

    def apply(self, callback: Callable[..., Any], _route: bottle.Route) -> Callable[..., Any]:
        def answer(**arguments: str) -> Any:
            environ = bottle.request.environ
            result: Any = self._admit(environ)
            try:
                result = result or callback(**arguments)
            except BadRequest as error:
                result = of_request(error)
            if isinstance(result, Problem):
                result = self._trouble(environ, result)
            if isinstance(result, Reply):
                return as_response(result)
            raise Waiting(result)

        return answer


def as_response(reply: Reply) -> bottle.HTTPResponse:
    """The reply in Bottle's terms."""
    return bottle.HTTPResponse(reply.body, reply.status, reply.headers)
