"""A scan at the door lets the holder of a ticket in, and may be undone for a while."""

from msgspec import UNSET
from msgspec.structs import replace

from core.errors import ZkticketError
from core.schema.records import OrderView
from core.store.order_lifecycle import UNDO_S, Act
from core.transport.link import Code
from web.api.orders import CHANGE, OrderRoutes
from web.auth.roles import Access, Area
from web.http import problems
from web.http.problems import Problem, problem
from web.http.replies import json_reply
from web.http.request import Request
from web.http.route_description import JSON_BODY, OPERATOR, OPERATOR_TOKEN, Response, Route
from web.http.routing import Outcome
from web.reads.order_lookup import find_ticket
from web.requests.order_change import CheckInJson, from_scan, wanted_change
from web.requests.parameters import KEY

REFUSED = ("not-valid", "wrong-event", "wrong-type", "ambiguous-number", *JSON_BODY, *CHANGE)


class CheckInApi(OrderRoutes):
    """A scan at the door is checked, and changes its order."""

    @Route(
        "POST",
        "/api/check-in",
        "checkIn",
        "Let the holder of a ticket in",
        "`order` is what the ticket's QR code holds, or the order's number or id. "
        "The first scan lets the holder in. The second is refused, with the order, which says when "
        "and where the first was made: `already-admitted` at a door that names its event, "
        "`already-checked-in` elsewhere. A door's token has to name its event, and is told orders "
        "without their id, which manages them. A scan that is sent again with its key is the same "
        "scan.",
        parameters=(KEY,),
        body=CheckInJson,
        answers=(Response(200, "The holder was let in.", OrderView),),
        codes=(
            *OPERATOR,
            *("already-admitted", "already-checked-in", "admission-undone"),
            *REFUSED,
        ),
        keys=(OPERATOR_TOKEN,),
    )
    async def post_check_in(self, request: Request) -> Outcome:
        return await self._scanned(request, Act.CHECK_IN)

    @Route(
        "POST",
        "/api/check-in/undo",
        "undoCheckIn",
        "Take an admission back",
        f"For {UNDO_S / 60:.0f} minutes after it, a ticket that was scanned by mistake can be made "
        "good: it admits again, and may be cancelled. It is on record. An order that was not "
        "admitted stays as it is.",
        parameters=(KEY,),
        body=CheckInJson,
        answers=(Response(200, "The order, which admits.", OrderView),),
        codes=(*OPERATOR, "undo-too-late", *REFUSED),
        keys=(OPERATOR_TOKEN,),
    )
    async def post_undo(self, request: Request) -> Outcome:
        return await self._scanned(request, Act.UNDO_CHECK_IN)

    async def _scanned(self, request: Request, act: Act) -> Outcome:
        access = self._guard.enter(request, Area.CHECK_IN)
        if isinstance(access, Problem):
            return access
        found = await self._by(access, request, act)
        shown = _unmanaged(found) if access.is_door else found
        return shown if isinstance(shown, Problem) else json_reply(shown)

    async def _by(self, access: Access, request: Request, act: Act) -> OrderView | Problem:
        """The order after the scan, or why it was refused."""
        scan = from_scan(request)
        if refusal := _elsewhere(access, scan):
            return refusal
        try:
            order = await find_ticket(self._context.orders, scan.order, scan.event)
        except ZkticketError as error:
            return problems.from_read_error(error, self._context.rng)
        wanted = wanted_change(
            order,
            act,
            request.idempotency_key,
            note=scan.door,
            event=scan.event,
            types=scan.types,
            by=access.name,
        )
        answer = await self._context.checkout.change(wanted, request.began)
        if act is Act.CHECK_IN and answer.code is Code.DONE and _was_undone(answer.order):
            return problem("admission-undone")
        if answer.code is Code.DONE and answer.order is not None:
            return answer.order
        return _named(problems.from_refused_change(answer, self._context.rng), scan)


def _elsewhere(access: Access, scan: CheckInJson) -> Problem | None:
    """Why a door's token lets nobody in there: it names its event."""
    if access.is_door and not scan.event:
        return problem("invalid", "detail.door-event", field="event")
    return access.refusal_at(scan.event)


def _unmanaged(found: OrderView | Problem) -> OrderView | Problem:
    """The same without the order's id, which manages the order: a door admits, no more."""
    if isinstance(found, OrderView):
        return replace(found, order="")
    order = found.order
    return replace(found, order=replace(order, order="")) if order is not UNSET else found


def _was_undone(order: OrderView | None) -> bool:
    """Whether the scan that let its holder in was taken back since: it lets nobody in again."""
    return order is not None and order.checked_in_at is None


def _named(found: Problem, scan: CheckInJson) -> Problem:
    """The problem by its name for doors; clients that name no event know an older one."""
    if found.code == "already-checked-in" and scan.event:
        return replace(found, code="already-admitted")
    return found
