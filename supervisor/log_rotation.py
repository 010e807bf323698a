"""Keeps the processes' own logs small while they are written to.

Each process has its log as its output for as long as it lives, opened for appending: after a cut it
goes on at the new end. So a log's content is copied aside and then cut off; a file that was only
renamed would be written on under its new name.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from core.errors import Untrusted
from core.machine import private_files

LOG_BYTES = 8 * 1024 * 1024
# Nothing writes so fast that it fills a disk meanwhile.
LOOK_S = 2.0
CHUNK_BYTES = 1024 * 1024


def aside(log: Path) -> Path:
    """The path of a log's earlier part."""
    return log.with_name(f"{log.name}.1")


def rotate(log: Path, most_bytes: int = LOG_BYTES) -> bool:
    """Puts a large log aside, in place of its earlier part, and returns True.

    At most its latest `most_bytes` are kept, and none where the disk has no room for them. What is
    written at this very moment may be lost. Raises `Untrusted`, `OSError`.
    """
    size = _size(log)
    if size <= most_bytes:
        return False
    descriptor = private_files.open_file(log, os.O_RDWR)
    try:
        with suppress(OSError):
            _copy(descriptor, size - most_bytes, aside(log), most_bytes)
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
    return True


async def keep_small(directory: Path, most_bytes: int = LOG_BYTES, look_s: float = LOOK_S) -> None:
    """Looks at all logs of the folder now and then, until it is cancelled."""
    while True:
        await asyncio.sleep(look_s)
        await asyncio.to_thread(_rotate_all, directory, most_bytes)


def _rotate_all(directory: Path, most_bytes: int) -> None:
    for log in directory.glob("*.log"):
        with suppress(Untrusted, OSError):  # its turn comes again
            rotate(log, most_bytes)


def _size(log: Path) -> int:
    with suppress(FileNotFoundError):
        return log.stat().st_size
    return 0


def _copy(descriptor: int, start: int, target: Path, most_bytes: int) -> None:
    """Copies also what is written meanwhile, but at most twice as much as is kept."""
    target.unlink(missing_ok=True)  # makes the room
    step = min(CHUNK_BYTES, most_bytes)
    with os.fdopen(private_files.append(target), "wb") as copy:
        for offset in range(start, start + 2 * most_bytes, step):
            chunk = os.pread(descriptor, step, offset)
            copy.write(chunk)
            if len(chunk) < step:
                break
