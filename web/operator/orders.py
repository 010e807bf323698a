"""The operators' pages of orders: found by id or by buyer, explained, cancelled."""

from functools import partial

import bottle

from core.schema.order_number import typed_number
from core.schema.records import OrderView, PaymentView
from core.store.order_lifecycle import Act
from core.transport.link import Code
from web.http import problems
from web.http.i18n import Language
from web.http.replies import see_other
from web.http.routing import Outcome
from web.operator.fields import Fields
from web.operator.form_actions import Confirmation
from web.operator.rendering import OperatorPages, OperatorVisit
from web.pages.ticket_view import total
from web.reads.order_lookup import find_order, find_ticket
from web.requests.order_change import order_in, wanted_change

ADDRESS = "/operator/orders"
MOST_CHARACTERS = 200


class OrderPages(OperatorPages):
    """Orders are found, explained, cancelled."""

    def mount(self, app: bottle.Bottle) -> None:
        page, form = self._renderer.for_operators, self._renderer.for_forms
        app.route(ADDRESS, "GET", page(self.get_orders))
        app.route(f"{ADDRESS}/<order_id>", "GET", page(self.get_order))
        app.route(f"{ADDRESS}/<order_id>/cancel", "GET", page(self.get_cancel))
        app.route(f"{ADDRESS}/<order_id>/cancel", "POST", form(self.post_cancel))

    # --- looking ---------------------------------------------------------------------

    async def get_orders(self, visit: OperatorVisit) -> Outcome:
        """The orders of a buyer, or the one whose number was typed."""
        wanted = visit.request.query_field("find").strip()[:MOST_CHARACTERS]
        if order := await self._numbered(wanted):
            return see_other(f"{ADDRESS}/{order}")
        found = await self._context.operations.find(wanted) if wanted else None
        return self._renderer.page(visit, "orders", wanted=wanted, found=found)

    async def _numbered(self, wanted: str) -> str:
        """The id of the order whose id, number or code was typed; "" where a name was."""
        typed = typed_number(wanted)
        if typed is None or typed.wrong:
            return order_in(wanted)
        return await find_ticket(self._context.orders, wanted)

    async def get_order(self, visit: OperatorVisit, order_id: str) -> Outcome:
        order = await find_order(self._context.orders, order_id)
        life = await self._context.operations.timeline(order_id)
        paid = total(visit.language, order)
        return self._renderer.page(
            visit,
            "order",
            order=order,
            total=paid,
            amount=partial(_amount, visit.language, order),
            life=life,
            done=visit.request.query_field("done"),
        )

    # --- cancelling ------------------------------------------------------------------

    async def get_cancel(self, visit: OperatorVisit, order_id: str) -> Outcome:
        order = await find_order(self._context.orders, order_id)
        address = f"{ADDRESS}/{order_id}"
        return self._renderer.ask(
            visit, f"{address}/cancel", address, _question(visit.language, order)
        )

    async def post_cancel(self, visit: OperatorVisit, fields: Fields, order_id: str) -> Outcome:
        """Cancels by a worker, as for the buyer, because workers keep receipts."""
        wanted = wanted_change(order_id, Act.CANCEL, fields.get("id", ""), operator=True)
        answer = await self._context.checkout.change(wanted, visit.request.began)
        if answer.code is Code.DONE:
            return see_other(f"{ADDRESS}/{order_id}?done=cancel")
        return problems.from_refused_change(answer, self._context.rng)


def _amount(language: Language, order: OrderView, payment: PaymentView) -> str:
    if payment.amount is None:
        return "–"
    currency = payment.currency or order.currency
    return language.money(payment.amount, currency, order.decimals)


def _question(language: Language, order: OrderView) -> Confirmation:
    say = language.say
    return Confirmation(
        title=say("operators.cancel.title", buyer=order.buyer),
        effects=(
            say("operators.cancel.back", count=order.quantity, type=order.type, event=order.event),
            say("operators.cancel.void"),
        ),
        yes=say("operators.cancel.yes"),
    )
