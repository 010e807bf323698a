"""`up` that can't write or open a file says in one line what to do, and starts nothing."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instance import ENTRYPOINT, ROOT, environment, free_ensemble_port, free_port

FREE_SPACE = "(No space left on device); free some space on that disk, or choose another --data-dir"
ELSEWHERE = "or choose another --data-dir"


def up(
    data_dir: Path, *options: str, within: tuple[str, ...] = (), limit: int | None = None
) -> str:
    """Returns what `up` says when it refuses, which has to be one line."""

    def restrict() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    ports = ("--port", str(free_port()), "--zookeeper-port", str(free_ensemble_port()))
    command = [sys.executable, str(ENTRYPOINT), "up", *ports, "--data-dir", str(data_dir)]
    done = subprocess.run(
        [*within, *command, *options],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        preexec_fn=restrict,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    [line] = done.stderr.splitlines()
    return line


def own(data_dir: Path) -> Path:
    """A directory that nobody else may look into."""
    data_dir.mkdir(mode=0o700)
    return data_dir


def on_disk(home: Path, options: str) -> tuple[str, ...]:
    """Returns what runs a command with a small disk at `home`, in a namespace of its own."""
    script = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    own = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "-r")
    mounting = (*own, "sh", "-c", script, str(home))
    if subprocess.run([*mounting, "true"], capture_output=True).returncode:
        pytest.skip("no file system of its own can be mounted here")
    return mounting


@pytest.mark.parametrize("options", [(), ("--detach",)])
@pytest.mark.parametrize("size", ["4k", "8k", "16k", "8m"])
def test_a_full_disk_is_said_in_one_line(
    tmp_path: Path, size: str, options: tuple[str, ...]
) -> None:
    """Which file finds no room depends on how much is left."""
    assert up(tmp_path / "data", *options, within=on_disk(tmp_path, f"size={size}")).endswith(
        FREE_SPACE
    )


def test_a_disk_that_may_only_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    said = up(tmp_path / "data", within=on_disk(tmp_path, "ro"))
    assert said.endswith("data (Read-only file system); choose another --data-dir")


@pytest.mark.parametrize("place", ["", "logs", "zookeeper", "zookeeper/1", "zookeeper/1/data"])
def test_a_file_in_the_place_of_a_directory_is_named(tmp_path: Path, place: str) -> None:
    path = own(tmp_path / "data") / place if place else tmp_path / "data"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    said = up(tmp_path / "data")
    assert str(path) in said
    assert said.endswith(ELSEWHERE)


@pytest.mark.parametrize(
    "place",
    [
        *("lock", "secret", "run.json", "logs/worker-1.log", "logs/zookeeper-2.log"),
        *("zookeeper/1/zoo.cfg", "zookeeper/2/data/myid", "zookeeper/ensemble.json"),
    ],
)
def test_a_directory_in_the_place_of_a_file_is_named(tmp_path: Path, place: str) -> None:
    path = own(tmp_path / "data") / place
    path.mkdir(parents=True)
    said = up(tmp_path / "data")
    assert str(path) in said
    assert said.endswith(ELSEWHERE)


@pytest.mark.parametrize("limit", [8, 12, 20, 60])
def test_too_few_open_files_are_said_in_one_line(tmp_path: Path, limit: int) -> None:
    said = up(tmp_path / "data", limit=limit)
    assert f"{limit} open files" in said
    assert "`ulimit -n 4096`" in said


def test_a_secret_that_could_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half of one used to be left, and was found damaged when there was room again."""
    code = "from core.cluster_secret import *; load_or_create_secret(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert "larger files" in done.stderr
    assert not list(tmp_path.iterdir())
