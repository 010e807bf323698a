"""`verify` and `repair` as a person reads them."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from admin.recovery.audit import LostOrder, ReceiptsProof
from admin.recovery.recount import EventProof, Proof
from admin.recovery.repair import RepairPlan
from admin.screen.output import lines_of
from admin.screen.tables import fit, local_time, new_table


def proof(found: Proof) -> RenderableType:
    """The sums that were proved, one line per type."""
    lines = [line for event in found.events for line in _proof_lines(event)]
    if found.ok:
        lines.append("every ticket is accounted for")
    return lines_of(lines)


def _proof_lines(event: EventProof) -> Iterable[str]:
    yield f"event {event.name}: {event.orders} orders read"
    for type_ in event.types:
        yield (
            f"  {type_.name}: capacity {type_.capacity} = {type_.sold} sold"
            f" + {type_.held} held + {type_.remaining} remaining;"
            f" {type_.orders} orders, as of zxid {type_.zxid}"
        )


def receipts(found: ReceiptsProof) -> RenderableType:
    """What the receipts prove, or what is missing."""
    oldest = "" if found.since is None else f", the oldest of {local_time(found.since, 'seconds')}"
    lines = [f"receipts: {found.orders:,} read in {found.files} files{oldest}", _coverage(found)]
    if found.left_out:
        lines.append(f"  {found.left_out} were given up by an operator")
    if found.retired:
        lines.append(f"  {found.retired} were deleted with their event")
    lines += [f"  note: {each}" for each in found.notes]
    lines += [f"! {each}" for each in found.damaged]
    lines += [f"! {_lost_order(order)}" for order in found.lost]
    if found.missing > len(found.lost):
        lines.append(f"! … and {found.missing - len(found.lost)} more")
    lines.append(_proved(found) if found.ok else "")
    return lines_of(filter(None, lines))


def _coverage(found: ReceiptsProof) -> str:
    """Says how many of the tree's orders have receipts, and why the others may have none."""
    bare = found.in_tree - found.covered
    if not found.in_tree:
        return "there is no order in the tree"
    text = f"{found.covered:,} of {found.in_tree:,} orders have receipts"
    if found.older and found.orders:
        text += f"; {found.older:,} are older than the oldest receipt"
    if (newer := bare - found.older) and found.orders:
        text += f"; {newer:,} others have none in this directory"
    return text


def _proved(found: ReceiptsProof) -> str:
    if found.covered < found.in_tree:
        return "every order that has a receipt is in the tree; of the others nothing is proved"
    return "every confirmed order is in the tree"


def _lost_order(order: LostOrder) -> str:
    return (
        f"{order.znode}: {order.quantity} of {order.type} for {order.buyer}, "
        f"bought {local_time(order.at, 'seconds')}: {order.why}"
    )


def plan(found: RepairPlan) -> RenderableType:
    """What `repair` would do, in tickets, and the orders that need a choice."""
    if found.empty:
        return Text("nothing is missing, and no alarm stands")
    columns = ("event", "type", "orders", "lost", "for sale", "put back", "oversold")
    table = new_table(*columns, "given up", "to choose")
    for row in found.rows:
        numbers = (row.orders, row.lost, row.remaining, row.restored, row.oversold)
        texts = [f"{number:,}" for number in (*numbers, row.left_out, row.open)]
        table.add_row(row.event, row.type, *texts)
    fit(table, 2)
    lines = [f"! {_lost_order(order)}" for order in found.conflicts]
    lines += [f"! {each}" for each in found.damaged]
    lines += [f"alarm of {alarm.source}: {alarm.text}" for alarm in found.alarms]
    return Group(*([table] if found.rows else []), *([lines_of(lines)] if lines else []))
