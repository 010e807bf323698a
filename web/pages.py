"""The pages that buyers see."""

from collections.abc import Mapping
from typing import Any

import bottle

from core.errors import BadRequest, BadZnode, NoSuchOrder, Unavailable
from core.models import DEFAULT_EVENT
from core.store import EventAvailability
from web import problems
from web.assets import Assets
from web.basket import Basket, form_fields, of_form
from web.catalog import Snapshot
from web.deps import Deps
from web.lookup import find_order
from web.problems import Problem, extra_headers, problem
from web.replies import BEGAN, GONE, GUARDS, HTML, Gone, Reply, html_reply
from web.sale import sale_page, ticket_page
from web.templates import Templates

Fields = Mapping[str, str]


class Pages:
    """Each method is a route, or the page that a problem ends on."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._assets = Assets()
        self._templates = Templates(self._assets.address("style.css"))

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/", "GET", self.get_sale)
        app.route("/orders", "POST", self.post_order)
        app.route("/orders/<order_id>", "GET", self.get_ticket)
        app.route("/static/<name>", "GET", self.get_asset)

    # --- selling ---------------------------------------------------------------------

    def get_sale(self) -> Any:
        return self._sale(bottle.request.query.getunicode("event", ""), {})

    def post_order(self) -> Any:
        environ = bottle.request.environ
        fields = form_fields(environ.get("CONTENT_TYPE", ""), environ["wsgi.input"].read())
        try:
            basket = of_form(fields)
        except BadRequest as error:
            return self._sale(fields.get("event", ""), fields, problems.of_request(error))
        return self._buy(basket, environ[BEGAN], environ[GONE], fields)

    async def _buy(self, basket: Basket, began: float, gone: Gone, fields: Fields) -> Reply:
        answer = await self._deps.buy(basket, began, gone)
        if answer.order is not None:
            location = ("location", f"/orders/{answer.order.order}")
            return Reply(303, [location, ("cache-control", "no-store"), *GUARDS])
        found = problems.of_answer(answer, basket.type, basket.quantity, self._deps.rng)
        return await self._sale(basket.event, fields, found)

    async def _sale(self, name: str, fields: Fields, found: Problem | None = None) -> Reply:
        snapshot = await self._deps.catalog.snapshot()
        event = _choose(snapshot, name)
        if event is None:
            return self.trouble(found or self._absent(name, snapshot))
        page = sale_page(event, snapshot, self._deps.now(), fields, found)
        return self._page("sale", found, page=page)

    def _absent(self, name: str, snapshot: Snapshot) -> Problem:
        """Why there is no event to show."""
        if (name or DEFAULT_EVENT) in snapshot.damaged:
            return problem("damaged")
        if snapshot.as_of is not None and name and snapshot.events:
            return problem("no-such-event")
        return problem("no-quorum", "The box office is not open yet.", rng=self._deps.rng)

    # --- the ticket ------------------------------------------------------------------

    async def get_ticket(self, order_id: str) -> Reply:
        try:
            order = await find_order(self._deps.orders, order_id)
        except NoSuchOrder:
            return self.trouble(problem("no-such-order"))
        except (Unavailable, BadZnode) as error:
            return self.trouble(problems.of_read(error, self._deps.rng))
        snapshot = await self._deps.catalog.snapshot()
        ticket = ticket_page(order, snapshot.event(order.event))
        return self._page("ticket", None, ticket=ticket)

    # --- the rest --------------------------------------------------------------------

    def get_asset(self, name: str) -> Reply:
        return self._assets.find(name) or self.trouble(problem("not-found"))

    def trouble(self, found: Problem) -> Reply:
        """The small page of a problem."""
        return self._page("problem", found, problem=found)

    def _page(self, template: str, found: Problem | None, **values: Any) -> Reply:
        text = self._templates.render(template, **values)
        if found is None:
            return html_reply(text)
        return Reply(found.status, HTML + extra_headers(found), text.encode())


def _choose(snapshot: Snapshot, name: str) -> EventAvailability | None:
    """The event of that name; where none is named the default one, or else the first."""
    if name:
        return snapshot.event(name)
    first = snapshot.events[0] if snapshot.events else None
    return snapshot.event(DEFAULT_EVENT) or first
