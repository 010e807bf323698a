"""A reset: sets the number of tickets for sale; the sold ones stay on record."""

from collections.abc import Callable, Sequence

import msgspec

from core.backoffice import DEFAULT_TYPES, BackOffice
from core.errors import NoSuchEvent, NoSuchType, ZkticketError
from core.models import DEFAULT_EVENT
from core.notes import note
from core.stock import TypeRef
from core.store import Store
from core.zk import ZooKeeper


class ResetType(msgspec.Struct, frozen=True, kw_only=True):
    """A type after its reset."""

    name: str
    sold: int
    held: int
    remaining: int
    capacity: int


async def reset(
    zk: ZooKeeper, event: str, types: Sequence[str], quantity: int, confirm: Callable[[str], None]
) -> list[ResetType]:
    """Puts `quantity` tickets of each named type on sale, of every type when none is named.

    Makes the default event anew where it is gone. Raises `NoSuchEvent`, `NoSuchType`, and
    what `confirm` raises where it is not agreed to; then nothing has changed.
    """
    store, office = Store(zk), BackOffice(zk)
    generation, known = await _known_types(store, event)
    chosen = _choose(event, types, known)
    confirm(f"Put {quantity} tickets of {', '.join(chosen)} of event {event} on sale?")
    if not generation:
        await office.create_default_event(quantity)
        generation = (await store.event(event)).generation
    rows = [await _reset_one(office, TypeRef(event, generation, name), quantity) for name in chosen]
    await note(zk, "reset", f"reset by operator: {quantity} of {', '.join(chosen)} of {event}")
    return rows


async def _known_types(store: Store, name: str) -> tuple[str, list[str]]:
    """The event's generation, "" where the default event has yet to be made, and its types."""
    try:
        event = await store.event(name)
    except NoSuchEvent:
        if name == DEFAULT_EVENT:
            return "", list(DEFAULT_TYPES)
        known = ", ".join(await store.event_names()) or "none"
        raise NoSuchEvent(f"there is no event {name!r}; the events are: {known}") from None
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


async def _reset_one(office: BackOffice, ref: TypeRef, quantity: int) -> ResetType:
    try:
        stock = await office.reset(ref, quantity)
    except NoSuchType:
        raise _unfinished(ref.event) from None
    return ResetType(
        name=ref.type,
        sold=stock.sold,
        held=stock.held,
        remaining=stock.remaining,
        capacity=stock.capacity,
    )


def _unfinished(event: str) -> ZkticketError:
    return ZkticketError(
        f"event {event!r} is half deleted; finish with `admin delete-tree /events/{event}`, "
        "then reset it"
    )
