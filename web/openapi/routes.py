"""All routes that programs call, and their problems."""

from web.api.check_in import CheckInApi
from web.api.events import EventApi
from web.api.holds import HoldApi
from web.api.orders import OrderApi
from web.api.status import StatusApi
from web.http.route_description import ANY, ANY_POST, JSON, Response, Route, routes_of
from web.operator.board import BoardPages
from web.pages.order import TicketPages
from web.requests.parameters import SEEN

# In the order in which people should read them.
HANDLERS = (OrderApi, TicketPages, HoldApi, EventApi, CheckInApi, StatusApi, BoardPages)
DESCRIPTION = Route(
    "GET",
    "/openapi.json",
    "getDescription",
    "Operation",
    "This description",
    parameters=(SEEN,),
    answers=(
        Response(200, "OpenAPI 3.1.", JSON, ("ETag", "Cache-Control")),
        Response(304, "It has not changed.", headers=("ETag", "Cache-Control")),
    ),
)
# Problems of addresses and methods that don't exist.
ELSEWHERE = ("not-found", "method-not-allowed")


def described_routes() -> tuple[Route, ...]:
    handled = (route for owner in HANDLERS for route in routes_of(owner).values())
    return (*handled, DESCRIPTION)


def codes_of(route: Route) -> tuple[str, ...]:
    """Lists the codes of all problems of a route."""
    every_post = ANY_POST if route.method == "POST" else ()
    return tuple(dict.fromkeys((*route.codes, *ANY, *every_post)))


def all_codes() -> list[str]:
    """Lists the codes that programs may get; pages have more."""
    return sorted({*ELSEWHERE, *(code for each in described_routes() for code in codes_of(each))})
