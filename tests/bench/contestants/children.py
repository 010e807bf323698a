"""Child processes of a contestant, which end with it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.load import BenchError
from tests.support.instance import ROOT, environment

START_S = 30.0
STOP_S = 20.0
POLL_S = 0.02


@contextmanager
def child(
    command: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    *,
    settings: Mapping[str, str] | None = None,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process for the block, once `is_ready()`; `settings` are added to its environment.

    `user` owns the process, where that is not us; `stop` is the signal that ends it.
    Raises `BenchError` with the last line of its log where it ends before that.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**environment(), **(settings or {})},
            user=user,
            group=user,
            extra_groups=None if user is None else (),
        )
    try:
        _wait(process, Path(command[0]).name, log, is_ready)
        yield process
    finally:
        _stop(process, stop)


def _wait(
    process: subprocess.Popen[bytes], name: str, log: Path, is_ready: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + START_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
            raise BenchError(f"{name} did not start: {last}")
        time.sleep(POLL_S)


def _stop(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def flask_server(
    application: str, port: int, log: Path, settings: Mapping[str, str]
) -> Iterator[str]:
    """Runs Granian with two processes of 16 threads; yields the address for purchases."""
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--workers", "2", "--blocking-threads", "16"),
        *("--http", "1", "--no-ws", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(port), application),
    ]
    with child(command, log, lambda: listens(port), settings=settings):
        yield f"http://127.0.0.1:{port}/api/orders"


def is_root() -> bool:
    return os.geteuid() == 0
