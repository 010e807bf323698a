"""A ZooKeeper client for asyncio, over kazoo's threads.

Three things are different from kazoo, and on purpose:

- every operation has a deadline. When it passes, the socket is cut, so that a frozen
  server is left for another one;
- a `multi` returns `Committed` or `Refused`, and raises `Ambiguous` when nobody knows;
- nothing is queued while there is no connection: `Unavailable` comes at once.

kazoo's types and exceptions do not leave this folder: see `core.zookeeper.kazoo_adapter`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import msgspec
from kazoo.protocol.states import KazooState

from core.errors import Ambiguous, NodeExists, NoNode, Unavailable, ZooKeeperError
from core.schema import paths
from core.zookeeper import kazoo_adapter
from core.zookeeper.kazoo_adapter import Landing, error_of, translated
from core.zookeeper.multi import OK, Multi, MultiResult, Operation, acl_vector
from core.zookeeper.multi_read import NO_NODE, MultiRead, Read, Stat

# A commit takes milliseconds; a frozen leader is found out by this deadline.
OPERATION_S = 1.2
# kazoo blocks its caller when some 270 requests wait for a dead connection.
MOST_IN_FLIGHT = 128
WATCH_S = 1.0
# Reads wait for each other, so that many at once leave room for writes.
READS_IN_FLIGHT = 64
# Paths in one multi-read. An order is under 600 bytes with its stat, so an answer stays far
# below jute.maxbuffer; and commits wait for a server's reads, each of these about 1 ms.
READS_AT_ONCE = 500


# A struct, not a dataclass: a recount makes a million of them.
class Znode(msgspec.Struct, frozen=True):
    """A znode's data with the numbers that matter: `version` for CAS, zxids for order."""

    path: str
    data: bytes
    version: int
    created_zxid: int
    modified_zxid: int
    children: int
    ephemeral: bool


class Committed(msgspec.Struct, frozen=True):
    """The whole transaction happened, at this zxid (0 where it only created or deleted)."""

    zxid: int


class Refused(msgspec.Struct, frozen=True):
    """Nothing of the transaction happened; the operation at `index` is the first that failed."""

    index: int
    error: ZooKeeperError


Outcome: TypeAlias = Committed | Refused


class ZooKeeper:
    """One session. Use it on the event loop that made it; never over a fork."""

    def __init__(
        self,
        hosts: str,
        password: str,
        *,
        session_s: float = 6.0,
        operation_s: float = OPERATION_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._operation_s = operation_s
        self._in_flight = 0
        self._reads = asyncio.Semaphore(READS_IN_FLIGHT)
        self._listeners: list[Callable[[], None]] = []
        self.connected = False
        self.disconnected_at = time.monotonic()
        [mine] = kazoo_adapter.owner_acl(password)
        self._acl = acl_vector(mine.perms, mine.id.scheme, mine.id.id)
        self._client = kazoo_adapter.make_client(
            # A host gets the session's length divided by their number to answer a connect:
            # naming each twice leaves a frozen one behind in half of the time.
            ",".join([hosts, hosts]) + paths.CHROOT,
            password,
            session_s,
            default_acl=[mine],
            command_retry=kazoo_adapter.patient(),
        )
        self._client.add_listener(self._state_changed)

    # --- connection ------------------------------------------------------------------

    def start(self) -> None:
        """Begins to connect, and keeps trying for as long as it lives."""
        self._client.start_async()

    async def wait_connected(self, timeout_s: float) -> None:
        """Waits for a session. Raises `Unavailable` where there is none within `timeout_s`."""
        changed = asyncio.Event()
        self.on_change(changed.set)
        try:
            async with asyncio.timeout(timeout_s):
                while not self.connected:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise Unavailable("ZooKeeper does not answer; is the ensemble running?") from None
        finally:
            self.off_change(changed.set)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Has `listener` called on the event loop whenever the connection comes or goes."""
        self._listeners.append(listener)

    @property
    def disconnected_s(self) -> float:
        """Seconds without a connection; 0 while there is one."""
        return 0.0 if self.connected else time.monotonic() - self.disconnected_at

    def off_change(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    async def watch_over(self) -> None:
        """Raises `ZooKeeperError` once kazoo's thread has ended, which nothing restarts."""
        while kazoo_adapter.is_alive(self._client):  # noqa: ASYNC110 - a thread's end sets no event of ours
            await asyncio.sleep(WATCH_S)
        raise ZooKeeperError("the ZooKeeper client has stopped")

    async def close(self) -> None:
        """Ends the session: its ephemeral znodes go at once."""
        await self._loop.run_in_executor(None, self._stop)

    def _stop(self) -> None:
        with suppress(Exception):  # nothing that fails here can be mended by the caller
            self._client.stop()
            self._client.close()

    def _state_changed(self, state: str) -> None:
        # On kazoo's thread: hand over and return.
        with suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._note_state, state)

    def _note_state(self, state: str) -> None:
        was = self.connected
        self.connected = state == KazooState.CONNECTED
        if was and not self.connected:
            self.disconnected_at = time.monotonic()
        for listener in tuple(self._listeners):
            listener()

    def _cut(self) -> None:
        """Drops the connection, so that kazoo looks for another server."""
        kazoo_adapter.cut(self._client)

    # --- reads -----------------------------------------------------------------------

    async def get(self, path: str, watch: Callable[[], None] | None = None) -> Znode:
        """Reads a znode. `watch` is called once, on the loop, at a change.

        Raises `NoNode`, `Unavailable`.
        """
        data, stat = await self._read(self._client.get_async, path, self._watcher(watch))
        return _znode(path, data or b"", Stat._make(stat))

    async def find(self, path: str) -> Znode | None:
        """Reads a znode; `None` where it is missing. Raises `Unavailable`."""
        try:
            return await self.get(path)
        except NoNode:
            return None

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        """Reads the znodes at those paths, in that order; `None` for one that is missing.

        Each is as it was at some moment of the call. Raises `AccessDenied`, `Unavailable`.
        """
        found: list[Znode | None] = []
        for start in range(0, len(wanted), READS_AT_ONCE):
            some = wanted[start : start + READS_AT_ONCE]
            for path, read in zip(some, await self._read(self._multi_read, some), strict=True):
                found.append(_found(path, read))
        return found

    def _multi_read(self, wanted: Sequence[str]) -> Any:
        result = self._client.handler.async_result()
        # A path of our own is `/` or does not end in it.
        request = MultiRead([paths.CHROOT + path.rstrip("/") for path in wanted])
        kazoo_adapter.send(self._client, request, result)
        return result

    async def children(self, path: str, watch: Callable[[], None] | None = None) -> list[str]:
        """Lists the names below `path`, sorted. Raises `NoNode`, `Unavailable`."""
        names = await self._read(self._client.get_children_async, path, self._watcher(watch))
        return sorted(names)

    async def below(self, path: str) -> list[str]:
        """Lists the names below `path`; none where it is missing. Raises `Unavailable`."""
        try:
            return await self.children(path)
        except NoNode:
            return []

    async def sync(self) -> None:
        """Lets the server that answers us catch up with the leader."""
        await self._read(self._client.sync_async, "/")

    async def _read(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            async with self._reads:
                return await self._call(call, *args)
        except Ambiguous as error:
            raise Unavailable(str(error)) from None

    def _watcher(self, watch: Callable[[], None] | None) -> Callable[[Any], None] | None:
        if watch is None:
            return None

        def fire(_event: Any) -> None:
            with suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(watch)

        return fire

    # --- writes ----------------------------------------------------------------------

    async def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        """Creates a znode.

        Raises `NodeExists`, `NoNode` (for the parent), `Ambiguous`, `Unavailable`.
        """
        await self._call(self._client.create_async, path, data, None, ephemeral)

    async def set(self, path: str, data: bytes, version: int = -1) -> int:
        """Writes a znode and returns its new version.

        Raises `BadVersion`, `NoNode`, `Ambiguous`, `Unavailable`.
        """
        stat = await self._call(self._client.set_async, path, data, version)
        return int(stat.version)

    async def delete(self, path: str, version: int = -1) -> None:
        """Deletes a znode.

        Raises `NoNode`, `NotEmpty`, `BadVersion`, `Ambiguous`, `Unavailable`.
        """
        await self._call(self._client.delete_async, path, version)

    async def ensure(self, *wanted: str) -> None:
        """Creates the znodes that are missing; their parents exist or stand before them."""
        for path in wanted:
            with suppress(NodeExists):
                await self.create(path)

    async def multi(self, operations: Sequence[Operation]) -> Outcome:
        """Commits one transaction, all or nothing. Raises `Ambiguous` or `Unavailable`.

        After `Unavailable` it has not happened; after `Ambiguous` it may have, and may yet.
        """
        try:
            [result] = await self._request(Multi(operations, paths.CHROOT, self._acl))
            return _outcome(result)
        except (Ambiguous, Unavailable):
            raise
        except ZooKeeperError as error:
            # The result carries a refusal; an exception says nothing about it.
            raise Ambiguous(str(error)) from None

    async def _call(self, call: Callable[..., Any], *args: Any) -> Any:
        """Awaits the answer to one of kazoo's own calls."""
        return await self._answer(lambda landing: call(*args).rawlink(landing.take))

    async def _request(self, request: Any) -> Any:
        """Awaits the answer to our own request, which bypasses kazoo's completion thread."""
        return await self._answer(partial(kazoo_adapter.send, self._client, request))

    async def _answer(self, send: Callable[[Landing], object]) -> Any:
        if not self.connected:
            raise Unavailable("no connection to ZooKeeper")
        if self._in_flight >= MOST_IN_FLIGHT:
            raise Unavailable("too many requests to ZooKeeper wait for an answer")
        landing = Landing(self._loop)
        self._in_flight += 1
        try:
            send(landing)
            async with asyncio.timeout(self._operation_s):
                return await landing.future
        except TimeoutError:
            self._cut()
            raise Ambiguous("ZooKeeper did not answer in time") from None
        except Exception as error:  # also whatever an unreadable reply raises
            raise translated(error) from None
        finally:
            self._in_flight -= 1


async def connect(
    hosts: str, password: str, *, timeout_s: float = 10.0, session_s: float = 6.0
) -> ZooKeeper:
    """Connects a client whose secret opens the tree.

    Raises `Unavailable` after `timeout_s`, `AccessDenied` where the secret is another's.
    """
    client = ZooKeeper(hosts, password, session_s=session_s)
    client.start()
    try:
        await client.wait_connected(timeout_s)
        with suppress(NoNode):
            await client.get("/")
    except BaseException:
        await client.close()
        raise
    return client


def _found(path: str, read: Read) -> Znode | None:
    """Converts one answer of a multi-read; `None` for `NoNode`. Raises `ZooKeeperError`."""
    if isinstance(read, int):
        if read == NO_NODE:
            return None
        raise translated(error_of(read))
    return _znode(path, *read)


def _znode(path: str, data: bytes, stat: Stat) -> Znode:
    return Znode(
        path,
        data,
        stat.version,
        stat.created_zxid,
        stat.modified_zxid,
        stat.children,
        stat.owner != 0,
    )


def _outcome(result: MultiResult) -> Outcome:
    """Converts a multi's result. Raises `Ambiguous` where it does not tell."""
    if result.code == OK:
        return Committed(result.zxid)
    if result.culprit < 0:
        raise Ambiguous("ZooKeeper rolled the transaction back without naming a reason")
    error = translated(error_of(result.code))
    if isinstance(error, Ambiguous):
        raise error
    return Refused(result.culprit, error)
