"""The web process: Granian in front of the site."""

import errno
import logging
import os
import resource
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from core.errors import StartupError
from core.secret import load_secret
from core.settings import Settings
from web.service import Service

BACKLOG = 4096
# Granian counts connections here, idle ones too.
CONNECTIONS = 8192
HEADERS_S = 5.0


def run(settings: Settings, name: str) -> int:
    """Serves until SIGTERM, finishes what is under way. Returns the exit code.

    Granian forks once; all that lives on the event loop is made in its child. Raises
    `StartupError` where the port is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    claim_port(settings.host, settings.port)
    raise_file_limit()
    service = partial(Service, settings, name, load_secret(settings.data_dir), os.getpid())
    return serve(service, settings.host, settings.port, settings.drain_s)


def serve(service: Callable[[], Any], host: str, port: int, drain_s: float) -> int:
    """Runs Granian with the RSGI application that `service` makes in its child."""
    server = Granian(
        "zkticket",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=int(HEADERS_S * 1000)),
        workers_kill_timeout=max(1, int(drain_s) - 1),
        log_enabled=False,
    )
    try:
        server.serve(target_loader=service, wrap_loader=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    return 0


def claim_port(host: str, port: int) -> None:
    """Raises `StartupError` where the port is taken: Granian would share it silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is in use" if taken else f"can't be opened: {error.strerror}"
            raise StartupError(f"port {port} on {host} {why}; choose another with --port") from None


def raise_file_limit() -> None:
    """As many open connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
