"""ZooKeeper in memory: versions, transactions, and a network that loses what it is told to."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from core.errors import (
    Ambiguous,
    BadVersion,
    NodeExists,
    NoNode,
    Unavailable,
    ZooKeeperError,
)
from core.models import Stock, decode, encode
from core.transaction import Check, Create, Delete, Operation, SetData
from core.zk import Committed, Outcome, Refused, Znode, ZooKeeper


@dataclass
class _Node:
    data: bytes
    version: int
    created: int
    modified: int


class FakeZooKeeper:
    """Answers like `core.zk.ZooKeeper`. `faults` says what becomes of the next transactions:

    lose-request: it never arrives; lose-reply: it happens, nobody hears of it;
    late: it happens just before the next one; unavailable: it is not even sent;
    throttled: it is refused for a reason of the server's own.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {"/": _Node(b"", 0, 0, 0)}
        self._zxid = 0
        self._late: deque[Sequence[Operation]] = deque()
        self.faults: deque[str] = deque()
        self.before_multi: Callable[[], object] = lambda: None
        self.connected = True
        self.disconnected_s = 0.0
        self.commits = 0
        self._slow = ("", 0.0)

    def as_zookeeper(self) -> ZooKeeper:
        return cast(ZooKeeper, self)

    async def wait_connected(self, timeout_s: float) -> None:
        return None

    def slow_reads(self, part: str, seconds: float) -> None:
        """Reads of paths with that part take so long from now on."""
        self._slow = (part, seconds)

    async def find(self, path: str) -> Znode | None:
        part, seconds = self._slow
        if part in path:
            await asyncio.sleep(seconds)
        node = self._nodes.get(path)
        if node is None:
            return None
        return Znode(path, node.data, node.version, node.created, node.modified, 0, False)

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        return [await self.find(path) for path in wanted]

    async def get(self, path: str) -> Znode:
        znode = await self.find(path)
        if znode is None:
            raise NoNode(path)
        return znode

    async def children(self, path: str) -> list[str]:
        if path not in self._nodes:
            raise NoNode(path)
        prefix = path.rstrip("/") + "/"
        below = (name[len(prefix) :] for name in self._nodes if name.startswith(prefix))
        return sorted(name for name in below if name and "/" not in name)

    async def ensure(self, *wanted: str) -> None:
        for path in wanted:
            self._nodes.setdefault(path, _Node(b"", 0, self._zxid, self._zxid))

    async def multi(self, operations: Sequence[Operation]) -> Outcome:
        fault = self.faults.popleft() if self.faults else ""
        if fault == "unavailable":
            raise Unavailable("no connection to ZooKeeper")
        if fault == "throttled":
            return Refused(1, ZooKeeperError("ZooKeeper: ThrottledOpError"))
        self.before_multi()
        while self._late:
            self.apply(self._late.popleft())
        if fault == "late":
            self._late.append(operations)
        if fault in ("late", "lose-request"):
            raise Ambiguous("lost")
        outcome = self.apply(operations)
        if fault == "lose-reply":
            raise Ambiguous("lost")
        return outcome

    def sell_one(self, counter_path: str) -> None:
        """Another worker's sale."""
        node = self._nodes[counter_path]
        stock = decode(Stock, node.data, counter_path).sell(1)
        assert isinstance(self.apply([SetData(counter_path, encode(stock), -1)]), Committed)

    def apply(self, operations: Sequence[Operation]) -> Outcome:
        nodes = dict(self._nodes)
        zxid = self._zxid + 1
        for index, operation in enumerate(operations):
            try:
                _apply(nodes, operation, zxid)
            except ZooKeeperError as error:
                return Refused(index, error)
        self._nodes, self._zxid = nodes, zxid
        self.commits += 1
        return Committed(zxid)


def _apply(nodes: dict[str, _Node], operation: Operation, zxid: int) -> None:
    match operation:
        case Create(path, data):
            if path in nodes:
                raise NodeExists(path)
            if (path.rpartition("/")[0] or "/") not in nodes:
                raise NoNode(path)
            nodes[path] = _Node(data, 0, zxid, zxid)
            return
        case Check(path, version) | Delete(path, version) | SetData(path, _, version):
            node = nodes.get(path)
    if node is None:
        raise NoNode(path)
    if version not in (-1, node.version):
        raise BadVersion(path)
    if isinstance(operation, SetData):
        nodes[path] = _Node(operation.data, node.version + 1, node.created, zxid)
    elif isinstance(operation, Delete):
        del nodes[path]
