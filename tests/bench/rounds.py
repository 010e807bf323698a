"""The run: every contestant alone on the machine, several rounds, each in another order."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench.machine import machine, versions
from tests.bench.plan import Plan
from tests.bench.results import Reading, Results
from tests.bench.roster import Contestant, in_turn

Say = Callable[[str], None]


def run(plan: Plan, contestants: Sequence[Contestant], say: Say) -> Results:
    """Measures everything, with a line to `say` for each figure. Raises `BenchError`."""
    started = datetime.now(UTC)
    return Results(
        at=started.isoformat(timespec="seconds"),
        plan=plan.name,
        machine=machine(),
        versions=versions(),
        readings=tuple(_readings(plan, contestants, say)),
    )


def _readings(plan: Plan, contestants: Sequence[Contestant], say: Say) -> Iterator[Reading]:
    for round_ in range(plan.rounds):
        for contestant in in_turn(contestants, round_):
            say(f"round {round_ + 1} of {plan.rounds}: {contestant.name}")
            for reading in _measured(contestant, plan):
                say(_line(reading))
                yield msgspec.structs.replace(reading, round=round_)


def _measured(contestant: Contestant, plan: Plan) -> Iterator[Reading]:
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        # PostgreSQL's user has to reach its own directory inside.
        Path(scratch).chmod(0o711)
        # This one should not wait for writes of the one before.
        os.sync()
        yield from contestant.measure(plan, Path(scratch))


def _line(reading: Reading) -> str:
    failed = f", {reading.failed} failed" if reading.failed else ""
    return (
        f"  {reading.contestant}, {reading.at_once}: {reading.per_second:,.0f}/s, "
        f"p50 {reading.p50_ms:.1f} ms, p99 {reading.p99_ms:.1f} ms{failed}"
    )


def to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
