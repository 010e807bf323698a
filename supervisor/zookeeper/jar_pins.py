"""The SHA-256 of each jar, pinned beside the pom that names it, as `sha256sum` writes it.

`pom.xml` has `pom.sha256`. Java runs only from a directory that holds exactly the pinned jars.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.errors import ZkticketError


class Unpinned(ZkticketError):
    """Jars that differ from the pinned ones."""


def mismatch_reason(jars: Path, pom: Path) -> str:
    """Names the first file that differs from the pom's pins, and why; empty where none does."""
    pinned = _pinned(pom)
    try:
        found = {path.name: _digest(path) for path in jars.iterdir()}
    except OSError as error:
        return f"{error.filename or jars} cannot be read ({error.strerror})"
    for name in sorted(pinned.keys() | found.keys()):
        if why := _why(found.get(name), pinned.get(name)):
            return f"{jars / name} {why}"
    return ""


def _why(found: str | None, pinned: str | None) -> str:
    if found == pinned:
        return ""
    if found is None:
        return "is missing"
    return "does not belong there" if pinned is None else "is not the one whose SHA-256 is pinned"


def _pinned(pom: Path) -> Mapping[str, str]:
    lines = pom.with_suffix(".sha256").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _digest(path: Path) -> str:
    """Hashes a plain file; empty for others: a link may lead elsewhere when the server starts."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
