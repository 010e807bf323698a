"""A small disk for one server's data, which can fill up and hang: a file system in a file."""

import fcntl
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.faults.shop import Shop
from tests.support.programs import find_program

SIZE_MB = 384
# linux/fs.h: a write to a frozen file system waits until it is thawed.
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
HANG_S = (0.1, 0.4)
BREATH_S = 0.03


class Disk:
    """A small disk, mounted at `home` while it is `made`."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def fill(self) -> None:
        """Fills the disk to the last byte."""
        with self._ballast.open("wb") as file:
            taken, more = 0, shutil.disk_usage(self.home).total
            while more:
                try:
                    os.posix_fallocate(file.fileno(), taken, more)
                    taken += more
                except OSError:
                    more //= 2

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def hang(self) -> None:
        self._control(FIFREEZE)

    def resume(self) -> None:
        self._control(FITHAW)

    @property
    def _ballast(self) -> Path:
        return self.home / "ballast"

    def _control(self, request: int) -> None:
        handle = os.open(self.home, os.O_RDONLY)
        try:
            with suppress(OSError):  # it is in that state already
                fcntl.ioctl(handle, request, 0)
        finally:
            os.close(handle)


class Full:
    """Fills the disk."""

    lasts_s = (1.0, 5.0)
    last = False

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def strike(self, shop: Shop) -> None:
        self._disk.fill()

    def heal(self, shop: Shop) -> None:
        self._disk.free()


class Slow:
    """Makes the disk hang most of the time, for fractions of a second each."""

    lasts_s = (2.0, 6.0)
    last = False

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def strike(self, shop: Shop) -> None:
        self._thread = threading.Thread(target=self._drag, args=(random.Random(shop.rng.random()),))
        self._thread.start()

    def heal(self, shop: Shop) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _drag(self, rng: random.Random) -> None:
        while not self._over.wait(BREATH_S):
            self._disk.hang()
            try:
                self._over.wait(rng.uniform(*HANG_S))
            finally:
                self._disk.resume()


@contextmanager
def made(home: Path, image: Path, size_mb: int = SIZE_MB) -> Iterator[Disk]:
    """Mounts a disk at `home`, an empty directory. Raises `OSError` where that is not allowed."""
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
    _run("mount", "-o", "loop", str(image), str(home))
    disk = Disk(home)
    try:
        yield disk
    finally:
        disk.resume()
        _run("umount", "--lazy", str(home))


@contextmanager
def disk_of(data_dir: Path, server: int = 3) -> Iterator[Disk | None]:
    """Makes a disk for that server of a later instance; None where this machine allows none."""
    data_dir.mkdir(mode=0o700)
    home = data_dir / "zookeeper" / str(server) / "data"
    home.mkdir(parents=True)
    with ExitStack() as stack:
        disk = None
        with suppress(OSError):
            disk = stack.enter_context(made(home, data_dir.with_suffix(".img")))
        yield disk


def _run(*command: str) -> None:
    program = find_program(command[0])
    if program is None:
        raise OSError(f"there is no {command[0]}")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
