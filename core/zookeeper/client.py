"""A ZooKeeper client for asyncio, over kazoo's threads.

Three things are different from kazoo, and on purpose:

- every operation has a deadline. When it passes, the socket is cut, so that a frozen
  server is left for another one;
- a `multi` returns `Committed` or `Refused`, and raises `Ambiguous` when nobody knows;
- nothing is queued while there is no connection: `Unavailable` comes at once.

kazoo's types and exceptions do not leave this module.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from kazoo import exceptions as kz
from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState
from kazoo.security import ACL, Permissions, make_digest_acl

from core.errors import (
    AccessDenied,
    Ambiguous,
    BadVersion,
    NodeExists,
    NoNode,
    NotEmpty,
    Unavailable,
    ZooKeeperError,
)
from core.schema import paths
from core.zookeeper.kazoo_handler import PollingHandler
from core.zookeeper.multi import OK, Multi, Operation, Result, acl_vector
from core.zookeeper.multi_read import NO_NODE, MultiRead, Read

IDENTITY = "zkticket"

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

PREPARE_TRIES = 5
# After these nobody knows whether it has happened.
LOST = (kz.ConnectionLoss, kz.SessionExpiredError, kz.SessionMovedError, kz.ConnectionClosedError)


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


@dataclass(frozen=True)
class Committed:
    """The whole transaction happened, at this zxid (0 where it only created or deleted)."""

    zxid: int


@dataclass(frozen=True)
class Refused:
    """None of it happened; the operation at `index` is the first that could not."""

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
        [mine] = owner_acl(password)
        self._acl = acl_vector(mine.perms, mine.id.scheme, mine.id.id)
        self._client = KazooClient(
            # A host gets the session's length divided by their number to answer a connect:
            # naming each twice leaves a frozen one behind in half of the time.
            hosts=",".join([hosts, hosts]) + paths.CHROOT,
            timeout=session_s,
            auth_data=[("digest", f"{IDENTITY}:{password}")],
            default_acl=owner_acl(password),
            connection_retry=_patient(),
            command_retry=_patient(),
            handler=PollingHandler(),
            logger=quiet_logger(),
        )
        self._client.add_listener(self._state_changed)

    # --- connection ------------------------------------------------------------------

    def start(self) -> None:
        """Begins to connect, and keeps trying for as long as it lives."""
        self._client.start_async()

    async def wait_connected(self, timeout_s: float) -> None:
        """Raises `Unavailable` when there is no session within `timeout_s`."""
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
        """`listener` is called on the event loop whenever the connection comes or goes."""
        self._listeners.append(listener)

    @property
    def disconnected_s(self) -> float:
        """For how long there has been no connection; 0 while there is one."""
        return 0.0 if self.connected else time.monotonic() - self.disconnected_at

    def off_change(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    def election(self, path: str, name: str) -> Any:
        """kazoo's recipe, whose calls block: see `core.zookeeper.election`."""
        return self._client.Election(path, name)

    async def watch_over(self) -> None:
        """Raises `ZooKeeperError` when kazoo's thread has ended by itself: nothing mends that."""
        while self._is_alive():  # noqa: ASYNC110 - a thread's end sets no event of ours
            await asyncio.sleep(WATCH_S)
        raise ZooKeeperError("the ZooKeeper client has stopped")

    def _is_alive(self) -> bool:
        thread = self._client._connection._connection_routine
        return thread is not None and bool(thread.is_alive())

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
        connection = getattr(self._client._connection, "_socket", None)
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # --- reads -----------------------------------------------------------------------

    async def get(self, path: str, watch: Callable[[], None] | None = None) -> Znode:
        """Raises `NoNode`, `Unavailable`. `watch` is called once, on the loop, at a change."""
        data, stat = await self._read(self._client.get_async, path, self._watcher(watch))
        return Znode(
            path,
            data or b"",
            stat.version,
            stat.czxid,
            stat.mzxid,
            stat.numChildren,
            stat.ephemeralOwner != 0,
        )

    async def find(self, path: str) -> Znode | None:
        """As `get`, with `None` for a znode that is not there."""
        try:
            return await self.get(path)
        except NoNode:
            return None

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        """The znodes at those paths, in that order; `None` for one that is not there.

        Each is as it was at some moment of the call. Raises `AccessDenied`, `Unavailable`.
        """
        found: list[Znode | None] = []
        for start in range(0, len(wanted), READS_AT_ONCE):
            some = wanted[start : start + READS_AT_ONCE]
            for path, read in zip(some, await self._read(self._multi_read, some), strict=True):
                found.append(_znode(path, read))
        return found

    def _multi_read(self, wanted: Sequence[str]) -> Any:
        result = self._client.handler.async_result()
        # A path of our own is `/` or does not end in it.
        request = MultiRead([paths.CHROOT + path.rstrip("/") for path in wanted])
        self._client._call(request, result)
        return result

    async def children(self, path: str, watch: Callable[[], None] | None = None) -> list[str]:
        """The names below `path`, sorted. Raises `NoNode`, `Unavailable`."""
        names = await self._read(self._client.get_children_async, path, self._watcher(watch))
        return sorted(names)

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
        """Raises `NodeExists`, `NoNode` (the parent), `Ambiguous`, `Unavailable`."""
        await self._call(self._client.create_async, path, data, None, ephemeral)

    async def set(self, path: str, data: bytes, version: int = -1) -> int:
        """The new version. Raises `BadVersion`, `NoNode`, `Ambiguous`, `Unavailable`."""
        stat = await self._call(self._client.set_async, path, data, version)
        return int(stat.version)

    async def delete(self, path: str, version: int = -1) -> None:
        """Raises `NoNode`, `NotEmpty`, `BadVersion`, `Ambiguous`, `Unavailable`."""
        await self._call(self._client.delete_async, path, version)

    async def ensure(self, *wanted: str) -> None:
        """Creates the znodes that are missing; their parents exist or stand before them."""
        for path in wanted:
            with suppress(NodeExists):
                await self.create(path)

    async def multi(self, operations: Sequence[Operation]) -> Outcome:
        """One transaction, all or nothing. Raises `Ambiguous` or `Unavailable`.

        After `Unavailable` it has not happened; after `Ambiguous` it may have, and may yet.
        """
        try:
            [result] = await self._request(Multi(operations, paths.CHROOT, self._acl))
            return _outcome(result)
        except (Ambiguous, Unavailable):
            raise
        except ZooKeeperError as error:
            # A refusal stands in the result; whatever is raised says nothing of it.
            raise Ambiguous(str(error)) from None

    async def _call(self, call: Callable[..., Any], *args: Any) -> Any:
        """The answer to one of kazoo's own calls."""
        return await self._answer(lambda landing: call(*args).rawlink(landing.take))

    async def _request(self, request: Any) -> Any:
        """The answer to a request of ours, which spares kazoo's completion thread."""
        return await self._answer(lambda landing: self._client._call(request, landing))

    async def _answer(self, send: Callable[["_Landing"], object]) -> Any:
        if not self.connected:
            raise Unavailable("no connection to ZooKeeper")
        if self._in_flight >= MOST_IN_FLIGHT:
            raise Unavailable("too many requests to ZooKeeper wait for an answer")
        landing = _Landing(self._loop)
        self._in_flight += 1
        try:
            send(landing)
            async with asyncio.timeout(self._operation_s):
                return await landing.future
        except TimeoutError:
            self._cut()
            raise Ambiguous("ZooKeeper did not answer in time") from None
        except Exception as error:
            raise translated(error) from None
        finally:
            self._in_flight -= 1


class _Landing:
    """Where kazoo's threads leave an answer for the loop. It stands in for an `AsyncResult`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def set(self, value: Any) -> None:
        self._hand_over(value, None)

    def set_exception(self, error: Exception) -> None:
        self._hand_over(None, error)

    def take(self, result: Any) -> None:
        self._hand_over(result.value, result.exception)

    def _hand_over(self, value: Any, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._settle, value, error)

    def _settle(self, value: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


async def connect(
    hosts: str, password: str, *, timeout_s: float = 10.0, session_s: float = 6.0
) -> ZooKeeper:
    """A connected client whose secret opens the tree.

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


async def prepare_tree(
    hosts: str, password: str, marker: bytes, *, close_root: bool, timeout_s: float
) -> bool:
    """Makes the chroot, closed to everybody without the secret. Returns whether `/` is too.

    With `close_root`, on an ensemble of our own, `/` and `/zookeeper` are closed, so that
    nobody can create beside the tree or lock its owner out. On one that runs elsewhere they are
    closed as long as nobody else has anything there.
    Raises `Unavailable`, and `AccessDenied` where the tree belongs to another secret.
    """
    loop = asyncio.get_running_loop()
    arguments = (hosts, password, marker, close_root, timeout_s)
    return await loop.run_in_executor(None, _prepare_tree, *arguments)


def _prepare_tree(
    hosts: str, password: str, marker: bytes, close_root: bool, timeout_s: float
) -> bool:
    client = KazooClient(
        hosts=hosts,
        timeout=6.0,
        auth_data=[("digest", f"{IDENTITY}:{password}")],
        connection_retry=_patient(),
        handler=PollingHandler(),
        logger=quiet_logger(),
    )
    acl = owner_acl(password)
    try:
        client.start(timeout=timeout_s)
        for _ in range(PREPARE_TRIES - 1):
            with suppress(*LOST):  # whatever of it has happened can happen again
                return _make_tree(client, marker, acl, close_root, timeout_s)
        return _make_tree(client, marker, acl, close_root, timeout_s)
    except Exception as error:
        raise translated(error) from None
    finally:
        client.stop()
        client.close()


def _make_tree(
    client: KazooClient, marker: bytes, acl: list[ACL], close_root: bool, timeout_s: float
) -> bool:
    """Returns whether the root is closed to others."""
    for path, data in [(paths.CHROOT, marker), *((paths.CHROOT + p, b"") for p in paths.TOP)]:
        _make(client, path, data, acl, timeout_s)
    _check_owned(client, acl, timeout_s)
    if close_root or not _others_use(client, timeout_s):
        _close(client, acl, timeout_s)
    return not _is_open(client, timeout_s)


def _make(client: KazooClient, path: str, data: bytes, acl: list[ACL], timeout_s: float) -> None:
    """Where the root is closed to us, the tree may be there all the same: its owner made room."""
    if client.exists_async(path).get(timeout=timeout_s) is None:
        with suppress(kz.NodeExistsError):
            client.create_async(path, data, acl).get(timeout=timeout_s)


def _others_use(client: KazooClient, timeout_s: float) -> bool:
    """Somebody else has something beside our tree, or the root itself."""
    try:
        names = client.get_children_async("/").get(timeout=timeout_s)
    except kz.NoAuthError:
        return True
    return bool(set(names) - {"zookeeper", paths.CHROOT.strip("/")})


def _close(client: KazooClient, acl: list[ACL], timeout_s: float) -> None:
    # /zookeeper/config is everybody's to read and nobody's to change from the start.
    for path in ("/", "/zookeeper", "/zookeeper/quota"):
        with suppress(kz.NoAuthError):  # its owner has closed it, to us as well
            client.set_acls_async(path, acl).get(timeout=timeout_s)


def _is_open(client: KazooClient, timeout_s: float) -> bool:
    """Anybody may create, delete or set rights at the root."""
    try:
        acls, _stat = client.get_acls_async("/").get(timeout=timeout_s)
    except kz.NoAuthError:
        return False
    writing = Permissions.CREATE | Permissions.DELETE | Permissions.ADMIN
    return any(each.id.scheme == "world" and each.perms & writing for each in acls)


def _check_owned(client: KazooClient, acl: list[ACL], timeout_s: float) -> None:
    """Raises `AccessDenied` where the chroot is not ours alone: somebody else made it first."""
    found, _stat = client.get_acls_async(paths.CHROOT).get(timeout=timeout_s)
    if found != acl:
        raise AccessDenied(
            f"{paths.CHROOT} in ZooKeeper is open to others; delete it there, then try again"
        )


def owner_acl(password: str) -> list[ACL]:
    """All rights for the holder of the secret, none for anybody else."""
    return [make_digest_acl(IDENTITY, password, all=True)]


def quiet_logger() -> logging.Logger:
    """kazoo's own log, without DEBUG, where it would print the credentials."""
    logger = logging.getLogger("kazoo")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        # A process that keeps no log, like an operator's command, prints nothing of it.
        logger.addHandler(logging.NullHandler())
    return logger


def _patient() -> dict[str, Any]:
    return {"max_tries": -1, "delay": 0.05, "backoff": 1.5, "max_delay": 0.2}


def _znode(path: str, read: Read) -> Znode | None:
    """What a multi-read says of one path. Raises `ZooKeeperError` for an error but `NoNode`."""
    if isinstance(read, int):
        if read == NO_NODE:
            return None
        raise translated(_error(read))
    data, stat = read
    return Znode(
        path,
        data,
        stat.version,
        stat.created_zxid,
        stat.modified_zxid,
        stat.children,
        stat.owner != 0,
    )


def _outcome(result: Result) -> Outcome:
    """What a multi's result says; `Ambiguous` where it says nothing."""
    if result.code == OK:
        return Committed(result.zxid)
    if result.culprit < 0:
        raise Ambiguous("ZooKeeper rolled the transaction back without naming a reason")
    error = translated(_error(result.code))
    if isinstance(error, Ambiguous):
        raise error
    return Refused(result.culprit, error)


def _error(code: int) -> Exception:
    """kazoo's exception for a server's code."""
    return kz.EXCEPTIONS[code]() if code in kz.EXCEPTIONS else Exception(f"error {code}")


_MEANINGS: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], type[ZooKeeperError]], ...
] = (
    (kz.NoNodeError, NoNode),
    (kz.NodeExistsError, NodeExists),
    (kz.BadVersionError, BadVersion),
    (kz.NotEmptyError, NotEmpty),
    ((kz.NoAuthError, kz.AuthFailedError, kz.InvalidACLError), AccessDenied),
    (LOST, Ambiguous),
)


def translated(error: Exception) -> ZooKeeperError:
    """Our error for one of kazoo's; unknown ones keep their text."""
    if isinstance(error, ZooKeeperError):
        return error
    for theirs, ours in _MEANINGS:
        if isinstance(error, theirs):
            return ours(_MESSAGES.get(ours, str(error) or type(error).__name__))
    if type(error).__name__ == "KazooTimeoutError":
        return Unavailable("ZooKeeper does not answer; is the ensemble running?")
    return ZooKeeperError(f"ZooKeeper: {type(error).__name__} {error}".strip())


_MESSAGES: dict[type[ZooKeeperError], str] = {
    AccessDenied: "the secret does not open this tree; is it another instance's --data-dir?",
    Ambiguous: "the connection to ZooKeeper broke before the answer came",
}
