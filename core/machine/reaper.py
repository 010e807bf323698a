"""Ends what a process has started, however that process ends, even by SIGKILL.

An instance's processes outlive their supervisor on purpose. Those of a drill or a test must not
outlive it: they carry a mark in their environment, and a process beside ends all that carry it.
"""

import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from core.machine.program import SCRIPT

MARK = "ZK_REAPED_WITH"
REAP_S = 15.0
POLL_S = 0.05
KEEP = b"keep"


@contextmanager
def reaping(
    environ: Mapping[str, str],
    directory: Path | None = None,
    keeps: Callable[[], bool] = lambda: False,
) -> Iterator[dict[str, str]]:
    """Yields the environment with a mark: processes started with it end with the block, or soon
    after this process's end. Then the directory is deleted, unless it `keeps` what is there.
    """
    mark = secrets.token_hex(16)
    # It has no mark: a kill by mark must leave the reaper to its work.
    unmarked = {name: value for name, value in environ.items() if name != MARK}
    reaper = subprocess.Popen(
        [sys.executable, str(SCRIPT), "reap", mark, *([str(directory)] if directory else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=unmarked,
        start_new_session=True,
    )
    with reaper:  # its input is closed at the end of the block, or by our death
        try:
            yield {**unmarked, MARK: mark}
        finally:
            reaper.communicate(KEEP if keeps() else b"")


def reap(mark: str, directory: Path | None) -> None:
    """Waits for the end of standard input, then kills whatever carries the mark.

    Deletes the directory unless it reads that it is to keep it.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keeps = sys.stdin.buffer.read() == KEEP
    deadline = time.monotonic() + REAP_S
    while time.monotonic() < deadline and (marked := _marked(mark)):
        for process in marked:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(POLL_S)
    if directory is not None and not keeps:
        shutil.rmtree(directory, ignore_errors=True)


def _marked(mark: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _carries(process, mark)]


def _carries(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(MARK) == mark
    return False
