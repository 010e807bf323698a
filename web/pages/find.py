"""The page that finds an order again: by its number and the name on it."""

from collections.abc import Mapping

import bottle
from msgspec.structs import replace

from core.errors import ZkticketError
from core.schema.order_number import TypedNumber, typed_number
from core.text.names import folded, searchable
from web.auth.guess_throttle import GuessThrottle
from web.handler_context import Context
from web.http import problems
from web.http.body import form_fields
from web.http.problems import Problem, problem
from web.http.replies import Reply, see_other
from web.http.request import Request
from web.http.routing import Outcome
from web.pages.rendering import PageRenderer
from web.reads.order_lookup import find_numbered

ADDRESS = "/find"


class FindPage:
    """Leads to an order's page whoever knows its number and the name on it.

    A wrong number and a wrong name get the same answer, and guesses are slowed down, by client and
    by number: nobody learns which orders there are.
    """

    def __init__(self, context: Context, renderer: PageRenderer) -> None:
        self._context = context
        self._renderer = renderer
        self._by_client = GuessThrottle(context.clock.monotonic)
        self._by_number = GuessThrottle(context.clock.monotonic)

    def mount(self, app: bottle.Bottle) -> None:
        app.route(ADDRESS, "GET", self.get_form)
        app.route(ADDRESS, "POST", self.post_form)

    async def get_form(self, request: Request) -> Outcome:
        return self._page(request, {})

    async def post_form(self, request: Request) -> Outcome:
        fields = form_fields(request)
        typed = typed_number(fields.get("number", ""))
        if typed is None or typed.wrong:
            return self._page(request, fields, problem("invalid", "find.mistyped", field="number"))
        wait_s = max(self._by_client.wait_s(request.client), self._by_number.wait_s(typed.number))
        if wait_s:
            found = replace(problem("too-many-attempts", "find.slowly"), retry_after=wait_s)
            return self._page(request, fields, found)
        # Counted before it is looked up: guesses that come side by side are as many.
        self._by_client.failed(request.client)
        self._by_number.failed(typed.number)
        try:
            order = await self._find(typed, fields.get("buyer", ""))
        except ZkticketError as error:
            self._forgive(request, typed)
            found = problems.from_read_error(error, self._context.rng)
            return self._page(request, fields, found)
        if order:
            self._forgive(request, typed)
            return see_other(f"/orders/{order}")
        return self._page(request, fields, problem("no-such-order", "find.none"))

    def _forgive(self, request: Request, typed: TypedNumber) -> None:
        self._by_client.forgive(request.client)
        self._by_number.forgive(typed.number)

    async def _find(self, typed: TypedNumber, buyer: str) -> str:
        """The id of the order with that number and name, or ""."""
        orders = await find_numbered(self._context.orders, typed)
        name = _compared(buyer)
        return next((order.order for order in orders if _compared(order.buyer) == name), "")

    def _page(
        self, request: Request, fields: Mapping[str, str], found: Problem | None = None
    ) -> Reply:
        visit = self._renderer.visit(request, ADDRESS)
        return self._renderer.page(visit, "find", found, fields=fields, problem=found)


def _compared(name: str) -> str:
    """The name without what people leave out when they type it again."""
    return searchable(name) or folded(name)
