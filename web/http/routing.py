"""How a request finds its handler: Bottle's router chooses it by method and path.

A handler is called with the request and with the parts of its path, and answers with a `Reply`,
or with a `Problem` that becomes one in the client's language.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import bottle

from core.errors import BadRequest
from web.http.problems import Problem
from web.http.replies import Reply
from web.http.request import Request

Outcome: TypeAlias = Reply | Problem
Handler: TypeAlias = Callable[..., Awaitable[Outcome]]
# The reply to a request that ends in that problem.
Trouble: TypeAlias = Callable[[Request, Problem], Reply]


def find_route(app: bottle.Bottle, request: Request) -> tuple[bottle.Route, dict[str, str]]:
    """The route, and the parts of the path that its rule names. Raises `BadRequest`."""
    try:
        found: tuple[bottle.Route, dict[str, str]] = app.match(
            {"REQUEST_METHOD": request.method, "PATH_INFO": request.path}
        )
        return found
    except bottle.HTTPError as error:
        raise _refusal(error.get_header("Allow")) from None


def _refusal(allowed: str | None) -> BadRequest:
    """No such address, or one that takes other methods."""
    if allowed is None:
        return BadRequest("not-found", "problem.not-found")
    return BadRequest("method-not-allowed", "problem.method-not-allowed", allow=allowed)
