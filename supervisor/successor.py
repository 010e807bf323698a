"""Replaces a supervisor by its successor, the program as it is on disk now.

The successor begins in the same process, by exec: all children stay its own, and a terminal or a
service manager sees no end. The handover is a file in memory. An environment variable names it,
together with the pid of its reader, as LISTEN_PID does.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import structs

from core.errors import StartupError, ZkticketError
from core.machine.program import BINARY, version_directory
from core.schema.records import SupervisorRecord, decode, encode
from core.settings import Settings
from supervisor import banner
from supervisor.operations.request_executor import Tell
from supervisor.processes.fleet import Fleet
from supervisor.zookeeper.java import find_class_path, find_java, make_archive

# Children don't inherit it: they get little of our environment.
VARIABLE = "SUPERVISOR_HANDOVER"
# The new version may have to fetch another ZooKeeper.
REHEARSAL_S = 90.0
POLL_S = 0.05


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor leaves to its successor: descriptors of the data dir's lock and of the
    page's listening socket, and its process table. `request` asked for the successor; `setback`
    says why the old supervisor had to go on.
    """

    data_dir: str
    lock: int
    door: int | None
    request: str
    at: float
    table: SupervisorRecord
    setback: str = ""


class Place(msgspec.Struct, frozen=True):
    """The place that a supervisor takes: `lock` is the data dir's, `command` starts a successor,
    and `taken` is the predecessor's handover.
    """

    command: Sequence[str]
    lock: int
    taken: Handover | None


async def await_rest(fleet: Fleet, tell: Tell) -> None:
    """Waits until no process is being replaced: a successor could not go on with that."""
    while moving := fleet.moving:
        tell(f"the supervisor waits: {moving[0].plan.name} is being replaced")
        await asyncio.sleep(POLL_S)


def outcome(taken: Handover, now: float) -> str:
    """Says what became of the request for a successor. Raises `ZkticketError` for a setback."""
    if taken.setback:
        raise ZkticketError(taken.setback)
    return f"supervisor restarted in {now - taken.at:.1f} s"


# --- from one to the other -----------------------------------------------------------


def own_command(script: Path, environ: Mapping[str, str]) -> list[str]:
    """This process's command line; `script` is its own, wherever that was started from.

    The one file is started anew, and unpacks itself if it is another version by now. A checkout
    doesn't heed the variable, which a shell may have kept.
    """
    if version_directory(script) and (binary := environ.get(BINARY)):
        return [binary, *sys.argv[1:]]
    interpreter = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv)]
    return [sys.executable, *interpreter, str(script), *sys.argv[1:]]


def inherited(environ: Mapping[str, str]) -> Handover | None:
    """Reads the handover of this process's predecessor, if it had one. Raises `BadZnode`."""
    handover = _read(environ, os.getpid())
    if handover is not None:
        _let_inherit(handover, False)
    return handover


def become(command: Sequence[str], environ: Mapping[str, str], handover: Handover) -> Handover:
    """Becomes the successor. Returns only where that fails, and says why."""
    try:
        with _in_memory(handover) as memory:
            os.set_inheritable(memory, True)
            _let_inherit(handover, True)
            os.execve(command[0], [*command], _told(environ, memory))  # noqa: S606
    except OSError as error:
        _let_inherit(handover, False)
        setback = f"{command[0]} can't be executed ({error.strerror}), so the old one goes on"
        return structs.replace(handover, setback=setback)


def _let_inherit(handover: Handover, inherit: bool) -> None:
    for descriptor in (handover.lock, handover.door):
        if descriptor is not None:
            os.set_inheritable(descriptor, inherit)


def _told(environ: Mapping[str, str], memory: int) -> dict[str, str]:
    return {**environ, VARIABLE: f"{os.getpid()} {memory}"}


@contextmanager
def _in_memory(handover: Handover) -> Iterator[int]:
    """Writes it to a file in memory, which no full disk can lose; returns the descriptor."""
    memory = os.memfd_create("handover")
    try:
        os.write(memory, encode(handover))
        yield memory
    finally:
        os.close(memory)


def _read(environ: Mapping[str, str], owner: int) -> Handover | None:
    """Reads it; None where there is none, or not from that process. Raises `BadZnode`."""
    pid, _, memory = environ.get(VARIABLE, "").partition(" ")
    if pid != str(owner):
        return None
    with open(int(memory), "rb") as file:
        file.seek(0)
        return decode(Handover, file.read(), VARIABLE)


# --- the rehearsal -------------------------------------------------------------------


async def rehearse(command: Sequence[str], environ: Mapping[str, str], handover: Handover) -> None:
    """Starts a child that begins as the successor would, and ends before it acts.

    Raises `ZkticketError` with the child's last line where it fails.
    """
    try:
        child = await _begun(command, environ, handover)
    except OSError as error:
        raise _refused(f"{command[0]} can't be executed: {error.strerror}") from None
    try:
        async with asyncio.timeout(REHEARSAL_S):
            said, errors = await child.communicate()
    except TimeoutError:
        raise _refused(f"not within {REHEARSAL_S:.0f} s") from None
    finally:
        await _end(child)
    if banner.last_line(said) != handover.request:
        raise _refused(banner.last_line(errors) or f"exit code {child.returncode}")


async def _begun(command: Sequence[str], environ: Mapping[str, str], handover: Handover) -> Process:
    with _in_memory(handover) as memory:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=_told(environ, memory),
            pass_fds=[memory],
            start_new_session=True,
        )


async def _end(child: Process) -> None:
    """Kills it with whatever it has started."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.communicate()


def rehearsed(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether this process is a rehearsal; it has succeeded here. Raises `ZkticketError`."""
    handover = _read(environ, os.getppid())
    if handover is None:
        return False
    if str(settings.data_dir.resolve()) != handover.data_dir:
        raise StartupError(f"it would be one for {settings.data_dir.resolve()}")
    if settings.owns_ensemble:
        find_java(environ)
        class_path = find_class_path(environ)
        if version_directory():
            asyncio.run(make_archive(environ, class_path.text))
    print(handover.request, flush=True)
    return True


def _refused(why: str) -> ZkticketError:
    return ZkticketError(f"the new supervisor does not start ({why}), so the old one goes on")
