"""One child: a process that is started, stopped, and started again when it dies."""

import enum
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import StartupError
from core.schema.records import CAUSES, ProcessRecord
from supervisor.processes.spawned_process import Process, ProcessPlan, Spawn

# A shorter life counts towards a crash loop; a longer one clears the count.
STABLE_S = 4.0
LOOP_DEATHS = 7
LOOP_S = 120.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 15.0
KILL_AGAIN_S = 1.0

UNSEEN = "died while there was no supervisor"
# How a reason begins, where it does not begin with the cause itself.
REASONS = {
    UNSEEN: "died",
    "restart by operator": "operator",
    "it could not write to its disk": "disk",
    "there is room on its disk again": "disk",
}


class ChildState(enum.StrEnum):
    """STARTING lasts until the child does its work, FATAL until a person acts."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    BACKOFF = "backoff"
    FATAL = "fatal"


@dataclass(eq=False)
class Child:
    """A child and its desired state. `advance` takes every step from state to state.

    The clock is monotonic; the jitter goes from 0 to 1; `_report` hears what happened.
    """

    plan: ProcessPlan
    _spawn: Spawn
    _clock: Callable[[], float]
    _jitter: Callable[[], float]
    _report: Callable[["Child", str], None]
    state: ChildState = ChildState.STOPPED
    process: Process | None = None
    wanted: bool = False
    restarts: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    reason: str | None = None
    # Why the last requested restart has failed.
    setback: str = ""
    _ready: bool = False
    _drain_reason: str | None = None
    _asked: bool = False
    _deadline: float = 0.0
    _started: float = 0.0
    _due: float = 0.0
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=LOOP_DEATHS))

    @property
    def processes(self) -> list[Process]:
        return [self.process] if self.process is not None else []

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def age_s(self) -> float:
        """The age of its process."""
        return self._clock() - self._started

    @property
    def due(self) -> float | None:
        """The time at which `advance` has something to do that no signal tells."""
        match self.state:
            case ChildState.BACKOFF:
                return self._due
            case ChildState.DRAINING:
                return self._deadline
        return None

    # --- what is wanted --------------------------------------------------------------

    def start(self) -> None:
        self.wanted = True

    def remember(self, before: ProcessRecord, *, lives: bool) -> None:
        """Takes over what the previous supervisor knew of it; counts a death of the meantime."""
        self.restarts, self.reason = before.restarts, before.last_restart_reason
        self.causes = Counter(before.restart_causes)
        if not lives and before.pid is not None:
            self._count(UNSEEN)

    def adopt(self, process: Process) -> None:
        """Takes over a living process of a supervisor that is dead."""
        self.wanted = True
        self._begin(process)

    def ready(self) -> None:
        """Notes that it does its work now."""
        self._ready = True

    def restart(self, reason: str, deadline: float, *, asked: bool = False) -> None:
        """Drains it until `deadline` at most, then starts it again.

        When a person has `asked`, it starts at once, even from BACKOFF or FATAL, and its bad
        lives are forgotten.
        """
        self.setback = ""
        if self.process is not None:
            self._drain_reason, self._deadline, self._asked = reason, deadline, asked
        elif asked:
            self.wanted = True
            self._deaths.clear()
            self._due = self._clock()
            if self.state is ChildState.FATAL:
                self.state = ChildState.BACKOFF  # FATAL -> BACKOFF

    def stop(self, deadline: float) -> None:
        """Drains it until `deadline` at most, for good."""
        self.wanted = False
        self._drain_reason = self._drain_reason or "stop"
        self._deadline = deadline

    # --- what happens ----------------------------------------------------------------

    def advance(self) -> None:
        """Takes the step that is due, if any. Never waits."""
        now = self._clock()
        ended = self.process.ended() if self.process else None
        match self.state:
            case ChildState.STOPPED if self.wanted:
                self._start(now)  # STOPPED -> STARTING
            case ChildState.BACKOFF if not self.wanted:
                self.state = ChildState.STOPPED  # BACKOFF -> STOPPED
            case ChildState.BACKOFF if now >= self._due:
                self._start(now)  # BACKOFF -> STARTING
            case ChildState.STARTING | ChildState.RUNNING | ChildState.DRAINING if (
                ended is not None
            ):
                self._end(ended, now)  # any of these -> BACKOFF, STOPPED or FATAL
            case ChildState.STARTING | ChildState.RUNNING if self._drain_reason:
                self._drain()  # STARTING, RUNNING -> DRAINING
            case ChildState.STARTING if self._ready:
                self.state = ChildState.RUNNING  # STARTING -> RUNNING
            case ChildState.DRAINING if now >= self._deadline:
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
        self.state = ChildState.STARTING
        self._ready = False
        self._drain_reason = None
        self._asked = False
        self._started = self._clock()

    def _drain(self) -> None:
        assert self.process is not None
        self.state = ChildState.DRAINING
        self.process.terminate()

    def _kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._deadline = self._clock() + KILL_AGAIN_S

    def _end(self, how: str, now: float) -> None:
        reason = f"{self._drain_reason}, {how}" if self._drain_reason else f"died: {how}"
        if not self.wanted:
            self._leave(ChildState.STOPPED, how)
            return
        self._count(reason)
        if self._asked:
            self._due = now + self.plan.rest_s
            self._leave(ChildState.BACKOFF, f"{reason}; starts again")
        elif self._in_a_loop(now):
            self._give_up(f"{LOOP_DEATHS} deaths within {LOOP_S:.0f} s, the last: {reason}")
        else:
            delay = self._delay()
            self._due = now + delay
            self._leave(ChildState.BACKOFF, f"{reason}; starts again in {delay:.1f} s")

    def _count(self, reason: str) -> None:
        self.restarts += 1
        self.reason = reason
        self.causes[cause_of(reason)] += 1

    def _give_up(self, why: str) -> None:
        self.reason = why
        self._leave(ChildState.FATAL, f"{why}; given up, see {self.plan.log}")

    def _leave(self, state: ChildState, text: str) -> None:
        self.state = state
        self._report(self, text)
        self.process = None
        self._drain_reason = None

    def _in_a_loop(self, now: float) -> bool:
        """Notes a death; tells whether there have been too many bad lives in a row.

        A bad life was short, or was ended by the supervisor within `LOOP_S`: an illness takes
        its time to be seen.
        """
        stable_s = LOOP_S if self._drain_reason else STABLE_S
        if self.process is not None and now - self._started >= stable_s:
            self._deaths.clear()
        self._deaths.append(now)
        return len(self._deaths) == LOOP_DEATHS and now - self._deaths[0] <= LOOP_S

    def _delay(self) -> float:
        """Computes an exponential backoff with jitter: half of the full delay to all of it."""
        full = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (len(self._deaths) - 1))
        return max(self.plan.rest_s, full * (0.5 + 0.5 * self._jitter()))


def cause_of(reason: str) -> str:
    """Finds the one of `CAUSES` that a reason for people tells of."""
    begins = reason.partition(":")[0].partition(",")[0]
    cause = REASONS.get(begins, begins)
    return cause if cause in CAUSES else "other"
