"""Processes that end when a test says so, and what spawns them."""

from dataclasses import dataclass, field

from supervisor.processes.spawned_process import Process, ProcessPlan


@dataclass(eq=False)
class FakeProcess:
    """Stands in for `supervisor.processes.spawned_process.SystemProcess`."""

    pid: int
    created: float = 0.0
    birth: str = ""
    how: str | None = None
    asked: bool = False
    retired: bool = False
    killed: bool = False

    def ended(self) -> str | None:
        return self.how

    def terminate(self) -> None:
        self.asked = True

    def retire(self) -> None:
        self.retired = True

    def kill(self) -> None:
        self.killed = True
        self.how = "killed by SIGKILL"


@dataclass
class FakeSpawner:
    """Spawns fake processes; `now` is a clock that only the test moves."""

    now: float = 1000.0
    spawned: list[FakeProcess] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def spawn(self, plan: ProcessPlan) -> Process:
        """Spawns a fake process, or raises the `failure` that the test has set."""
        if self.failure:
            raise self.failure
        self.spawned.append(FakeProcess(pid=len(self.spawned) + 1))
        return self.spawned[-1]
