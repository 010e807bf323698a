"""Faults planted into changes of the capacity."""

from collections.abc import Mapping, Sequence
from unittest.mock import patch

from msgspec.structs import replace

from core.events.edit import EventManager
from core.events.terms import TypeTerms
from core.schema.records import Event, Stock, TicketType
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Operation, SetData
from tests.simulation.planted.selling import Plant

_happens = EventManager._happens


async def _happens_blindly(self: EventManager, operations: Sequence[Operation]) -> bool:
    """Sets the counters without regard to what was sold since they were read."""
    return await _happens(self, [_blind(each) for each in operations])


def _blind(operation: Operation) -> Operation:
    is_counter = isinstance(operation, SetData) and "/stock/" in operation.path
    return replace(operation, version=-1) if is_counter else operation


async def _never_written(zk: ZooKeeper, witness: SetData) -> bool:
    return False


def _cut_short(
    name: str, said: TypeTerms, event: Event, type_: TicketType, stock: Stock
) -> TicketType:
    """Allows fewer tickets than are sold and held."""
    capacity = said.capacity if isinstance(said.capacity, int) else type_.capacity + said.added
    return replace(type_, capacity=capacity)


FAULTS: Mapping[str, Plant] = {
    "a capacity is changed without the versions of the counters": lambda: patch.object(
        EventManager, "_happens", _happens_blindly
    ),
    "a change of the capacity whose answer was lost is made again": lambda: patch(
        "core.zookeeper.lost_answers.has_written", _never_written
    ),
    "a capacity is made less than is sold": lambda: patch(
        "core.events.event_manager._retyped", _cut_short
    ),
}
