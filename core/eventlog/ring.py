"""The log that operators look up: a bounded ring of znodes for each process.

A process writes one znode at most for each batch of entries. A znode takes entries
until it holds `SLOT_BYTES`; then the next one begins and the oldest is deleted, in the
same transaction, so that a source never has more than `SLOTS` of them. A znode is written
with its version: a transaction that comes late must not undo what was written meanwhile.

A ring belongs to the instance that began it. On another machine, the process of the same name
takes a ring that is called after its machine, too: `worker-1@box`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

import msgspec

from core.errors import BadVersion, BadZnode, ZooKeeperError
from core.schema import paths
from core.schema.records import LogEntry, decode, encode
from core.zookeeper.client import Refused, Znode, ZooKeeper
from core.zookeeper.multi import Create, Delete, Operation, SetData

SLOT_BYTES = 4096
SLOTS = 256
# Entries that wait while ZooKeeper is away; older ones are dropped, and that is said.
MOST_WAITING = 1000
# A transaction stays under ZooKeeper's limit of 1 MB; an entry may name a batch's 200 orders.
MOST_AT_ONCE = 100
FLUSH_S = 0.5


class _Ring(msgspec.Struct, frozen=True):
    """A source's slots, the newest one's content, and its version."""

    slots: tuple[int, ...] = ()
    content: bytes = b""
    version: int = 0


class Owner(msgspec.Struct, frozen=True):
    """The instance that a process belongs to, and the machine on which it runs."""

    instance: str
    machine: str

    def names(self, source: str) -> tuple[str, ...]:
        """Lists the possible names of a process's ring; the last one is nobody else's."""
        mark = self.instance[:8]
        return source, f"{source}@{self.machine}", f"{source}@{self.machine}-{mark}"


class EventLog:
    """One process's log. Entries go to its own standard log at once, to ZooKeeper in batches.

    Without an `owner` it shares its ring with all that have its name.
    """

    def __init__(self, source: str, now: Callable[[], float], owner: Owner | None = None) -> None:
        self.source = source
        self._name = source
        self._now = now
        self._owner = owner
        self._ring = _Ring()
        self._planned = self._ring
        self._waiting: deque[LogEntry] = deque()
        self._taken = 0
        self._dropped = 0
        self._confessed = 0
        self._logger = logging.getLogger(f"zkticket.{source}")
        # Held from `plan` to `applied`: two transactions never write the same slot.
        self.lock = asyncio.Lock()

    def info(self, event: str, text: str, orders: Sequence[str] = ()) -> None:
        self.add(logging.INFO, event, text, orders)

    def warning(self, event: str, text: str, orders: Sequence[str] = ()) -> None:
        self.add(logging.WARNING, event, text, orders)

    def error(self, event: str, text: str, orders: Sequence[str] = ()) -> None:
        self.add(logging.ERROR, event, text, orders)

    def add(self, level: int, event: str, text: str, orders: Sequence[str] = ()) -> None:
        """Takes an entry; never waits and never fails."""
        self._logger.log(level, "%s: %s", event, text)
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._taken = max(0, self._taken - 1)
            self._dropped += 1
        self._waiting.append(self.entry(level, event, text, orders))

    def entry(self, level: int, event: str, text: str, orders: Sequence[str] = ()) -> LogEntry:
        name = logging.getLevelName(level).lower()
        return LogEntry(
            at=round(self._now(), 3), level=name, event=event, text=text, orders=tuple(orders)
        )

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def plan(self, entries: Sequence[LogEntry] = ()) -> list[Operation]:
        """Makes the operations that write the waiting entries and `entries`; none for no entries.

        Call `applied` when they have been committed; until then a new plan replaces this one.
        """
        self._confessed = self._dropped
        self._taken = min(len(self._waiting), MOST_AT_ONCE)
        waiting = islice(self._waiting, self._taken)
        lines = [encode(entry) for entry in (*self._confession(), *waiting, *entries)]
        if not lines:
            self._planned = self._ring
            return []
        added = b"\n".join(lines)
        ring = self._ring
        if ring.slots and len(ring.content) + len(added) < SLOT_BYTES:
            content = ring.content + b"\n" + added
            self._planned = _Ring(ring.slots, content, ring.version + 1)
            return [SetData(paths.log_slot(self.source, ring.slots[-1]), content, ring.version)]
        newest = ring.slots[-1] + 1 if ring.slots else 0
        kept = (*ring.slots, newest)[-SLOTS:]
        gone = ring.slots[: len(ring.slots) + 1 - len(kept)]
        self._planned = _Ring(kept, added)
        return [
            Create(paths.log_slot(self.source, newest), added),
            *(Delete(paths.log_slot(self.source, slot)) for slot in gone),
        ]

    def applied(self) -> None:
        """Records that the last `plan` has been committed."""
        self._ring = self._planned
        for _ in range(self._taken):
            self._waiting.popleft()
        self._dropped -= self._confessed
        self._taken = self._confessed = 0

    async def load(self, zk: ZooKeeper) -> None:
        """Continues the ring as it is in ZooKeeper; makes a missing one."""
        await zk.ensure(paths.LOG)
        self.source = await self._ring_name(zk)
        slots = tuple(await slot_numbers(zk, self.source))
        newest = await zk.find(paths.log_slot(self.source, slots[-1])) if slots else None
        self._ring = _Ring(slots, newest.data, newest.version) if newest else _Ring(slots)
        # Drops entries whose transaction seemed lost, and has happened after all.
        written = set(self._ring.content.splitlines())
        self._waiting = deque(entry for entry in self._waiting if encode(entry) not in written)

    async def _ring_name(self, zk: ZooKeeper) -> str:
        """Returns the first of its names whose ring is ours, or nobody's yet."""
        candidates = self._owner.names(self._name) if self._owner else (self._name,)
        for name in candidates:
            await zk.ensure(paths.log_source(name))
            if self._owner is None or await _belongs(zk, name, self._owner.instance):
                return name
        return candidates[-1]

    async def flush(self, zk: ZooKeeper) -> None:
        """Writes the waiting entries. Raises `ZooKeeperError`; then they still wait.

        They also still wait where the ring was not as expected: it has been loaded again.
        """
        async with self.lock:
            while operations := self.plan():
                if isinstance(await zk.multi(operations), Refused):
                    await self.load(zk)
                    return
                self.applied()

    async def keep_flushing(self, zk: ZooKeeper) -> None:
        """Flushes twice a second until it is cancelled; waits out an absent ZooKeeper."""
        loaded = False
        while True:
            with suppress(ZooKeeperError):
                if not loaded:
                    async with self.lock:
                        await self.load(zk)
                    loaded = True
                await self.flush(zk)
            await asyncio.sleep(FLUSH_S)

    def _confession(self) -> list[LogEntry]:
        if not self._dropped:
            return []
        text = f"{self._dropped} older entries were dropped while ZooKeeper was away"
        return [self.entry(logging.WARNING, "log", text)]


async def _belongs(zk: ZooKeeper, source: str, instance: str) -> bool:
    """Whether that ring is this instance's; claims one that was nobody's."""
    path, mine = paths.log_source(source), instance.encode()
    ring = await zk.get(path)
    if not ring.data:
        with suppress(BadVersion):
            await zk.set(path, mine, ring.version)
            return True
        ring = await zk.get(path)
    return ring.data == mine


class SourcedEntry(msgspec.Struct, frozen=True):
    """A log entry with the process that wrote it."""

    source: str
    entry: LogEntry


async def sources(zk: ZooKeeper) -> list[str]:
    """Names all processes that have a log."""
    return await zk.below(paths.LOG)


class RingSlot(msgspec.Struct, frozen=True):
    """A znode of a source's ring: its entries, oldest first, and what is wrong with it."""

    source: str
    number: int
    entries: tuple[SourcedEntry, ...]
    damage: BadZnode | None = None


async def read(zk: ZooKeeper, source: str, from_slot: int = 0) -> list[RingSlot]:
    """Reads the slots of one source from that one on, the oldest first."""
    numbers = await slot_numbers(zk, source)
    return await read_slots(zk, source, [number for number in numbers if number >= from_slot])


async def slot_numbers(zk: ZooKeeper, source: str) -> list[int]:
    """Numbers the slots that a source has, the oldest first."""
    names = await zk.below(paths.log_source(source))
    return sorted(int(name) for name in names if name.isdigit())


async def read_slots(zk: ZooKeeper, source: str, numbers: Sequence[int]) -> list[RingSlot]:
    """Reads those slots of one source. An unreadable entry is left out of its slot."""
    znodes = await asyncio.gather(*(zk.find(paths.log_slot(source, number)) for number in numbers))
    return [
        _slot(source, number, znode)
        for number, znode in zip(numbers, znodes, strict=True)
        if znode is not None
    ]


def _slot(source: str, number: int, znode: Znode) -> RingSlot:
    entries, damage = [], None
    for line in znode.data.splitlines():
        try:
            entries.append(SourcedEntry(source, decode(LogEntry, line, znode.path)))
        except BadZnode as error:
            damage = error
    return RingSlot(source, number, tuple(entries), damage)


def as_json(found: SourcedEntry) -> bytes:
    """Writes an entry as one line of JSON, its source first."""
    return msgspec.json.encode({"source": found.source, **msgspec.to_builtins(found.entry)})
