"""A session on the simulated ensemble, with the methods of `core.zookeeper.client.ZooKeeper`.

It behaves as kazoo and `core.zookeeper.client` do together: answers come in order; every operation
has a deadline, which cuts the connection; an operation that was under way when a connection broke
is ambiguous, and may happen later; one that is asked for between a break and its notice waits for
the next connection; a new session begins by itself after an expiry.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from core.errors import Ambiguous, NodeExists, NoNode, Unavailable, ZooKeeperError
from core.zookeeper.client import (
    MOST_IN_FLIGHT,
    OPERATION_S,
    Outcome,
    Refused,
    Znode,
    ZooKeeper,
)
from core.zookeeper.multi import Create, Delete, Operation, SetData
from tests.simulation.world.event_loops import Process
from tests.simulation.zookeeper.ensemble import SERVERS, Ensemble, Session
from tests.simulation.zookeeper.tree import Node


@dataclass(eq=False)
class Request:
    """A request to a server, which calls `act` with the zxid as of which it answers."""

    act: Callable[[Session, int], object]
    answer: "asyncio.Future[Any]"
    writes: bool
    arrived: bool = False
    lost: bool = False


class Connection:
    """One connection of a session to one server: first in, first out, both ways."""

    def __init__(self, client: "SimulatedZooKeeper", session: Session, server: int) -> None:
        self._client = client
        self._ensemble = client.ensemble
        self._world = client.ensemble.world
        self.session = session
        self.server = server
        self.alive = True
        self.unanswered: deque[Request] = deque()
        self._arrives_at = self._answers_at = 0.0
        session.on_closed.append(self._session_closed)

    def send(self, request: Request) -> None:
        self.unanswered.append(request)
        if not self.alive:
            request.lost = True  # nobody has noticed yet
            return
        world, weather = self._world, self._ensemble.weather
        hop_s = weather.hop(world.rng)
        self._arrives_at = max(self._arrives_at, world.now + hop_s)
        world.at(self._arrives_at, self._arrive, request)
        if request.writes and weather.breaks and world.rng.random() < weather.breaks:
            world.after(world.rng.random() * 2.5 * hop_s, self.break_off)

    def notify(self, watch: Callable[[], None]) -> None:
        """Tells the client that a watch has fired, unless this connection is lost."""
        world = self._world
        self._answers_at = max(self._answers_at, world.now + self._ensemble.weather.hop(world.rng))
        world.at(self._answers_at, self._hand_over, watch)

    def _hand_over(self, watch: Callable[[], None]) -> None:
        if self.alive:
            self._client.process.call_soon(watch)

    def stall(self, requests_s: float, answers_s: float) -> None:
        """Lets no request, or no answer, through for those times."""
        now = self._world.now
        self._arrives_at = max(self._arrives_at, now + requests_s)
        self._answers_at = max(self._answers_at, now + answers_s)
        if requests_s and self.alive:
            self._ensemble.silent(self.session)
            self._world.after(requests_s, self._heard)

    def break_off(self) -> None:
        """Breaks the connection; some of what is under way arrives later, in order."""
        if not self.alive:
            return
        self.alive = False
        self.session.on_closed.remove(self._session_closed)
        rng, weather = self._world.rng, self._ensemble.weather
        under_way = [request for request in self.unanswered if not request.arrived]
        arriving = (
            rng.randint(1, len(under_way)) if rng.random() < weather.late and under_way else 0
        )
        late_s = rng.random() * weather.late_s
        for number, request in enumerate(under_way):
            request.lost = True
            if number < arriving:
                self._world.after(late_s, self._arrive_late, request)
        self._ensemble.silent(self.session)
        self._client.note_break(self)

    def _session_closed(self) -> None:
        self.break_off()

    def _heard(self) -> None:
        if self.alive:
            self._ensemble.heard(self.session)

    def _arrive(self, request: Request) -> None:
        if request.lost:
            return
        if request.writes and not self._ensemble.quorum:
            return  # the outage has broken the connection, or is about to
        request.arrived = True
        result, error = self._do(request)
        self._answers_at = max(
            self._answers_at, self._world.now + self._ensemble.weather.hop(self._world.rng)
        )
        self._world.at(self._answers_at, self._answer, request, result, error)

    def _arrive_late(self, request: Request) -> None:
        if not self._ensemble.quorum:
            self._world.after(self._ensemble.weather.late_s, self._arrive_late, request)
        elif request.writes:
            self._do(request)

    def _do(self, request: Request) -> tuple[object, ZooKeeperError | None]:
        view = self._ensemble.view(self.session, self.server)
        try:
            return request.act(self.session, view), None
        except ZooKeeperError as error:
            return None, error

    def _answer(self, request: Request, result: object, error: ZooKeeperError | None) -> None:
        if self.alive:
            self.unanswered.remove(request)
            self._client.process.call_soon(_settle, request, result, error)


class SimulatedZooKeeper:
    """Stands in for `core.zookeeper.client.ZooKeeper` in the process that makes it."""

    def __init__(
        self,
        ensemble: Ensemble,
        *,
        session_s: float = 6.0,
        operation_s: float = OPERATION_S,
    ) -> None:
        self.ensemble = ensemble
        self.process: Process = cast(Any, asyncio.get_running_loop())
        self.connected = False
        self.disconnected_at = self.process.time()
        self.connection: Connection | None = None
        self._session_s = session_s
        self._operation_s = operation_s
        self._session: Session | None = None
        self._in_flight = 0
        self._queue: deque[Request] = deque()
        self._listeners: list[Callable[[], None]] = []
        self._closed = False

    def as_zookeeper(self) -> ZooKeeper:
        return cast(ZooKeeper, self)

    # --- connection ------------------------------------------------------------------

    def start(self) -> None:
        self._reconnect_soon()

    async def wait_connected(self, timeout_s: float) -> None:
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
        self._listeners.append(listener)

    def off_change(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    @property
    def disconnected_s(self) -> float:
        return 0.0 if self.connected else self.process.time() - self.disconnected_at

    async def watch_over(self) -> None:
        await self.process.create_future()

    async def close(self) -> None:
        """Ends the session, unless no server can be reached."""
        self._closed = True
        if self.connection is not None and self.connection.alive and self.ensemble.quorum:
            session = self.connection.session
            self.connection.break_off()
            self.ensemble.close(session)
        self.connected = False

    def note_pause(self, paused: bool) -> None:
        """Notes that the client sends no pings while it is paused."""
        if self.connection is not None and self.connection.alive:
            notice = self.ensemble.silent if paused else self.ensemble.heard
            notice(self.connection.session)

    def note_break(self, connection: Connection) -> None:
        if connection is self.connection:
            self.ensemble.world.note("{} loses its connection", self.process.name)
            self.process.call_soon(self._drop, connection)

    def _drop(self, connection: Connection) -> None:
        """Fails what waits for an answer, as kazoo does; the state changes a little later."""
        self.connection = None
        self._fail(connection.unanswered, "the connection broke before the answer came")
        self.process.call_later(self.ensemble.world.rng.random() * 0.002, self._note_state)
        self._reconnect_soon()

    def _fail(self, requests: deque[Request], why: str) -> None:
        while requests:
            _settle(requests.popleft(), None, Ambiguous(why))

    def _reconnect_soon(self) -> None:
        if not self._closed:
            delay_s = self.ensemble.world.rng.random() * self.ensemble.weather.reconnect_s
            self.process.call_later(delay_s, self._connect)

    def _connect(self) -> None:
        server = self.ensemble.world.rng.randrange(SERVERS)
        if self._closed:
            return
        if not self.ensemble.quorum:
            self._reconnect_soon()
        elif self._session is not None and self._session.closed:
            self._session = None
            self._fail(self._queue, "the session has expired")
            self._reconnect_soon()
        elif self._session and self.ensemble.applied(server) < self._session.seen:
            self._reconnect_soon()  # a server refuses a client that has seen more than it has
        else:
            self._session = self._session or self.ensemble.open(self.process.name, self._session_s)
            self.ensemble.heard(self._session)
            self.connection = Connection(self, self._session, server)
            while self._queue:
                self.connection.send(self._queue.popleft())
            self.process.call_soon(self._note_state)

    def _note_state(self) -> None:
        was, self.connected = self.connected, self.connection is not None
        if was and not self.connected:
            self.disconnected_at = self.process.time()
        for listener in tuple(self._listeners):
            listener()

    # --- reads -----------------------------------------------------------------------

    async def get(self, path: str, watch: Callable[[], None] | None = None) -> Znode:
        def read(_session: Session, at: int) -> Znode:
            return self._node(path, at, watch).znode(path)

        return cast(Znode, await self._read(read))

    async def find(self, path: str) -> Znode | None:
        [found] = await self.get_many([path])
        return found

    async def get_many(self, wanted: Sequence[str]) -> list[Znode | None]:
        def read(_session: Session, at: int) -> list[Znode | None]:
            nodes = [(path, self.ensemble.tree.node(path, at)) for path in wanted]
            return [node.znode(path) if node else None for path, node in nodes]

        if not wanted:
            return []
        return cast(list[Znode | None], await self._read(read))

    async def children(self, path: str, watch: Callable[[], None] | None = None) -> list[str]:
        def read(_session: Session, at: int) -> list[str]:
            return sorted(self._node(path, at, watch).children)

        return cast(list[str], await self._read(read))

    async def below(self, path: str) -> list[str]:
        try:
            return await self.children(path)
        except NoNode:
            return []

    def _node(self, path: str, at: int, watch: Callable[[], None] | None) -> Node:
        node = self.ensemble.tree.node(path, at)
        if node is None:
            raise NoNode(path)
        if watch is not None and self.connection is not None:
            self.ensemble.watch(path, at, partial(self.connection.notify, watch))
        return node

    async def sync(self) -> None:
        def catch_up(session: Session, _at: int) -> None:
            session.seen = self.ensemble.tree.zxid

        await self._read(catch_up)

    async def _read(self, act: Callable[[Session, int], object]) -> object:
        try:
            return await self._ask(act, writes=False)
        except Ambiguous as error:
            raise Unavailable(str(error)) from None

    # --- writes ----------------------------------------------------------------------

    async def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        await self._write(Create(path, data), ephemeral=ephemeral)

    async def set(self, path: str, data: bytes, version: int = -1) -> int:
        return await self._write(SetData(path, data, version))

    async def delete(self, path: str, version: int = -1) -> None:
        await self._write(Delete(path, version))

    async def ensure(self, *wanted: str) -> None:
        for path in wanted:
            with suppress(NodeExists):
                await self.create(path)

    async def multi(self, operations: Sequence[Operation]) -> Outcome:
        def write(session: Session, _at: int) -> Outcome:
            return self.ensemble.write(session, operations)

        return cast(Outcome, await self._ask(write, writes=True))

    async def _write(self, operation: Operation, *, ephemeral: bool = False) -> int:
        """Returns the znode's version afterwards. Raises why the server refused."""

        def write(session: Session, _at: int) -> int:
            outcome = self.ensemble.write(session, [operation], ephemeral=ephemeral)
            if isinstance(outcome, Refused):
                raise outcome.error
            node = self.ensemble.tree.node(operation.path)
            return node.version if node else 0

        return cast(int, await self._ask(write, writes=True))

    async def _ask(self, act: Callable[[Session, int], object], *, writes: bool) -> object:
        if not self.connected:
            raise Unavailable("no connection to ZooKeeper")
        if self._in_flight >= MOST_IN_FLIGHT:
            raise Unavailable("too many requests to ZooKeeper wait for an answer")
        request = Request(act, self.process.create_future(), writes)
        if self.connection is None:
            self._queue.append(request)
        else:
            self.connection.send(request)
        deadline = self.process.call_later(self._operation_s, self._give_up, request)
        self._in_flight += 1
        try:
            return await request.answer
        finally:
            deadline.cancel()
            self._in_flight -= 1

    def _give_up(self, request: Request) -> None:
        """Fails a request whose deadline has passed; it can't be taken back."""
        self.ensemble.world.note("{} waits no longer for an answer", self.process.name)
        if self.connection is not None:
            self.connection.break_off()
        _settle(request, None, Ambiguous("ZooKeeper did not answer in time"))


def _settle(request: Request, result: object, error: ZooKeeperError | None) -> None:
    if request.answer.done():
        return
    if error is not None:
        request.answer.set_exception(error)
    else:
        request.answer.set_result(result)
