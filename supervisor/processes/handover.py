"""A web server's child: its successor works before it goes, so that no buyer is turned away."""

from dataclasses import dataclass, field

from supervisor.processes.child import Child, ChildState
from supervisor.processes.spawned_process import Process


@dataclass(eq=False)
class HandoverChild(Child):
    """A child that has two processes while one hands over to the other.

    Both listen on one socket, so the old one goes on until the new one is ready.
    """

    # It serves until its successor, which is `process`, is ready.
    _predecessor: Process | None = None
    # The processes that serve their last buyers, each with its deadline.
    _retired: dict[Process, float] = field(default_factory=dict)
    _handing_over: str = ""
    _grace_s: float = 0.0
    _not_before: float = 0.0

    @property
    def processes(self) -> list[Process]:
        serving = [each for each in (self.process, self._predecessor) if each is not None]
        return [*serving, *self._retired]

    def restart(self, reason: str, deadline: float, *, asked: bool = False) -> None:
        """Starts a successor; the old process may take until `deadline`."""
        if asked or self._clock() >= self._not_before:
            self._grace_s = deadline - self._clock()
            super().restart(reason, deadline, asked=asked)

    def stop(self, deadline: float) -> None:
        super().stop(deadline)
        self._handing_over = ""
        if self._predecessor is not None:
            self._retired[self._predecessor] = deadline
            self._predecessor = None
        for process in self._retired:
            self._retired[process] = min(self._retired[process], deadline)
            process.terminate()

    def advance(self) -> None:
        self._see_off()
        super().advance()
        if self.state is ChildState.RUNNING and self._handing_over:
            self._handed_over()

    def _drain(self) -> None:
        """Leaves the old process alone until a successor is ready."""
        if not self.wanted or self._predecessor is not None or self.process is None:
            super()._drain()
            return
        old, reason = self.process, self._drain_reason or ""
        try:
            successor = self._spawn(self.plan)
        except OSError as error:
            self._fall_back(f"it cannot be started: {error}")
            return
        self._begin(successor)  # RUNNING -> STARTING
        self._predecessor, self._handing_over = old, reason

    def _handed_over(self) -> None:
        self._count(self._handing_over)
        self._handing_over = ""
        self._deaths.clear()
        if self._predecessor is not None:
            self._predecessor.retire()
            self._retired[self._predecessor] = self._clock() + self._grace_s
            self._predecessor = None
        self._report(self, f"{self.reason}; its successor has taken over")

    def _end(self, how: str, now: float) -> None:
        """Notes the end of a process; after a successor's early death the old one goes on."""
        if self._handing_over and self._predecessor is not None and self.wanted:
            self.process, self._predecessor = self._predecessor, None
            self._fall_back(how)
        else:
            super()._end(how, now)

    def _fall_back(self, how: str) -> None:
        self._deaths.append(self._clock())
        self._not_before = self._clock() + self._delay()
        self._drain_reason, self._handing_over = None, ""
        self.setback = f"its successor does not start ({how}), so the old one goes on"
        self.state = ChildState.RUNNING
        self._report(self, self.setback)

    def _see_off(self) -> None:
        if self._predecessor is not None and self._predecessor.ended() is not None:
            self._predecessor = None
        for process, deadline in tuple(self._retired.items()):
            if process.ended() is not None:
                del self._retired[process]
            elif self._clock() >= deadline:
                process.kill()
