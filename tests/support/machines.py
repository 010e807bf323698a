"""Instances with hostnames and pids of their own, as if each were on another machine."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from core.cluster import instance_id
from core.cluster_secret import FILE_NAME as SECRET_FILE
from tests.support.instance import Instance
from tests.support.zookeeper_server import SECRET, Server

# When the first process ends, so does everything inside.
APART = ("unshare", "--pid", "--fork", "--mount-proc", "--uts", "--kill-child")


@dataclass
class Machine(Instance):
    """One `up` in namespaces of its own, on an ensemble that several share."""

    name: str = "alpha"

    def _command(self, *arguments: str) -> list[str]:
        command = super()._command(*arguments)
        if arguments[0] != "up":
            return command
        return [*APART, "sh", "-c", f'hostname {self.name} && exec "$@"', "up", *command]

    @property
    def id(self) -> str:
        return instance_id.load(self.data_dir)

    def processes(self, words: str) -> list[psutil.Process]:
        """Returns its processes with those words in their command lines, and the pids outside."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if (line := " ".join(process.info["cmdline"] or ()))
            and words in line
            and str(self.data_dir) in line
            and APART[0] not in line
        ]

    def stop(self) -> None:
        """Stops it in order."""
        assert self.process is not None
        [supervisor] = self.processes(" up ")
        supervisor.terminate()
        self.process.wait(30)
        self.process = None

    def clean_up(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        super().clean_up()


def machine(home: Path, name: str, server: Server) -> Machine:
    """Returns an instance that is not started yet; it has the secret that opens the tree."""
    if subprocess.run([*APART, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces of processes can be made here")
    data_dir = home / name
    data_dir.mkdir()
    (data_dir / SECRET_FILE).write_text(SECRET.value.hex())
    (data_dir / SECRET_FILE).chmod(0o600)
    options = ("--zookeeper", server.hosts, "--workers", "2")
    return Machine(data_dir, options, name=name)


@contextlib.contextmanager
def machines(home: Path, server: Server, *names: str) -> Iterator[list[Machine]]:
    """Starts them one after the other, for the block."""
    made = [machine(home, name, server) for name in names]
    try:
        for each in made:
            each.up()
        yield made
    finally:
        for each in made:
            each.clean_up()


def with_the_secret_only(home: Path, server: Server) -> Instance:
    """Returns a machine on which nothing was started."""
    made = machine(home, "visitor", server)
    return Instance(made.data_dir)


def copied(of: Machine, home: Path) -> Machine:
    """Returns a machine with a copy of another one's data directory."""
    shutil.copytree(of.data_dir, home / "copy", ignore=shutil.ignore_patterns("*.sock", "lock"))
    return Machine(home / "copy", of.options, name="copy")
