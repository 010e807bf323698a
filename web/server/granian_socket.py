"""Where buyers come in: the listening socket as Granian has it, until a successor takes over."""

import os
import signal
import socket
from typing import Any

import psutil
from granian import _granian

from core.transport.listen_socket import BACKLOG

# Asks a web server to leave its door to a successor, and to end when its buyers have gone.
RETIRE = signal.SIGUSR1


class Door:
    """Granian gets a descriptor of its own, which it closes at the end."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self._descriptor = os.dup(listener.fileno())

    @property
    def holder(self) -> Any:
        """Granian's kind of listening socket; its stubs leave out how one is made of ours."""
        make: Any = _granian.SocketHolder
        return make(self._descriptor, False, BACKLOG)

    def shut(self) -> None:
        """From now on this process accepts nobody; who has connected waits for the successor.

        Granian can't stop accepting without ending: so its descriptor gets another socket,
        which nobody knows.
        """
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(1)
            deaf.setblocking(False)
            os.dup2(deaf.fileno(), self._descriptor)

    def guests(self) -> int:
        """How many connections of this process came in here."""
        port = self.listener.getsockname()[1]
        connections = psutil.Process().net_connections("tcp")
        return sum(
            each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
            for each in connections
        )
