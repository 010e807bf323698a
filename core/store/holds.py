"""Lists of holds, so that holds that end are found without looking through all orders.

Time is cut into slots. A commit that holds tickets lists their orders in the slot in which the
holds end. A commit that confirms or releases them leaves the list alone, because each order is
read again before it expires.
"""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress

from core.errors import NoNode, NotEmpty
from core.schema import paths
from core.schema.records import HoldList, decode
from core.store.batch import Held
from core.store.stock import TypeRef
from core.zookeeper.client import ZooKeeper

SLOT_S = 2.0


def slot_ends(slot: int) -> float:
    """Returns the end of a slot in Unix seconds."""
    return slot * SLOT_S


def hold_path(event: str, generation: str, until: float, batch: str) -> str:
    """Returns the path of a batch's list of holds until then: at its slot's end they are over."""
    return paths.hold_list(event, generation, math.ceil(until / SLOT_S), batch)


def hold_lists(batch: str, holds: Iterable[tuple[TypeRef, str, float]]) -> tuple[Held, ...]:
    """Returns the lists for the holds of a batch: types and ids of orders, each with its end."""
    lists: dict[str, list[str]] = {}
    for ref, order_id, until in holds:
        path = hold_path(ref.event, ref.generation, until, batch)
        lists.setdefault(path, []).append(order_id)
    return tuple(Held(path, HoldList(orders=tuple(ids))) for path, ids in lists.items())


class Holds:
    """The tree's lists of holds, over one session."""

    def __init__(self, zk: ZooKeeper) -> None:
        self._zk = zk

    async def slots(self, name: str, generation: str) -> list[int]:
        """Returns the slots in which holds end, in order."""
        slots = await self._zk.below(paths.holds(name, generation))
        return sorted(int(slot) for slot in slots if slot.isdecimal())

    async def lists(self, name: str, generation: str, slot: int) -> dict[str, HoldList]:
        """Returns the lists of one slot, by path. Raises `BadZnode`, `Unavailable`."""
        folder = paths.hold_slot(name, generation, slot)
        wanted = [f"{folder}/{batch}" for batch in await self._zk.below(folder)]
        found = await self._zk.get_many(wanted)
        return {
            znode.path: decode(HoldList, znode.data, znode.path)
            for znode in found
            if znode is not None
        }

    async def make_slot(self, path: str) -> None:
        """Makes the znode of the slot in which a list will stand."""
        slot = paths.parent(path)
        await self._zk.ensure(paths.parent(slot), slot)

    async def forget(self, lists: Sequence[str], slot: str) -> None:
        """Deletes lists, and their slot once it is empty."""
        for path in [*lists, slot]:
            with suppress(NoNode, NotEmpty):
                await self._zk.delete(path)
