"""What may become of an order, told once more and apart from the product."""

from collections.abc import Sequence

from msgspec.structs import replace

from core.schema.records import Change, DoorScan, Order
from tests.simulation.plan import Terms


class Impossible(Exception):
    """What can't have become of an order, as a sentence."""


def states(before: Order, after: Order, terms: Terms) -> Sequence[Order]:
    """Every state through which the order went, the last being `after`. Raises `Impossible`."""
    known = len(before.changes)
    new = after.changes[known:]
    if after.changes[:known] != before.changes or not new:
        raise Impossible(f"{before} became {after}: its past is another")
    found, state = [], before
    for change in new:
        state = _after(state, change, terms)
        found.append(state)
    if replace(state, changes=after.changes) != after:
        raise Impossible(f"{before} became {after}, and not {state}")
    return found


def _after(order: Order, change: Change, terms: Terms) -> Order:
    before = replace(order, changes=(*order.changes, change))
    until = order.until or 0.0
    held, sold = order.status == "held", order.status == "sold" and order.admitted is None
    match change.act:
        case "confirm" if held and change.at < until:
            return replace(before, status="sold")
        case "release" if held:
            return replace(before, status="released")
        case "expire" if held and change.at >= until:
            return replace(before, status="expired")
        case "extend" if held and change.at < until and order.extended < terms.extensions:
            return replace(before, until=until + terms.hold_s, extended=order.extended + 1)
        case "cancel" if sold:
            return replace(before, status="cancelled")
        case "check-in" if sold:
            admitted = DoorScan(at=change.at, door=change.note, scan=change.key)
            return replace(before, admitted=admitted)
    raise Impossible(f"{order}: nobody may {change.act} it at {change.at}")
