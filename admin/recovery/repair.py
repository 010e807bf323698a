"""`repair`: puts back what the receipts prove and the tree has lost, and ends the alarm."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from admin.confirm import Confirm
from admin.recovery.audit import MOST_NAMED, Archive, Loss, LostOrder, audit, losses, named
from admin.recovery.recount import recount
from core.cluster import alarms
from core.errors import BadZnode, NoSuchEvent, NoSuchType, ZkticketError
from core.eventlog.audit import note
from core.machine import private_files
from core.receipts import format
from core.receipts.format import Settlement
from core.receipts.restore import mend, restore
from core.schema.records import Alarm
from core.store.orders import StoredOrder
from core.store.stock import TypeRef
from core.store.store import Store
from core.zookeeper.client import ZooKeeper

ORDERS_AT_ONCE = 100


class RepairRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one type has lost, and what becomes of it: `orders`, and otherwise tickets."""

    event: str
    type: str
    orders: int
    lost: int
    remaining: int
    restored: int
    oversold: int
    left_out: int
    open: int


class RepairPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What `repair` would do. `conflicts` names the first orders that can't simply be put back."""

    rows: tuple[RepairRow, ...]
    conflicts: tuple[LostOrder, ...]
    alarms: tuple[Alarm, ...]
    damaged: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not (self.rows or self.alarms)

    @property
    def open(self) -> int:
        """Tickets for which a choice is missing."""
        return sum(row.open for row in self.rows)


class Choice(msgspec.Struct, frozen=True):
    """What the operator wants for orders whose tickets were sold again."""

    oversell: bool
    leave_out: bool


class Case(msgspec.Struct, frozen=True):
    """A type's lost orders: `crowded` ones find too few tickets, `barred` ones can't be put back.

    `lacking` is how many tickets the crowded ones need beyond the capacity.
    """

    ref: TypeRef
    remaining: int
    lacking: int
    fitting: Sequence[Loss]
    crowded: Sequence[Loss]
    barred: Sequence[Loss]

    def restored(self, choice: Choice) -> Sequence[Loss]:
        return (*self.fitting, *self.crowded) if choice.oversell else self.fitting

    def given_up(self, choice: Choice) -> Sequence[Loss]:
        return self.barred if choice.oversell else (*self.crowded, *self.barred)

    def row(self, choice: Choice) -> RepairRow:
        restored, given_up = self.restored(choice), self.given_up(choice)
        return RepairRow(
            event=self.ref.event,
            type=self.ref.type,
            orders=len(restored) + len(given_up),
            lost=_tickets(restored) + _tickets(given_up),
            remaining=self.remaining,
            restored=_tickets(restored),
            oversold=self.lacking if choice.oversell else 0,
            left_out=_tickets(given_up) if choice.leave_out else 0,
            open=0 if choice.leave_out else _tickets(given_up),
        )


async def repair(
    zk: ZooKeeper,
    data_dir: Path,
    order_key: bytes,
    choice: Choice,
    show: Callable[[RepairPlan], None],
    confirm: Confirm,
) -> RepairPlan:
    """Shows its plan, asks, does it, proves the tree and ends the alarm.

    The names of buyers' tabs are derived from `order_key`. Raises `ZkticketError` where a choice
    is missing, when the operator declines, and where the tree isn't whole afterwards; then the
    alarm stands.
    """
    archive = Archive(data_dir)
    cases = await _cases(zk, archive)
    plan = RepairPlan(
        rows=tuple(case.row(choice) for case in cases),
        conflicts=tuple(_conflicts(cases)),
        alarms=tuple(await alarms.standing(zk)),
        damaged=tuple(archive.damaged),
    )
    _require_receipts(archive, plan, choice)
    show(plan)
    if plan.empty:
        return plan
    if plan.open:
        raise ZkticketError(
            f"{plan.open} tickets can't simply be put back: --oversell makes their orders beyond "
            "the capacity where they were sold again, --leave-out gives the rest up for good"
        )
    confirm(_question(plan))
    await _mend(zk, data_dir, order_key, cases, choice)
    await _prove(zk, data_dir)
    await alarms.clear(zk, plan.alarms)
    return plan


def _require_receipts(archive: Archive, plan: RepairPlan, choice: Choice) -> None:
    """Raises `ZkticketError` without receipts: then nobody knows what is missing."""
    if archive.since is not None or (plan.alarms and choice.leave_out):
        return
    folder = archive.data_dir / format.FOLDER
    ends = "; --leave-out gives it up and ends the alarm" if plan.alarms else ""
    raise ZkticketError(
        f"there are no readable receipts in {folder}, so what is missing is not known: "
        f"run it where they are{ends}"
    )


# --- the plan ------------------------------------------------------------------------


async def _cases(zk: ZooKeeper, archive: Archive) -> list[Case]:
    by_type: dict[TypeRef, dict[str, Loss]] = {}
    async with aclosing(losses(zk, archive)) as found:
        async for loss in found:
            known = by_type.setdefault(loss.sale.ref, {})
            # An order that was changed has several receipts.
            latest = known.get(loss.sale.order_id, loss).sale.order
            if len(latest.changes) <= len(loss.sale.order.changes):
                known[loss.sale.order_id] = loss
    return [await _case(zk, ref, list(found.values())) for ref, found in by_type.items()]


async def _case(zk: ZooKeeper, ref: TypeRef, found: list[Loss]) -> Case:
    """Sorts the losses: orders that give tickets back come first, then the oldest."""
    remaining = await _remaining(zk, ref)
    if remaining is None:
        return Case(ref, 0, 0, (), (), found)
    mends = [(loss, mend(loss.sale, loss.there)) for loss in found]
    barred = [loss for loss, how in mends if how is None]
    takers = [(how.takes, loss) for loss, how in mends if how is not None]
    takers.sort(key=lambda taker: (taker[0] > 0, taker[1].sale.order.at))
    fitting, crowded, left = [], [], remaining
    for takes, loss in takers:
        if takes <= left:
            left -= takes
            fitting.append(loss)
        else:
            crowded.append(loss)
    lacking = max(0, sum(takes for takes, _ in takers) - remaining)
    return Case(ref, remaining, lacking, fitting, crowded, barred)


async def _remaining(zk: ZooKeeper, ref: TypeRef) -> int | None:
    """Returns what remains of the type; `None` where it or its event's generation is gone."""
    store = Store(zk)
    try:
        event = await store.event(ref.event)
        if event.generation != ref.generation:
            return None
        return (await store.type_stock(ref)).stock.remaining
    except (NoSuchEvent, NoSuchType):
        return None


def _conflicts(cases: Iterable[Case]) -> Iterable[LostOrder]:
    for case in cases:
        for loss in case.crowded[:MOST_NAMED]:
            yield named(loss, "its tickets were sold again")
        for loss in case.barred[:MOST_NAMED]:
            yield named(loss, _why_barred(loss))


def _why_barred(loss: Loss) -> str:
    there, order = loss.there, loss.sale.order
    if order.status == "held" and not isinstance(there, BadZnode):
        return "it was a hold"
    if isinstance(there, StoredOrder) and there.order.batch == order.batch:
        return "it was changed in another way since"
    return "its event or type is no longer in the tree" if there is None else loss.why


def _tickets(found: Iterable[Loss]) -> int:
    return sum(loss.sale.order.quantity for loss in found)


def _question(plan: RepairPlan) -> str:
    restored = sum(row.restored for row in plan.rows)
    oversold = sum(row.oversold for row in plan.rows)
    left_out = sum(row.left_out for row in plan.rows)
    parts = [f"Put the orders of {restored} tickets back"] if restored else []
    parts += [f"oversell {oversold} tickets"] if oversold else []
    parts += [f"give up {left_out} for good"] if left_out else []
    parts += [f"end {len(plan.alarms)} alarms"] if plan.alarms else []
    return f"{', '.join(parts)}?"


# --- the mending ---------------------------------------------------------------------


async def _mend(
    zk: ZooKeeper, data_dir: Path, order_key: bytes, cases: Sequence[Case], choice: Choice
) -> None:
    count = 0
    for case in cases:
        sales = [loss.sale for loss in case.restored(choice)]
        for start in range(0, len(sales), ORDERS_AT_ONCE):
            some = sales[start : start + ORDERS_AT_ONCE]
            count += await restore(zk, some, order_key, oversell=choice.oversell)
    left_out = [loss.sale.order_id for case in cases for loss in case.given_up(choice)]
    # Written also when no order is left out: workers then accept all that was lost before it.
    _settle(data_dir, Settlement(round(time.time(), 3), tuple(left_out)))
    await note(zk, "repair", f"{count} orders put back by operator, {len(left_out)} left out")


def _settle(data_dir: Path, settlement: Settlement) -> None:
    path = data_dir / format.FOLDER / format.SETTLEMENTS
    try:
        private_files.make_directory(path.parent)
        with os.fdopen(private_files.append(path), "ab") as writer:
            writer.write(format.framed(settlement))
            writer.flush()
            os.fsync(writer.fileno())
    except OSError as error:
        raise ZkticketError(f"cannot write {path}: {error.strerror}; run it again") from None


async def _prove(zk: ZooKeeper, data_dir: Path) -> None:
    """Recounts and audits. Raises `ZkticketError` where the tree is still wrong."""
    proof = await recount(zk)
    if proof.breach is not None:
        raise ZkticketError(f"breach at znode {proof.breach.znode}: {proof.breach.text}")
    found = await audit(zk, data_dir)
    if found.missing:
        raise ZkticketError(
            f"{found.missing} confirmed orders are still missing, {found.lost[0].znode} first; "
            "run it again"
        )
