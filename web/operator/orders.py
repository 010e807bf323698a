"""Orders in operators' pages: looked up by id or by buyer, explained, cancelled."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import bottle

from core.schema.records import OrderView, PaymentView
from core.store.lifecycle import Act
from core.transport.link import Code
from web.context import Deps
from web.http import problems
from web.http.i18n import Language
from web.http.query import query
from web.http.replies import BEGAN
from web.http.routing import Outcome
from web.operator.actions import Question
from web.operator.fields import Fields
from web.operator.rendering import Paper, Visit
from web.pages.ticket_view import total
from web.reads.order_lookup import find_order
from web.requests.order_change import errand, order_in

ADDRESS = "/operator/orders"
MOST_CHARACTERS = 200


class Orders:
    """Each method is a route."""

    def __init__(self, deps: Deps, paper: Paper) -> None:
        self._deps = deps
        self._paper = paper

    def mount(self, app: bottle.Bottle) -> None:
        app.route(ADDRESS, "GET", self.get_orders)
        app.route(f"{ADDRESS}/<order_id>", "GET", self.get_order)
        app.route(f"{ADDRESS}/<order_id>/cancel", "GET", self.get_cancel)
        app.route(f"{ADDRESS}/<order_id>/cancel", "POST", self.post_cancel)

    # --- looking ---------------------------------------------------------------------

    def get_orders(self) -> Any:
        """Those of a buyer, or the one whose number was typed."""
        wanted = query().get("find", "").strip()[:MOST_CHARACTERS]
        return self._paper.for_operators(lambda visit: self._find(visit, wanted))

    async def _find(self, visit: Visit, wanted: str) -> Outcome:
        if order := order_in(wanted):
            return self._paper.go(f"{ADDRESS}/{order}")
        found = await self._deps.operations.find(wanted) if wanted else None
        return self._paper.page(visit, "orders", wanted=wanted, found=found)

    def get_order(self, order_id: str) -> Any:
        done = query().get("done", "")
        return self._paper.for_operators(lambda visit: self._show(visit, order_id, done))

    async def _show(self, visit: Visit, order_id: str, done: str) -> Outcome:
        order = await find_order(self._deps.orders, order_id)
        life = await self._deps.operations.timeline(order_id)
        paid = total(visit.language, order)
        return self._paper.page(
            visit,
            "order",
            order=order,
            total=paid,
            amount=partial(_amount, visit.language, order),
            life=life,
            done=done,
        )

    # --- cancelling ------------------------------------------------------------------

    def get_cancel(self, order_id: str) -> Any:
        return self._paper.for_operators(lambda visit: self._ask(visit, order_id))

    async def _ask(self, visit: Visit, order_id: str) -> Outcome:
        order = await find_order(self._deps.orders, order_id)
        address = f"{ADDRESS}/{order_id}"
        return self._paper.ask(
            visit, f"{address}/cancel", address, _question(visit.language, order)
        )

    def post_cancel(self, order_id: str) -> Any:
        environ = bottle.request.environ
        return self._paper.for_forms(lambda _visit, fields: self._cancel(order_id, fields, environ))

    async def _cancel(self, order_id: str, fields: Fields, environ: Mapping[str, Any]) -> Outcome:
        """By a worker, as the buyer's own: it keeps a receipt of it."""
        wanted = errand(order_id, Act.CANCEL, fields.get("id", ""), operator=True)
        answer = await self._deps.amend(wanted, environ[BEGAN])
        if answer.code is Code.DONE:
            return self._paper.go(f"{ADDRESS}/{order_id}?done=cancel")
        return problems.of_change(answer, self._deps.rng)


def _amount(language: Language, order: OrderView, payment: PaymentView) -> str:
    if payment.amount is None:
        return "–"
    currency = payment.currency or order.currency
    return language.money(payment.amount, currency, order.decimals)


def _question(language: Language, order: OrderView) -> Question:
    say = language.say
    return Question(
        title=say("operators.cancel.title", buyer=order.buyer),
        effects=(
            say("operators.cancel.back", count=order.quantity, type=order.type, event=order.event),
            say("operators.cancel.void"),
        ),
        yes=say("operators.cancel.yes"),
    )
