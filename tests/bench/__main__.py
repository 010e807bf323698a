"""`make bench`: JSON purchases over HTTP by 64 connections in a closed loop, then `verify`.

The load comes from wrk (Debian's package) on the same machine. It prints purchases that
ended with 201 and the tickets that the tree says were sold: they have to agree.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.instance import Instance, running

CONNECTIONS = 64
WARM_UP_S = 5
MEASURE_S = 10
SCRIPT = Path(__file__).with_name("buy.lua")


@dataclass(frozen=True)
class Load:
    """What wrk saw: purchases a second, those that were no 201, latency in milliseconds."""

    per_second: float
    refused: int
    p50_ms: float
    p99_ms: float


def main() -> int:
    """Measures and prints. Returns the exit code: 1 where the tree does not agree."""
    if shutil.which("wrk") is None:
        print("error: wrk is needed; install Debian's package of that name", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch) / "data", "--quantity", "10000000") as shop,
    ):
        offer(shop, WARM_UP_S)
        before = sold(shop)
        load = offer(shop, MEASURE_S)
        tickets = sold(shop) - before
        shop.verify()
        print(f"{CONNECTIONS} connections, {MEASURE_S} s, three workers, three servers, fsync on")
        print(
            f"sold                {tickets / MEASURE_S:,.0f} tickets/s, each in an order of its own"
        )
        print(f"answered            {load.per_second:,.0f} requests/s, {load.refused} not 201")
        print(f"latency             p50 {load.p50_ms:.1f} ms, p99 {load.p99_ms:.1f} ms")
        print("verify              passed")
        shop.down()
    return 0


def offer(shop: Instance, seconds: int) -> Load:
    """`CONNECTIONS` buyers for so long."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(SCRIPT),
            f"http://127.0.0.1:{shop.port}/api/orders",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    text = done.stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", text)),
        refused=int(refused.group(1)) if refused else 0,
        p50_ms=_milliseconds(_found(r"50%\s+(\S+)", text)),
        p99_ms=_milliseconds(_found(r"99%\s+(\S+)", text)),
    )


def sold(shop: Instance) -> int:
    return int(shop.types()["A"]["sold"])


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found.group(1)


def _milliseconds(text: str) -> float:
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    number = _found(r"([\d.]+)", text)
    return float(number) * units[text.removeprefix(number)]


if __name__ == "__main__":
    sys.exit(main())
