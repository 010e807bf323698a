"""The page at the doors: a ticket is scanned or typed, and its holder is let in, once.

A scan has an id, which the page keeps until it has an answer. Sent again, it is the same scan: if
an answer was lost, the next try lets the holder in and does not say that they are in already.
"""

from datetime import datetime
from functools import partial

import bottle
import msgspec

from core.errors import BadRequest, BadZnode, NoSuchOrder, Unavailable
from core.schema.records import OrderView
from core.schema.sale_window import is_over
from core.store.availability import EventAvailability
from core.store.order_lifecycle import Act
from core.store.scan import OrderFilter
from core.transport.link import Answer, Code
from web.auth.roles import Area
from web.http.replies import HTML_WITH_CAMERA, text_reply
from web.http.routing import Outcome
from web.operator.fields import Fields, keep, kept
from web.operator.rendering import OperatorPages, OperatorVisit
from web.operator_actions import FoundOrders
from web.pages.event_head import type_label
from web.reads.catalog import Snapshot
from web.reads.order_lookup import find_ticket
from web.requests.field_types import note
from web.requests.order_change import MOST_CHARACTERS, WantedChange, wanted_change
from web.requests.purchase import new_key

ADDRESS = "/operator/check-in"
# What the fields of a door's types begin with.
TYPE = "type."
FIGURES = ("admitted", "sold")
# A repeat after this time probably comes from an old page that was opened again.
SAME_SCAN_S = 120.0
STATUS = {
    "ready": 200,
    "admitted": 200,
    "undone": 200,
    "already": 409,
    "wrong-event": 409,
    "wrong-type": 409,
    "undo-too-late": 409,
    "not-valid": 409,
    "no-such-order": 404,
    "unreadable": 422,
    "mistyped": 422,
    "ambiguous": 409,
    "no-door": 422,
    "damaged": 500,
    "no-answer": 503,
}


class ScanResult(msgspec.Struct, frozen=True):
    """The result of a scan and its order, with the names of its type and event for people."""

    kind: str
    order: OrderView | None = None
    type: str = ""
    event: str = ""

    @property
    def status(self) -> int:
        return STATUS[self.kind]

    @property
    def at(self) -> datetime:
        """When the holder was let in."""
        assert self.order is not None
        return datetime.fromisoformat(self.order.checked_in_at or "")


READY, NO_ANSWER = ScanResult("ready"), ScanResult("no-answer")
# Kinds of final answers that have no order, and of those that have one.
WITHOUT_ORDER = {Code.NO_SUCH_ORDER: "no-such-order", Code.DAMAGED: "damaged"}
WITH_ORDER = {
    Code.CHECKED_IN: "already",
    Code.NOT_VALID: "not-valid",
    Code.WRONG_EVENT: "wrong-event",
    Code.WRONG_TYPE: "wrong-type",
    Code.UNDO_TOO_LATE: "undo-too-late",
}

# What a text that names no single order is called.
NOT_FOUND = {
    "detail.ticket": "unreadable",
    "detail.mistyped": "mistyped",
    "problem.ambiguous-number": "ambiguous",
}


class Scan(msgspec.Struct, frozen=True):
    """A scan as it was posted. `text` was read from the code, or typed.

    The door is bound to an `event`, and to `types` of its tickets unless there are none.
    """

    id: str
    text: str
    door: str
    event: str = ""
    types: tuple[str, ...] = ()


class CheckInPages(OperatorPages):
    """The page at the doors, and what it posts."""

    def mount(self, app: bottle.Bottle) -> None:
        page = partial(self._renderer.for_operators, Area.CHECK_IN)
        form = partial(self._renderer.for_forms, Area.CHECK_IN)
        app.route(ADDRESS, "GET", page(self.get_check_in))
        app.route(f"{ADDRESS}/admitted", "GET", page(self.get_admitted))
        app.route(ADDRESS, "POST", form(self.post_check_in))
        app.route(f"{ADDRESS}/undo", "POST", form(self.post_undo))

    async def get_check_in(self, visit: OperatorVisit) -> Outcome:
        """The page of a door, with the orders whose buyer was looked up; without an event, all."""
        fields, snapshot = visit.request.query(), await self._context.catalog.snapshot()
        bound = visit.access.event
        if refusal := visit.access.refusal_at(fields.get("event", bound)):
            return refusal
        event = snapshot.event(fields.get("event", bound))
        if event is None:
            return self._choice(visit, snapshot)
        types = tuple(each.name for each in event.types if f"{TYPE}{each.name}" in fields)
        scan = Scan(new_key(), "", kept(visit.request, "door"), event.name, types)
        wanted = fields.get("find", "").strip()[:MOST_CHARACTERS]
        found = await self._found(event.name, wanted) if wanted else None
        return await self._page(visit, READY, scan, wanted, found)

    async def _found(self, event: str, buyer: str) -> FoundOrders:
        return await self._context.operations.find(OrderFilter(event=event, buyer=buyer))

    async def get_admitted(self, visit: OperatorVisit) -> Outcome:
        """How many have come in, over all doors: asked for every few seconds."""
        snapshot = await self._context.catalog.snapshot()
        name = visit.request.query().get("event", "")
        if refusal := visit.access.refusal_at(name):
            return refusal
        event = snapshot.event(name)
        return text_reply(admitted(visit, event))

    async def post_check_in(self, visit: OperatorVisit, fields: Fields) -> Outcome:
        return await self._scanned(visit, fields, Act.CHECK_IN)

    async def post_undo(self, visit: OperatorVisit, fields: Fields) -> Outcome:
        return await self._scanned(visit, fields, Act.UNDO_CHECK_IN)

    async def _scanned(self, visit: OperatorVisit, fields: Fields, act: Act) -> Outcome:
        scan = scan_of(fields)
        if refusal := visit.access.refusal_at(scan.event):
            return refusal
        wanted, undoes = await self._wanted(visit, scan, act), act is Act.UNDO_CHECK_IN
        if isinstance(wanted, ScanResult):
            return await self._page(visit, wanted, scan, undoes=undoes)
        answer = await self._context.checkout.change(wanted, visit.request.began)
        snapshot = await self._context.catalog.snapshot()
        result = told(answer, snapshot, self._context.clock.now())
        return await self._page(visit, result, scan, undoes=undoes)

    async def _wanted(
        self, visit: OperatorVisit, scan: Scan, act: Act
    ) -> WantedChange | ScanResult:
        """The change to ask a worker for, or why there is none.

        Raises `BadRequest` for a bad id of the scan.
        """
        try:
            order = await find_ticket(self._context.orders, scan.text, scan.event)
        except BadRequest as error:
            return ScanResult(NOT_FOUND[error.text])
        except NoSuchOrder:
            return ScanResult("no-such-order")
        except BadZnode:
            return ScanResult("damaged")
        except Unavailable:
            return NO_ANSWER
        door = _door(scan)
        if not door:
            return ScanResult("no-door")
        by = visit.access.name
        return wanted_change(
            order, act, scan.id, note=door, event=scan.event, types=scan.types, by=by
        )

    def _choice(self, visit: OperatorVisit, snapshot: Snapshot) -> Outcome:
        now = self._context.clock.now()
        opened = [each for each in snapshot.events if not visit.access.refusal_at(each.name)]
        events = sorted(opened, key=lambda event: is_over(event, now))
        return self._renderer.page(visit, "check-in-start", events=events)

    async def _page(
        self,
        visit: OperatorVisit,
        result: ScanResult,
        scan: Scan,
        wanted: str = "",
        found: FoundOrders | None = None,
        *,
        undoes: bool = False,
    ) -> Outcome:
        """The page with a result; `undoes` says what the scan that is tried again does."""
        event = (await self._context.catalog.snapshot()).event(scan.event)
        headers = [*HTML_WITH_CAMERA, keep("door", scan.door)] if scan.door else HTML_WITH_CAMERA
        return self._renderer.page(
            visit,
            "check-in",
            code=result.status,
            headers=headers,
            result=result,
            scan=scan,
            undoes=undoes,
            next_scan=new_key(),
            ready=READY,
            unanswered=NO_ANSWER,
            event=event,
            admitted=admitted(visit, event),
            wanted=wanted,
            found=found,
            label=partial(type_label, event=event),
        )


def scan_of(fields: Fields) -> Scan:
    """A scan as the page posts it; a page of an earlier version names no event."""
    text, door, event = (fields.get(name, "").strip() for name in ("order", "door", "event"))
    types = tuple(filter(None, fields.get("types", "").split(",")))
    return Scan(fields.get("scan", ""), text, door, event, types)


def admitted(visit: OperatorVisit, event: EventAvailability | None) -> str:
    """How many of those who have tickets have come in."""
    if event is None:
        return ""
    inside, sold = (sum(getattr(each, name) for each in event.types) for name in FIGURES)
    return visit.language.say("checkin.count", inside=f"{inside:,}", sold=f"{sold:,}")


def told(answer: Answer, snapshot: Snapshot, now: float) -> ScanResult:
    """The result for the door; `now` is in Unix seconds."""
    order = answer.order
    if order is None:
        return ScanResult(WITHOUT_ORDER.get(answer.code, "no-answer"))
    event = snapshot.event(order.event)
    title = event.title if event else order.event
    return ScanResult(_kind(answer, order, now), order, type_label(order, event), title)


def _kind(answer: Answer, order: OrderView, now: float) -> str:
    if answer.code is Code.DONE and order.checked_in_at is None:
        return "undone"
    if answer.code is Code.DONE:
        return "admitted" if answer.changed or _age_s(order, now) <= SAME_SCAN_S else "already"
    return WITH_ORDER.get(answer.code, "no-answer")


def _age_s(order: OrderView, now: float) -> float:
    """Seconds since the holder came in, as far as the worker's clock and ours agree."""
    return now - datetime.fromisoformat(order.checked_in_at or "").timestamp()


def _door(scan: Scan) -> str:
    """The door's name; "" for one that can't be shown."""
    try:
        return note(scan.door, MOST_CHARACTERS)
    except BadRequest:
        return ""
