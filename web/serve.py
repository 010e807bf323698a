"""The web process: Granian in front of the site."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from core.machine import diagnostics, open_files
from core.secret import load_secret
from core.settings import Settings
from core.transport.listen_socket import BACKLOG, inherited, listen
from web.server.granian_socket import RETIRE, Door
from web.service import HEADERS_S, Service

# Of a connection's requests, and of its answers: some heads as large as they may be.
BUFFER_BYTES = 64 * 1024


def run(settings: Settings, name: str) -> int:
    """Serves until SIGTERM, finishes what is under way. Returns the exit code.

    It serves from the listening socket that it was given as standard input, else from one of
    its own. Granian forks once; all that lives on the event loop is made in its child. Raises
    `StartupError` where the port is taken.
    """
    diagnostics.begin(time.monotonic)
    door = Door(inherited() or listen(settings.host, settings.port, "--port"))
    # For Granian's child, which hears it as well: signals go to the whole process group.
    signal.signal(RETIRE, signal.SIG_IGN)
    secret = load_secret(settings.data_dir)
    service = partial(Service, settings, name, secret, os.getpid(), door)
    return serve(service, door, settings.drain_s)


def serve(service: Callable[[], Any], door: Door, drain_s: float) -> int:
    """Runs Granian with the RSGI application that `service` makes in its child.

    Granian accepts no more connections than it may have open: who comes then waits in the queue.
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
    server.door = door
    try:
        server.serve(target_loader=service, wrap_loader=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    return 0


class _Server(MPServer):
    """Granian at a door of ours: by itself it opens another socket on the same port."""

    door: Door

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        self._shd = self.door.holder
