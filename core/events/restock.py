"""A reset: sets the number of tickets for sale; the sold ones stay on record.

The question names the total afterwards, given what was sold when it was asked. A buyer who comes
after the question takes a ticket of that total: a room never gets more people than the operator
has agreed to.
"""

from collections.abc import Callable, Mapping, Sequence

from core.errors import NoSuchEvent, NoSuchType, ZkticketError
from core.eventlog.audit import note
from core.events.edit import DEFAULT_TYPES, EventManager
from core.schema.paths import DEFAULT_EVENT
from core.schema.records import Stock
from core.store.stock import TypeRef, total
from core.store.store import Store
from core.zookeeper.client import ZooKeeper


async def reset(
    zk: ZooKeeper,
    event: str,
    types: Sequence[str],
    quantity: int,
    confirm: Callable[[str], None],
    taken: Mapping[str, int] | None = None,
) -> dict[str, Stock]:
    """Puts `quantity` tickets of each named type on sale, of every type when none is named.

    These come on top of the tickets that are sold or held when `confirm` is asked, or that the
    caller has seen already and gives as `taken`. Makes a missing default event anew. Returns the
    stock of each type afterwards. Raises `NoSuchEvent`, `NoSuchType`, and what `confirm` raises
    where it is not agreed to; then nothing has changed.
    """
    store, office = Store(zk), EventManager(zk)
    generation, known = await _known_types(store, event)
    chosen = _choose(event, types, known)
    if not generation:
        confirm(f"Put {quantity} tickets of {', '.join(chosen)} of event {event} on sale?")
        await office.create_default_event(quantity)
        generation = (await store.event(event)).generation
        taken = dict.fromkeys(chosen, 0)
    else:
        await zk.sync()
        stock = await _stock(store, [TypeRef(event, generation, name) for name in chosen])
        confirm(_question(event, quantity, stock))
        taken = {name: each.taken for name, each in stock.items()} | dict(taken or {})
    after = {
        name: await _reset_one(office, TypeRef(event, generation, name), taken[name] + quantity)
        for name in chosen
    }
    await note(zk, "reset", f"reset by operator: {quantity} of {', '.join(chosen)} of {event}")
    return after


async def _stock(store: Store, refs: Sequence[TypeRef]) -> dict[str, Stock]:
    """Reads the stock of each type, by name."""
    try:
        return {ref.type: total(await store.counters(ref)) for ref in refs}
    except NoSuchType:
        raise _unfinished(refs[0].event) from None


def _question(event: str, quantity: int, stock: Mapping[str, Stock]) -> str:
    sums = (
        f"{name}: {each.taken + quantity} in all, {each.sold} sold and {each.held} held"
        for name, each in stock.items()
    )
    return (
        f"Put {quantity} tickets of {', '.join(stock)} of event {event} on sale? {'; '.join(sums)}"
    )


async def _known_types(store: Store, name: str) -> tuple[str, list[str]]:
    """Returns the event's generation, "" where the default one is yet to be made, and its types."""
    try:
        event = await store.event(name)
    except NoSuchEvent:
        if name == DEFAULT_EVENT:
            return "", list(DEFAULT_TYPES)
        raise await store.no_such_event(name) from None
    return event.generation, await store.type_names(name, event)


def _choose(event: str, wanted: Sequence[str], known: Sequence[str]) -> list[str]:
    if not known:
        raise _unfinished(event)
    for name in wanted:
        if name not in known:
            raise NoSuchType(
                f"event {event!r} has no ticket type {name!r}; its types are: {', '.join(known)}"
            )
    return list(dict.fromkeys(wanted)) or list(known)


async def _reset_one(office: EventManager, ref: TypeRef, capacity: int) -> Stock:
    try:
        return await office.resize(ref, lambda stock: max(stock.taken, capacity))
    except NoSuchType:
        raise _unfinished(ref.event) from None


def _unfinished(event: str) -> ZkticketError:
    return ZkticketError(
        f"event {event!r} is half deleted; finish with `admin delete-tree /events/{event}`, "
        "then reset it"
    )
