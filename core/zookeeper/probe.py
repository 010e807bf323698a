"""Asks a ZooKeeper server for its state, by the four-letter word `srvr`."""

import asyncio

import msgspec

PROBE_S = 1.0
ROLES = ("leader", "follower", "standalone")


class ServerState(msgspec.Struct, frozen=True):
    """A server's state by its own word. `role` is leader, follower, standalone or down."""

    address: str
    role: str
    version: str | None = None

    @property
    def serves(self) -> bool:
        return self.role in ROLES


async def probe(address: str, timeout_s: float = PROBE_S) -> ServerState:
    """Asks the server at `host:port` for its state: down where it does not serve in time."""
    try:
        async with asyncio.timeout(timeout_s):
            text = await _srvr(address)
    except (OSError, TimeoutError, ValueError):
        return ServerState(address, "down")
    told = dict(line.partition(": ")[::2] for line in text.splitlines())
    role = told.get("Mode", "")
    # Such as 3.9.5-22ac5e3, built on …
    version = told.get("Zookeeper version", "").partition("-")[0]
    return ServerState(address, role if role in ROLES else "down", version)


async def probe_all(hosts: str, timeout_s: float = PROBE_S) -> list[ServerState]:
    """Asks the servers of `host:port,…` side by side; their states are in that order."""
    return await asyncio.gather(*(probe(address, timeout_s) for address in hosts.split(",")))


def has_quorum(states: list[ServerState]) -> bool:
    """Whether more than half of the servers serve; a server without a quorum does not."""
    return sum(state.serves for state in states) > len(states) // 2


async def _srvr(address: str) -> str:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"srvr")
        return (await reader.read(65536)).decode(errors="replace")
    finally:
        writer.close()
