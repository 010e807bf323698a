"""The simulated ensemble: one order of writes, followers that lag, sessions that expire."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.errors import Ambiguous
from core.zookeeper.client import Outcome
from core.zookeeper.multi import Check, Create, Delete, Operation
from tests.simulation.world.event_loops import Handle, World
from tests.simulation.world.network import Weather
from tests.simulation.zookeeper.tree import Changes, Tree

SERVERS = 3


@dataclass(eq=False)
class Session:
    """What the ensemble knows of a session; `seen` is the newest zxid that it was shown."""

    id: int
    client: str
    timeout_s: float
    seen: int
    closed: bool = False
    expiry: Handle | None = None
    on_closed: list[Callable[[], None]] = field(default_factory=list)


class Ensemble:
    """Three servers. Without a `quorum` they decide nothing and let nobody in."""

    def __init__(self, world: World, tree: Tree, weather: Weather) -> None:
        self.world = world
        self.tree = tree
        self.weather = weather
        self._lags = [0.0] * SERVERS
        self.quorum = True
        # The client whose transaction is being decided.
        self.writer = ""
        self._first_zxid = tree.zxid
        self._decided_at: list[float] = []
        self._stuck: dict[int, int] = {}
        self._sessions: list[Session] = []
        self._watches: dict[str, list[Callable[[], None]]] = {}
        tree.listeners.append(self._fire)

    # --- sessions ----------------------------------------------------------------------

    def open(self, client: str, timeout_s: float) -> Session:
        """Opens a session, which goes through the quorum: it sees all that was before it."""
        self._pass_zxid()
        session = Session(len(self._sessions) + 1, client, timeout_s, self.tree.zxid)
        self._sessions.append(session)
        return session

    def heard(self, session: Session) -> None:
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None

    def silent(self, session: Session) -> None:
        """Starts the session's timeout: nothing comes from that client any more."""
        if session.expiry is None and not session.closed:
            patience_s = session.timeout_s * (1 + 0.3 * self.world.rng.random())
            session.expiry = self.world.after(patience_s, self.close, session)

    def close(self, session: Session) -> None:
        """Ends the session and its ephemeral znodes, if there is a quorum to decide it."""
        if session.closed:
            return
        if not self.quorum:
            session.expiry = self.world.after(session.timeout_s, self.close, session)
            return
        self.heard(session)
        session.closed = True
        self.world.note("the session of {} is over", session.client)
        owned = self.tree.owned_by(session.id)
        self.decide([Delete(path) for path in owned])
        for listener in tuple(session.on_closed):
            listener()

    # --- reads and writes --------------------------------------------------------------

    def write(
        self, session: Session, operations: Sequence[Operation], *, ephemeral: bool = False
    ) -> Outcome:
        """Decides a session's transaction. Raises `Ambiguous` where the session is over."""
        if session.closed:
            raise Ambiguous("the session has expired")
        self.writer = session.client
        outcome = self.decide(operations, session.id if ephemeral else 0)
        self.writer = ""
        self._tell(session, operations, outcome)
        session.seen = self.tree.zxid
        return outcome

    def decide(self, operations: Sequence[Operation], owner: int = 0) -> Outcome:
        before = self.tree.zxid
        outcome = self.tree.apply(operations, owner)
        if self.tree.zxid != before:
            self._decided_at.append(self.world.now)
        return outcome

    def view(self, session: Session, server: int) -> int:
        """Returns the zxid as of which that server answers the session now; it never goes back."""
        session.seen = max(session.seen, self.applied(server))
        return session.seen

    def watch(self, path: str, seen: int, fire: Callable[[], None]) -> None:
        """Calls `fire` once, at the first change of the znode after zxid `seen`."""
        if self.tree.node(path, seen) != self.tree.node(path):
            fire()
        else:
            self._watches.setdefault(path, []).append(fire)

    def _fire(self, _zxid: int, changes: Changes) -> None:
        if self._watches:
            for path in changes:
                for fire in self._watches.pop(path, ()):
                    fire()

    def applied(self, server: int) -> int:
        """Returns the zxid up to which that server knows everything."""
        stuck = self._stuck.get(server)
        if stuck is not None:
            return stuck
        lag_s = self._lags[server]
        if not lag_s:
            return self.tree.zxid
        return self._first_zxid + bisect_right(self._decided_at, self.world.now - lag_s)

    @property
    def applied_everywhere(self) -> int:
        return min(self.applied(server) for server in range(SERVERS))

    def fall_behind(self, server: int, lasts_s: float) -> None:
        """Keeps all news from that follower for a while."""
        self._stuck.setdefault(server, self.applied(server))
        self.world.after(lasts_s, self._stuck.pop, server, None)

    def set_weather(self, weather: Weather) -> None:
        """Changes the weather. The followers have caught up; the leader is never behind."""
        self.weather = weather
        self._stuck.clear()
        rng = self.world.rng
        self._lags = [0.0, *(rng.random() * weather.lag_s for _ in range(SERVERS - 1))]

    def _tell(self, session: Session, operations: Sequence[Operation], outcome: Outcome) -> None:
        if self.world.story is not None:
            said = ", ".join(_said(operation) for operation in operations)
            self.world.note("zxid {}: {} of {}: {}", self.tree.zxid, outcome, session.client, said)

    def _pass_zxid(self) -> None:
        self.tree.pass_zxid()
        self._decided_at.append(self.world.now)


def _said(operation: Operation) -> str:
    name = type(operation).__name__
    version = "" if isinstance(operation, Create) else f" v{operation.version}"
    data = "" if isinstance(operation, Check | Delete) else f" {operation.data[:90]!r}"
    return f"{name} {operation.path}{version}{data}"
