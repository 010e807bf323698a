"""The last minutes of the sale: a sample each second, in a ring."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import msgspec

from core.schema.json_types import UnixTime, described
from core.schema.records import ProcessRecord
from web.dispatch.worker import Peer
from web.metrics.interval_counts import Lap

SAMPLE_S = 1.0
KEPT = 1800


class HistorySample(msgspec.Struct, frozen=True, kw_only=True):
    """One second. Latencies are of the sales that this web answered, null without any."""

    at: UnixTime
    sold: Annotated[float, described("Tickets per second.", minimum=0)]
    p50_ms: float | None
    p99_ms: float | None
    shed: Annotated[float, described("Purchases per second that were turned away.", minimum=0)]
    failed: Annotated[float, described("Purchases per second that failed.", minimum=0)]
    in_flight: Annotated[
        Mapping[str, int], described("Purchases that wait on a worker, by worker.")
    ]
    cpu: Annotated[Mapping[str, float], described("Per cent of one core, by process.")]


class HistoryJson(msgspec.Struct, frozen=True):
    """A sample each second, the oldest first."""

    samples: Sequence[HistorySample]


class SampleHistory:
    """The last `KEPT` samples, the oldest first."""

    def __init__(self) -> None:
        self._samples: deque[HistorySample] = deque(maxlen=KEPT)

    def add(self, sample: HistorySample) -> None:
        self._samples.append(sample)

    def since(self, at: float) -> Sequence[HistorySample]:
        """The samples that are newer than that."""
        found = []
        for sample in reversed(self._samples):
            if sample.at <= at:
                break
            found.append(sample)
        return found[::-1]


def sample(
    lap: Lap, peers: Iterable[Peer], processes: Iterable[ProcessRecord], now: float
) -> HistorySample:
    """A sample of what the web knows and what its supervisor has measured."""
    peers = sorted(peers, key=lambda peer: peer.name)
    return HistorySample(
        at=round(now, 3),
        sold=round(sum(peer.load.sold_per_second for peer in peers), 1),
        p50_ms=lap.latency.p50_ms if lap.sold else None,
        p99_ms=lap.latency.p99_ms if lap.sold else None,
        shed=round(lap.shed / lap.seconds, 1),
        failed=round(lap.failed / lap.seconds, 1),
        in_flight={peer.name: peer.outstanding for peer in peers},
        cpu={each.name: each.cpu_percent for each in processes if each.role in ("worker", "web")},
    )
