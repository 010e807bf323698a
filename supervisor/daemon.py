"""Starts a supervisor in the background, and stops one, from another process."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.cluster import run_file
from core.cluster_secret import load_secret
from core.errors import NotRunning, StartupError, ZkticketError
from core.machine import private_directory, private_files, process_identity, system_errors
from core.settings import Settings
from supervisor import banner, lock, log_rotation, orphans
from supervisor.processes import spawned_process
from supervisor.processes.child import ChildState

POLL_S = 0.05
# A start may have to fetch ZooKeeper first.
DETACH_S = 240.0
# The most that a supervisor takes after its workers have drained.
LEAVING_S = 15.0
# The lock of one that has just ended is free by then.
GONE_S = 1.0
# Tickets are sold from a quorum and one worker on; the others follow within this.
STRAGGLERS_S = 5.0


def down(settings: Settings) -> None:
    """Stops the instance: its supervisor, or what a killed supervisor left.

    Raises `NotRunning` where there is neither.
    """
    private_directory.require_own(settings.data_dir)
    data_dir = settings.data_dir.resolve()
    if not data_dir.is_dir():
        raise NotRunning(_nothing_in(data_dir))
    try:
        with lock.hold(data_dir):
            _stop_leftovers(data_dir, settings.drain_s)
    except lock.InUse as holder:
        _stop_supervisor(data_dir, holder, settings.drain_s + LEAVING_S)


def detach(settings: Settings, command: Sequence[str]) -> None:
    """Runs `command`, an `up` in the foreground, in the background; prints the page's address.

    Raises `StartupError` with the command's last line where it does not come up.
    """
    log = settings.logs_dir / banner.LOG_NAME
    with system_errors.as_startup_errors(settings.data_dir):
        private_directory.claim(settings.data_dir, banner.say)
        private_files.make_directory(log.parent)
        log_rotation.rotate(log)
        start = log.stat().st_size if log.exists() else 0
        child = spawned_process.start(command, log)
    url = _await_ready(settings.data_dir, child, log, start)
    print(f"zkticket sells at {banner.address(url, settings.public_url)}")
    print(banner.for_operators(settings.public_url or url, load_secret(settings.data_dir)))


def _stop_leftovers(data_dir: Path, timeout_s: float) -> None:
    found = orphans.find(data_dir)
    if found:
        names = ", ".join(left.name for left in found)
        banner.say(f"the supervisor is dead; stopping what it left: {names}")
        asyncio.run(orphans.stop(found, timeout_s))
    run_file.remove(data_dir)
    if not found:
        raise NotRunning(_nothing_in(data_dir))


def _stop_supervisor(data_dir: Path, holder: lock.InUse, timeout_s: float) -> None:
    """Sends SIGTERM, and past the deadline once more, which makes it kill instead of drain."""
    for wait_s in (timeout_s, LEAVING_S):
        is_here = _is_here(holder)
        if is_here:
            _signal(data_dir, holder.pid)
        if _is_free_within(data_dir, wait_s if is_here else GONE_S):
            return
        if not is_here:
            raise ZkticketError(
                f"{data_dir} is held by pid {holder.pid} of another container or machine; "
                "run `down` there"
            )
    raise ZkticketError(
        f"the supervisor, pid {holder.pid}, does not stop; kill it and run `down` again"
    )


def _is_here(holder: lock.InUse) -> bool:
    """Whether the holder runs here: another container's pid may be another process here."""
    return not holder.birth or process_identity.living(holder) is not None


def _signal(data_dir: Path, pid: int) -> None:
    if not pid:
        raise ZkticketError(f"{data_dir} is held by a process that is only starting; try again")
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise ZkticketError(
            f"the supervisor, pid {pid}, is another user's; stop it as that user"
        ) from None


def _is_free_within(data_dir: Path, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with suppress(lock.InUse), lock.hold(data_dir):
            return True
        time.sleep(POLL_S)
    return False


def _nothing_in(data_dir: Path) -> str:
    return f"nothing is running in {data_dir}; start it with `up`"


def _await_ready(data_dir: Path, child: subprocess.Popen[bytes], log: Path, start: int) -> str:
    """Waits until tickets can be bought; returns the page's address."""
    deadline = time.monotonic() + DETACH_S
    while child.poll() is None:
        with suppress(ZkticketError):
            record = run_file.read(data_dir)
            if record.pid == child.pid and record.ready:
                _await_stragglers(data_dir)
                return record.url
        if time.monotonic() > deadline:
            child.terminate()
            raise StartupError(f"it did not come up within {DETACH_S:.0f} s; see {log}")
        time.sleep(POLL_S)
    raise StartupError(banner.last_line(log.read_bytes()[start:]) or _why_silent(log))


def _await_stragglers(data_dir: Path) -> None:
    """Waits a moment more, so that a `status` in a script's next line finds all at work."""
    deadline = time.monotonic() + STRAGGLERS_S
    while time.monotonic() < deadline:
        states = {each.state for each in run_file.read(data_dir).processes}
        if states == {ChildState.RUNNING.value}:
            return
        time.sleep(POLL_S)


def _why_silent(log: Path) -> str:
    try:
        system_errors.require_room(log.parent)
    except OSError as error:
        return system_errors.told(error, log.parent)
    return f"it ended at once; see {log}"
