"""The operators' pages of orders: listed, found, exported, explained, cancelled."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

import bottle

from core.errors import BadRequest, NoSuchOrder
from core.schema.records import NAME, OrderView, PaymentView
from core.store.availability import EventAvailability
from core.store.order_lifecycle import Act
from core.store.scan import ADMITTED, OrderFilter, state_of
from core.text.timezones import UTC_NAME
from core.transport.link import Code
from web.auth.roles import Area
from web.http import problems
from web.http.i18n import Language
from web.http.replies import NO_STORE, Reply, content, see_other
from web.http.request import Request
from web.http.routing import Outcome
from web.operator.fields import Fields
from web.operator.form_actions import Confirmation
from web.operator.formatting import money_of
from web.operator.plots import sales_curve
from web.operator.rendering import OperatorPages, OperatorVisit
from web.pages.ticket_view import total
from web.reads.order_lookup import find_order, find_ticket
from web.requests.order_change import wanted_change

ADDRESS = "/operator/orders"
MOST_CHARACTERS = 200
# What a filter is called in an address.
FIELDS = {"event": "event", "type": "type", "state": "state", "buyer": "find"}
# By which orders can be picked, in the order of a ticket's life.
STATES = ("held", "sold", ADMITTED, "cancelled", "released", "expired")


class OrderPages(OperatorPages):
    """Orders are listed, found, exported, explained, cancelled."""

    def mount(self, app: bottle.Bottle) -> None:
        page, form = self._renderer.for_operators, self._renderer.for_forms
        app.route(ADDRESS, "GET", page(Area.ORDERS, self.get_orders))
        app.route(f"{ADDRESS}/export", "GET", page(Area.ORDERS, self.get_export))
        app.route(f"{ADDRESS}/<order_id>", "GET", page(Area.ORDERS, self.get_order))
        app.route(f"{ADDRESS}/<order_id>/cancel", "GET", page(Area.ORDERS, self.get_cancel))
        app.route(f"{ADDRESS}/<order_id>/cancel", "POST", form(Area.ORDERS, self.post_cancel))

    # --- looking ---------------------------------------------------------------------

    async def get_orders(self, visit: OperatorVisit) -> Outcome:
        """The orders of an event or a buyer, or the one whose number was typed."""
        wanted, operations = _filter(visit.request), self._context.operations
        if order := await self._numbered(wanted.buyer):
            return see_other(f"{ADDRESS}/{order}")
        events = {event.name: event for event in (await operations.events()).events}
        found = await operations.find(wanted) if wanted != OrderFilter() else None
        event = events.get(wanted.event)
        zones = {name: event.timezone for name, event in events.items()}
        return self._renderer.page(
            visit,
            "orders",
            wanted=wanted,
            found=found,
            events=list(events.values()),
            event=event,
            states=STATES,
            state_of=state_of,
            curve=sales_curve(found.takings.curve) if found and found.takings else None,
            export=_address(wanted),
            money=partial(money_of, visit.language, event),
            when=partial(_when, visit.language, event.timezone if event else UTC_NAME),
            made=partial(_made, visit.language, zones),
            names=partial(_names, events),
        )

    async def get_export(self, visit: OperatorVisit) -> Outcome:
        """The wanted orders as a file for a spreadsheet."""
        wanted = _filter(visit.request)
        rows = await self._context.operations.export(wanted)
        name = f'attachment; filename="orders{"-" if wanted.event else ""}{wanted.event}.csv"'
        headers = content("text/csv; charset=utf-8", NO_STORE, ("content-disposition", name))
        return Reply(200, headers, rows.encode())

    async def _numbered(self, wanted: str) -> str:
        """The id of the order whose id, number or code was typed; "" where a name was."""
        with suppress(NoSuchOrder, BadRequest):  # many a name could be a number, too
            return await find_ticket(self._context.orders, wanted)
        return ""

    async def get_order(self, visit: OperatorVisit, order_id: str) -> Outcome:
        order = await find_order(self._context.orders, order_id)
        life = await self._context.operations.timeline(order_id)
        paid, (title, label) = total(visit.language, order), await self._names(order)
        return self._renderer.page(
            visit,
            "order",
            order=order,
            title=title,
            label=label,
            total=paid,
            amount=partial(_amount, visit.language, order),
            life=life,
            done=visit.request.query_field("done"),
        )

    async def _names(self, order: OrderView) -> tuple[str, str]:
        """The order's event and type as people call them."""
        snapshot = await self._context.catalog.snapshot()
        return _names({event.name: event for event in snapshot.events}, order.event, order.type)

    # --- cancelling ------------------------------------------------------------------

    async def get_cancel(self, visit: OperatorVisit, order_id: str) -> Outcome:
        order = await find_order(self._context.orders, order_id)
        address, names = f"{ADDRESS}/{order_id}", await self._names(order)
        question = _question(visit.language, order, *names)
        return self._renderer.ask(visit, f"{address}/cancel", address, question)

    async def post_cancel(self, visit: OperatorVisit, fields: Fields, order_id: str) -> Outcome:
        """Cancels by a worker, as for the buyer, because workers keep receipts."""
        wanted = wanted_change(
            order_id, Act.CANCEL, fields.get("id", ""), operator=True, by=visit.access.name
        )
        answer = await self._context.checkout.change(wanted, visit.request.began)
        if answer.code is Code.DONE:
            return see_other(f"{ADDRESS}/{order_id}?done=cancel")
        return problems.from_refused_change(answer, self._context.rng)


def _filter(request: Request) -> OrderFilter:
    """The filter in a page's address. Raises `BadRequest` for an event's name that can't be one."""
    fields = request.query()
    typed = {
        name: fields.get(field, "").strip()[:MOST_CHARACTERS] for name, field in FIELDS.items()
    }
    if typed["event"] and not NAME.fullmatch(typed["event"]):
        raise BadRequest("no-such-event", "problem.no-such-event", "event")
    return OrderFilter(**typed)


def _address(wanted: OrderFilter) -> str:
    """The address of the same orders as a file."""
    said = {field: text for name, field in FIELDS.items() if (text := getattr(wanted, name))}
    return f"{ADDRESS}/export?{urlencode(said)}"


def _names(events: Mapping[str, EventAvailability], event: str, type_: str) -> tuple[str, str]:
    """An event and a type as people call them."""
    known = events.get(event)
    return (known.title, known.label(type_)) if known else (event, type_)


def _when(language: Language, zone: str, at: float) -> str:
    return language.moment(at, zone, "format.venue-short")


def _made(language: Language, zones: Mapping[str, str], order: OrderView) -> str:
    """When it was made, by the clocks of its event."""
    made_at = datetime.fromisoformat(order.created_at).timestamp()
    return _when(language, zones.get(order.event, UTC_NAME), made_at)


def _amount(language: Language, order: OrderView, payment: PaymentView) -> str:
    if payment.amount is None:
        return "–"
    currency = payment.currency or order.currency
    return language.money(payment.amount, currency, order.decimals)


def _question(language: Language, order: OrderView, event: str, type_: str) -> Confirmation:
    say = language.say
    return Confirmation(
        title=say("operators.cancel.title", buyer=order.buyer),
        effects=(
            say("operators.cancel.back", count=order.quantity, type=type_, event=event),
            say("operators.cancel.void"),
        ),
        yes=say("operators.cancel.yes"),
    )
