"""The data dir's lock: one supervisor at a time, and only the holder touches its processes.

The file names its holder by pid and birth: in another container, or on another machine that mounts
the directory, the pid alone may be another process.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StartupError
from core.machine import private_files, process_birth, system_errors

FILE_NAME = "lock"


class InUse(StartupError):
    """Another process holds the data dir. `pid` is 0 until that process has signed the lock.

    `birth` is empty for a supervisor of an earlier version.
    """

    created = 0.0

    def __init__(self, data_dir: Path, pid: int, birth: str = "") -> None:
        who = f"pid {pid}" if pid else "another process"
        super().__init__(
            f"{data_dir} is in use by {who}; stop it with `down`, or choose another --data-dir"
        )
        self.pid = pid
        self.birth = birth


@contextmanager
def hold(data_dir: Path, kept: int | None = None) -> Iterator[int]:
    """Holds the lock and yields its descriptor; the kernel frees the lock of a dead holder.

    This process holds it already where it has `kept` a descriptor. Raises `InUse`, and
    `StartupError` where the directory cannot be written.
    """
    path = data_dir / FILE_NAME
    with system_errors.as_startup_errors(path):
        flags = os.O_RDWR | os.O_CREAT
        descriptor = private_files.open_file(path, flags) if kept is None else kept
    try:
        if kept is None:
            _take(descriptor, data_dir)
            with system_errors.as_startup_errors(path):
                _sign(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 128, 0).decode("ascii", "replace").strip()
        pid, _, birth = text.partition(" ")
        raise InUse(data_dir, int(pid) if pid.isdigit() else 0, birth) from None


def _sign(descriptor: int) -> None:
    """Writes the holder into it. Raises `OSError`."""
    pid = os.getpid()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{pid} {process_birth.birth(pid)}\n".encode(), 0)
