"""What each role may open: the one table of it."""

from enum import StrEnum

import msgspec

from core.cluster.access_tokens import OPERATORS_OWN
from core.schema.records import AccessToken, Role
from web.http.problems import Problem, problem


class Area(StrEnum):
    """A part of the operators' pages and of the interface. Each of their routes is in one."""

    CHECK_IN = "check-in"
    # How the sales go, for people.
    BOARD = "board"
    EVENTS = "events"
    ORDERS = "orders"
    # Processes, servers, their figures and their log.
    MACHINE = "machine"


OPENS: dict[Role, frozenset[Area]] = {
    "door": frozenset({Area.CHECK_IN}),
    "organiser": frozenset({Area.CHECK_IN, Area.BOARD, Area.EVENTS, Area.ORDERS}),
    "operator": frozenset(Area),
}
HOMES: dict[Role, str] = {
    "door": "/operator/check-in",
    "organiser": "/operator",
    "operator": "/operator",
}


class Access(msgspec.Struct, frozen=True):
    """Whose token it is, and what it opens. `event` binds a door; `ref` names the token."""

    name: str
    role: Role
    event: str = ""
    ref: str = ""

    @property
    def home(self) -> str:
        """The page that they come to after signing in."""
        return HOMES[self.role]

    @property
    def person(self) -> str:
        """Whose token it is; "" for the operator's own, which nobody is named by."""
        return self.name if self.ref else ""

    @property
    def is_door(self) -> bool:
        return self.role == "door"

    def opens(self, area: str) -> bool:
        return area in OPENS[self.role]

    def refusal(self, area: Area) -> Problem | None:
        """Why the area stays shut, or None."""
        return None if self.opens(area) else problem("forbidden", name=self.name)

    def refusal_at(self, event: str) -> Problem | None:
        """Why nobody is let in there; a door that is bound to an event opens no other one."""
        if self.event in ("", event):
            return None
        return problem("forbidden", "detail.other-event", name=self.name, event=self.event)


# The token that `admin credentials` prints.
OPERATOR = Access(OPERATORS_OWN, "operator")


def access_of(token: AccessToken) -> Access:
    """The access that a token gives; a part of its digest names it in cookies."""
    return Access(token.name, token.role, token.event, token.digest[:32])
