"""A session on a tree in memory, over a network that loses what a test tells it to."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from core.errors import Ambiguous, NoNode, Unavailable, ZooKeeperError
from core.schema.records import Stock, decode, encode
from core.zookeeper.client import Committed, Outcome, Refused, Znode, ZooKeeper
from core.zookeeper.multi import Create, Delete, Operation, SetData
from tests.simulation.zookeeper.tree import Tree


class FakeZooKeeper:
    """Answers like `core.zookeeper.client.ZooKeeper`.

    `faults` says what becomes of the next transactions. With lose-request one never arrives; with
    lose-reply it happens, and its answer is lost; with late it happens just before the next one;
    with unavailable it is not even sent; with throttled the server refuses it for its own reasons.
    """

    def __init__(self) -> None:
        self._tree = Tree()
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
        """Makes reads of paths with that part take so long from now on."""
        self._slow = (part, seconds)

    async def find(self, path: str) -> Znode | None:
        part, seconds = self._slow
        if part in path:
            await asyncio.sleep(seconds)
        node = self._tree.node(path)
        return node.znode(path) if node else None

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        return [await self.find(path) for path in wanted]

    async def get(self, path: str) -> Znode:
        znode = await self.find(path)
        if znode is None:
            raise NoNode(path)
        return znode

    async def children(self, path: str) -> list[str]:
        node = self._tree.node(path)
        if node is None:
            raise NoNode(path)
        return sorted(node.children)

    async def below(self, path: str) -> list[str]:
        node = self._tree.node(path)
        return sorted(node.children) if node else []

    async def ensure(self, *wanted: str) -> None:
        for path in wanted:
            self._tree.apply([Create(path)])

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
        """Makes a sale of another worker."""
        node = self._tree.node(counter_path)
        assert node is not None
        stock = decode(Stock, node.data, counter_path).sell(1)
        assert isinstance(self.apply([SetData(counter_path, encode(stock), -1)]), Committed)

    def uproot(self, path: str) -> None:
        """Deletes a znode and all below it."""
        node = self._tree.node(path)
        for name in node.children if node else ():
            self.uproot(f"{path}/{name}")
        self.apply([Delete(path)])

    def apply(self, operations: Sequence[Operation]) -> Outcome:
        outcome = self._tree.apply(operations)
        self.commits += isinstance(outcome, Committed)
        return outcome
