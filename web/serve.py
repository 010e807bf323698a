"""The web process: Granian in front of the site."""

import os
import signal
import time
from functools import partial

from core.cluster_secret import load_secret
from core.machine import diagnostics
from core.settings import Settings
from core.transport.listen_socket import inherited, listen
from web.server.granian_adapter import PublicSocket, serve
from web.web_process import RETIRE, Service


def run(settings: Settings, name: str) -> int:
    """Serves until SIGTERM, then finishes open requests. Returns the exit code.

    The listening socket is the one that was given as standard input, or else a new one. Granian
    forks once; its child makes all that lives on the event loop. Raises `StartupError` if the
    port is taken.
    """
    diagnostics.begin(time.monotonic)
    public = PublicSocket(inherited() or listen(settings.host, settings.port, "--port"))
    # Only Granian's child acts on it, but signals reach the whole process group.
    signal.signal(RETIRE, signal.SIG_IGN)
    secret = load_secret(settings.data_dir)
    service = partial(Service, settings, name, secret, os.getpid(), public)
    return serve(service, public, settings.drain_s)
