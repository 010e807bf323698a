"""Measures what buyers see at this moment: sales per second, errors, waiting times."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from admin.drill.proof.history import PurchaseAttempt

SLOT_S = 0.5
# A longer time without a sale is reported as a pause.
PAUSE_S = 0.25


@dataclass
class Slot:
    """What happened in half a second."""

    sold: int = 0
    waits_s: list[float] = field(default_factory=list)

    @property
    def sold_per_second(self) -> float:
        return self.sold / SLOT_S

    @property
    def p99_ms(self) -> float:
        ordered = sorted(self.waits_s)
        return ordered[int(0.99 * (len(ordered) - 1))] * 1000 if ordered else 0.0


@dataclass
class Gauge:
    """Counts attempts as they end; `clock` is that of the history.

    `on_pause` is called at the end of a pause, with its seconds.
    """

    clock: Callable[[], float]
    on_pause: Callable[[float], None]
    sold: int = 0
    sold_at: float | None = None
    errors: Counter[str] = field(default_factory=Counter)
    _slots: dict[int, Slot] = field(default_factory=lambda: defaultdict(Slot))

    def note(self, attempt: PurchaseAttempt, waited_s: float) -> None:
        """Counts an attempt; its buyer has waited so long since its first one."""
        slot = self._slots[self._number(attempt.ended_s)]
        if attempt.served:
            slot.waits_s.append(waited_s)
        else:
            self.errors[attempt.code or "no answer"] += 1
        if attempt.sold:
            slot.sold += 1
            self.sold += 1
            before, self.sold_at = self.sold_at, attempt.ended_s
            if before is not None and attempt.ended_s - before > PAUSE_S:
                self.on_pause(attempt.ended_s - before)

    def recent(self, count: int) -> Sequence[Slot]:
        """Returns the latest whole slots, the oldest first."""
        now = self._number(self.clock())
        return [self._slots.get(number, Slot()) for number in range(now - count, now)]

    def _number(self, moment: float) -> int:
        return int(moment // SLOT_S)
