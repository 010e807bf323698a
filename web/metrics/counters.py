"""Counts a web server's own work, for `/metrics`."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from core.quantiles import Recent
from core.transport.link import Code
from web.dispatch.worker import Peer
from web.metrics.interval_counts import Laps
from web.metrics.prometheus_text import Family, MetricSample, counter, gauge, one, summed

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counters over the process's life, and `laps` for rates; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.laps = Laps(clock)
        self._requests: Counter[tuple[str, int]] = Counter()
        self._purchases: Counter[Code] = Counter()
        self._seconds = [0] * (len(BUCKETS_S) + 1)
        self._seconds_sum = 0.0
        # The number of standing alarms, which stop the selling; `None` if it can't be read.
        self.alarms: int | None = None

    def request(self, rule: str, status: int) -> None:
        """Counts a reply, by the route that Bottle found."""
        self._requests[rule, status] += 1

    def purchase(self, code: Code, seconds: float) -> None:
        self.laps.purchase(code, seconds)
        self._purchases[code] += 1
        self._seconds[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds_sum += seconds

    def turned_away(self, rule: str, status: int) -> None:
        """Counts a purchase that the load shedder refused."""
        self._requests[rule, status] += 1
        self.purchase(Code.OVERLOADED, 0.0)

    def families(
        self, peers: Sequence[Peer], stages: Mapping[str, Recent], *, stale: bool
    ) -> Iterable[Family]:
        yield counter("requests_total", "HTTP requests answered.", self._request_samples())
        yield counter("purchases_total", "Purchases answered, by outcome.", self._by_outcome())
        yield Family("purchase_seconds", "histogram", "Time to an answer.", self._latencies())
        yield Family("stage_seconds", "summary", "Where a sale's time went.", _stages(stages))
        yield gauge("outstanding", "Purchases that wait on a worker.", _waiting(peers))
        yield gauge("worker_ready", "Workers that are linked and can sell.", _ready(peers))
        yield one("alarms", "Alarms that stop the selling.", self.alarms)
        yield one("stale", "Whether availability is not fresh.", int(stale))

    def _request_samples(self) -> Iterable[MetricSample]:
        for (rule, status), count in sorted(self._requests.items()):
            yield MetricSample(count, {"route": rule, "status": str(status)})

    def _by_outcome(self) -> Iterable[MetricSample]:
        return (MetricSample(self._purchases[code], {"outcome": code}) for code in Code)

    def _latencies(self) -> tuple[MetricSample, ...]:
        total, samples = 0, []
        for bound, count in zip((*BUCKETS_S, "+Inf"), self._seconds, strict=True):
            total += count
            samples.append(MetricSample(total, {"le": str(bound)}, "_bucket"))
        return (
            *samples,
            MetricSample(self._seconds_sum, {}, "_sum"),
            MetricSample(total, {}, "_count"),
        )


def _stages(stages: Mapping[str, Recent]) -> tuple[MetricSample, ...]:
    """Quantiles of the latest thousand sales; sum and count are of all."""
    samples: list[MetricSample] = []
    for stage, recent in stages.items():
        found = recent.quantiles()
        for quantile, milliseconds in (("0.5", found.p50_ms), ("0.99", found.p99_ms)):
            samples.append(
                MetricSample(milliseconds / 1000, {"stage": stage, "quantile": quantile})
            )
        samples.append(MetricSample(recent.sum_s, {"stage": stage}, "_sum"))
        samples.append(MetricSample(recent.count, {"stage": stage}, "_count"))
    return tuple(samples)


def _waiting(peers: Sequence[Peer]) -> Iterable[MetricSample]:
    return summed(MetricSample(peer.outstanding, _worker(peer)) for peer in peers)


def _ready(peers: Sequence[Peer]) -> Iterable[MetricSample]:
    """A worker that is restarted may have two registrations for a moment."""
    return summed(MetricSample(int(peer.ready), _worker(peer)) for peer in peers)


def _worker(peer: Peer) -> Mapping[str, str]:
    return {"host": peer.host, "worker": peer.name}
