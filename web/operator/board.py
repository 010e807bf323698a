"""The board, the log, the buttons, and signing in and out."""

from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import bottle
from msgspec import Meta

from core.cluster.status import Status
from core.errors import BadRequest, ZkticketError
from web.auth.operator import OperatorGuard
from web.auth.roles import Area
from web.auth.sessions import set_cookie
from web.handler_context import Context
from web.http.body import form_fields
from web.http.i18n import Languages
from web.http.problems import Problem, problem
from web.http.replies import json_reply, see_other
from web.http.request import Request
from web.http.route_description import OPERATOR, OPERATOR_TOKEN, Parameter, Response, Route, mount
from web.http.routing import Outcome
from web.http.static_files import Assets
from web.metrics.history import HistoryJson
from web.operator.check_in_page import CheckInPages
from web.operator.events import FORM_ADDRESS, EventPages
from web.operator.fields import Fields
from web.operator.form_actions import HOME, OperatorAction, operator_actions
from web.operator.log_search import LEVELS, search_of
from web.operator.orders import OrderPages
from web.operator.plots import Span, plots
from web.operator.rendering import SIGN_IN, OperatorRenderer, OperatorVisit
from web.operator.sale_board import SaleBoards
from web.operator.status_cache import StatusCache
from web.operator.type_pages import TypePages
from web.pages.rendering import PageRenderer

MINUTES = (5, 15, 30)
Minutes = Annotated[
    int,
    Meta(
        description="How many minutes to go back.",
        examples=[MINUTES[0]],
        extra_json_schema={"enum": list(MINUTES), "default": MINUTES[-1]},
    ),
]
SHOWN_ENTRIES = 200


class BoardPages:
    """Each public method is a route; all but those to sign in need a session or the token."""

    def __init__(self, context: Context, guard: OperatorGuard, languages: Languages) -> None:
        self._context = context
        self._guard = guard
        self.renderer = OperatorRenderer(guard, languages)
        self._status_cache = StatusCache(context.status, context.clock.monotonic)
        self._sales = SaleBoards(context.operations.takings, context.clock.now)
        self._pages = (
            CheckInPages(context, self.renderer),
            EventPages(context, self.renderer, PageRenderer(languages, Assets())),
            TypePages(context, self.renderer),
            OrderPages(context, self.renderer),
        )

    def mount(self, app: bottle.Bottle) -> None:
        app.route(SIGN_IN, "GET", self.get_sign_in)
        app.route(SIGN_IN, "POST", self.post_sign_in)
        app.route("/operator/sign-out", "POST", self.post_sign_out)
        page, form = self.renderer.for_operators, self.renderer.for_forms
        app.route(HOME, "GET", page(Area.BOARD, self.get_board))
        app.route("/operator/live", "GET", self.get_live)
        app.route("/operator/log", "GET", page(Area.MACHINE, self.get_log))
        for act in operator_actions():
            address = f"/operator/act/{act.name}"
            app.route(address, "GET", page(act.area, partial(self.get_act, act)))
            app.route(address, "POST", form(act.area, partial(self.post_act, act)))
        for pages in self._pages:
            pages.mount(app)
        mount(app, self)

    def takes_event(self, request: Request) -> bool:
        """Whether an operator posts an event's form, which is longer than other forms."""
        if not FORM_ADDRESS.fullmatch(request.path):
            return False
        session = self._guard.session(request)
        return session is not None and session.access.opens(Area.EVENTS)

    # --- signing in and out ----------------------------------------------------------

    async def get_sign_in(self, request: Request) -> Outcome:
        return self.renderer.sign_in(request, None, left=request.query_field("left"))

    async def post_sign_in(self, request: Request) -> Outcome:
        access = self._guard.try_token(form_fields(request).get("token", ""), request.client)
        if isinstance(access, Problem):
            return self.renderer.sign_in(request, access)
        return see_other(access.home, _cookie(request, self._guard.sessions.begin(access)))

    async def post_sign_out(self, request: Request) -> Outcome:
        visit, address = self.renderer.visit(request), SIGN_IN
        if visit is not None:
            visit.check_form(form_fields(request))
            if not await self._guard.sessions.end(visit.session):
                address = f"{SIGN_IN}?left=here"
        return see_other(address, _cookie(request, ""))

    # --- the board -------------------------------------------------------------------

    async def get_board(self, visit: OperatorVisit) -> Outcome:
        return await self._shown(visit, "board")

    async def get_live(self, request: Request) -> Outcome:
        """The part of the board that changes, which a script puts in its place."""
        visit = self.renderer.visit(request)
        if visit is None:
            return problem("unauthorized")
        return visit.access.refusal(Area.BOARD) or await self._shown(visit, "live-figures")

    async def _shown(self, visit: OperatorVisit, template: str) -> Outcome:
        fields = visit.request.query()
        minutes = _minutes(fields)
        try:
            status, trouble = await self._status_cache.status(), ""
        except ZkticketError as error:
            status, trouble = None, str(error)
        now = self._context.clock.now()
        span = Span(now - 60 * minutes, now)
        samples = self._context.history.since(span.begin)
        return self.renderer.page(
            visit,
            template,
            status=status,
            sells=status is not None and _sells(status),
            sales=self._sales.board(status),
            trouble=trouble,
            plots=plots(samples, span),
            minutes=minutes,
            choices=MINUTES,
            now=now,
            last=samples[-1] if samples else None,
            done=fields.get("done", ""),
        )

    @Route(
        "GET",
        "/api/operator/history",
        "getHistory",
        "How the sale went in the last minutes",
        parameters=(Parameter("query", "minutes", Minutes),),
        answers=(Response(200, "The samples.", HistoryJson),),
        codes=(*OPERATOR, "invalid"),
        keys=(OPERATOR_TOKEN,),
    )
    async def get_history(self, request: Request) -> Outcome:
        """The samples of the last half hour, or of those `minutes`, as JSON."""
        if refusal := self._guard.refusal(request, Area.MACHINE):
            return refusal
        minutes = request.query().get("minutes", str(MINUTES[-1]))
        if minutes not in map(str, MINUTES):
            raise BadRequest("invalid", "operators.no-span", "minutes")
        since = self._context.clock.now() - 60 * int(minutes)
        return json_reply(HistoryJson(self._context.history.since(since)))

    # --- the log ---------------------------------------------------------------------

    async def get_log(self, visit: OperatorVisit) -> Outcome:
        search = search_of(visit.request.query())
        query = search.query(self._context.clock.now())
        found, sources = await self._context.operations.log(query, SHOWN_ENTRIES)
        return self.renderer.page(
            visit, "log", search=search, found=found, sources=sources, levels=LEVELS
        )

    # --- the buttons -----------------------------------------------------------------

    async def get_act(self, act: OperatorAction, visit: OperatorVisit) -> Outcome:
        fields = visit.request.query()
        question = act.ask(visit.language.say, await self._status_cache.status(), fields)
        return self.renderer.ask(visit, f"/operator/act/{act.name}", act.home(fields), question)

    async def post_act(self, act: OperatorAction, visit: OperatorVisit, fields: Fields) -> Outcome:
        await act.do(self._context.operations.acting(visit.access.name), fields)
        return see_other(f"{act.home(fields)}?done={act.name}")


def _sells(status: Status) -> bool:
    """Whether any buyer can get a ticket now."""
    return (
        status.ensemble.quorum
        and not status.alarms
        and any(worker.state == "ready" and not worker.trouble for worker in status.workers)
    )


def _minutes(fields: Fields) -> int:
    asked = {str(minutes): minutes for minutes in MINUTES}
    return asked.get(fields.get("minutes", ""), MINUTES[0])


def _cookie(request: Request, session: str) -> tuple[str, str]:
    """The session's cookie; over TLS, ours or a proxy's, browsers never send it without."""
    return set_cookie(session, secure="https" in (request.scheme, urlsplit(request.base).scheme))
