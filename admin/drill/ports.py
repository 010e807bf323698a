"""Finds free ports for an instance."""

import random
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.errors import StartupError

LOWEST = 10_000
# The kernel gives outgoing connections the ports from here on: one of them could take the port
# of a server that has just been killed, and keep it from coming back.
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_FROM = 32_768
# From an ensemble's first client port to the others, and to its quorum and election ports.
ENSEMBLE = tuple(kind + number for kind in (0, 707, 1707) for number in range(3))
TRIES = 200


def first_free(rng: random.Random, offsets: Sequence[int] = (0,)) -> int:
    """Finds a port that is free, as are those at the offsets. Raises `StartupError`."""
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
