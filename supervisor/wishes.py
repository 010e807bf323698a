"""The desired state as it was seen last, kept on disk: known before ZooKeeper answers."""

import os
from contextlib import suppress
from pathlib import Path

from core.errors import BadZnode
from core.models import Desired, decode, encode

FILE_NAME = "desired.json"


def load(data_dir: Path) -> Desired:
    """Nothing special where there is no such file, or one that is no use: ZooKeeper has it."""
    path = data_dir / FILE_NAME
    with suppress(OSError, BadZnode):
        return decode(Desired, path.read_bytes(), str(path))
    return Desired()


def save(data_dir: Path, desired: Desired) -> None:
    """Raises `OSError`."""
    path = data_dir / FILE_NAME
    draft = path.with_suffix(".new")
    draft.write_bytes(encode(desired) + b"\n")
    os.replace(draft, path)
