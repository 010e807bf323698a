"""The results, as they are kept in JSON, and their figures over all rounds."""

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement; `at_once` purchases are under way, or in one transaction.

    `failed` counts purchases that did not end in a sale; `p50_ms` and `p99_ms` are of one purchase.
    """

    contestant: str
    at_once: int
    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int = 0
    round: int = 0


class Spread(msgspec.Struct, frozen=True):
    """A figure over the rounds."""

    middle: float
    least: float
    most: float


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant at one load, over the rounds."""

    contestant: str
    at_once: int
    per_second: Spread
    p50_ms: Spread
    p99_ms: Spread
    failed: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `machine` and `versions` map names to text, `at` is UTC in ISO 8601."""

    at: str
    plan: str
    machine: dict[str, str]
    versions: dict[str, str]
    readings: tuple[Reading, ...]

    def figure(self, contestant: str, at_once: int) -> Figure | None:
        """Returns the figure; `None` where it was not measured."""
        found = [
            reading
            for reading in self.readings
            if (reading.contestant, reading.at_once) == (contestant, at_once)
        ]
        return _figure(found) if found else None

    def figures(self, contestant: str) -> tuple[Figure, ...]:
        """Returns all figures of one contestant, by load."""
        loads = {r.at_once for r in self.readings if r.contestant == contestant}
        found = (self.figure(contestant, at_once) for at_once in sorted(loads))
        return tuple(figure for figure in found if figure is not None)

    def best(self, contestant: str) -> Figure | None:
        """Returns its fastest figure."""
        return max(self.figures(contestant), key=lambda f: f.per_second.middle, default=None)


def _figure(readings: list[Reading]) -> Figure:
    first = readings[0]
    return Figure(
        contestant=first.contestant,
        at_once=first.at_once,
        per_second=spread(reading.per_second for reading in readings),
        p50_ms=spread(reading.p50_ms for reading in readings),
        p99_ms=spread(reading.p99_ms for reading in readings),
        failed=sum(reading.failed for reading in readings),
    )


def spread(values: Iterable[float]) -> Spread:
    found = list(values)
    return Spread(median(found), min(found), max(found))


def write(results: Results, path: Path) -> None:
    """Writes JSON for people: indented, with rounded figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def read(path: Path) -> Results:
    """Reads results. Raises `OSError`, `msgspec.DecodeError`."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def percentile(values: Iterable[float], percent: float) -> float:
    """Returns the value that so many percent do not exceed, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
