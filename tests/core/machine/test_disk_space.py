"""Full and nearly full disks are found and named, before and while they stop a sale."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.machine import disk_space
from core.schema.records import Disk

MB = 1 << 20
BLOCK = 4096


def statvfs(
    *, size: int, free: int, files: int = 1000, files_free: int = 500, read_only: bool = False
) -> Callable[[Path], os.statvfs_result]:
    """Returns the figures of a file system with so many bytes."""
    blocks, left = size // BLOCK, free // BLOCK
    flags = os.ST_RDONLY if read_only else 0
    told = os.statvfs_result(
        (BLOCK, BLOCK, blocks, left, left, files, files_free, files_free, flags, 255)
    )
    return lambda _path: told


def state_of(data_dir: Path, told: Callable[[Path], os.statvfs_result]) -> str:
    [disk] = disk_space.of(data_dir, told)
    return disk.state


@pytest.mark.parametrize(
    ("size", "free", "state"),
    [
        (384 * MB, 3 * MB, "full"),
        (384 * MB, 18 * MB, "low"),
        (384 * MB, 30 * MB, "ok"),
        (8_000 * MB, 390 * MB, "low"),
        (8_000 * MB, 410 * MB, "ok"),
        (2_000_000 * MB, 499 * MB, "low"),
        (2_000_000 * MB, 501 * MB, "ok"),
        (20 * MB, 15 * MB, "low"),
    ],
)
def test_a_disk_is_low_below_a_twentieth_or_500_mb_and_full_where_receipts_stop(
    size: int, free: int, state: str, tmp_path: Path
) -> None:
    assert state_of(tmp_path, statvfs(size=size, free=free)) == state


def test_a_disk_that_takes_no_more_files_is_full(tmp_path: Path) -> None:
    told = statvfs(size=1000 * MB, free=900 * MB, files_free=0)
    assert state_of(tmp_path, told) == "full"
    [line] = disk_space.problems(disk_space.of(tmp_path, told), "")
    assert "takes no more files" in line
    assert state_of(tmp_path, statvfs(size=1000 * MB, free=900 * MB, files=0, files_free=0)) == "ok"


def test_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    told = statvfs(size=1000 * MB, free=900 * MB, read_only=True)
    [line] = disk_space.problems(disk_space.of(tmp_path, told), "")
    assert line.startswith(f"the disk of {tmp_path} is read-only")


def test_another_machines_disk_is_named_with_its_machine() -> None:
    disk = Disk(directory="/srv/t", host="b", state="full", free_bytes=0, size_bytes=8_000_000)
    [here] = disk_space.problems([disk], "b")
    [there] = disk_space.problems([disk], "a")
    assert "/srv/t is full (0 of 8 MB are free)" in here
    assert "/srv/t on b is full" in there


def test_each_disk_is_named_once_and_what_is_missing_is_left_out(tmp_path: Path) -> None:
    for place in ("logs", "receipts/worker-1", "zookeeper/1/data"):
        (tmp_path / place).mkdir(parents=True)
    assert [disk.directory for disk in disk_space.of(tmp_path)] == [str(tmp_path)]
    assert disk_space.of(tmp_path / "nowhere") == ()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A directory for a worker's receipts, on a file system of its own with 8 MB."""
    place = tmp_path / "receipts" / "worker-1"
    place.mkdir(parents=True)
    command = ("mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place))
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system of its own can be mounted here")
    yield place
    subprocess.run(("umount", str(place)), check=True)


def test_what_lies_on_a_disk_of_its_own_is_looked_at_by_itself(small: Path, tmp_path: Path) -> None:
    def states() -> dict[str, str]:
        return {disk.directory: disk.state for disk in disk_space.of(tmp_path)}

    assert states()[str(small)] == "low"
    (small / "ballast").write_bytes(bytes(7 * MB))
    assert states()[str(small)] == "full"
    subprocess.run(("mount", "-o", "remount,ro", str(small)), check=True)
    assert states()[str(small)] == "read-only"
