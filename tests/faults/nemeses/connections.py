"""Breaks connections of other processes by the kernel's own means (`ss -K`)."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress

import psutil

from supervisor.zookeeper.ensemble import ELECTION_OFFSET, QUORUM_OFFSET
from tests.faults.nemeses.nemesis import Nemesis, worker
from tests.faults.shop import SERVERS, Shop

Ports = Callable[[Shop], list[int]]


class Sever:
    """Resets every connection to these ports, at the strike and again at its end."""

    lasts_s = (0.0, 2.0)
    last = False

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def strike(self, shop: Shop) -> None:
        for port in self._ports(shop):
            sever(port)

    def heal(self, shop: Shop) -> None:
        self.strike(shop)


def sever(port: int) -> None:
    subprocess.run(["ss", "-K", "dport", "=", f":{port}"], capture_output=True, check=False)


def possible() -> bool:
    """Whether the kernel and our rights allow it."""
    if shutil.which("ss") is None:
        return False
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0]:
            sever(port)
            with suppress(OSError):
                client.sendall(b"?")
                return False
            return True


def a_servers_clients(shop: Shop) -> list[int]:
    return [shop.instance.zookeeper_port + shop.rng.randrange(SERVERS)]


def all_servers_clients(shop: Shop) -> list[int]:
    return [shop.instance.zookeeper_port + n for n in range(SERVERS)]


def quorum_links(shop: Shop) -> list[int]:
    offsets = (QUORUM_OFFSET, ELECTION_OFFSET)
    return [port + offset for port in all_servers_clients(shop) for offset in offsets]


def a_workers_links(shop: Shop) -> list[int]:
    """Returns the ports of the links from the web and the supervisor to one worker."""
    return [port for pid in worker(shop) for port in _listening(pid)]


def _listening(pid: int) -> list[int]:
    with suppress(psutil.Error):
        found = psutil.Process(pid).net_connections(kind="tcp")
        return [each.laddr.port for each in found if each.status == psutil.CONN_LISTEN]
    return []


LINKS: Mapping[str, Callable[[], Nemesis]] = {
    "a server's clients cut": lambda: Sever(a_servers_clients),
    "all servers' clients cut": lambda: Sever(all_servers_clients),
    "quorum links cut": lambda: Sever(quorum_links),
    "a worker's links cut": lambda: Sever(a_workers_links),
}
