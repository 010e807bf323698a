"""Decides whether a process is ill, by a pure function over samples of each second."""

import enum
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec
import psutil

# A process works within a second or two; on an overloaded machine, within this.
START_S = 60.0
WINDOW_S = 30.0
MEMORY_SAMPLES = 3
# Most of the window must have been seen before a worker is called an outlier.
OUTLIER_SAMPLES = 20
# A server may take initLimit (30 s) to get all orders from a new leader, but no longer.
MUTE_S = 40.0
PINNED_PERCENT = 90.0
# Peers that sell less are slow themselves, or have no buyers.
PEERS_SELL_PER_SECOND = 10.0


class Ailment(enum.Enum):
    HUNG = "hung"
    MEMORY = "memory"
    OUTLIER = "outlier"


class RestartReason(msgspec.Struct, frozen=True):
    """The reason to restart a process; `text` is for people."""

    ailment: Ailment
    text: str


class HealthLimits(msgspec.Struct, frozen=True):
    hung_s: float
    memory_bytes: int


class Usage(msgspec.Struct, frozen=True):
    """The use of a process and all its children; CPU in percent of one core."""

    cpu_percent: float = 0.0
    rss_bytes: int = 0
    threads: int = 0
    open_files: int = 0


class ProcessSample(msgspec.Struct, frozen=True):
    """A process at one time. `silent_s` is 0 while it has never answered."""

    at: float
    silent_s: float
    cpu_percent: float
    rss_bytes: int
    sold_per_second: float


def verdict(
    own: Sequence[ProcessSample], peers: Sequence[Sequence[ProcessSample]], limits: HealthLimits
) -> RestartReason | None:
    """Finds what is wrong with a worker; `None` when it is well, or only busy.

    Samples are of one life, oldest first; those of all workers are taken at the same times.
    """
    if not own:
        return None
    return hung(own, limits) or _memory(own, limits) or _outlier(own, peers)


def hung(own: Sequence[ProcessSample], limits: HealthLimits) -> RestartReason | None:
    """Finds a process that has not answered for too long."""
    if not own or own[-1].silent_s < limits.hung_s:
        return None
    return RestartReason(Ailment.HUNG, f"hung: no heartbeat for {own[-1].silent_s:.0f} s")


def mute(mute_s: float) -> RestartReason | None:
    """Finds a ZooKeeper server that has not served for too long, while the others did."""
    if mute_s < MUTE_S:
        return None
    return RestartReason(
        Ailment.HUNG, f"hung: it served nobody for {mute_s:.0f} s while the others did"
    )


def stuck(age_s: float, limits: HealthLimits) -> RestartReason | None:
    """Finds a process that does not begin to work, though it has all that it needs."""
    if age_s < max(START_S, limits.hung_s):
        return None
    return RestartReason(Ailment.HUNG, f"hung: not at work {age_s:.0f} s after its start")


def _memory(own: Sequence[ProcessSample], limits: HealthLimits) -> RestartReason | None:
    recent = own[-MEMORY_SAMPLES:]
    if len(recent) < MEMORY_SAMPLES or any(s.rss_bytes <= limits.memory_bytes for s in recent):
        return None
    used, most = recent[-1].rss_bytes >> 20, limits.memory_bytes >> 20
    return RestartReason(Ailment.MEMORY, f"memory: {used} MB, over the limit of {most} MB")


def _outlier(
    own: Sequence[ProcessSample], peers: Sequence[Sequence[ProcessSample]]
) -> RestartReason | None:
    """Finds a worker at full CPU that sells less than half of its median peer, mostly."""
    window = [sample for sample in own if own[-1].at - sample.at < WINDOW_S]
    if len(window) < OUTLIER_SAMPLES:
        return None
    medians = _medians(peers)
    bad = sum(_lags(sample, medians.get(sample.at, 0.0)) for sample in window)
    if bad * 2 <= len(window):
        return None
    text = f"outlier: CPU pinned and under half of its peers' sales in {bad} of {len(window)} s"
    return RestartReason(Ailment.OUTLIER, text)


def _lags(sample: ProcessSample, peers_sell: float) -> bool:
    return (
        sample.cpu_percent >= PINNED_PERCENT
        and peers_sell >= PEERS_SELL_PER_SECOND
        and sample.sold_per_second * 2 < peers_sell
    )


def _medians(peers: Sequence[Sequence[ProcessSample]]) -> Mapping[float, float]:
    """The median peer's sales at each time with at least two samples."""
    sold: dict[float, list[float]] = {}
    for samples in peers:
        for sample in samples:
            sold.setdefault(sample.at, []).append(sample.sold_per_second)
    return {at: statistics.median(rates) for at, rates in sold.items() if len(rates) > 1}


class ProcessTree:
    """The processes of this machine, read once for all children, since that takes milliseconds.

    psutil keeps an object for each process, whose `cpu_percent` measures since the last call.
    """

    def __init__(self) -> None:
        self._found = {process.pid: process for process in psutil.process_iter()}
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        for pid, process in self._found.items():
            with suppress(psutil.Error):
                self._children[process.ppid()].append(pid)

    def usage(self, pid: int) -> Usage:
        """Measures a process and all its children; zeros for one that has just ended."""
        return _total([_usage(process) for process in self.family(pid)])

    def family(self, pid: int) -> Iterator[psutil.Process]:
        """Yields a process and all its children."""
        if pid in self._found:
            yield self._found[pid]
            for child in self._children[pid]:
                yield from self.family(child)


def _usage(process: psutil.Process) -> Usage:
    try:
        with process.oneshot():
            return Usage(
                process.cpu_percent(),
                process.memory_info().rss,
                process.num_threads(),
                process.num_fds(),
            )
    except psutil.Error:
        return Usage()


def _total(usages: Sequence[Usage]) -> Usage:
    return Usage(
        round(sum(usage.cpu_percent for usage in usages), 1),
        sum(usage.rss_bytes for usage in usages),
        sum(usage.threads for usage in usages),
        sum(usage.open_files for usage in usages),
    )
