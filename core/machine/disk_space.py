"""Measures the free space on the disks of a data directory."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from core.schema.records import Disk

# A worker sells nothing while there is less than this for its receipts.
FULL_BYTES = 4 << 20
# Nearly full: less than a twentieth, on a large disk less than this.
LOW_BYTES = 500 << 20
LOW_SHARE = 20
# A file system can run out of files as well; those that have no such bound say 0.
LEAST_FILES = 16
# The directories that may lie on disks of their own.
PLACES = ("zookeeper/*/*", "receipts", "receipts/*", "logs")

StatVfs = Callable[[Path], os.statvfs_result]


def of(data_dir: Path, statvfs: StatVfs = os.statvfs) -> tuple[Disk, ...]:
    """Lists each disk once, by the uppermost directory on it; unreadable ones are left out."""
    found: dict[int, Disk] = {}
    for place in _places(data_dir):
        with suppress(OSError):
            device = place.stat().st_dev
            if device not in found:
                found[device] = _disk(place, statvfs(place))
    return tuple(found.values())


def is_full(place: Path) -> bool:
    """Whether nothing can be written there; False where there is no such place."""
    try:
        return _disk(place, os.statvfs(place)).state in ("full", "read-only")
    except OSError:
        return False


def problems(disks: Iterable[Disk], host: str) -> Iterator[str]:
    """Yields a line for each disk that stops the sale, or soon will; `host` is this machine."""
    for disk in disks:
        at = disk.directory if disk.host in ("", host) else f"{disk.directory} on {disk.host}"
        room = f"{disk.free_bytes / 1e6:,.0f} of {disk.size_bytes / 1e6:,.0f} MB are free"
        if disk.state == "full":
            why = room if disk.free_bytes < FULL_BYTES else "it takes no more files"
            yield f"the disk of {at} is full ({why}): make room, nothing can be written there"
        elif disk.state == "read-only":
            yield f"the disk of {at} is read-only: mount it for writing, after a look at its log"
        elif disk.state == "low":
            yield f"the disk of {at} is nearly full ({room}): make room before the sale stops"


def _places(data_dir: Path) -> Iterator[Path]:
    yield data_dir
    for pattern in PLACES:
        yield from sorted(path for path in data_dir.glob(pattern) if path.is_dir())


def _disk(place: Path, told: os.statvfs_result) -> Disk:
    free, size = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize
    state = _state(told, free, size)
    return Disk(directory=str(place), free_bytes=free, size_bytes=size, state=state)


def _state(told: os.statvfs_result, free: int, size: int) -> str:
    if told.f_flag & os.ST_RDONLY:
        return "read-only"
    if free < FULL_BYTES or (told.f_files and told.f_favail < LEAST_FILES):
        return "full"
    low = max(4 * FULL_BYTES, min(size // LOW_SHARE, LOW_BYTES))
    return "low" if free < low else "ok"
