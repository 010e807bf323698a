"""ZooKeeper's tree in memory: znodes, versions, transactions, and its state at every zxid."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from core.errors import BadVersion, NodeExists, NoNode, NotEmpty, ZooKeeperError
from core.schema.paths import parent
from core.zookeeper.client import Committed, Outcome, Refused, Znode
from core.zookeeper.multi import Create, Delete, Operation, SetData


class Node(NamedTuple):
    """A znode at one moment; `owner` is the session of an ephemeral one, else 0."""

    data: bytes
    version: int
    created: int
    modified: int
    owner: int = 0
    children: frozenset[str] = frozenset()

    def znode(self, path: str) -> Znode:
        return Znode(
            path,
            self.data,
            self.version,
            self.created,
            self.modified,
            len(self.children),
            self.owner != 0,
        )


# The znodes that a transaction touched, as it left them; None for a deleted one.
Changes = Mapping[str, Node | None]


class Tree:
    """Applies transactions one after the other, as a leader does.

    `listeners` are called with the zxid and the changes of each.
    """

    def __init__(self) -> None:
        self.zxid = 0
        self._nodes: dict[str, Node] = {"/": Node(b"", 0, 0, 0)}
        # All states of the znodes that have changed, the oldest first.
        self._past: dict[str, list[tuple[int, Node | None]]] = {}
        self.listeners: list[Callable[[int, Changes], None]] = []

    def copy(self) -> "Tree":
        """Returns the tree as it is now, without its past."""
        twin = Tree()
        twin.zxid, twin._nodes = self.zxid, dict(self._nodes)
        return twin

    def node(self, path: str, at: int | None = None) -> Node | None:
        """Returns the znode as it was at zxid `at`, or as it is now."""
        if at is not None and at < self.zxid and (past := self._past.get(path)):
            return next((node for zxid, node in reversed(past) if zxid <= at), None)
        return self._nodes.get(path)

    def owned_by(self, session: int) -> list[str]:
        return [path for path, node in self._nodes.items() if node.owner == session]

    def pass_zxid(self) -> None:
        """Counts a decision that changes no znode, such as the start of a session."""
        self.zxid += 1

    def apply(self, operations: Sequence[Operation], owner: int = 0) -> Outcome:
        """Applies all operations or none; creates ephemeral znodes where there is an `owner`."""
        zxid = self.zxid + 1
        changes: dict[str, Node | None] = {}
        for index, operation in enumerate(operations):
            try:
                self._change(operation, zxid, owner, changes)
            except ZooKeeperError as error:
                return Refused(index, error)
        self._commit(zxid, changes)
        # A server's answer tells the zxid only in the stat of what was set.
        told = any(isinstance(operation, SetData) for operation in operations)
        return Committed(zxid if told else 0)

    def _commit(self, zxid: int, changes: Changes) -> None:
        for path, node in changes.items():
            self._past.setdefault(path, [(0, self._nodes.get(path))]).append((zxid, node))
            if node is None:
                self._nodes.pop(path, None)
            else:
                self._nodes[path] = node
        self.zxid = zxid
        for listener in self.listeners:
            listener(zxid, changes)

    def _change(
        self, operation: Operation, zxid: int, owner: int, changes: dict[str, Node | None]
    ) -> None:
        path = operation.path
        node = changes[path] if path in changes else self._nodes.get(path)
        if isinstance(operation, Create):
            above = self._parent_of(path, changes)
            if node is not None:
                raise NodeExists(path)
            if above.owner:
                raise ZooKeeperError("ZooKeeper: NoChildrenForEphemeralsError")
            changes[path] = Node(operation.data, 0, zxid, zxid, owner)
            changes[parent(path)] = above._replace(children=above.children | {_name(path)})
            return
        if node is None:
            raise NoNode(path)
        if not isinstance(operation, Create) and operation.version not in (-1, node.version):
            raise BadVersion(path)
        if isinstance(operation, SetData):
            changes[path] = node._replace(
                data=operation.data, version=node.version + 1, modified=zxid
            )
        elif isinstance(operation, Delete):
            if node.children:
                raise NotEmpty(path)
            above = self._parent_of(path, changes)
            changes[path] = None
            changes[parent(path)] = above._replace(children=above.children - {_name(path)})

    def _parent_of(self, path: str, changes: Changes) -> Node:
        above = parent(path)
        node = changes[above] if above in changes else self._nodes.get(above)
        if node is None:
            raise NoNode(path)
        return node


def _name(path: str) -> str:
    return path.rpartition("/")[2]
