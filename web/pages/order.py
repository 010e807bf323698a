"""The page of an order: a hold that runs, or a ticket. Its buttons change the order."""

from urllib.parse import urlsplit

import bottle
import msgspec

from core.errors import ZkticketError
from core.schema.records import OrderView
from core.store.availability import EventAvailability
from core.store.order_lifecycle import Act
from core.transport.link import Code
from web.handler_context import Context
from web.http import problems
from web.http.body import form_fields
from web.http.i18n import Language
from web.http.problems import Problem, problem
from web.http.replies import NO_STORE, Reply, content, see_other
from web.http.request import Request
from web.http.route_description import READ, Response, Route, mount
from web.http.routing import Outcome
from web.pages.hold_view import hold_view, is_hold
from web.pages.icalendar import CONTENT_TYPE, calendar, has_calendar
from web.pages.payment_link import payment_link
from web.pages.rendering import PageRenderer, Visit
from web.pages.ticket_view import ticket_view
from web.reads.order_lookup import await_order, find_order
from web.requests.order_change import WantedChange, wanted_change
from web.requests.parameters import ORDER_ID
from web.requests.purchase import new_key

CALENDAR = content(
    CONTENT_TYPE, ("content-disposition", 'attachment; filename="ticket.ics"'), NO_STORE
)

# Texts of problems on the page of an order.
TEXTS = {
    "halted": "ticket.busy",
    "hold-expired": "hold.late",
    "no-quorum": "ticket.busy",
    "no-worker": "ticket.busy",
    "outcome-unknown": "ticket.unknown",
    "overloaded": "ticket.busy",
}

# Names of this machine for itself, where an instance without a public address is tried.
LOCAL = ("127.0.0.1", "::1", "localhost")


class TicketPages:
    """Each public method is a route. An order has one address for all of its life."""

    def __init__(self, context: Context, renderer: PageRenderer) -> None:
        self._context = context
        self._renderer = renderer

    def mount(self, app: bottle.Bottle) -> None:
        app.route("/orders/<order_id>", "GET", self.get_order)
        mount(app, self)
        app.route(
            "/orders/<order_id>/<act:re:confirm|extend|release|cancel>", "POST", self.post_act
        )

    async def get_order(self, request: Request, order_id: str) -> Outcome:
        order = await self._find(order_id)
        if isinstance(order, Problem):
            return order
        return await self._page(self._renderer.visit(request), order, new_key())

    # --- its buttons -----------------------------------------------------------------

    async def post_act(self, request: Request, order_id: str, act: str) -> Outcome:
        """Changes the order, and sends the browser back to it. The form may be sent again."""
        fields = form_fields(request)
        wanted = wanted_change(order_id, Act(act), fields.get("key"))
        visit = self._renderer.visit(request, f"/orders/{order_id}")
        answer = await self._context.checkout.change(wanted, request.began)
        if answer.code is Code.DONE and answer.order is not None:
            await await_order(self._context.orders, answer.order)
            return see_other(visit.address)
        found = problems.from_refused_change(answer, self._context.rng)
        text = TEXTS.get(found.code, found.text)
        return await self._refused(visit, wanted, msgspec.structs.replace(found, text=text))

    async def _refused(self, visit: Visit, wanted: WantedChange, found: Problem) -> Outcome:
        """The order's page with what went wrong; a form in doubt keeps its key."""
        order = await self._find(wanted.order)
        if isinstance(order, Problem):
            return self._renderer.trouble(visit, found, back=visit.address)
        key = wanted.key if found.status == 503 else new_key()
        return await self._page(visit, order, key, found)

    # --- what it looks like ----------------------------------------------------------

    async def _page(
        self, visit: Visit, order: OrderView, key: str, found: Problem | None = None
    ) -> Reply:
        language = visit.language
        event = await self._event(order, language)
        notice = found.detail(language) if found else ""
        if is_hold(order):
            now, shop = self._context.clock.now(), self._shop(visit, order, event)
            hold = hold_view(language, order, event, now, key, notice, shop)
            return self._renderer.page(visit, "hold", found, hold=hold)
        ticket = ticket_view(language, order, event, notice, self._context.clock.now())
        return self._renderer.page(visit, "ticket", found, ticket=ticket)

    def _shop(self, visit: Visit, order: OrderView, event: EventAvailability | None) -> str:
        """The address where a hold is paid, "" for none.

        The way back is signed, too: it has to be ours, and not one that a client named as its host.
        """
        ours = self._context.front.public_url or urlsplit(visit.base).hostname in LOCAL
        if event is None or not event.payment_url or not ours:
            return ""
        back = f"{visit.base}/orders/{order.order}"
        return payment_link(self._context.payment_key, event.payment_url, order, back)

    @Route(
        "GET",
        "/orders/<order_id>/calendar.ics",
        "getCalendar",
        "The ticket for a calendar",
        "The entry of a cancelled order says so. A hold has none, nor has an event without a time. "
        "Problems are pages, not JSON.",
        parameters=(ORDER_ID,),
        answers=(Response(200, "iCalendar.", CONTENT_TYPE),),
        codes=("no-such-order", "not-found", *READ),
    )
    async def get_calendar(self, request: Request, order_id: str) -> Outcome:
        order = await self._find(order_id)
        if isinstance(order, Problem):
            return order
        event = await self._event(order, self._renderer.visit(request).language)
        if event is None or not has_calendar(order, event):
            return problem("not-found")
        address = f"{request.base}/orders/{order_id}"
        body = calendar(order, event, address, self._context.clock.now())
        return Reply(200, CALENDAR, body)

    async def _event(self, order: OrderView, language: Language) -> EventAvailability | None:
        """The order's event, in that language, or None while the catalog can't tell."""
        event = (await self._context.catalog.snapshot()).event(order.event)
        return event.in_language(language.tag) if event else None

    async def _find(self, order_id: str) -> OrderView | Problem:
        try:
            return await find_order(self._context.orders, order_id)
        except ZkticketError as error:
            return problems.from_read_error(error, self._context.rng)
