"""The results of a long sale, as they are kept in JSON."""

from pathlib import Path
from statistics import median

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the sale; `windows` are tickets a second, over `window` tickets each.

    `longest_gap_ms` is the longest time between two answers; `refused` were asked for again.
    `cpu_us` are microseconds of processor time for each ticket: of the servers, of zkticket's own
    processes, of the buyers, and of everything else on the machine.
    """

    orders: int
    sold: int
    per_second: float
    windows: tuple[float, ...]
    window: int
    p50_ms: float
    p99_ms: float
    longest_gap_ms: float
    refused: int = 0
    cpu_us: dict[str, float] = {}

    @property
    def work_us(self) -> float:
        """Returns the processor time of servers and own processes for a ticket."""
        return self.cpu_us["servers"] + self.cpu_us["own"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The same number of tickets from the instance that has sold all these, and from a fresh one.

    They sold one after the other, so that both had the same machine; each step is one window.
    """

    large: Step
    fresh: Step

    @property
    def ratio(self) -> float:
        return self.large.windows[0] / self.fresh.windows[0]

    @property
    def work_ratio(self) -> float:
        """Returns the same for the processor time of a ticket: more is better, as with rates."""
        return self.fresh.work_us / self.large.work_us


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes when `orders` are sold.

    `rss_mb` is by process of zkticket's own. Each server has `live_mb` (after a full collection,
    where that was measured), its resident memory, and its transaction logs on disk.
    """

    orders: int
    rss_mb: dict[str, float]
    live_mb: tuple[float, ...]
    server_rss_mb: tuple[float, ...]
    log_mb: tuple[float, ...]

    @property
    def own_mb(self) -> float:
        return sum(self.rss_mb.values())


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Times with `orders` sold, in seconds unless named otherwise."""

    orders: int
    verify_s: float
    verify_mb: float
    # The longest time without a sale when the leader, or a worker, is killed.
    leader_killed_s: float
    worker_back_s: float
    down_s: float
    up_s: float
    order_p50_ms: float
    order_p99_ms: float
    # The largest among the servers' newest ones, after the start.
    snapshot_mb: float


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The times of the page and of the list of events with so many ticket types."""

    types: int
    page_p50_ms: float
    page_most_ms: float
    events_p50_ms: float
    events_most_ms: float
    page_kb: float


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `at` is UTC in ISO 8601, `at_once` purchases were under way."""

    at: str
    at_once: int
    warm_up: int
    machine: dict[str, str]
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...]
    sizes: tuple[Size, ...]
    times: tuple[Times, ...]
    pages: tuple[Page, ...]

    @property
    def windows(self) -> tuple[float, ...]:
        return tuple(rate for step in self.steps for rate in step.windows)

    @property
    def ratio(self) -> float:
        """Returns the last window's rate divided by the first one's."""
        return self.windows[-1] / self.windows[0]

    @property
    def steady_ratio(self) -> float:
        """Returns the same for the median windows of the last and first step, with less noise."""
        return median(self.steps[-1].windows) / median(self.steps[0].windows)

    @property
    def work_ratio(self) -> float:
        """Returns the processor time of a ticket in the first step, divided by that in the last.

        It would be the ratio of the rates if nobody else used the machine.
        """
        return self.steps[0].work_us / self.steps[-1].work_us

    @property
    def turn_ratio(self) -> float:
        """Returns the large instance's rate divided by a fresh one's, in the median turn."""
        return median(turn.ratio for turn in self.turns)

    @property
    def turn_work_ratio(self) -> float:
        """Returns the same for the processor time of a ticket."""
        return median(turn.work_ratio for turn in self.turns)

    @property
    def heap_per_order(self) -> tuple[float, ...]:
        """Returns each server's bytes of live heap for an order, from the first measurement on."""
        measured = [size for size in self.sizes if size.live_mb]
        if len(measured) < 2:
            return ()
        first, last = measured[0], measured[-1]
        return tuple(
            (after - before) * 2**20 / (last.orders - first.orders)
            for before, after in zip(first.live_mb, last.live_mb, strict=True)
        )


def write(scale: Scale, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(scale), indent=1) + b"\n")


def read(path: Path) -> Scale:
    """Reads results. Raises `OSError`, `msgspec.DecodeError`."""
    return msgspec.json.decode(path.read_bytes(), type=Scale)
