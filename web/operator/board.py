"""The routes of the operators' pages."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import bottle

from core.errors import BadRequest, ZkticketError
from web.auth.operator import Guard
from web.auth.sessions import set_cookie
from web.context import Deps
from web.http.i18n import Languages
from web.http.problems import Problem, problem
from web.http.query import query
from web.http.replies import BASE, Reply, json_reply
from web.http.routing import Outcome
from web.operator.actions import HOME, Act, acts
from web.operator.checkin import CheckIn
from web.operator.events import FORM_ADDRESS, Events
from web.operator.fields import Fields, form
from web.operator.log_search import LEVELS, Search, search_of
from web.operator.orders import Orders
from web.operator.plots import Span, plots
from web.operator.rendering import SIGN_IN, Paper, Visit
from web.operator.status_cache import Glance
from web.server.head import SCHEME

MINUTES = (5, 15, 30)
SHOWN_ENTRIES = 200


class Board:
    """Each method is a route. All but the sign-in's want a session, or the token itself."""

    def __init__(self, deps: Deps, guard: Guard, languages: Languages) -> None:
        self._deps = deps
        self._guard = guard
        self._paper = Paper(guard, languages)
        self._glance = Glance(deps.status, deps.clock.monotonic)
        self._acts = acts()
        self._pages = (
            CheckIn(deps, self._paper),
            Events(deps, self._paper),
            Orders(deps, self._paper),
        )

    def mount(self, app: bottle.Bottle) -> None:
        app.route(SIGN_IN, "GET", self.get_sign_in)
        app.route(SIGN_IN, "POST", self.post_sign_in)
        app.route("/operator/sign-out", "POST", self.post_sign_out)
        app.route(HOME, "GET", self.get_board)
        app.route("/operator/live", "GET", self.get_live)
        app.route("/operator/log", "GET", self.get_log)
        app.route("/operator/act/<name>", "GET", self.get_act)
        app.route("/operator/act/<name>", "POST", self.post_act)
        for pages in self._pages:
            pages.mount(app)
        app.route("/api/operator/history", "GET", self.get_history)

    def trouble(self, environ: Mapping[str, Any], found: Problem) -> Reply:
        """The page of a problem at one of these addresses."""
        return self._paper.trouble(environ, found)

    def takes_event(self, environ: Mapping[str, Any]) -> bool:
        """Whether an operator posts an event's form, which is longer than all others."""
        found = FORM_ADDRESS.fullmatch(environ["PATH_INFO"])
        return bool(found and self._guard.session(environ))

    # --- coming and going ------------------------------------------------------------

    def get_sign_in(self) -> Outcome:
        return self._paper.sign_in(bottle.request.environ, None, left=query().get("left", ""))

    def post_sign_in(self) -> Outcome:
        environ = bottle.request.environ
        refusal = self._guard.try_token(form(environ).get("token", ""), environ)
        if refusal is not None:
            return self._paper.sign_in(environ, refusal)
        return self._paper.go(HOME, _cookie(environ, self._guard.sessions.begin()))

    def post_sign_out(self) -> Any:
        environ = bottle.request.environ
        visit = self._paper.visit(environ)
        if visit is not None:
            visit.check_form(form(environ))
            return self._sign_out(visit, _cookie(environ, ""))
        return self._paper.go(SIGN_IN, _cookie(environ, ""))

    async def _sign_out(self, visit: Visit, cookie: tuple[str, str]) -> Outcome:
        kept = await self._guard.sessions.end(visit.session)
        return self._paper.go(SIGN_IN if kept else f"{SIGN_IN}?left=here", cookie)

    # --- how it is -------------------------------------------------------------------

    def get_board(self) -> Any:
        return self._paper.for_operators(lambda visit: self._shown(visit, "board", query()))

    def get_live(self) -> Any:
        """The part of the board that changes, to be put in its place."""
        visit, fields = self._paper.visit(bottle.request.environ), query()
        return self._shown(visit, "live", fields) if visit else problem("unauthorized")

    async def _shown(self, visit: Visit, template: str, fields: Fields) -> Outcome:
        minutes = _minutes(fields)
        try:
            status, trouble = await self._glance.status(), ""
        except ZkticketError as error:
            status, trouble = None, str(error)
        now = self._deps.clock.now()
        span = Span(now - 60 * minutes, now)
        samples = self._deps.history.since(span.begin)
        return self._paper.page(
            visit,
            template,
            status=status,
            trouble=trouble,
            plots=plots(samples, span),
            minutes=minutes,
            choices=MINUTES,
            now=now,
            last=samples[-1] if samples else None,
            done=fields.get("done", ""),
        )

    def get_history(self) -> Outcome:
        """The samples of the last half hour, or of those `minutes`, as JSON."""
        refusal = self._guard.refusal(bottle.request.environ)
        if refusal is not None:
            return refusal
        minutes = query().get("minutes", str(MINUTES[-1]))
        if minutes not in map(str, MINUTES):
            raise BadRequest("invalid", "operators.no-span", "minutes")
        since = self._deps.clock.now() - 60 * int(minutes)
        return json_reply({"samples": self._deps.history.since(since)})

    # --- the log ---------------------------------------------------------------------

    def get_log(self) -> Any:
        search = search_of(query())
        return self._paper.for_operators(lambda visit: self._log(visit, search))

    async def _log(self, visit: Visit, search: Search) -> Outcome:
        query = search.query(self._deps.clock.now())
        found, sources = await self._deps.operations.log(query, SHOWN_ENTRIES)
        return self._paper.page(
            visit, "log", search=search, found=found, sources=sources, levels=LEVELS
        )

    # --- the buttons -----------------------------------------------------------------

    def get_act(self, name: str) -> Any:
        act, fields = self._act(name), query()
        return self._paper.for_operators(lambda visit: self._ask(visit, act, fields))

    async def _ask(self, visit: Visit, act: Act, fields: Fields) -> Outcome:
        question = act.ask(visit.language, await self._glance.status(), fields)
        return self._paper.ask(visit, f"/operator/act/{act.name}", act.home(fields), question)

    def post_act(self, name: str) -> Any:
        act = self._act(name)
        return self._paper.for_forms(lambda _visit, fields: self._do(act, fields))

    async def _do(self, act: Act, fields: Fields) -> Outcome:
        await act.do(self._deps.operations, fields)
        return self._paper.go(f"{act.home(fields)}?done={act.name}")

    def _act(self, name: str) -> Act:
        if name not in self._acts:
            raise BadRequest("not-found", "problem.not-found")
        return self._acts[name]


def _minutes(fields: Fields) -> int:
    asked = {str(minutes): minutes for minutes in MINUTES}
    return asked.get(fields.get("minutes", ""), MINUTES[0])


def _cookie(environ: Mapping[str, Any], session: str) -> tuple[str, str]:
    """Over TLS, ours or a proxy's, the session is never sent without it."""
    return set_cookie(session, secure="https" in (environ[SCHEME], urlsplit(environ[BASE]).scheme))
