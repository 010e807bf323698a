"""Runs Granian, and holds all uses of its private parts.

`pyproject.toml` binds Granian to the version that this was written for; a test names the part
that a new version lacks.
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

# A request's head has to arrive within this; an idle connection is closed after it.
HEADERS_S = 5.0
# Buffers of a connection: several heads of the largest size fit.
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
        """The socket as Granian wants it; its type stubs lack this constructor."""
        make: Any = _granian.SocketHolder
        return make(self._descriptor, False, BACKLOG)

    def shut(self) -> None:
        """Stops accepting in this process; new connections wait for the successor.

        Granian can't stop accepting without ending, so its descriptor is made to refer to another
        socket, to which nobody connects.
        """
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(1)
            deaf.setblocking(False)
            os.dup2(deaf.fileno(), self._descriptor)

    def connected(self) -> int:
        """The number of open connections of this process to the socket."""
        port = self.listener.getsockname()[1]
        connections = psutil.Process().net_connections("tcp")
        return sum(
            each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
            for each in connections
        )


def serve(service: Callable[[], Any], public: PublicSocket, drain_s: float) -> int:
    """Runs Granian with the RSGI application that `service` makes in its child. Returns its code.

    Granian accepts no more connections than it may have open; others wait in the queue.
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
    """Granian on our socket: by itself it would open another one on the same port."""

    public: PublicSocket

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        self._shd = self.public.holder
