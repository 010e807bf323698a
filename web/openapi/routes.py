"""All routes that programs call, and their problems."""

from web.api.check_in import CheckInApi
from web.api.events import EventApi
from web.api.holds import HoldApi
from web.api.orders import OrderApi
from web.api.status import StatusApi
from web.http.route_description import ANY, ANY_POST, Route, routes_of
from web.openapi.manual import Manual
from web.operator.board import BoardPages
from web.pages.order import TicketPages

# In the order in which people should read them.
HANDLERS = (OrderApi, TicketPages, HoldApi, EventApi, CheckInApi, StatusApi, BoardPages, Manual)
# Problems of addresses and methods that don't exist.
ELSEWHERE = ("not-found", "method-not-allowed")


def described_routes() -> tuple[Route, ...]:
    return tuple(route for owner in HANDLERS for route in routes_of(owner).values())


def codes_of(route: Route) -> tuple[str, ...]:
    """Lists the codes of all problems of a route."""
    every_post = ANY_POST if route.method == "POST" else ()
    return tuple(dict.fromkeys((*route.codes, *ANY, *every_post)))


def all_codes() -> list[str]:
    """Lists the codes that programs may get; pages have more."""
    return sorted({*ELSEWHERE, *(code for each in described_routes() for code in codes_of(each))})
