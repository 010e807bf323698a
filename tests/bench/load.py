"""The load: wrk's connections in a closed loop, each with one purchase under way."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

SCRIPT = Path(__file__).with_name("buy.lua")
# A connection counts as broken after this time without an answer.
PATIENCE_S = 8


class BenchError(Exception):
    """Says in one line what keeps the bench from measuring."""


@dataclass(frozen=True)
class Wares:
    """The types that are bought, in turns, one ticket each time."""

    types: tuple[str, ...] = ("A",)
    event: str = "default"


HOT_TYPE = Wares()


@dataclass(frozen=True)
class Load:
    """What wrk saw: `sold` counts answers 201, `failed` all others and missing ones."""

    sold: int
    failed: int
    per_second: float
    p50_ms: float
    p99_ms: float


class _Told(msgspec.Struct, frozen=True):
    """The script's last line; times are in microseconds, `broken` requests got no answer."""

    answers: int
    refused: int
    broken: int
    duration: int
    p50: int
    p99: int


def offer(url: str, wares: Wares, connections: int, seconds: int) -> Load:
    """Runs that many buyers for so many seconds. Raises `BenchError`."""
    command = [
        *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE_S}s"),
        *("-s", str(SCRIPT), url, "--", wares.event, *wares.types),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 4 * PATIENCE_S, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    return parsed(done.stdout)


def parsed(text: str) -> Load:
    """Reads wrk's output. Raises `BenchError` where the script did not run."""
    last = text.rstrip().rpartition("\n")[2]
    try:
        told = msgspec.json.decode(last, type=_Told)
    except msgspec.DecodeError:
        raise BenchError(f"wrk said {last!r} instead of figures") from None
    sold = told.answers - told.refused
    return Load(
        sold=sold,
        failed=told.refused + told.broken,
        per_second=sold / (told.duration / 1e6),
        p50_ms=told.p50 / 1000,
        p99_ms=told.p99 / 1000,
    )
