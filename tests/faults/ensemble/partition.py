"""An ensemble whose servers live in network namespaces of their own, for network partitions.

A route that swallows everything separates two servers, also in one direction only, as happens in
real networks. Clients still reach all of them. A link that is down stands for a host that has
vanished for everybody: it does not answer, and refuses nothing.
"""

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.machine import private_files
from supervisor.zookeeper import quorum_auth
from supervisor.zookeeper.ensemble import COMMON, JVM, MAIN_CLASS
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.programs import find_program
from tests.support.zookeeper_server import SECRET

SERVERS = (1, 2, 3)
CONFIG = """\
dataDir={home}/data
clientPort=2181
clientPortAddress={address}
"""


class Islands:
    """Three servers, each on an island; `part` separates them, `join` reunites all of them."""

    def __init__(self, home: Path, rng: random.Random) -> None:
        self._home = home
        # An interface's name has at most 15 letters.
        self._name = f"zk{rng.randrange(16**6):06x}"
        self._net = f"10.{rng.randrange(64, 128)}.{rng.randrange(256)}"
        self._walls: list[tuple[int, int]] = []

    @property
    def hosts(self) -> str:
        return ",".join(f"{self.address(server)}:2181" for server in SERVERS)

    def address(self, server: int) -> str:
        return f"{self._net}.{server}"

    def part(self, server: int, others: Sequence[int]) -> None:
        """Loses what `server` sends to the others, until `join`."""
        for other in others:
            self._walls.append((server, other))
            self._within(server, "route", "add", "blackhole", f"{self.address(other)}/32")

    def join(self) -> None:
        while self._walls:
            server, other = self._walls.pop()
            self._within(server, "route", "del", "blackhole", f"{self.address(other)}/32")

    def sink(self, server: int) -> None:
        """Makes the whole host vanish, until `raise_again`."""
        _ip("link", "set", self._link(server), "down")

    def raise_again(self, server: int) -> None:
        _ip("link", "set", self._link(server), "up")

    @contextmanager
    def afloat(self) -> Iterator[None]:
        """Opens the network and the servers. Raises `OSError` where this machine allows none."""
        with ExitStack() as stack:
            _ip("link", "add", self._name, "type", "bridge")
            stack.callback(_ip, "link", "del", self._name)
            _ip("addr", "add", f"{self._net}.254/24", "dev", self._name)
            _ip("link", "set", self._name, "up")
            for server in SERVERS:
                self._raise_island(server, stack)
            for server in SERVERS:
                stack.callback(_end, self._spawn(server))
            yield

    def _raise_island(self, server: int, stack: ExitStack) -> None:
        island, link = self._island(server), self._link(server)
        _ip("netns", "add", island)
        stack.callback(_ip, "netns", "del", island)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", island)
        _ip("link", "set", link, "master", self._name, "up")
        self._within(server, "addr", "add", f"{self.address(server)}/24", "dev", "eth0")
        self._within(server, "link", "set", "eth0", "up")
        self._within(server, "link", "set", "lo", "up")

    def _spawn(self, server: int) -> "subprocess.Popen[bytes]":
        home = self._home / str(server)
        (home / "data").mkdir(parents=True)
        (home / "data" / "myid").write_text(f"{server}\n")
        peers = "".join(f"server.{n}={self.address(n)}:2888:3888\n" for n in SERVERS)
        own = CONFIG.format(home=home, address=self.address(server))
        (home / "zoo.cfg").write_text(COMMON + quorum_auth.CONFIG + own + peers)
        credentials = home / "jaas.conf"
        private_files.write(credentials, quorum_auth.credentials(SECRET.quorum_password))
        java, class_path = str(find_java(os.environ)), find_class_path(os.environ).text
        options = ["-Xmx512m", *JVM, *quorum_auth.jvm(credentials)]
        command = [java, *options, "-cp", class_path, MAIN_CLASS, str(home / "zoo.cfg")]
        with (home / "out").open("wb") as out:
            return subprocess.Popen(
                [_program(), "netns", "exec", self._island(server), *command],
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _within(self, server: int, *arguments: str) -> None:
        _ip("-n", self._island(server), *arguments)

    def _link(self, server: int) -> str:
        return f"{self._name}v{server}"

    def _island(self, server: int) -> str:
        return f"{self._name}-{server}"


def _ip(*arguments: str) -> None:
    done = subprocess.run([_program(), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _program() -> str:
    found = find_program("ip")
    if found is None:
        raise OSError("there is no `ip`")
    return found


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
