"""Watches the clients' connections, and ends those of clients that take more than their share.

Granian accepts connections and tells nothing about them. They are sockets of this process, so the
kernel's tables say how each one does.
"""

import asyncio
import math
import os
import random
import re
import socket
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.client_addresses import client_network
from core.eventlog.ring import EventLog

LOOK_S = 1.0
# The same while there is hardly any room.
HURRY_S = 0.25
# The share of a processor that looking may take: more while there is hardly any room.
MOST_COST, MOST_HURRIED_COST = 0.005, 0.05
# A client that has had data to read for this long, and reads slower than this, is cut off.
SLOW_S = 20.0
LEAST_BYTES_PER_S = 1024
# Above the first share of all connections, idle ones are ended down to the second.
FULL, ROOMY = 0.9, 0.8
# No answer takes longer than this.
ANSWER_S = 3.5
SPARE_S = 0.5
# The number of connections that are examined for that: to examine all takes too long.
SAMPLE = 1024
TELL_S = 30.0
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

ESTABLISHED, CLOSE_WAIT = b"01", b"08"
OPEN = (ESTABLISHED, CLOSE_WAIT)
# struct tcp_info of linux/tcp.h: last_data_sent, last_data_recv in ms; bytes_acked, _received.
_INFO = struct.Struct("=44xI4xI64xQQ")
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class Connection(NamedTuple):
    """A row of the kernel's table. `unsent` counts the bytes that the client has not taken yet."""

    client: str
    inode: int
    unsent: int


class Flow(NamedTuple):
    """`sent_s` and `received_s` are ages in seconds; `taken` and `received` are bytes."""

    sent_s: float
    received_s: float
    taken: int
    received: int


class Stall(msgspec.Struct, frozen=True):
    """When a connection was last seen with unsent data, and how many bytes it had taken then."""

    since: float
    taken: int


def read_table(port: int, states: Sequence[bytes] = OPEN) -> list[Connection]:
    """All connections to that port that are in one of these states, accepted or not."""
    pattern = _row(port, b"|".join(states))
    return [
        Connection(_address(found[1].decode()), int(found[3]), int(found[2], 16))
        for table in TABLES
        for found in pattern.finditer(_content(table))
    ]


def _content(table: Path) -> bytes:
    with suppress(OSError):  # a kernel without IPv6
        return table.read_bytes()
    return b""


def _row(port: int, states: bytes) -> re.Pattern[bytes]:
    local, remote = rb" *\d+: [0-9A-F]+:%04X " % port, rb"([0-9A-F]+):[0-9A-F]{4} "
    queues = rb"(?:" + states + rb") ([0-9A-F]{8}):[0-9A-F]{8} "
    return re.compile(rb"^" + local + remote + queues + rb"\S+ \S+ +\d+ +\d+ (\d+) ", re.MULTILINE)


def _address(hexadecimal: str) -> str:
    """The address in a table, which has it as 32-bit words in this machine's byte order."""
    words = struct.unpack(f">{len(hexadecimal) // 8}I", bytes.fromhex(hexadecimal))
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)


# --- the sockets themselves ----------------------------------------------------------


def own_sockets(inodes: Collection[int]) -> Iterator[tuple[int, socket.socket]]:
    """Duplicates of this process's sockets with these inodes, each open until the next one."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found = _SOCKET.fullmatch(os.readlink(f"/proc/self/fd/{name}"))
            if found and int(found[1]) in inodes:
                with _duplicate(int(name), int(found[1])) as duplicate:
                    yield int(found[1]), duplicate


@contextmanager
def _duplicate(descriptor: int, inode: int) -> Iterator[socket.socket]:
    """A duplicate of the socket. Raises `OSError` if the descriptor is another socket's by now."""
    duplicate = os.dup(descriptor)
    try:
        if os.fstat(duplicate).st_ino != inode:
            raise OSError("that descriptor is another socket's by now")
        with socket.socket(fileno=os.dup(duplicate)) as found:
            yield found
    finally:
        os.close(duplicate)


def flow_of(connection: socket.socket) -> Flow:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    sent_ms, received_ms, taken, received = _INFO.unpack(info)
    return Flow(sent_ms / 1000, received_ms / 1000, taken, received)


def end(connection: socket.socket, *, at_once: bool) -> None:
    """Shuts the connection; Granian then closes it. `at_once` drops what is not sent yet."""
    with suppress(OSError):
        if at_once:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)


# --- which ones have to go -----------------------------------------------------------


class Connections:
    """Keeps connections below `most` in all and `most_of_client` for each client (0: no bound).

    A `spared` address has no bound, for many clients may come from it. `clock` is monotonic.
    """

    def __init__(
        self,
        port: int,
        most: int,
        most_of_client: int,
        spared: Callable[[str], bool],
        log: EventLog,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._rng = rng
        self._port = port
        self._most = most
        self._most_of_client = most_of_client
        self._spared = spared
        self._log = log
        self._clock = clock
        # When each connection was first seen, by its inode.
        self._since: dict[int, float] = {}
        self._waiting: set[int] = set()
        self._stalls: dict[int, Stall] = {}
        self._ended: Counter[str] = Counter()
        self._told_at = -math.inf

    async def keep_looking(self) -> None:
        """Looks at the connections until it is cancelled, and logs now and then what it ended."""
        while True:
            cost_s = await asyncio.to_thread(self._look)
            self._tell()
            await asyncio.sleep(self._pause_s(cost_s))

    def _pause_s(self, cost_s: float) -> float:
        if self._is_full(len(self._since)):
            return max(HURRY_S, cost_s / MOST_HURRIED_COST)
        return max(LOOK_S, cost_s / MOST_COST)

    def _look(self) -> float:
        """Looks at the connections. Returns the processor time that this took."""
        began = time.thread_time()
        self.look()
        return time.thread_time() - began

    def _tell(self) -> None:
        if self._ended and self._clock() >= self._told_at + TELL_S:
            counts = ", ".join(f"{count} {why}" for why, count in self._ended.items())
            self._log.warning("cut off", f"connections: {counts}")
            self._ended.clear()
            self._told_at = self._clock()

    def _is_full(self, count: int) -> bool:
        return count >= FULL * self._most

    def look(self) -> None:
        """Looks at all connections once, and ends those that have to go."""
        table = read_table(self._port)
        now = self._clock()
        self._since = {each.inode: self._since.get(each.inode, now) for each in table}
        self._end("of clients that have too many", self._crowding(table))
        self._end("of clients that don't read", self._stalled(table, now), at_once=True)
        self._end("idle, to make room", self._spare(table, now))

    def _end(self, why: str, inodes: Collection[int], *, at_once: bool = False) -> None:
        for _, connection in own_sockets(inodes) if inodes else ():
            end(connection, at_once=at_once)
            self._ended[why] += 1

    def _crowding(self, table: Sequence[Connection]) -> set[int]:
        """The newest connections of each client that has too many."""
        if not 0 < self._most_of_client < len(table):
            return set()
        return {
            inode
            for inodes in self._by_client(table).values()
            if len(inodes) > self._most_of_client
            for inode in sorted(inodes, key=self._age_of)[self._most_of_client :]
        }

    def _by_client(self, table: Sequence[Connection]) -> Mapping[str, list[int]]:
        by_address: dict[str, list[int]] = defaultdict(list)
        for each in table:
            by_address[each.client].append(each.inode)
        clients: dict[str, list[int]] = defaultdict(list)
        for address, inodes in by_address.items():
            if not self._spared(address):
                clients[client_network(address)] += inodes
        return clients

    def _age_of(self, inode: int) -> tuple[float, int]:
        return self._since[inode], inode

    def _stalled(self, table: Sequence[Connection], now: float) -> set[int]:
        """The connections whose clients always had data to read and took next to nothing."""
        before, self._waiting = self._waiting, {each.inode for each in table if each.unsent}
        self._stalls = {
            inode: stall for inode, stall in self._stalls.items() if inode in self._waiting
        }
        due = {inode for inode in before & self._waiting if not self._is_young(inode, now)}
        stalled = set()
        for inode, connection in own_sockets(due) if due else ():
            taken = flow_of(connection).taken
            stall = self._stalls.get(inode)
            if stall is not None and taken - stall.taken < LEAST_BYTES_PER_S * SLOW_S:
                stalled.add(inode)
            self._stalls[inode] = Stall(now, taken)
        return stalled

    def _is_young(self, inode: int, now: float) -> bool:
        stall = self._stalls.get(inode)
        return stall is not None and now - stall.since < SLOW_S

    def _spare(self, table: Sequence[Connection], now: float) -> set[int]:
        """The connections that were idle for longest, while there is hardly any room."""
        if not self._is_full(len(table)):
            return set()
        looked_at = set(self._rng.sample(list(self._since), min(SAMPLE, len(self._since))))
        spare = [
            (_idle_s(flow_of(connection), now - self._since[inode]), inode)
            for inode, connection in own_sockets(looked_at)
        ]
        wanted = len(table) - int(ROOMY * self._most)
        return {inode for idle_s, inode in sorted(spare, reverse=True)[:wanted] if idle_s > SPARE_S}


def _idle_s(flow: Flow, age_s: float) -> float:
    """Seconds since its answer was sent; without one, the client may be waiting for us."""
    if not flow.received:
        return age_s
    if flow.taken and flow.sent_s < flow.received_s:
        return flow.sent_s
    return min(age_s, flow.sent_s) - ANSWER_S
