"""Finds the processes of a killed supervisor by their command lines, and stops them."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from core.machine import process_birth
from core.machine.program import SCRIPT, unversioned
from supervisor.processes.spawned_process import ProcessPlan, Role, SystemProcess
from supervisor.zookeeper import class_data_archive
from supervisor.zookeeper.ensemble import MAIN_CLASS

# Web servers first, and last the servers that all others need.
STOP_ORDER = (Role.WEB, Role.WORKER, Role.ZOOKEEPER)
POLL_S = 0.05


class Leftover(msgspec.Struct, frozen=True):
    """A living process that serves a data dir and has no supervisor."""

    name: str
    role: Role
    argv: tuple[str, ...]
    process: SystemProcess

    def runs(self, plan: ProcessPlan, script: Path = SCRIPT) -> bool:
        """Whether it runs what is planned, of this or another version of the one file."""
        return _essence(self.argv, script) == _essence(plan.argv, script)


def find(data_dir: Path) -> list[Leftover]:
    """Finds the processes of the instance in `data_dir`, an absolute path; hold its lock.

    Their command lines prove it: a run file may be older than the last restart. A process in a
    container may have the same command line, for another directory of the same name.
    """
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    found = {left.process.pid: left for left in map(_look, others) if left is not None}
    mine = {pid: left for pid, left in found.items() if _serves(left.argv, data_dir)}
    # A child's forks have its command line, and end with it.
    return [left for pid, left in mine.items() if _session(pid) == pid or _session(pid) not in mine]


async def stop(found: Sequence[Leftover], timeout_s: float) -> None:
    """Stops them in order: SIGTERM, and SIGKILL `timeout_s` after the first one."""
    deadline = time.monotonic() + timeout_s
    for role in STOP_ORDER:
        await _stop_together([left.process for left in found if left.role is role], deadline)


async def _stop_together(processes: Sequence[SystemProcess], deadline: float) -> None:
    for process in processes:
        process.terminate()
    while living := [process for process in processes if process.ended() is None]:
        if time.monotonic() > deadline:
            for process in living:
                process.kill()
        await asyncio.sleep(POLL_S)


def _look(process: psutil.Process) -> Leftover | None:
    with suppress(psutil.Error):
        argv = tuple(process.cmdline())
        # Anybody may give a process any command line.
        named = _name_and_role(argv) if process.uids().effective == os.geteuid() else None
        lives = process.status() != psutil.STATUS_ZOMBIE
        if named and lives and process_birth.shares_our_pids(process.pid):
            return Leftover(*named, argv, SystemProcess(process))
    return None


def _name_and_role(argv: tuple[str, ...]) -> tuple[str, Role] | None:
    if MAIN_CLASS in argv:
        return f"zookeeper-{Path(argv[-1]).parent.name}", Role.ZOOKEEPER
    if len(argv) > 2 and argv[2] in (Role.WORKER, Role.WEB) and _option(argv, "--name"):
        return _option(argv, "--name"), Role(argv[2])
    return None


def _essence(argv: tuple[str, ...], script: Path) -> list[str]:
    """A command line without what another version of the one file, or a faster start, changes."""
    words = (word for word in argv if not class_data_archive.is_option(word))
    return [unversioned(part, script) for word in words for part in word.split(":")]


def _serves(argv: tuple[str, ...], data_dir: Path) -> bool:
    if MAIN_CLASS in argv:
        return Path(argv[-1]).parent.parent == data_dir / "zookeeper"
    return _option(argv, "--data-dir") == str(data_dir)


def _option(argv: tuple[str, ...], name: str) -> str:
    return argv[argv.index(name) + 1] if name in argv[:-1] else ""


def _session(pid: int) -> int:
    with suppress(OSError):
        return os.getsid(pid)
    return pid
