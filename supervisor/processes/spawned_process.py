"""Starts processes of this machine, stops them, and sees them end."""

import enum
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import psutil

from core.machine import private_files, process_birth, process_identity, reaper
from supervisor import log_rotation
from supervisor.processes.held_socket import ListenSocket

# The environment that children need, and no more: Granian copies all of it into each request.
KEPT = ("PATH", "HOME", "USER", "TZ", "TMPDIR", "JAVA_HOME", "LD_LIBRARY_PATH", reaper.MARK)
KEPT_PREFIXES = ("ZKTICKET_",)
# For every locale of the user: a JVM would not find a data dir like /srv/zürich otherwise.
UTF8 = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


class Role(enum.StrEnum):
    ZOOKEEPER = "zookeeper"
    WORKER = "worker"
    WEB = "web"


class ProcessPlan(msgspec.Struct, frozen=True):
    """A process to start. `address` is where it will listen, if that is known; after a death it
    rests for at least `rest_s`.
    """

    name: str
    role: Role
    argv: tuple[str, ...]
    log: Path
    address: str = ""
    rest_s: float = 0.0


class Process(Protocol):
    """A process that was started or adopted."""

    pid: int
    birth: str

    @property
    def created(self) -> float:
        """Its start in Unix seconds, by the clock as it is set now."""

    def ended(self) -> str | None:
        """Says how it ended; `None` while it lives."""

    def terminate(self) -> None:
        """Asks it to stop."""

    def retire(self) -> None:
        """Asks it to leave its work to its successor, and to stop when it has none left."""

    def kill(self) -> None:
        """Ends it, and every process that it started."""


# Starts a plan. Raises `OSError`, and `StartupError` where another try is no use.
Spawn = Callable[[ProcessPlan], Process]


class SystemProcess:
    """A process of this machine: a child of ours, or one adopted from a dead supervisor."""

    def __init__(
        self, process: psutil.Process, popen: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.process = process
        self.pid = process.pid
        self.birth = process_birth.birth(process.pid)
        self._created = process.create_time()
        self._popen = popen

    @property
    def created(self) -> float:
        with suppress(psutil.NoSuchProcess):
            self._created = psutil.Process(self.pid).create_time()
        return self._created

    def ended(self) -> str | None:
        how = self._how_it_ended()
        if how is not None:
            self._sweep()
        return how

    def terminate(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.process.terminate()

    def retire(self) -> None:
        # Sent to its whole group: its first process need not be the one that works.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGUSR1)

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            for process in [self.process, *self.process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._sweep()

    def _how_it_ended(self) -> str | None:
        try:
            code = self._exit_code()
        except ChildProcessError:  # nothing is known but that it has gone
            return "it is gone" if process_identity.living(self) is None else None
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def _exit_code(self) -> int | None:
        """Reaps it; None while it lives. Raises `ChildProcessError` for another's child."""
        if self._popen is not None:
            return self._popen.poll()
        if process_identity.is_replaced(self):
            raise ChildProcessError
        # A predecessor in this process may have started it.
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def _sweep(self) -> None:
        # A child leads its own process group, which keeps the processes that it has left behind.
        # Another process gets that pid only when the group is empty.
        if process_identity.is_replaced(self):
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def spawner(environ: Mapping[str, str], door: ListenSocket | None = None) -> Spawn:
    """Starts plans in sessions of their own, so that Ctrl-C reaches the supervisor alone.

    A web server gets `door`, which is opened for it, as standard input.
    """
    environment = child_environment(environ)

    def spawn(plan: ProcessPlan) -> Process:
        log_rotation.rotate(plan.log)
        stdin = door.fileno() if door and plan.role is Role.WEB else subprocess.DEVNULL
        popen = start(plan.argv, plan.log, stdin, environment, plan.log.parent)
        return SystemProcess(psutil.Process(popen.pid), popen)

    return spawn


def start(
    argv: Sequence[str],
    log: Path,
    stdin: int = subprocess.DEVNULL,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own; what it prints goes to the end of `log`."""
    with os.fdopen(private_files.append(log), "ab") as output:
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=directory,
            start_new_session=True,
            umask=private_files.UMASK,
        )


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, **UTF8}
