"""Makes events: in one transaction where that fits, else unfinished until all of it is there.

A transaction has to stay under jute.maxbuffer, and a thousand types do not fit. Nobody
sells from an unfinished event; making it again finishes what was left half made.

An event's generation is random, so that its maker knows its own work after an answer was lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from msgspec.structs import replace

from core.errors import BadVersion, NodeExists
from core.schema import paths
from core.schema.records import Event, Stock, TicketType, decode, encode
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Create, Operation, SetData

# A quarter of jute.maxbuffer. Beside path and data an operation holds the owner's ACL.
PART_BYTES = 256 * 1024
OPERATION_BYTES = 120


async def create_event(
    zk: ZooKeeper, name: str, event: Event, types: Mapping[str, TicketType]
) -> bool:
    """Makes the event with its stock; returns False where it exists.

    Raises `BadZnode`, `Ambiguous`, `Unavailable`.
    """
    each_type = (of_type(name, event.generation, each, types[each]) for each in types)
    whole = [*_frame(name, event), *chain.from_iterable(each_type)]
    if _size(whole) <= PART_BYTES:
        if await _happens(zk, whole, paths.generation(name, event.generation)):
            return True
    else:
        unfinished = replace(event, unfinished=True)
        await _happens(zk, _frame(name, unfinished), paths.generation(name, event.generation))
    return await _finish(zk, name, types)


async def _finish(zk: ZooKeeper, name: str, types: Mapping[str, TicketType]) -> bool:
    """Puts what is missing into an unfinished event; returns False where it is whole."""
    znode = await lost_answers.read(zk, lambda: zk.get(paths.event(name)))
    event = decode(Event, znode.data, znode.path)
    if not event.unfinished:
        return False
    folder = paths.types(name, event.generation)
    # Somebody else may be finishing the same event: the slower one looks again.
    while missing := sorted(
        types.keys() - set(await lost_answers.read(zk, lambda: zk.children(folder)))
    ):
        for part in _parts(of_type(name, event.generation, each, types[each]) for each in missing):
            await _happens(zk, part, part[0].path)
    finished = SetData(znode.path, encode(replace(event, unfinished=False)), znode.version)
    happened = partial(lost_answers.has_written, zk, finished)
    return await lost_answers.try_commit(zk, [finished], happened, BadVersion)


async def _happens(zk: ZooKeeper, operations: Sequence[Operation], own: str) -> bool:
    """Returns False where some of it is there already. Nobody else makes what stands at `own`."""
    happened = partial(lost_answers.is_there, zk, own)
    return await lost_answers.try_commit(zk, operations, happened, NodeExists)


def shares(tickets: int, stripes: int) -> list[int]:
    """Spreads tickets over stripes as evenly as possible."""
    each, rest = divmod(tickets, stripes)
    return [each + (number < rest) for number in range(stripes)]


def _frame(name: str, event: Event) -> list[Operation]:
    """Makes the event without its types."""
    generation = event.generation
    return [
        Create(paths.event(name), encode(event)),
        Create(paths.generation(name, generation)),
        Create(paths.types(name, generation)),
        Create(paths.holds(name, generation)),
        *(tabs(name, generation) if event.limit else ()),
        Create(paths.orders(name, generation)),
        *(Create(paths.bucket(name, generation, bucket)) for bucket in paths.BUCKETS),
    ]


def tabs(name: str, generation: str) -> list[Create]:
    """Makes the znodes where the tickets of each buyer are counted."""
    folder = paths.tabs(name, generation)
    return [Create(folder), *(Create(f"{folder}/{bucket}") for bucket in paths.BUCKETS)]


def of_type(name: str, generation: str, each: str, type_: TicketType) -> list[Operation]:
    counters = enumerate(shares(type_.capacity, type_.stripes))
    return [
        Create(paths.type_(name, generation, each), encode(type_)),
        Create(paths.stock(name, generation, each)),
        *(
            Create(paths.counter(name, generation, each, number), encode(Stock(remaining=share)))
            for number, share in counters
        ),
    ]


def _parts(groups: Iterable[list[Operation]]) -> Iterator[list[Operation]]:
    """Joins groups into transactions of a good size; a group stays whole."""
    part: list[Operation] = []
    for group in groups:
        if part and _size(part) + _size(group) > PART_BYTES:
            yield part
            part = []
        part += group
    if part:
        yield part


def _size(operations: Iterable[Operation]) -> int:
    return sum(
        OPERATION_BYTES + len(operation.path) + len(operation.data)
        for operation in operations
        if isinstance(operation, Create)
    )
