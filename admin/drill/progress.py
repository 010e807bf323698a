"""What a drill shows: how far it is, what has happened, and the results so far."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from admin.drill.faults import Fault
from admin.drill.processes import ObservedProcess
from admin.drill.report import FaultResult
from admin.drill.sale_gauge import Gauge

NEWS = 3


@dataclass
class Board:
    """The state of a drill; `announce` is called with each piece of news."""

    seed: int
    count: int
    announce: Callable[[str], None]
    number: int = 0
    fault: Fault | None = None
    phase: str = ""
    gauge: Gauge | None = None
    waiting: Callable[[], int] = lambda: 0
    processes: tuple[ObservedProcess, ...] = ()
    news: deque[str] = field(default_factory=lambda: deque(maxlen=NEWS))
    results: list[FaultResult] = field(default_factory=list)

    def begin(self, number: int, fault: Fault) -> None:
        """Turns to the next fault."""
        self.number, self.fault = number, fault
        self.news.clear()
        self.announce(f"fault {number} of {self.count}, {fault.name}: {fault.does}")
        self.announce(f"watch: {fault.watch}")

    def end(self, result: FaultResult) -> None:
        self.results.append(result)
        self.announce(
            f"{result.fault}: a pause of {result.pause_s:.2f} s, {sum(result.errors.values())} "
            f"errors, {result.sold:,} sold, {len(result.findings)} findings"
        )

    def tell(self, text: str) -> None:
        self.news.append(text)
        self.announce(text)

    def see(self, processes: Sequence[ObservedProcess]) -> list[str]:
        """Notes the processes as they are now, and returns what has changed, in words."""
        before = {process.name: process.state for process in self.processes}
        changes = [
            f"{process.name}: {before[process.name]} → {process.state}"
            for process in processes
            if process.name in before and before[process.name] != process.state
        ]
        if processes:
            self.processes = tuple(processes)
        return changes
