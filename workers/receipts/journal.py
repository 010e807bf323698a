"""A worker's receipts on disk: frames appended to a segment, a new segment when it is full."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from core.machine import private_files
from core.receipts.format import Damage, Receipt, decoded, frames, segment, segments_in

# How many of the latest receipts a new worker reads, to know where its predecessor stood.
LATEST = 64


class JournalBounds(msgspec.Struct, frozen=True):
    """A segment is closed at `segment_bytes`; the latest `segments` are kept."""

    segment_bytes: int
    segments: int


class ReceiptJournal:
    """A journal for one thread at a time. What failed to be written can be written again.

    Two processes of one name never write to the same segment: each locks its own.
    """

    def __init__(self, folder: Path, bounds: JournalBounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._file = -1
        self._size = 0
        self._number = 0
        self.dropped = 0

    def open(self) -> list[Receipt]:
        """Resumes where the last process of this name stopped; returns the latest receipts.

        A half-written frame is cut off: its buyers were not told that they had tickets.
        Raises `OSError`.
        """
        self.close()
        for folder in (self._folder.parent, self._folder):
            is_new = not folder.exists()
            private_files.make_directory(folder)
            if is_new:
                _sync_folder(folder.parent)
        found = segments_in(self._folder)
        if not found:
            return []
        self._number = found[-1].number
        self._file = private_files.open_file(found[-1].path, os.O_RDWR)
        own = _lock(self._file)
        parts = list(frames(private_files.read(found[-1].path)))
        if own and _is_sound(parts):
            self._resume(parts)
        else:
            self.close()
        return _decoded([part for part in parts if isinstance(part, bytes)][-LATEST:])

    def append(self, data: bytes) -> None:
        """Returns when the data is on disk. Raises `OSError`; then none of it counts."""
        if self._file < 0 or self._size >= self._bounds.segment_bytes:
            self._begin()
        try:
            _write(self._file, data, self._size)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        try:
            os.fdatasync(self._file)
        except OSError:
            # The kernel takes pages that it failed to write for written the next time
            # (Rebello et al. 2020, "Can applications recover from fsync failures?").
            self._forsake()
            raise
        self._size += len(data)

    def free_bytes(self) -> int:
        """Measures the room on the disk. Raises `OSError`."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _resume(self, parts: list[bytes | Damage]) -> None:
        """Continues behind the last whole frame. Raises `OSError`."""
        self._size = os.fstat(self._file).st_size
        if parts and isinstance(torn := parts[-1], Damage):
            self._size = torn.start
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)

    def _begin(self) -> None:
        """Opens the next segment and deletes the oldest ones. Raises `OSError`."""
        self.close()
        self._number += 1
        path = segment(self._folder, self._number).path
        self._file = private_files.open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self._size = 0
        _lock(self._file)
        _sync_folder(self._folder)
        for old in segments_in(self._folder)[: -self._bounds.segments]:
            with suppress(FileNotFoundError):
                old.path.unlink()
                self.dropped += 1

    def _forsake(self) -> None:
        """Leaves this segment for another one; deletes it if it is empty."""
        with suppress(OSError):
            os.ftruncate(self._file, self._size)
            if not self._size:
                segment(self._folder, self._number).path.unlink()
        self.close()


def _lock(file: int) -> bool:
    """Locks the file until it is closed; returns whether that worked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_sound(parts: list[bytes | Damage]) -> bool:
    return not any(isinstance(part, Damage) and not part.torn for part in parts)


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _decoded(payloads: list[bytes]) -> list[Receipt]:
    """Decodes the receipts that this version can read."""
    found = []
    for payload in payloads:
        with suppress(msgspec.DecodeError):
            found.append(decoded(payload))
    return found


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
