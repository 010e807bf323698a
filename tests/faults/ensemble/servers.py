"""Three ZooKeeper servers that a test may kill and start again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.schema.records import Marker, encode
from core.zookeeper.tree_setup import prepare_tree
from supervisor.zookeeper.ensemble import Ensemble, Server, local_ensemble, wait_for_quorum
from supervisor.zookeeper.java import find_class_path, find_java
from tests.support.instance import free_ensemble_port
from tests.support.zookeeper_server import PASSWORD, SECRET

QUORUM_S = 60.0


class Servers:
    """The processes of an ensemble; `revive` starts again those that died."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        self._java = find_java(os.environ)
        self._class_path = find_class_path(os.environ).text
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def hosts(self) -> str:
        return self.ensemble.hosts

    @property
    def ids(self) -> list[int]:
        return [server.id for server in self.ensemble.servers]

    def signal(self, server: int, number: signal.Signals) -> None:
        self._processes[server].send_signal(number)

    def revive(self) -> None:
        """Starts the servers that do not run."""
        for server in self.ensemble.servers:
            process = self._processes.get(server.id)
            if process is None or process.poll() is not None:
                self._processes[server.id] = self._spawn(server)

    def await_quorum(self) -> None:
        asyncio.run(wait_for_quorum(self.hosts, QUORUM_S, lambda _: None))

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _spawn(self, server: Server) -> subprocess.Popen[bytes]:
        plan = self.ensemble.plan(server, self._java, self._class_path, self.ensemble.home)
        with plan.log.open("ab") as log:
            return subprocess.Popen(plan.argv, stdout=log, stderr=log, start_new_session=True)


@contextmanager
def three_servers(home: Path) -> Iterator[Servers]:
    """Opens an ensemble with a quorum and a prepared tree."""
    ensemble = local_ensemble(home, free_ensemble_port(), 3, SECRET.quorum_password)
    ensemble.configure()
    servers = Servers(ensemble)
    try:
        servers.revive()
        servers.await_quorum()
        asyncio.run(
            prepare_tree(
                servers.hosts, PASSWORD, encode(Marker()), close_root=True, timeout_s=QUORUM_S
            )
        )
        yield servers
    finally:
        servers.stop()
