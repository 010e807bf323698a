"""All routes that programs call, and their problems."""

import msgspec

from web.api.check_in import CheckInApi
from web.api.events import EventApi
from web.api.holds import HoldApi
from web.api.orders import OrderApi
from web.api.status import StatusApi
from web.http.route_description import ANY, ANY_POST, JSON, Response, Route, routes_of
from web.operator.board import BoardPages
from web.pages.order import TicketPages
from web.requests.parameters import SEEN

DESCRIPTION = Route(
    "GET",
    "/openapi.json",
    "getDescription",
    "This description",
    parameters=(SEEN,),
    answers=(
        Response(200, "OpenAPI 3.1.", JSON, ("ETag", "Cache-Control")),
        Response(304, "The description has not changed.", headers=("ETag", "Cache-Control")),
    ),
)


class Group(msgspec.Struct, frozen=True):
    """Routes under one heading. `name` and `text` are for people."""

    name: str
    text: str
    routes: tuple[Route, ...]

    @property
    def slug(self) -> str:
        """The name in addresses and texts."""
        return self.name.lower().replace(" ", "-")


# In the order in which people should read them.
GROUPS = (
    Group("Orders", "Tickets that are sold.", routes_of(OrderApi, TicketPages)),
    Group("Holds", "Tickets that are kept for a buyer until they are paid.", routes_of(HoldApi)),
    Group("Events", "What is for sale.", routes_of(EventApi)),
    Group("At the door", "Ticket holders come in.", routes_of(CheckInApi)),
    Group(
        "Operation",
        "How the box office runs, for operators and their machines.",
        (*routes_of(StatusApi, BoardPages), DESCRIPTION),
    ),
)
# Problems of addresses and methods that don't exist.
ELSEWHERE = ("not-found", "method-not-allowed")


def described_routes() -> tuple[Route, ...]:
    return tuple(route for group in GROUPS for route in group.routes)


def codes_of(route: Route) -> tuple[str, ...]:
    """Lists the codes of all problems of a route."""
    every_post = ANY_POST if route.method == "POST" else ()
    return tuple(dict.fromkeys((*route.codes, *ANY, *every_post)))


def all_codes() -> list[str]:
    """Lists the codes that programs may get; pages have more."""
    return sorted({*ELSEWHERE, *(code for each in described_routes() for code in codes_of(each))})
