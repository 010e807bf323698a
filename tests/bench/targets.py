"""The targets of zkticket, each a ratio of two figures of the same run."""

from dataclasses import dataclass
from typing import Literal

from tests.bench.contestants.straight import BUYERS, LOCK, SINGLE
from tests.bench.results import Figure, Results
from tests.bench.roster import ECHO, ENGINE, HOT_TYPE, ONE_ROW, POSTGRES, REDIS

Kind = Literal["per_second", "p50_ms", "p99_ms"]
UNITS: dict[Kind, str] = {"per_second": "/s", "p50_ms": " ms", "p99_ms": " ms"}


@dataclass(frozen=True)
class Pick:
    """A figure of the results, the median over the rounds."""

    contestant: str
    at_once: int
    kind: Kind

    def of(self, results: Results) -> float | None:
        figure: Figure | None = results.figure(self.contestant, self.at_once)
        return getattr(figure, self.kind).middle if figure else None


@dataclass(frozen=True)
class Given:
    """A figure that was measured elsewhere."""

    figure: float
    kind: Kind

    def of(self, _results: Results) -> float | None:
        return self.figure


# The rate of the program that this one grew out of, in a run of its own users.
SEED = Given(2.6, "per_second")


@dataclass(frozen=True)
class Target:
    """`ours` divided by `theirs` has to be at least, or at most, `bound`."""

    text: str
    ours: Pick
    theirs: Pick | Given
    bound: float
    at_most: bool = False


@dataclass(frozen=True)
class Verdict:
    """The result for a target; `ratio` is None where it was not measured."""

    target: Target
    ours: float | None
    theirs: float | None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    @property
    def met(self) -> bool:
        if self.ratio is None:
            return False
        target = self.target
        return self.ratio <= target.bound if target.at_most else self.ratio >= target.bound


def _faster(text: str, theirs: Pick | Given, bound: float) -> Target:
    """Makes a target of purchases a second over HTTP: 256 connections, one hot type."""
    return Target(text, Pick(HOT_TYPE.name, 256, "per_second"), theirs, bound)


def _rate(contestant: str, at_once: int = 256) -> Pick:
    return Pick(contestant, at_once, "per_second")


TARGETS = (
    _faster("purchases/s over HTTP, to Flask + PostgreSQL", _rate(POSTGRES.name), 3),
    _faster("the same, its stock in one row", _rate(ONE_ROW.name), 3),
    _faster("purchases/s over HTTP, to Flask + Redis", _rate(REDIS.name), 2),
    _faster("purchases/s over HTTP, to the seed program's 2.6/s elsewhere", SEED, 1000),
    _faster("the same, to its way here, by 16 buyers", _rate(LOCK, BUYERS.sellers), 1000),
    _faster("purchases/s over HTTP, to Bottle answering only", _rate(ECHO.name), 0.5),
    Target(
        "purchases/s of the workers alone, to one multi for each ticket, one at a time",
        _rate(ENGINE.name, ENGINE.at_once),
        _rate(SINGLE, 1),
        20,
    ),
    Target(
        "the same, by 16 buyers",
        _rate(ENGINE.name, ENGINE.at_once),
        _rate(SINGLE, BUYERS.sellers),
        20,
    ),
    Target(
        "p50 over HTTP at 1 connection, to that of a bare multi",
        Pick(HOT_TYPE.name, 1, "p50_ms"),
        Pick(SINGLE, 1, "p50_ms"),
        2,
        at_most=True,
    ),
    Target(
        "p99 over HTTP at 64 connections, to its p50",
        Pick(HOT_TYPE.name, 64, "p99_ms"),
        Pick(HOT_TYPE.name, 64, "p50_ms"),
        3,
        at_most=True,
    ),
)


def verdicts(results: Results) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(target, target.ours.of(results), target.theirs.of(results)) for target in TARGETS
    )
