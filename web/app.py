"""The Bottle application: the routes, and what happens where there is none."""

from collections.abc import Mapping
from typing import Any

import bottle

from web.api.order_changes import Changes
from web.api.routes import Api
from web.auth.operator import Guard
from web.context import Deps
from web.http.cross_origin import is_cross_site
from web.http.i18n import Languages
from web.http.problems import Problem, problem, problem_reply
from web.http.replies import Reply
from web.http.routing import ReplyPlugin
from web.openapi.manual import Manual
from web.operator.board import Board
from web.operator.event_form import FORM_BYTES
from web.pages.sale import Pages
from web.reads.live import Live
from web.server.adapter import BODY_BYTES

CODES = {404: "not-found", 405: "method-not-allowed"}


class Site(bottle.Bottle):  # type: ignore[misc]
    """Answers problems in the asker's language: JSON under `/api`, a page elsewhere."""

    def __init__(self, deps: Deps) -> None:
        super().__init__()
        self.catchall = False
        self.languages = Languages()
        self.live = Live(deps.catalog, deps.clock)
        self._pages = Pages(deps, self.languages)
        self.uninstall(True)  # Bottle's own, for JSON and templates, have nothing to do here
        self.install(ReplyPlugin(_refusal, self.trouble))
        guard = Guard(deps.operator_token, deps.clock, deps.ended)
        self._board = Board(deps, guard, self.languages)
        Api(deps, self.live, guard).mount(self)
        Changes(deps, guard).mount(self)
        self._pages.mount(self)
        Manual(self._pages.paper, self.languages, deps.front.public_url).mount(self)
        self._board.mount(self)

    def trouble(self, environ: Mapping[str, Any], found: Problem) -> Reply:
        """The answer that a problem gets in that request."""
        if environ["PATH_INFO"].startswith("/api/"):
            return problem_reply(found, self.languages.of(environ))
        if environ["PATH_INFO"].startswith("/operator"):
            return self._board.trouble(environ, found)
        return self._pages.trouble(environ, found)

    def most_bytes(self, environ: Mapping[str, Any]) -> int:
        """How large the body of that request may be."""
        return FORM_BYTES if self._board.takes_event(environ) else BODY_BYTES

    def default_error_handler(self, error: bottle.HTTPError) -> bytes:
        """Bottle's own refusals: no such route, no such method."""
        found = problem(CODES.get(error.status_code, "internal"))
        reply = self.trouble(bottle.request.environ, found)
        for name, value in reply.headers:
            bottle.response.set_header(name, value)
        return reply.body


def _refusal(environ: Mapping[str, Any]) -> Problem | None:
    return problem("cross-site") if is_cross_site(environ) else None


def make_app(deps: Deps) -> Site:
    """The site with all of its routes, a WSGI application.

    Its waiting routes need `web.server.adapter`, or whatever else catches `routing.Waiting`.
    """
    return Site(deps)
