"""Granian: how it is run, and all that is used of its private parts.

`pyproject.toml` binds it to the version that this was written for; tests name the part that a
new one lacks.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

import psutil
from granian import _granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from core.machine import open_files
from core.transport.listen_socket import BACKLOG

# A request's head has to be there within this; a connection may be idle for as long.
HEADERS_S = 5.0
# Of a connection's requests, and of its answers: some heads as large as they may be.
BUFFER_BYTES = 64 * 1024


class PublicSocket:
    """The listening socket that buyers connect to.

    Granian gets a descriptor of its own, which it closes at the end.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self._descriptor = os.dup(listener.fileno())

    @property
    def holder(self) -> Any:
        """Granian's kind of listening socket; its stubs leave out how one is made of ours."""
        make: Any = _granian.SocketHolder
        return make(self._descriptor, False, BACKLOG)

    def shut(self) -> None:
        """Accepts nobody any more in this process; new connections wait for the successor.

        Granian can't stop accepting without ending: so its descriptor gets another socket,
        which nobody knows.
        """
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(1)
            deaf.setblocking(False)
            os.dup2(deaf.fileno(), self._descriptor)

    def connected(self) -> int:
        """How many connections of this process came in here."""
        port = self.listener.getsockname()[1]
        connections = psutil.Process().net_connections("tcp")
        return sum(
            each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
            for each in connections
        )


def serve(service: Callable[[], Any], public: PublicSocket, drain_s: float) -> int:
    """Runs Granian with the RSGI application that `service` makes in its child.

    Granian accepts no more connections than it may have open: those beyond wait in the queue.
    """
    server = _Server(
        "zkticket",
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=open_files.connections(open_files.raise_limit()),
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEADERS_S * 1000), max_buffer_size=BUFFER_BYTES
        ),
        workers_kill_timeout=max(1, int(drain_s) - 1),
        log_enabled=False,
    )
    server.public = public
    try:
        server.serve(target_loader=service, wrap_loader=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    return 0


class _Server(MPServer):
    """Granian at a socket of ours: by itself it opens another one on the same port."""

    public: PublicSocket

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        self._shd = self.public.holder
