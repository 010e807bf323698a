"""`make soak`: ambiguous commits, partitions and mixed faults, and their verdict."""

import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psutil
import typer

from admin.drill.proof.checker import Kind
from tests.faults import soak
from tests.faults.soak import Report
from tests.support.throwaway import thrown_away

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    minutes: Annotated[
        float, typer.Option(help="How long all of it takes; too few leave scenes out")
    ] = 15.0,
    faults: Annotated[bool, typer.Option(help="Break a whole shop")] = True,
    doubts: Annotated[int, typer.Option(help="So many ambiguous commits at most")] = 5000,
    partitions: Annotated[bool, typer.Option(help="Part the servers from each other")] = True,
    seed: Annotated[int | None, typer.Option(help="Of an earlier run, to have it again")] = None,
) -> None:
    """Breaks sales, checks every answer of every buyer against the tree, prints the verdict."""
    chosen = random.randrange(1_000_000) if seed is None else seed
    print(_heading(chosen), flush=True)
    logging.disable(logging.ERROR)  # the sellers' entries about their doubts
    reports: list[Report] = []
    times = soak.shares(minutes * 60.0, time.monotonic())
    if not (times.doubts_s and times.partitions_s):
        print(f"some scenes are left out: {minutes:g} minutes are too few for all", flush=True)
    with tempfile.TemporaryDirectory(prefix="zkticket-soak-") as home:
        if doubts and times.doubts_s:
            reports.append(
                soak.ambiguous_commits(_room(home, "doubts"), chosen, doubts, times.doubts_s, _say)
            )
            _tell(reports[-1])
        if partitions and times.partitions_s:
            parted = soak.partitions(_room(home, "partitions"), chosen, times.partitions_s)
            if parted is None:
                print("partitions: left out, there are no network namespaces here", flush=True)
            else:
                reports.append(parted)
                _tell(parted)
        if faults:
            room = _room(home, "shop")
            reports.append(soak.mixed_faults(room, chosen, times.end, _say))
            _tell(reports[-1])
    found = Counter(finding.kind for report in reports for finding in report.findings)
    print("found: " + ", ".join(f"{kind} {found[kind]}" for kind in Kind))
    raise typer.Exit(1 if found else 0)


def _heading(seed: int) -> str:
    memory_gb = psutil.virtual_memory().total / 2**30
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"zkticket soak, {now}, seed {seed}, {os.cpu_count()} cores, {memory_gb:.0f} GiB"


def _room(home: str, name: str) -> Path:
    room = Path(home) / name
    room.mkdir()
    return room


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _tell(report: Report) -> None:
    print(f"{report.scene}: {report.did}, in {report.took_s:.0f} s", flush=True)
    for finding in report.findings[:10]:
        print(f"  {finding}")


if __name__ == "__main__":
    with thrown_away():
        app()
