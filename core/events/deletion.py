"""Deletes events, and whole trees of znodes, without losing sight of a sale that is under way."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from core.errors import BadZnode, NoNode, NoSuchEvent, NotEmpty, ZkticketError
from core.eventlog.audit import SOURCE, note
from core.events.edit import EventManager
from core.schema import paths
from core.schema.records import Marker, Stock, decode
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import Refused, ZooKeeper

DELETES_AT_ONCE = 300

# Asks a question; raises `ZkticketError` where it is not agreed to.
Confirm = Callable[[str], None]


async def delete_event(
    zk: ZooKeeper, name: str, confirm: Confirm, *, with_orders: bool = False, by: str = SOURCE
) -> None:
    """Deletes an event for good.

    Raises `NoSuchEvent`, and `ZkticketError` where it has orders, unless `with_orders`.
    """
    store = Store(zk)
    try:
        event = await store.event(name)
    except NoSuchEvent:
        raise await store.no_such_event(name) from None
    if not with_orders:
        confirm(f"Delete event {name} for good?")
        await EventManager(zk).close_unsold(name, event)
        await delete_tree(zk, paths.event(name), _agreed)
    else:
        await delete_tree(zk, paths.event(name), confirm, partial(_question, name))
    await note(zk, "event", f"{name} deleted by {by}")


def _question(name: str, plan: "DeletionPlan") -> str:
    return f"Delete event {name} with all its orders, {plan.sold} sold tickets, for good?"


def _agreed(_question: str) -> None:
    """Agrees at once: the question has been answered."""


class DeletionPlan(msgspec.Struct, frozen=True):
    """What a deletion would delete: whole subtrees, and before them the counters.

    The `retired` generations lose orders: receipts are not to ask for these any more.
    """

    targets: Sequence[str]
    counters: Sequence[str]
    retired: frozenset[str]
    znodes: int
    sold: int
    kept: int


class Deleted(msgspec.Struct, frozen=True):
    """How many znodes were deleted, and how many registrations of living processes stay."""

    znodes: int
    kept: int


async def delete_tree(
    zk: ZooKeeper, path: str, confirm: Confirm, ask: Callable[[DeletionPlan], str] | None = None
) -> Deleted:
    """Deletes what stands at and below `path`, a path inside the chroot.

    The chroot, its top-level folders and the registrations of living processes stay. The
    counters are deleted first, so that no sale can commit into a tree that is being deleted. A
    deletion that was interrupted continues when it is called again.
    Raises `NoNode`, and `ZkticketError` when it is not confirmed or the tree is not ours.
    """
    await _check_marker(zk)
    plan = await lost_answers.read(zk, partial(_plan, zk, path))
    if not plan.targets:
        return Deleted(0, plan.kept)
    confirm(
        ask(plan)
        if ask
        else f"Delete {plan.znodes} znodes in {paths.full(path)}, "
        f"with the records of {plan.sold} sold tickets, for good?"
    )
    if plan.counters:
        await EventManager(zk).close(plan.counters, plan.retired)
    count = len(plan.counters) + await _delete_all(zk, plan.targets)
    await note(zk, "delete-tree", f"tree deleted by operator: {count} znodes in {paths.full(path)}")
    return Deleted(count, plan.kept)


async def _check_marker(zk: ZooKeeper) -> None:
    root = await zk.find("/")
    try:
        decode(Marker, root.data if root else b"", paths.full("/"))
    except BadZnode:
        raise ZkticketError(
            f"{paths.full('/')} does not carry zkticket's marker; nothing is deleted in a "
            "foreign tree"
        ) from None


async def _plan(zk: ZooKeeper, path: str) -> DeletionPlan:
    if await zk.find(path) is None:
        raise NoNode(f"there is no znode {paths.full(path)}; `admin tree` lists them")
    targets, kept = await _targets(zk, path)
    counters = await _counters(zk, path)
    counts = [await _count(zk, target) for target in targets]
    sold = await _sold(zk, counters)
    return DeletionPlan(targets, counters, _retired(path, counters), sum(counts), sold, kept)


async def _targets(zk: ZooKeeper, path: str) -> tuple[list[str], int]:
    """Returns the subtrees to delete as a whole, and the number of registrations that stay."""
    if path == "/" or path in paths.TOP:
        inside = [await _targets(zk, paths.below(path, name)) for name in await zk.below(path)]
        return [each for found, _ in inside for each in found], sum(kept for _, kept in inside)
    if paths.parent(path) == paths.RETIRED:
        return [], 0
    if paths.parent(path) in (paths.WORKERS, paths.SUPERVISORS):
        znode = await zk.find(path)
        if znode is None or znode.ephemeral:
            return [], 1
    return [path], 0


async def _counters(zk: ZooKeeper, path: str) -> list[str]:
    """Returns the counters at and below `path`, and those of orders among which `path` is."""
    office = EventManager(zk)
    return [
        counter
        for name in await Store(zk).event_names()
        for counter in await office.counter_paths(name)
        if _covers(_orders(counter), path) or _covers(path, counter)
    ]


async def _sold(zk: ZooKeeper, counters: Sequence[str]) -> int:
    sold = 0
    for path in counters:
        znode = await zk.find(path)
        try:
            sold += decode(Stock, znode.data, path).sold if znode else 0
        except BadZnode:
            continue  # rubbish is no reason to keep a tree
    return sold


async def _count(zk: ZooKeeper, path: str) -> int:
    znode = await zk.find(path)
    if znode is None:
        return 0
    if not znode.children or paths.has_leaves(path):
        return 1 + znode.children
    names = await zk.below(path)
    return 1 + sum(await asyncio.gather(*(_count(zk, paths.below(path, name)) for name in names)))


def _retired(path: str, counters: Sequence[str]) -> frozenset[str]:
    """Returns the generations that lose orders when `path` is deleted."""
    return frozenset(
        paths.generation_of(each)
        for each in counters
        if _covers(path, _orders(each)) or _covers(_orders(each), path)
    )


def _orders(counter: str) -> str:
    """Returns the path of the orders that the counter counts."""
    _, _, event, generation, *_ = counter.split("/")
    return paths.orders(event, generation)


async def _delete_all(zk: ZooKeeper, wanted: Sequence[str]) -> int:
    """Deletes subtrees, bottom up, many znodes per transaction; returns how many there were."""
    count = 0
    for start in range(0, len(wanted), DELETES_AT_ONCE):
        left = list(wanted[start : start + DELETES_AT_ONCE])
        while left:
            refused = await lost_answers.remove(zk, *left)
            if refused is None:
                count += len(left)
                break
            count += await _make_way(zk, left, refused)
    return count


async def _make_way(zk: ZooKeeper, left: list[str], refused: Refused) -> int:
    """Removes the obstacle that kept a transaction from deleting all of `left`."""
    path = left[refused.index]
    match refused.error:
        case NotEmpty():
            return await _delete_all(zk, [paths.below(path, name) for name in await zk.below(path)])
        case NoNode():  # somebody else was faster
            left.remove(path)
            return 0
    raise refused.error


def _covers(folder: str, path: str) -> bool:
    return folder == "/" or path == folder or path.startswith(folder + "/")
