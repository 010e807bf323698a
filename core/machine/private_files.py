"""Reads and writes files that only this user can read, and trusts no others.

All files of the data directory pass through here. An intruder who could plant a file there would
be believed; one who could plant a link would have us write where they can't.
"""

import errno
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from core.errors import Untrusted
from core.machine.system_errors import require_no_folder

# Set at the start of every process, so that whatever it makes is its user's alone.
UMASK = 0o077
OTHERS = 0o077
ROOT = 0
# Waits for no writer of a pipe, and follows no link.
CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What `open` says of a link, a pipe that nobody reads, and a socket.
NO_FILE = (errno.ELOOP, errno.ENXIO)


def open_file(path: Path, flags: int) -> int:
    """Opens a plain file of our own, like `os.open`. Raises `Untrusted` for others, `OSError`."""
    try:
        descriptor = os.open(path, flags | CAREFULLY, 0o600)
    except OSError as error:
        if error.errno in NO_FILE:
            raise _not_plain(path) from None
        raise
    try:
        require_plain(os.fstat(descriptor), path)
        close_to_others(descriptor)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read(path: Path) -> bytes:
    """Reads a whole file. Raises `Untrusted`, `OSError`."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write(path: Path, data: bytes) -> None:
    """Replaces a file in one step: a reader sees the old or the new one. Raises `OSError`."""
    require_no_folder(path)
    draft = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        draft.unlink()
    try:
        with os.fdopen(open_file(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def keep(path: Path, data: bytes) -> None:
    """Writes a file unless it holds that already: a full disk is no obstacle then."""
    with suppress(Untrusted, OSError):
        if read(path) == data:
            return
    write(path, data)


def append(path: Path) -> int:
    """Opens a file to write at its end, wherever that is. Raises `Untrusted`, `OSError`."""
    return open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def make_directory(path: Path) -> None:
    """Makes a missing directory. Raises `Untrusted` for a link or another user's, `OSError`."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise _not_plain(path)
    require_trusted(found, path)


# --- what is trusted -----------------------------------------------------------------


def require_plain(found: os.stat_result, path: Path) -> None:
    """Raises `Untrusted` for anything but a plain file of our own with one name."""
    if not stat.S_ISREG(found.st_mode):
        raise _not_plain(path)
    require_trusted(found, path)
    if found.st_nlink > 1:
        raise Untrusted(
            f"{path} is a hard link: it is another file as well, which may be anybody's; "
            "put a copy in its place"
        )


def require_trusted(found: os.stat_result, path: Path) -> None:
    """Raises `Untrusted` for what belongs neither to us nor to root."""
    if found.st_uid not in (os.geteuid(), ROOT):
        raise foreign(found.st_uid, path)


def foreign(owner: int, path: Path) -> Untrusted:
    """Says what to do about another user's file."""
    me = os.geteuid()
    how = "with sudo" if owner == ROOT else "without sudo"
    return Untrusted(
        f"{path} belongs to {user(owner)}, and you are {user(me)}: run this as {user(owner)} "
        f"({how}; in a container, with --user {owner}), or, if you trust what is in it, "
        f"say `chown -R {me} {path}`"
    )


def close_to_others(descriptor: int) -> None:
    """Takes all rights on our own file from everybody else. Raises `OSError`."""
    found = os.fstat(descriptor)
    if found.st_mode & OTHERS and found.st_uid == os.geteuid():
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~OTHERS)


def user(number: int) -> str:
    """Returns the user's name, or its number where it has none, as in containers."""
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return f"user {number}"


def _not_plain(path: Path) -> Untrusted:
    return Untrusted(
        f"{path} is a link or no plain file, and may lead anywhere; "
        "remove it, or choose another --data-dir"
    )
