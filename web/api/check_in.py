"""A scan at the door lets the holder of a ticket in."""

from core.schema.records import OrderView
from web.api.orders import CHANGE, OrderRoutes
from web.http.request import Request
from web.http.route_description import JSON_BODY, OPERATOR, OPERATOR_TOKEN, Response, Route
from web.http.routing import Outcome
from web.requests.order_change import CheckInJson, from_scan
from web.requests.parameters import KEY


class CheckInApi(OrderRoutes):
    """A scan at the door is checked, and changes its order."""

    @Route(
        "POST",
        "/api/check-in",
        "checkIn",
        "Let the holder of a ticket in",
        "The first scan lets the holder in. The second is refused, with the order, which says when "
        "and where the first was made. A scan that is sent again with its key is the same scan.",
        parameters=(KEY,),
        body=CheckInJson,
        answers=(Response(200, "The holder was let in.", OrderView),),
        codes=(*OPERATOR, "not-valid", "already-checked-in", *JSON_BODY, *CHANGE),
        keys=(OPERATOR_TOKEN,),
    )
    async def post_check_in(self, request: Request) -> Outcome:
        if refusal := self._guard.refusal(request):
            return refusal
        return await self._changed(request, from_scan(request))
