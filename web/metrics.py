"""Counts for `/metrics`, in Prometheus' text format (version 0.0.4)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.models import Quantiles
from core.wire import Code
from web.laps import Laps
from web.peer import Peer

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters over the process's life, and `laps` for rates; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.laps = Laps(clock)
        self._requests: Counter[tuple[str, int]] = Counter()
        self._purchases: Counter[Code] = Counter()
        self._seconds = [0] * (len(BUCKETS_S) + 1)
        self._seconds_sum = 0.0
        # How many alarms stand; nothing is sold while there is one.
        self.alarms = 0

    def request(self, environ: Mapping[str, Any], status: int) -> None:
        """An answered request; its route is what Bottle found."""
        route = environ.get("bottle.route")
        rule = f"{route.method} {route.rule}" if route is not None else "none"
        self._requests[rule, status] += 1

    def purchase(self, code: Code, seconds: float) -> None:
        self.laps.purchase(code, seconds)
        self._purchases[code] += 1
        self._seconds[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds_sum += seconds

    def turned_away(self, rule: str, status: int) -> None:
        """A purchase that was refused at the gate, in no time."""
        self._requests[rule, status] += 1
        self.purchase(Code.OVERLOADED, 0.0)

    def render(self, peers: Sequence[Peer], stages: Mapping[str, Quantiles], *, stale: bool) -> str:
        """Everything as text, one sample a line."""
        lines = [
            *_family("requests_total", "counter", "HTTP requests", self._request_samples()),
            *_family("purchases_total", "counter", "Purchases by outcome", self._by_outcome()),
            *_family("purchase_seconds", "histogram", "Time to an answer", self._latencies()),
            *_family("stage_seconds", "gauge", "Where recent sales' time went", _stages(stages)),
            *_family("outstanding", "gauge", "Purchases that wait on a worker", _waiting(peers)),
            *_family("worker_ready", "gauge", "Linked and able to sell", _ready(peers)),
            *_family("alarms", "gauge", "Alarms that stop the selling", [f" {self.alarms}"]),
            *_family("stale", "gauge", "Availability is not fresh", [f" {int(stale)}"]),
        ]
        return "\n".join(lines) + "\n"

    def _request_samples(self) -> Iterable[str]:
        for (rule, status), count in sorted(self._requests.items()):
            yield f'{{route="{_escaped(rule)}",status="{status}"}} {count}'

    def _by_outcome(self) -> Iterable[str]:
        return (f'{{outcome="{code}"}} {self._purchases[code]}' for code in Code)

    def _latencies(self) -> Iterable[str]:
        total = 0
        for bound, count in zip((*BUCKETS_S, "+Inf"), self._seconds, strict=True):
            total += count
            yield f'_bucket{{le="{bound}"}} {total}'
        yield f"_sum {self._seconds_sum:.6f}"
        yield f"_count {total}"


def _stages(stages: Mapping[str, Quantiles]) -> Iterable[str]:
    for stage, found in stages.items():
        for quantile, milliseconds in ((0.5, found.p50_ms), (0.99, found.p99_ms)):
            yield f'{{stage="{stage}",quantile="{quantile}"}} {milliseconds / 1000:.6f}'


def _waiting(peers: Sequence[Peer]) -> Iterable[str]:
    return (f'{{worker="{_escaped(peer.name)}"}} {peer.outstanding}' for peer in peers)


def _ready(peers: Sequence[Peer]) -> Iterable[str]:
    return (f'{{worker="{_escaped(peer.name)}"}} {int(peer.ready)}' for peer in peers)


def _family(name: str, kind: str, help_: str, samples: Iterable[str]) -> list[str]:
    full = f"zkticket_{name}"
    return [
        f"# HELP {full} {help_}.",
        f"# TYPE {full} {kind}",
        *(full + sample for sample in samples),
    ]


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
