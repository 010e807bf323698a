"""Plays schedules, and reports which broke a promise and what they went through."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.border import simulated
from tests.simulation.plan import Plan, draw
from tests.simulation.shop import Shop


@dataclass
class Report:
    """The sums of many schedules.

    `broken` has pairs of a seed and its first breach; `events` counts entries of the logs.
    """

    schedules: int = 0
    orders: int = 0
    attempts: int = 0
    changes: int = 0
    events: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        self.schedules += other.schedules
        self.orders += other.orders
        self.attempts += other.attempts
        self.changes += other.changes
        self.events.update(other.events)
        self.broken += other.broken


def play(
    seeds: Iterable[int],
    most_broken: int | None = None,
    drawn: Callable[[int], Plan] = draw,
) -> Report:
    """Plays the schedules of these seeds, until `most_broken` have broken a promise."""
    report = Report()
    with simulated(), _counting(report.events):
        for seed in seeds:
            shop = Shop(drawn(seed))
            shop.play()
            report.schedules += 1
            report.orders += len(shop.ledger.orders)
            report.attempts += shop.history.attempts
            report.changes += shop.changes.attempts
            if shop.breaches:
                report.broken.append((seed, shop.breaches[0]))
            if len(report.broken) == most_broken:
                break
    return report


def replay(seed: int) -> str:
    """Returns the command that plays it again and tells its story."""
    return f"python -m tests.simulation --seed {seed}"


class _Ear(logging.Handler):
    """Counts the entries of all logs by event."""

    def __init__(self, events: Counter[str]) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        event, *_ = record.args if isinstance(record.args, tuple) else ("",)
        self._events[str(event)] += 1


@contextmanager
def _counting(events: Counter[str]) -> Iterator[None]:
    logger = logging.getLogger("zkticket")
    level, propagate = logger.level, logger.propagate
    ear = _Ear(events)
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(ear)
        logger.setLevel(level)
        logger.propagate = propagate
