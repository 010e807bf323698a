"""The Bottle application: the routes, and what happens where there is none."""

from collections.abc import Mapping
from typing import Any

import bottle

from core.errors import BadRequest
from web import problems
from web.api import Api
from web.deps import Deps
from web.origin import is_cross_site
from web.pages import Pages
from web.problems import Problem, problem, problem_reply
from web.replies import Reply, ReplyPlugin

CODES = {404: "not-found", 405: "method-not-allowed"}


class Site(bottle.Bottle):  # type: ignore[misc]
    """Answers problems in the asker's language: JSON under `/api`, a page elsewhere."""

    def __init__(self, deps: Deps) -> None:
        super().__init__(catchall=False)
        self._pages = Pages(deps)
        self.uninstall(True)  # Bottle's own, for JSON and templates, have nothing to do here
        self.install(ReplyPlugin(self._refuse_cross_site, self._refuse))
        Api(deps).mount(self)
        self._pages.mount(self)

    def trouble(self, path: str, found: Problem) -> Reply:
        """The answer that a problem at that path gets."""
        return problem_reply(found) if path.startswith("/api/") else self._pages.trouble(found)

    def default_error_handler(self, error: bottle.HTTPError) -> bytes:
        """Bottle's own refusals: no such route, no such method."""
        found = problem(CODES.get(error.status_code, "internal"))
        reply = self.trouble(bottle.request.path, found)
        for name, value in reply.headers:
            bottle.response.set_header(name, value)
        return reply.body

    def _refuse_cross_site(self, environ: Mapping[str, Any]) -> Reply | None:
        if is_cross_site(environ):
            return self.trouble(environ["PATH_INFO"], problem("cross-site"))
        return None

    def _refuse(self, error: BadRequest) -> Reply:
        return self.trouble(bottle.request.path, problems.of_request(error))


def make_app(deps: Deps) -> Site:
    """The site with all of its routes, a WSGI application.

    Its waiting routes need `web.rsgi`, or whatever else catches `replies.Waiting`.
    """
    return Site(deps)
