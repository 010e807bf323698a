"""What buyers see at this moment: sales a second, errors, how long they wait."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from admin.drill.proof.history import PurchaseAttempt

SLOT_S = 0.5
# Without a sale for longer than this is a pause that is worth a word.
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
    """Counts attempts as they end. `clock` is that of the history.

    `on_pause` hears how many seconds nobody was sold anything, when that is over.
    """

    clock: Callable[[], float]
    on_pause: Callable[[float], None]
    sold: int = 0
    sold_at: float | None = None
    errors: Counter[str] = field(default_factory=Counter)
    _slots: dict[int, Slot] = field(default_factory=lambda: defaultdict(Slot))

    def note(self, attempt: PurchaseAttempt, waited_s: float) -> None:
        """Counts an attempt whose buyer has waited so long since the first one."""
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
        """The latest whole slots, the oldest first."""
        now = self._number(self.clock())
        return [self._slots.get(number, Slot()) for number in range(now - count, now)]

    def _number(self, moment: float) -> int:
        return int(moment // SLOT_S)
