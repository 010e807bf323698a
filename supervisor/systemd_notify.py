"""Tells systemd the state of an instance that it has started: sd_notify(3).

The protocol is a datagram of `NAME=value` lines: too little for a package, of which sdnotify is
of 2017, and systemd-python needs a compiler.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

READY, STOPPING, WATCHDOG = "READY=1", "STOPPING=1", "WATCHDOG=1"
SOCKET = "NOTIFY_SOCKET"


class Notifier:
    """Notifies the service manager, if there is one; its absence never stops the sale."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get(SOCKET, "")
        # An address that begins with @ is in the abstract namespace: unix(7).
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._told = ""

    def ready(self, text: str) -> None:
        """Tells that tickets can be bought."""
        self._send(READY, f"MAINPID={os.getpid()}", self._status(text))

    def stopping(self) -> None:
        self._send(STOPPING, self._status("stopping"))

    def say(self, text: str) -> None:
        """Tells the state in one line, for `systemctl status`; does not repeat the last one."""
        if text != self._told:
            self._send(self._status(text))

    def alive(self) -> None:
        """Tells that the supervisor lives; call it more often than the unit's WatchdogSec."""
        self._send(WATCHDOG)

    def _status(self, text: str) -> str:
        self._told = text
        return f"STATUS={' '.join(text.split())}"

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(lines).encode(), self._address)
