"""Reads what files and the kernel tell of an instance on this machine, for `/metrics`.

ZooKeeper is not needed. Reading blocks for a few milliseconds.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from core.cluster import run_file
from core.errors import ZkticketError
from core.machine import disk_space, process_identity
from core.receipts import format
from core.schema.records import Disk, SupervisorRecord
from web.server.connections import ESTABLISHED, read_table

# A supervisor writes its table each second; an older one than this is ignored.
TABLE_S = 10.0


class ReceiptFiles(msgspec.Struct, frozen=True):
    """A worker's receipts: when one was written last, in Unix seconds, and how much is kept.

    `dropped` counts the files that were deleted as the oldest of too many.
    """

    worker: str
    written_at: float
    size_bytes: int
    files: int
    dropped: int


class Machine(msgspec.Struct, frozen=True):
    """`table` is `None` if there is no fresh one; `supervised` says whether its writer lives."""

    table: SupervisorRecord | None
    supervised: bool
    disks: tuple[Disk, ...]
    journals: tuple[ReceiptFiles, ...]
    connections: int


def look(data_dir: Path, port: int, now: float) -> Machine:
    table = _table(data_dir)
    fresh = table is not None and now - table.at < TABLE_S
    return Machine(
        table=table if fresh else None,
        supervised=table is not None and process_identity.living(table) is not None,
        disks=disk_space.of(data_dir),
        journals=_journals(data_dir),
        connections=len(read_table(port, [ESTABLISHED])),
    )


def _table(data_dir: Path) -> SupervisorRecord | None:
    with suppress(ZkticketError):
        return run_file.read(data_dir)
    return None


def _journals(data_dir: Path) -> tuple[ReceiptFiles, ...]:
    by_worker: dict[str, list[format.Segment]] = {}
    with suppress(ZkticketError):
        for segment in format.segments(data_dir):
            by_worker.setdefault(segment.worker, []).append(segment)
    found = (_journal(worker, segments) for worker, segments in by_worker.items())
    return tuple(journal for journal in found if journal is not None)


def _journal(worker: str, segments: list[format.Segment]) -> ReceiptFiles | None:
    told = [each for each in map(_stat, segments) if each is not None]
    written = [each for each in told if each.st_size]
    if not written:
        return None
    return ReceiptFiles(
        worker=worker,
        written_at=max(each.st_mtime for each in written),
        size_bytes=sum(each.st_size for each in written),
        files=len(written),
        dropped=segments[0].number - 1,
    )


def _stat(segment: format.Segment) -> os.stat_result | None:
    with suppress(OSError):  # its worker has just deleted it
        return segment.path.stat()
    return None
