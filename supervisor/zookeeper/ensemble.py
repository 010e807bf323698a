"""The ZooKeeper servers of one machine: their files, their command lines, their quorum."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from core.errors import StartupError
from core.machine import private_files, system_errors
from core.transport.listen_socket import listen
from core.zookeeper.probe import ServerState, has_quorum, probe_all
from supervisor.processes.spawned_process import Process, ProcessPlan, Role, Spawn
from supervisor.zookeeper import quorum_auth

HOST = "127.0.0.1"
QUORUM_OFFSET = 707
ELECTION_OFFSET = 1707
# The purposes of a server's ports, by their distance from the client port.
PURPOSES = {0: "clients", QUORUM_OFFSET: "its quorum", ELECTION_OFFSET: "elections"}
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
POLL_S = 0.05
PROBE_S = 0.5
# When a leader dies, the others elect one within this. A JVM that starts meanwhile takes a core
# from them: the pause was up to 1.2 s on two cores.
REST_S = 0.8

# A killed leader costs 0.45 s of selling with these, a frozen one 2.6 to 3.5 s. Loading a million
# orders from the leader takes 10 s, and has initLimit ticks; the search for a leader has fewer. A
# start repeats the log since the last snapshot, which takes 20 s for a million orders, 310 MB; a
# snapshot of a million takes 4 s of a core from the sale. One is made for each 0.5 to 1 GB of log,
# so that neither grows without bound.
COMMON = """\
tickTime=500
initLimit=60
connectToLearnerMasterLimit=20
syncLimit=4
snapSizeLimitInKb=1048576
maxClientCnxns=0
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
admin.enableServer=false
4lw.commands.whitelist=srvr,mntr,ruok
"""

# A million orders are 520 MB in each server's heap, and need as much again to be collected in
# passing. A quarter of the memory is for all servers: the rest is the page cache's and ours.
# Nothing of it is taken before it is needed.
MEMORY_SHARE = 4
LEAST_HEAP_MB = 512
MOST_HEAP_MB = 4096
# What survives a collection are orders, each copied twice. Left to itself the collector takes as
# little space for new objects as it may, and collects so often that a ticket cost the servers a
# quarter more processor time; twice as much space as this saves hardly more, and stops them longer.
YOUNG_SHARE = 4
MOST_YOUNG_MB = 256

JVM = (
    # A full collection by the serial collector takes over 1 s at a million orders, in all servers
    # at about the same time, and 2 s cost a leader its office. G1 made none, and sold as much.
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=50",
    "-Xshare:auto",
    "-XX:-UsePerfData",
    # The optimising compiler takes the cores from the sale while it works: without it servers
    # start in 1.2 s instead of 1.5 s, and the p99 of a purchase is a third lower, measured on two.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    # ZooKeeper asks at its start which versions of TLS there are, for which Java would read all of
    # the machine's certificates: a tenth of a server's start, and it trusts none of them.
    "-Djavax.net.ssl.trustStore=NONE",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    # Each probe would be a line, and each try of each client while there is no quorum.
    "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=error",
    # A vote that comes before its receiver has noticed the leader's death is lost, and was sent
    # again after 200 ms; in a long outage after up to a minute. A follower that calls before the
    # new leader listens called again after 100 ms.
    "-Dzookeeper.fastleader.minNotificationInterval=50",
    "-Dzookeeper.fastleader.maxNotificationInterval=1000",
    "-Dzookeeper.leaderConnectDelayDuringRetryMs=20",
    # An elected leader that lost its voters waited initLimit for them; now it votes again with
    # them, once it hears that they do.
    "-Dzookeeper.leader.maxTimeToWaitForEpoch=500",
)


class Formed(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the data dir: the ensemble's size, and which servers have served."""

    servers: int
    served: tuple[int, ...] = ()


class Server(msgspec.Struct, frozen=True):
    """One server: its number, its directory, its client port."""

    id: int
    home: Path
    port: int

    @property
    def name(self) -> str:
        return f"zookeeper-{self.id}"

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def config(self) -> Path:
        return self.home / "zoo.cfg"

    @property
    def transactions(self) -> Path:
        """The folder of ZooKeeper's log and snapshots."""
        return self.home / "data" / "version-2"


@dataclass(frozen=True)
class Ensemble:
    """The servers below one directory; none where the ensemble runs elsewhere."""

    home: Path
    servers: tuple[Server, ...]
    password: str = field(repr=False)

    @property
    def hosts(self) -> str:
        return ",".join(server.address for server in self.servers)

    def ports_of(self, server: Server) -> tuple[int, ...]:
        """A server's ports; a single server talks to clients only."""
        offsets = PURPOSES if self.has_peers else (0,)
        return tuple(server.port + offset for offset in offsets)

    @property
    def has_peers(self) -> bool:
        return len(self.servers) > 1

    @property
    def credentials(self) -> Path:
        """The file with the servers' password for each other."""
        return self.home / "jaas.conf"

    def named(self, name: str) -> Server | None:
        return next((server for server in self.servers if server.name == name), None)

    def config_of(self, server: Server) -> str:
        lines = [
            f"dataDir={_property(str(server.home / 'data'))}",
            f"clientPort={server.port}",
            f"clientPortAddress={HOST}",
        ]
        if not self.has_peers:
            return COMMON + "\n".join(lines) + "\n"
        for peer in self.servers:
            _, quorum, election = self.ports_of(peer)
            lines.append(f"server.{peer.id}={HOST}:{quorum}:{election}")
        return COMMON + quorum_auth.CONFIG + "\n".join(lines) + "\n"

    def is_configured(self, server: Server) -> bool:
        """Whether the server's files are those that we would write."""
        try:
            return all(private_files.read(path) == data for path, data in self._files(server))
        except OSError:
            return False

    def configure(self) -> None:
        """Writes each server's files, and leaves its data alone. Raises `OSError`."""
        for server in self.servers:
            for directory in (self.home.parent, self.home, server.home, server.home / "data"):
                private_files.make_directory(directory)
            private_files.keep(server.home / "data" / "myid", f"{server.id}\n".encode())
            for path, data in self._files(server):
                private_files.keep(path, data)

    def _files(self, server: Server) -> Iterable[tuple[Path, bytes]]:
        """The files that a server's command line names, with their content."""
        yield server.config, self.config_of(server).encode()
        if self.has_peers:
            yield self.credentials, quorum_auth.credentials(self.password)

    def guarded(self, spawn: Spawn) -> Spawn:
        """Wraps `spawn`: it starts no server that has lost its data, even after a crash."""

        def start(plan: ProcessPlan) -> Process:
            server = self.named(plan.name)
            if server is not None:
                self.require_data(server)
            return spawn(plan)

        return start

    def plan(
        self, server: Server, java: Path, class_path: str, logs: Path, jvm: tuple[str, ...] = ()
    ) -> ProcessPlan:
        """Plans a server; `jvm` are further options of its JVM."""
        heap = heap_mb(psutil.virtual_memory().total, len(self.servers))
        sizes = (f"-Xmx{heap}m", f"-Xmn{young_mb(heap)}m")
        proof = quorum_auth.jvm(self.credentials) if self.has_peers else ()
        options = (*sizes, *JVM, *proof, *jvm)
        argv = (str(java), *options, "-cp", class_path, MAIN_CLASS, str(server.config))
        log = logs / f"{server.name}.log"
        return ProcessPlan(server.name, Role.ZOOKEEPER, argv, log, server.address, REST_S)

    # --- what was stored -------------------------------------------------------------

    @property
    def record(self) -> Path:
        return self.home / "ensemble.json"

    def formed(self) -> Formed | None:
        """Reads the record; `None` before the first quorum. Raises `StartupError` for damage."""
        try:
            return msgspec.json.decode(private_files.read(self.record), type=Formed)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartupError(system_errors.told(error, self.record)) from None
        except msgspec.DecodeError as error:
            raise StartupError(
                f"{self.record} is damaged ({error}); put it back, or choose another --data-dir"
            ) from None

    def note_served(self, addresses: Collection[str]) -> None:
        """Records that servers have served: from now on an empty directory is a loss."""
        formed = self.formed() or Formed(servers=len(self.servers))
        ids = {server.id for server in self.servers if server.address in addresses}
        served = tuple(sorted({*formed.served, *ids}))
        if served == formed.served:
            return
        after = Formed(servers=formed.servers, served=served)
        private_files.write(self.record, msgspec.json.encode(after))

    def require_size(self) -> None:
        """Raises `StartupError` where the directory holds an ensemble of another size."""
        formed = self.formed() if self.servers else None
        if formed is not None and formed.servers != len(self.servers):
            raise StartupError(
                f"{self.home} holds an ensemble of {formed.servers}, not {len(self.servers)}; "
                f"start it with --servers {formed.servers}, or choose another --data-dir"
            )

    def require_data(self, server: Server) -> None:
        """Raises `StartupError` where a server that has served has lost what it stored.

        Two emptied servers would form a quorum, and the third forget every sale.
        """
        formed = self.formed()
        if formed is None or server.id not in formed.served:
            return
        if not _holds_something(server.transactions):
            raise StartupError(
                f"ZooKeeper server {server.id} has lost its data: {server.transactions} is "
                "missing or empty; put it back from a backup, or copy it from the server whose "
                "files are newest, or start afresh with another --data-dir"
            )

    def require_ports(self, servers: Iterable[Server]) -> None:
        """Raises `StartupError` where one of these servers' ports is taken."""
        for server in servers:
            for port in self.ports_of(server):
                try:
                    listen(HOST, port, "--zookeeper-port").close()
                except StartupError as error:
                    raise StartupError(f"{error} ({self.use_of(port)})") from None

    def use_of(self, port: int) -> str:
        """Says which server needs the port, and how `--zookeeper-port` decides that; or empty."""
        for server in self.servers:
            if port in self.ports_of(server):
                offset = port - server.port
                whence = f"{server.port} + {offset}" if offset else "from --zookeeper-port on"
                return f"{server.name} needs {port}, {whence}, for {PURPOSES[offset]}"
        return ""


def local_ensemble(data_dir: Path, first_port: int, count: int, password: str) -> Ensemble:
    """Makes `count` servers on loopback, with their client ports in a row from `first_port`.

    Their `password` for each other is of letters and digits.
    """
    home = data_dir / "zookeeper"
    servers = (Server(n, home / str(n), first_port + n - 1) for n in range(1, count + 1))
    return Ensemble(home, tuple(servers), password)


def heap_mb(memory_bytes: int, servers: int) -> int:
    """Returns the largest heap of each server on a machine with so much memory."""
    share = memory_bytes // MEMORY_SHARE // servers >> 20
    return max(LEAST_HEAP_MB, min(MOST_HEAP_MB, share))


def young_mb(heap: int) -> int:
    """Returns the share of a heap, in MB, for new objects."""
    return min(MOST_YOUNG_MB, heap // YOUNG_SHARE)


async def wait_for_quorum(
    hosts: str, timeout_s: float, progress: Callable[[str], None]
) -> list[ServerState]:
    """Waits for a quorum; returns the servers' states. Raises `StartupError` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    told = ""
    while True:
        states = await probe_all(hosts, PROBE_S)
        if has_quorum(states):
            return states
        serving = sum(state.serves for state in states)
        text = f"waiting for ZooKeeper: {serving} of {len(states)} servers answer"
        if text != told:
            progress(text)
            told = text
        if time.monotonic() > deadline:
            raise StartupError(f"ZooKeeper has no quorum after {timeout_s:.0f} s; see its logs")
        await asyncio.sleep(POLL_S)


def _property(text: str) -> str:
    """Escapes a text for `java.util.Properties`: Latin-1, a backslash begins an escape."""
    units = text.encode("utf-16-be")
    numbers = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(
        chr(number) if 32 <= number < 127 and number != ord("\\") else f"\\u{number:04x}"
        for number in numbers
    )


def _holds_something(directory: Path) -> bool:
    try:
        return any(directory.iterdir())
    except OSError:
        return False
