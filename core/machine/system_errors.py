"""Errors of the operating system, and what a person can do about them."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StartupError

# With less than this left on its disk an instance would not live long.
ROOM_BYTES = 16 << 20
ELSEWHERE = "choose another --data-dir"
ADVICE = {
    errno.ENOSPC: f"free some space on that disk, or {ELSEWHERE}",
    errno.EDQUOT: f"free some of your share of that disk, or {ELSEWHERE}",
    errno.EFBIG: "allow this user larger files (`ulimit -f unlimited`)",
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), ELSEWHERE),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
        f"move away what stands there, or {ELSEWHERE}",
    ),
    errno.ENAMETOOLONG: f"{ELSEWHERE}, with a shorter name",
    errno.EIO: f"look after that disk, or {ELSEWHERE}",
    errno.EMFILE: "allow this user more open files (`ulimit -n 4096`)",
    errno.ENFILE: "close something: the whole system has too many files open",
    errno.ENOMEM: "close something: there is no memory left",
    errno.EAGAIN: "allow this user more processes (`ulimit -u`), or close something",
}


def told(error: OSError, place: Path | str = "") -> str:
    """Says in one line what could not be used, why, and what to do about it."""
    name = error.filename or place
    what = f"cannot use {name} ({error.strerror})" if name else f"{error.strerror}"
    return f"{what}; {ADVICE.get(error.errno or 0, ELSEWHERE)}"


@contextmanager
def as_startup_errors(place: Path) -> Iterator[None]:
    """Raises `StartupError` in place of an `OSError`, with what is `told` of it."""
    try:
        yield
    except OSError as error:
        raise StartupError(told(error, place)) from None


def is_curable(error: OSError) -> bool:
    """Whether a person can cure it at this machine: it is no bug of ours."""
    return error.errno in ADVICE


def require_room(folder: Path) -> None:
    """Raises `OSError` where the folder's disk can't take `ROOM_BYTES` more."""
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)


def require_no_folder(path: Path) -> None:
    """Raises `OSError` where a folder stands in the place of a file."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
