"""Ports for an instance that nobody named any for."""

import random
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from core.errors import StartupError

LOWEST = 10_000
# The kernel gives ports from here on to outgoing connections: one of these could take the
# port of a server that has just been killed, and keep it from coming back.
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_FROM = 32_768
# An ensemble's quorum and election ports stand at these distances from its client ports.
OFFSETS = (0, 707, 1707)
TRIES = 200


def free_page_port(rng: random.Random) -> int:
    """Finds a port for the page. Raises `StartupError` where none is free."""
    return _first(rng, (0,))


def free_ensemble_ports(rng: random.Random, servers: int) -> int:
    """The first of `servers` client ports in a row. Raises `StartupError`."""
    return _first(rng, [offset + number for offset in OFFSETS for number in range(servers)])


def _first(rng: random.Random, offsets: Iterable[int]) -> int:
    offsets = tuple(offsets)
    for _ in range(TRIES):
        first = rng.randrange(LOWEST, _ephemeral() - max(offsets))
        if all(_is_free(first + offset) for offset in offsets):
            return first
    raise StartupError("no free ports are found on 127.0.0.1")


def _ephemeral() -> int:
    with suppress(OSError, ValueError, IndexError):
        lowest = int(EPHEMERAL.read_text().split()[0])
        if lowest > 2 * LOWEST:
            return lowest
    return EPHEMERAL_FROM


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
