"""The last desired state, on disk: known before ZooKeeper answers."""

from contextlib import suppress
from pathlib import Path

from core.errors import BadZnode
from core.machine import private_files
from core.schema.records import Desired, decode, encode

FILE_NAME = "desired.json"


def load(data_dir: Path) -> Desired:
    """Loads it; the default where the file is missing or unreadable: ZooKeeper has the state."""
    path = data_dir / FILE_NAME
    with suppress(OSError, BadZnode):
        return decode(Desired, private_files.read(path), str(path))
    return Desired()


def save(data_dir: Path, desired: Desired) -> None:
    """Raises `OSError`."""
    private_files.write(data_dir / FILE_NAME, encode(desired) + b"\n")
