"""The web process: Granian in front of the site."""

import os
import signal
import time
from functools import partial

from core.machine import diagnostics
from core.secret import load_secret
from core.settings import Settings
from core.transport.listen_socket import inherited, listen
from web.server.granian_adapter import PublicSocket, serve
from web.service import RETIRE, Service


def run(settings: Settings, name: str) -> int:
    """Serves until SIGTERM, finishes what is under way. Returns the exit code.

    It serves from the listening socket that it was given as standard input, else from one of
    its own. Granian forks once; all that lives on the event loop is made in its child. Raises
    `StartupError` where the port is taken.
    """
    diagnostics.begin(time.monotonic)
    public = PublicSocket(inherited() or listen(settings.host, settings.port, "--port"))
    # For Granian's child, which hears it as well: signals go to the whole process group.
    signal.signal(RETIRE, signal.SIG_IGN)
    secret = load_secret(settings.data_dir)
    service = partial(Service, settings, name, secret, os.getpid(), public)
    return serve(service, public, settings.drain_s)
