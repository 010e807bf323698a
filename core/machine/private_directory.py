"""Guards the data directory: whoever can change it, or a directory above it, could sell tickets."""

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import Untrusted
from core.machine.private_files import (
    OTHERS,
    ROOT,
    close_to_others,
    foreign,
    require_plain,
    require_trusted,
    user,
)

# A directory with this file is an instance's.
SECRET = "secret"  # noqa: S105 - a file's name
# A file system keeps this at the top of its own.
NOBODYS = frozenset({"lost+found"})
# What stands in it, by its kind.
FOLDERS = frozenset({"logs", "receipts", "zookeeper"})
FILES = frozenset({SECRET, "desired.json", "instance", "lock", "run.json", "web.sock"})
MOST_LINKS = 40
WRITABLE = stat.S_IWGRP | stat.S_IWOTH
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def claim(data_dir: Path, tell: Callable[[str], None]) -> None:
    """Closes the directory and its content to others; `tell` hears what was open.

    Raises `Untrusted` where others could have changed it, and `OSError`.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_safe_way(data_dir)
    with _opened(data_dir.resolve()) as directory:
        found = os.fstat(directory)
        if found.st_uid != os.geteuid():
            raise foreign(found.st_uid, data_dir)
        names = set(os.listdir(directory)) - NOBODYS
        is_ours = SECRET in names or not names
        if found.st_mode & OTHERS:
            _close(directory, data_dir, is_ours=is_ours)
            tell(f"{data_dir} was open to other users; it is closed to them now")
        if is_ours:
            _inspect(directory, data_dir)
            _require_kinds(directory, data_dir)


def require_own(data_dir: Path) -> None:
    """Raises `Untrusted` where somebody else could have put there what is read from it.

    Where there is no such directory, the reader will say so.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        found = data_dir.stat()
        _require_safe_way(data_dir)
        require_trusted(found, data_dir)
        if _others_write(found):
            raise Untrusted(
                f"{data_dir} can be changed by other users; "
                f"if you trust what is in it, say `chmod go-w {data_dir}`"
            )


@contextmanager
def _opened(path: Path | str, parent: int | None = None) -> Iterator[int]:
    directory = os.open(path, DIRECTORY, dir_fd=parent)
    try:
        yield directory
    finally:
        os.close(directory)


def _close(directory: int, data_dir: Path, *, is_ours: bool) -> None:
    """Leaves a directory of other things as it is, which may be open for a reason."""
    if not is_ours or os.fstat(directory).st_mode & stat.S_ISVTX:
        raise Untrusted(
            f"{data_dir} is open to other users and no data directory of zkticket's; "
            "name one of its own with --data-dir"
        )
    close_to_others(directory)
    if os.fstat(directory).st_mode & OTHERS:
        raise Untrusted(
            f"{data_dir} can't be closed to other users on this file system; "
            "choose another --data-dir"
        )


def _inspect(directory: int, path: Path) -> None:
    """Closes each directory before it looks inside: nobody can add anything from then on."""
    close_to_others(directory)
    for name in os.listdir(directory):
        with suppress(FileNotFoundError):  # what runs there has just removed it
            _inspect_entry(directory, name, path / name)


def _inspect_entry(directory: int, name: str, path: Path) -> None:
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    require_trusted(found, path)
    if stat.S_ISDIR(found.st_mode):
        if found.st_uid == os.geteuid():
            with _opened(name, directory) as inner:
                _inspect(inner, path)
    elif not stat.S_ISSOCK(found.st_mode):
        require_plain(found, path)
        if found.st_mode & OTHERS and found.st_uid == os.geteuid():
            os.chmod(name, stat.S_IMODE(found.st_mode) & ~OTHERS, dir_fd=directory)


def _require_kinds(directory: int, path: Path) -> None:
    """Finds wrong kinds of files now: later they would fail again and again, in a log only."""
    for name in FOLDERS.union(FILES).intersection(os.listdir(directory)):
        is_folder = stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
        if is_folder != (name in FOLDERS):
            kind = "a directory" if is_folder else "no directory"
            raise Untrusted(f"{path / name} is {kind}; move it away, or choose another --data-dir")


# --- the way to it -------------------------------------------------------------------


def _require_safe_way(data_dir: Path) -> None:
    """Raises `Untrusted` where somebody else could put another directory there; `OSError`."""
    # The program's owner can change the program, and so may change its data.
    trusted = {ROOT, os.geteuid(), Path(__file__).stat().st_uid, *_from_outside()}
    for place in _way(data_dir.absolute()):
        found = place.lstat()
        if found.st_uid not in trusted:
            raise Untrusted(
                f"{user(found.st_uid)} may put another directory in the place of {data_dir}, since "
                f"{place} is theirs; choose another --data-dir, or run this as {user(found.st_uid)}"
            )
        is_link, is_sticky = stat.S_ISLNK(found.st_mode), found.st_mode & stat.S_ISVTX
        if not is_link and not is_sticky and _others_write(found):
            raise Untrusted(
                f"other users may put another directory in the place of {data_dir}, since {place} "
                f"is open to them; say `chmod go-w {place}`, or choose another --data-dir"
            )


def _way(path: Path, links: int = MOST_LINKS) -> Iterator[Path]:
    """Yields all that decides what `path` is: the directories above it, and links with theirs."""
    for place in (*reversed(path.parents), path):
        if place.is_symlink() and links:
            yield place
            yield from _way(place.parent.resolve() / place.readlink(), links - 1)
        elif place != path:
            yield place


def _others_write(found: os.stat_result) -> bool:
    """Whether others may write; a group of one, as many systems give each user, is nobody else."""
    mine = stat.S_IWOTH if found.st_gid in _own_groups(found.st_uid) else WRITABLE
    return bool(found.st_mode & mine)


def _own_groups(owner: int) -> set[int]:
    groups = {ROOT}
    if owner == os.geteuid():
        groups.add(os.getegid())
    with suppress(KeyError):
        groups.add(pwd.getpwuid(owner).pw_gid)
    return groups


def _from_outside() -> set[int]:
    """Finds the owner of what belongs to nobody in this user namespace, as `/` in a container."""
    with suppress(OSError):
        if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
            return {int(Path("/proc/sys/kernel/overflowuid").read_text())}
    return set()
