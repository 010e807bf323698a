"""The sale's page, its forms, and what all pages share."""

from collections.abc import Mapping

import bottle
import msgspec

from core.errors import BadRequest
from core.schema.paths import DEFAULT_EVENT
from core.store.availability import EventAvailability
from core.transport.link import Answer
from web.handler_context import Context
from web.http import problems
from web.http.body import form_fields
from web.http.i18n import Languages, remember
from web.http.problems import Problem, problem
from web.http.replies import Reply, see_other
from web.http.request import Request
from web.http.routing import Outcome
from web.http.static_files import Assets
from web.pages.event_rows import event_rows
from web.pages.find import FindPage
from web.pages.order import TicketPages
from web.pages.rendering import PageRenderer, Visit
from web.pages.sale_view import events_on_show, price_list, sale_view, stale_text
from web.reads.catalog import Snapshot
from web.requests.purchase import Basket, from_form

Fields = Mapping[str, str]


class SalePages:
    """Each public method is a route; `trouble` is the page of a problem."""

    def __init__(self, context: Context, languages: Languages) -> None:
        self._context = context
        self._languages = languages
        self._assets = Assets()
        self.renderer = PageRenderer(languages, self._assets)

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/", "GET", self.get_sale)
        app.route("/", "POST", self.post_typed)
        app.route("/orders", "POST", self.post_order)
        app.route("/holds", "POST", self.post_hold)
        app.route("/language", "POST", self.post_language)
        app.route("/static/<name>", "GET", self.get_asset)
        TicketPages(self._context, self.renderer).mount(app)
        FindPage(self._context, self.renderer).mount(app)

    # --- selling ---------------------------------------------------------------------

    async def get_sale(self, request: Request) -> Outcome:
        """Shows an event, or the list of all where none is named and there are several."""
        name = request.query_field("event")
        visit = self.renderer.visit(request)
        snapshot = await self._context.catalog.snapshot()
        if not name and len(events_on_show(snapshot, self._context.clock.now())) > 1:
            return self._list(visit, snapshot)
        return await self._sale(visit, name, {})

    def _list(self, visit: Visit, snapshot: Snapshot) -> Reply:
        rows = event_rows(visit.language, snapshot, self._context.clock.now())
        stale = stale_text(visit.language, snapshot)
        return self.renderer.page(visit, "events", None, rows=rows, stale=stale)

    async def post_order(self, request: Request) -> Outcome:
        return await self._post(request, hold=False)

    async def post_hold(self, request: Request) -> Outcome:
        """Answers the form's other button, which holds the tickets for a while."""
        return await self._post(request, hold=True)

    async def _post(self, request: Request, *, hold: bool) -> Outcome:
        visit = self.renderer.visit(request)
        fields = form_fields(request)
        try:
            basket = msgspec.structs.replace(from_form(fields), hold=hold)
        except BadRequest as error:
            found = problems.from_bad_request(error)
            return await self._sale(visit, fields.get("event", ""), fields, found)
        shown = await self._as_shown(basket, fields.get("prices", ""))
        if shown is None:
            changed = problem("price-changed")
            return await self._sale(visit, basket.event, fields, changed)
        answer = await self._asked(shown, request)
        if isinstance(answer, Answer) and answer.order is not None:
            return see_other(f"/orders/{answer.order.order}")
        found = self._found(answer, basket)
        return await self._sale(visit, basket.event, fields, found)

    async def _as_shown(self, basket: Basket, prices: str) -> Basket | None:
        """The basket with the price that the page showed; None if prices have changed since."""
        event = (await self._context.catalog.snapshot()).event(basket.event) if prices else None
        if event is None:
            return basket
        costs = {type_.name: type_.price for type_ in event.types}
        if prices != price_list(event):
            return None
        return msgspec.structs.replace(
            basket, price=costs.get(basket.type), currency=event.currency
        )

    async def _asked(self, basket: Basket, request: Request) -> Answer | Problem:
        began, gone = request.began, request.gone
        if basket.hold:
            return await self._context.checkout.hold(basket, began, gone, request.client)
        return await self._context.checkout.buy(basket, began, gone)

    def _found(self, answer: Answer | Problem, basket: Basket) -> Problem:
        if isinstance(answer, Problem):
            return answer
        label = self._context.catalog.last.label(basket.event, basket.type)
        return problems.from_answer(answer, label, basket.quantity, self._context.rng)

    async def _sale(
        self, visit: Visit, name: str, fields: Fields, found: Problem | None = None
    ) -> Reply | Problem:
        snapshot = await self._context.catalog.snapshot()
        event = _choose(snapshot, name, self._context.clock.now())
        if event is None:
            return found or self._absent(name, snapshot)
        page = sale_view(visit.language, event, snapshot, self._context.clock.now(), fields, found)
        return self.renderer.page(visit, "sale", found, page=page)

    def _absent(self, name: str, snapshot: Snapshot) -> Problem:
        """The problem when there is no event to show."""
        if (name or DEFAULT_EVENT) in snapshot.damaged:
            return problem("damaged")
        if snapshot.as_of is not None and name and snapshot.events:
            return problem("no-such-event")
        return problem("no-quorum", "detail.not-open", rng=self._context.rng)

    # --- the rest --------------------------------------------------------------------

    async def post_typed(self, request: Request) -> Outcome:
        """Shows the sale in another language, with all that was typed into its form."""
        fields = form_fields(request)
        language = self._languages.named(fields.get("to", ""))
        if language is None:
            return problem("not-found")
        visit = Visit(language, "/", request.base)
        page = await self._sale(visit, fields.get("event", ""), fields)
        if isinstance(page, Problem):
            page = self.renderer.trouble(visit, page)
        return msgspec.structs.replace(page, headers=[*page.headers, remember(language)])

    async def post_language(self, request: Request) -> Outcome:
        """Remembers a language and goes back to where it was chosen."""
        fields = form_fields(request)
        language = self._languages.named(fields.get("to", ""))
        if language is None:
            return problem("not-found")
        return see_other(_own(fields.get("back", "")), remember(language))

    async def get_asset(self, _request: Request, name: str) -> Outcome:
        return self._assets.find(name) or problem("not-found")

    def trouble(self, request: Request, found: Problem) -> Reply:
        """The small page of a problem."""
        return self.renderer.trouble(self.renderer.visit(request), found)


def _own(address: str) -> str:
    """The address if it is on this site, else the sale's page."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if ours and address.isascii() and address.isprintable() else "/"


def _choose(snapshot: Snapshot, name: str, now: float) -> EventAvailability | None:
    """The event of that name, or without a name the first that is not over."""
    if name:
        return next((event for event in snapshot.published if event.name == name), None)
    return next(iter(events_on_show(snapshot, now)), None)
