"""One child process: started, adopted or stopped, and started again when it dies."""

import enum
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from core import runfile
from core.errors import StartupError

# A life shorter than this counts towards a crash loop; a longer one clears the count.
STABLE_S = 4.0
LOOP_DEATHS = 7
LOOP_S = 120.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 15.0
KILL_AGAIN_S = 1.0
LOG_BYTES = 8 * 1024 * 1024

# What a child needs of its parent's environment: Granian copies all of it into each request.
KEPT = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "JAVA_HOME", "LD_LIBRARY_PATH")
KEPT_PREFIXES = ("LC_", "ZKTICKET_")


class Role(enum.StrEnum):
    ZOOKEEPER = "zookeeper"
    WORKER = "worker"
    WEB = "web"


class State(enum.StrEnum):
    """STARTING lasts until the child does its work, FATAL until a person acts."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    BACKOFF = "backoff"
    FATAL = "fatal"


@dataclass(frozen=True)
class Plan:
    """What to start. `address` is where it listens, when that is known beforehand."""

    name: str
    role: Role
    argv: tuple[str, ...]
    log: Path
    address: str = ""


class Process(Protocol):
    """A process that was started or adopted."""

    pid: int
    created: float

    def ended(self) -> str | None:
        """How it ended; `None` while it lives."""

    def terminate(self) -> None:
        """Asks it to stop."""

    def kill(self) -> None:
        """Ends it, and every process that it started."""


class Spawn(Protocol):
    """Starts a plan. Raises `OSError`, and `StartupError` where starting again is no use."""

    def __call__(self, plan: Plan) -> Process: ...


class SystemProcess:
    """A process of this machine: a child of ours, or one adopted from a dead supervisor."""

    def __init__(
        self, process: psutil.Process, popen: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.process = process
        self.pid = process.pid
        self.created = process.create_time()
        self._popen = popen

    def ended(self) -> str | None:
        how = self._how_it_ended()
        if how is not None:
            self._sweep()
        return how

    def terminate(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.process.terminate()

    def kill(self) -> None:
        with suppress(psutil.NoSuchProcess):
            for process in [self.process, *self.process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._sweep()

    def _how_it_ended(self) -> str | None:
        if self._popen is None:
            gone = runfile.living(self.pid, self.created) is None
            return "it is gone" if gone else None
        code = self._popen.poll()
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def _sweep(self) -> None:
        # A child leads its own process group; what it started and left behind is still in it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def spawner(environ: Mapping[str, str]) -> Spawn:
    """Starts plans in sessions of their own, so that Ctrl-C reaches the supervisor alone."""
    environment = child_environment(environ)

    def spawn(plan: Plan) -> Process:
        rotate(plan.log)
        with plan.log.open("ab") as log:
            popen = subprocess.Popen(
                plan.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=plan.log.parent,
                start_new_session=True,
            )
        return SystemProcess(psutil.Process(popen.pid), popen)

    return spawn


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES)
    }


def rotate(log: Path, most_bytes: int = LOG_BYTES) -> None:
    """Puts a log that has grown large aside, in the place of the one before it."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > most_bytes:
            log.rename(log.with_suffix(".log.1"))


class Child:
    """A child and what is wanted of it. `advance` takes every step from state to state."""

    def __init__(
        self,
        plan: Plan,
        spawn: Spawn,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        report: Callable[["Child", str], None],
    ) -> None:
        """`clock` in seconds, monotonic; `jitter` from 0 to 1; `report` hears what happened."""
        self.plan = plan
        self.state = State.STOPPED
        self.process: Process | None = None
        self.restarts = 0
        self.reason: str | None = None
        self._spawn = spawn
        self._clock = clock
        self._jitter = jitter
        self._report = report
        self._wanted = False
        self._ready = False
        self._drain_reason: str | None = None
        self._deadline = 0.0
        self._started = 0.0
        self._due = 0.0
        self._deaths: deque[float] = deque(maxlen=LOOP_DEATHS)

    @property
    def alive(self) -> bool:
        return self.process is not None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def due(self) -> float | None:
        """When `advance` has something to do that no signal tells, on the clock."""
        match self.state:
            case State.BACKOFF:
                return self._due
            case State.DRAINING:
                return self._deadline
        return None

    # --- what is wanted --------------------------------------------------------------

    def start(self) -> None:
        self._wanted = True

    def adopt(self, process: Process) -> None:
        """Takes over a living process of a supervisor that is dead."""
        self._wanted = True
        self._begin(process)

    def ready(self) -> None:
        """It does its work now."""
        self._ready = True

    def restart(self, reason: str, deadline: float) -> None:
        """Drains it until `deadline` at most, then starts it again."""
        self._drain_reason, self._deadline = reason, deadline

    def stop(self, deadline: float) -> None:
        """Drains it until `deadline` at most, for good."""
        self._wanted = False
        self._drain_reason = self._drain_reason or "stop"
        self._deadline = deadline

    # --- what happens ----------------------------------------------------------------

    def advance(self) -> None:
        """Takes the step that is due, if any. Never waits."""
        now = self._clock()
        ended = self.process.ended() if self.process else None
        match self.state:
            case State.STOPPED if self._wanted:
                self._start(now)  # STOPPED -> STARTING
            case State.BACKOFF if not self._wanted:
                self.state = State.STOPPED  # BACKOFF -> STOPPED
            case State.BACKOFF if now >= self._due:
                self._start(now)  # BACKOFF -> STARTING
            case State.STARTING | State.RUNNING | State.DRAINING if ended is not None:
                self._end(ended, now)  # any of these -> BACKOFF, STOPPED or FATAL
            case State.STARTING | State.RUNNING if self._drain_reason:
                self._drain()  # STARTING, RUNNING -> DRAINING
            case State.STARTING if self._ready:
                self.state = State.RUNNING  # STARTING -> RUNNING
            case State.DRAINING if now >= self._deadline:
                self._kill()  # stays DRAINING until it is reaped

    def _start(self, now: float) -> None:
        try:
            self._begin(self._spawn(self.plan))
        except StartupError as error:
            self._give_up(str(error))
        except OSError as error:
            self._end(f"it cannot be started: {error}", now)

    def _begin(self, process: Process) -> None:
        self.process = process
        self.state = State.STARTING
        self._ready = False
        self._drain_reason = None
        self._started = self._clock()

    def _drain(self) -> None:
        assert self.process is not None
        self.state = State.DRAINING
        self.process.terminate()

    def _kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._deadline = self._clock() + KILL_AGAIN_S

    def _end(self, how: str, now: float) -> None:
        reason = f"{self._drain_reason}, {how}" if self._drain_reason else f"died: {how}"
        if not self._wanted:
            self._leave(State.STOPPED, how)
            return
        self.restarts += 1
        self.reason = reason
        if self._in_a_loop(now):
            self._give_up(f"{LOOP_DEATHS} deaths within {LOOP_S:.0f} s, the last: {how}")
            return
        delay = self._delay()
        self._due = now + delay
        self._leave(State.BACKOFF, f"{reason}; starts again in {delay:.1f} s")

    def _give_up(self, why: str) -> None:
        self.reason = why
        self._leave(State.FATAL, f"{why}; given up, see {self.plan.log}")

    def _leave(self, state: State, text: str) -> None:
        self.state = state
        self._report(self, text)
        self.process = None
        self._drain_reason = None

    def _in_a_loop(self, now: float) -> bool:
        """Notes a death; tells whether there have been too many short lives in a row."""
        if self.alive and now - self._started >= STABLE_S:
            self._deaths.clear()
        self._deaths.append(now)
        return len(self._deaths) == LOOP_DEATHS and now - self._deaths[0] <= LOOP_S

    def _delay(self) -> float:
        """Exponential backoff with jitter: from half of the full delay to all of it."""
        full = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (len(self._deaths) - 1))
        return full * (0.5 + 0.5 * self._jitter())
