"""The Bottle application: all routes, and the reply to each problem."""

import bottle

from web.api.check_in import CheckInApi
from web.api.events import EventApi
from web.api.holds import HoldApi
from web.api.orders import OrderApi
from web.api.status import StatusApi
from web.auth.operator import OperatorGuard
from web.handler_context import Context
from web.http.cross_origin import own_site_only
from web.http.i18n import Languages
from web.http.problems import Problem, problem_reply
from web.http.replies import Reply
from web.http.request import Request
from web.http.route_description import mount
from web.openapi.docs_pages import Manual
from web.operator.board import BoardPages
from web.operator.event_form import FORM_BYTES
from web.pages.sale import SalePages
from web.reads.live_availability import Live
from web.server.adapter import BODY_BYTES


class Site(bottle.Bottle):  # type: ignore[misc]
    """Answers problems in the client's language: JSON under `/api`, a page elsewhere."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.languages = Languages()
        self.live = Live(context.catalog, context.clock)
        self._pages = SalePages(context, self.languages)
        # Bottle's own plugins, for JSON and templates, have nothing to do here.
        self.uninstall(True)
        self.install(own_site_only)
        guard = OperatorGuard(
            context.operator_token, context.clock, context.ended, context.known_tokens
        )
        self._board = BoardPages(context, guard, self.languages)
        for routes in (OrderApi, HoldApi, CheckInApi, StatusApi):
            mount(self, routes(context, guard))
        mount(self, EventApi(context, self.live))
        self._pages.mount(self)
        Manual(self._pages.renderer, self.languages, context.front.public_url).mount(self)
        self._board.mount(self)

    def trouble(self, request: Request, found: Problem) -> Reply:
        """The reply to a request that ends in that problem."""
        if request.path.startswith("/api/"):
            return problem_reply(found, self.languages.of(request.headers))
        if request.path.startswith("/operator"):
            return self._board.renderer.trouble(request, found)
        return self._pages.trouble(request, found)

    def most_bytes(self, request: Request) -> int:
        """How large the body of that request may be."""
        return FORM_BYTES if self._board.takes_event(request) else BODY_BYTES
