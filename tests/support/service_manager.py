"""A service manager: it listens for what its services tell it, as systemd does."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.instance import Instance, running

PATIENCE_S = 15.0


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """Opens the manager's socket; an address with an @ in front is an abstract one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if address.startswith("@") else address)
        manager.settimeout(PATIENCE_S)
        yield manager


def heard(manager: socket.socket) -> list[str]:
    """Waits for a message, and returns its lines."""
    return manager.recv(4096).decode().split("\n")


def abstract_address() -> str:
    return f"@zkticket-{secrets.token_hex(8)}"


@contextmanager
def managed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, Instance]]:
    """Runs a small instance under a manager."""
    address = abstract_address()
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with (
        listening(address) as manager,
        running(home / "data", "--servers", "1", "--workers", "1") as shop,
    ):
        yield manager, shop
