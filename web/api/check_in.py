"""A scan at the door lets the holder of a ticket in."""

from core.errors import ZkticketError
from core.schema.records import OrderView
from core.store.order_lifecycle import Act
from web.api.orders import CHANGE, OrderRoutes
from web.http import problems
from web.http.request import Request
from web.http.route_description import JSON_BODY, OPERATOR, OPERATOR_TOKEN, Response, Route
from web.http.routing import Outcome
from web.reads.order_lookup import find_ticket
from web.requests.order_change import CheckInJson, from_scan, order_in, wanted_change
from web.requests.parameters import KEY


class CheckInApi(OrderRoutes):
    """A scan at the door is checked, and changes its order."""

    @Route(
        "POST",
        "/api/check-in",
        "checkIn",
        "Let the holder of a ticket in",
        "`order` is what the ticket's QR code holds, or the order's number or id. "
        "The first scan lets the holder in. The second is refused, with the order, which says when "
        "and where the first was made. A scan that is sent again with its key is the same scan.",
        parameters=(KEY,),
        body=CheckInJson,
        answers=(Response(200, "The holder was let in.", OrderView),),
        codes=(
            *OPERATOR,
            "not-valid",
            "already-checked-in",
            "ambiguous-number",
            *JSON_BODY,
            *CHANGE,
        ),
        keys=(OPERATOR_TOKEN,),
    )
    async def post_check_in(self, request: Request) -> Outcome:
        if refusal := self._guard.refusal(request):
            return refusal
        scan = from_scan(request)
        try:
            order = order_in(scan.order) or await find_ticket(self._context.orders, scan.order)
        except ZkticketError as error:
            return problems.from_read_error(error, self._context.rng)
        key = request.idempotency_key
        return await self._changed(request, wanted_change(order, Act.CHECK_IN, key, note=scan.door))
