"""The latest durations of one kind, and their quantiles."""

from collections import deque

from core.schema.records import Quantiles

KEPT = 1024


class Recent:
    """The last `KEPT` durations. Adding one is cheap; reading sorts them."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=KEPT)
        # Count and sum of all durations ever, not only of those kept.
        self.count = 0
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self.count += 1
        self.sum_s += seconds

    def quantiles(self) -> Quantiles:
        """Computes the quantiles; zeros where there is nothing yet."""
        ordered = sorted(self._seconds)
        return Quantiles(p50_ms=_quantile_ms(ordered, 0.50), p99_ms=_quantile_ms(ordered, 0.99))


def _quantile_ms(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2)
