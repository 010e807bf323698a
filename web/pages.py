"""The pages that buyers see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import bottle

from core.availability import EventAvailability
from core.errors import BadRequest, BadZnode, NoSuchOrder, Unavailable
from core.models import DEFAULT_EVENT
from web import problems
from web.assets import Assets
from web.basket import Basket, form_fields, of_form
from web.calendar import CONTENT_TYPE, calendar
from web.catalog import Snapshot
from web.deps import Deps
from web.language import Language, Languages, remember
from web.lookup import find_order
from web.problems import Problem, extra_headers, problem
from web.replies import BEGAN, GONE, GUARDS, HTML, Reply
from web.routing import Outcome
from web.sale import sale_page
from web.templates import Templates
from web.ticket import ticket_page

Fields = Mapping[str, str]

CALENDAR = [
    ("content-type", CONTENT_TYPE),
    ("content-disposition", 'attachment; filename="ticket.ics"'),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]


@dataclass(frozen=True)
class Visit:
    """Who looks at a page: in which language, and at what `address` of ours."""

    language: Language
    address: str


class Pages:
    """Each method is a route, or the page that a problem ends on."""

    def __init__(self, deps: Deps, languages: Languages) -> None:
        self._deps = deps
        self._languages = languages
        self._assets = Assets()
        self._templates = Templates(self._assets.address)

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/", "GET", self.get_sale)
        app.route("/orders", "POST", self.post_order)
        app.route("/orders/<order_id>", "GET", self.get_ticket)
        app.route("/orders/<order_id>/calendar.ics", "GET", self.get_calendar)
        app.route("/language", "POST", self.post_language)
        app.route("/static/<name>", "GET", self.get_asset)

    # --- selling ---------------------------------------------------------------------

    def get_sale(self) -> Any:
        name = bottle.request.query.getunicode("event", "")
        return self._sale(self._visit(bottle.request.environ), name, {})

    def post_order(self) -> Any:
        environ = bottle.request.environ
        visit = self._visit(environ)
        fields = form_fields(environ.get("CONTENT_TYPE", ""), environ["wsgi.input"].read())
        try:
            basket = of_form(fields)
        except BadRequest as error:
            return self._sale(visit, fields.get("event", ""), fields, problems.of_request(error))
        return self._buy(visit, basket, environ, fields)

    async def _buy(
        self, visit: Visit, basket: Basket, environ: Mapping[str, Any], fields: Fields
    ) -> Outcome:
        answer = await self._deps.buy(basket, environ[BEGAN], environ[GONE])
        if answer.order is not None:
            return _see_other(f"/orders/{answer.order.order}")
        found = problems.of_answer(answer, basket.type, basket.quantity, self._deps.rng)
        return await self._sale(visit, basket.event, fields, found)

    async def _sale(
        self, visit: Visit, name: str, fields: Fields, found: Problem | None = None
    ) -> Outcome:
        snapshot = await self._deps.catalog.snapshot()
        event = _choose(snapshot, name)
        if event is None:
            return found or self._absent(name, snapshot)
        page = sale_page(visit.language, event, snapshot, self._deps.now(), fields, found)
        return self._page(visit, "sale", found, page=page)

    def _absent(self, name: str, snapshot: Snapshot) -> Problem:
        """Why there is no event to show."""
        if (name or DEFAULT_EVENT) in snapshot.damaged:
            return problem("damaged")
        if snapshot.as_of is not None and name and snapshot.events:
            return problem("no-such-event")
        return problem("no-quorum", "detail.not-open", rng=self._deps.rng)

    # --- the ticket ------------------------------------------------------------------

    def get_ticket(self, order_id: str) -> Any:
        return self._ticket(self._visit(bottle.request.environ), order_id)

    async def _ticket(self, visit: Visit, order_id: str) -> Outcome:
        try:
            order = await find_order(self._deps.orders, order_id)
        except NoSuchOrder:
            return problem("no-such-order")
        except (Unavailable, BadZnode) as error:
            return problems.of_read(error, self._deps.rng)
        snapshot = await self._deps.catalog.snapshot()
        ticket = ticket_page(visit.language, order, snapshot.event(order.event))
        return self._page(visit, "ticket", None, ticket=ticket)

    def get_calendar(self, order_id: str) -> Any:
        parts = bottle.request.urlparts
        return self._calendar(order_id, f"{parts.scheme}://{parts.netloc}/orders/{order_id}")

    async def _calendar(self, order_id: str, address: str) -> Outcome:
        try:
            order = await find_order(self._deps.orders, order_id)
        except NoSuchOrder:
            return problem("no-such-order")
        except (Unavailable, BadZnode) as error:
            return problems.of_read(error, self._deps.rng)
        event = (await self._deps.catalog.snapshot()).event(order.event)
        if event is None or event.starts_at is None:
            return problem("not-found")
        return Reply(200, CALENDAR, calendar(order, event, event.starts_at, address))

    # --- the rest --------------------------------------------------------------------

    def post_language(self) -> Outcome:
        """Remembers a language and goes back to where it was chosen."""
        environ = bottle.request.environ
        fields = form_fields(environ.get("CONTENT_TYPE", ""), environ["wsgi.input"].read())
        language = self._languages.named(fields.get("to", ""))
        if language is None:
            return problem("not-found")
        return _see_other(_own(fields.get("back", "")), remember(language))

    def get_asset(self, name: str) -> Outcome:
        return self._assets.find(name) or problem("not-found")

    def trouble(self, environ: Mapping[str, Any], found: Problem) -> Reply:
        """The small page of a problem."""
        return self._page(self._visit(environ), "problem", found, problem=found)

    def show(self, environ: Mapping[str, Any], template: str, **values: Any) -> Reply:
        """A page that others fill, in the visitor's language."""
        return self._page(self._visit(environ), template, None, **values)

    def part(self, template: str, language: Language, **values: Any) -> str:
        """Of a page."""
        return self._templates.render(template, say=language.say, **values)

    def _visit(self, environ: Mapping[str, Any]) -> Visit:
        return Visit(self._languages.of(environ), _address(environ))

    def _page(self, visit: Visit, template: str, found: Problem | None, **values: Any) -> Reply:
        language = visit.language
        text = self._templates.render(
            template,
            say=language.say,
            language=language,
            languages=self._languages.all,
            spoken=language.for_scripts,
            address=visit.address,
            **values,
        )
        headers = [*HTML, ("content-language", language.tag)]
        if found is None:
            return Reply(200, headers, text.encode())
        return Reply(found.status, headers + extra_headers(found), text.encode())


def _see_other(address: str, *headers: tuple[str, str]) -> Reply:
    return Reply(303, [("location", address), ("cache-control", "no-store"), *GUARDS, *headers])


def _address(environ: Mapping[str, Any]) -> str:
    """Where the visitor is, or can go back to: what was posted can't be had by a link."""
    if environ["REQUEST_METHOD"] == "POST":
        return "/"
    query = environ.get("QUERY_STRING", "")
    path = quote(environ.get("bottle.raw_path", environ["PATH_INFO"]).encode("latin-1"))
    return f"{path}?{query}" if query else path


def _own(address: str) -> str:
    """The address if it is one of ours; the box office's where it could lead elsewhere."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if ours and address.isascii() and address.isprintable() else "/"


def _choose(snapshot: Snapshot, name: str) -> EventAvailability | None:
    """The event of that name; where none is named the default one, or else the first."""
    if name:
        return snapshot.event(name)
    first = snapshot.events[0] if snapshot.events else None
    return snapshot.event(DEFAULT_EVENT) or first
