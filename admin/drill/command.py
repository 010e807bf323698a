"""`drill`, once its options are read: shows it on the terminal, and cleans up after it."""

import asyncio
import random
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.live import Live

from admin.drill import ports, screen
from admin.drill.drill import Drill
from admin.drill.faults import Fault, FaultName, chosen
from admin.drill.instance import Shop
from admin.drill.progress import Board
from admin.drill.report import Report
from admin.screen.output import new_console, put_json
from core.errors import ZkticketError
from core.machine.reaper import reaping
from core.settings import foreign_environment

FRAMES_PER_S = 4
STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    names: Sequence[FaultName],
    buyers: int,
    seconds: float,
    seed: int | None,
    *,
    keep: bool,
    as_json: bool,
) -> int:
    """Holds a drill, prints its verdict and returns the exit code."""
    faults = chosen(names)
    console = new_console(stderr=True)
    announce = _say_nothing if console.is_terminal else partial(typer.echo, err=True)
    board = Board(secrets.randbelow(10_000) if seed is None else seed, len(faults), announce)
    directory = Path(tempfile.mkdtemp(prefix="zkticket-drill-"))
    report: Report | None = None

    def keeps() -> bool:
        return keep or (report is not None and not report.ok)

    try:
        with (
            reaping(foreign_environment(), None if keep else directory, keeps) as environ,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            rng = random.Random(board.seed)  # noqa: S311 - chance, not secrecy
            drill = Drill(_shop(directory, environ), board, rng, time.monotonic, buyers, seconds)
            report = runner.run(_held(drill, faults, console))
    finally:
        if keeps():
            typer.echo(f"kept: data and histories in {directory}", err=True)
    if as_json:
        put_json(msgspec.structs.replace(report, kept=str(directory) if keeps() else None))
    else:
        new_console().print(screen.verdict(report))
    return 0 if report.ok else 1


def _shop(directory: Path, environ: Mapping[str, str]) -> Shop:
    rng = random.Random()  # noqa: S311 - the same seed finds other ports free
    port, zookeeper_port = ports.first_free(rng), ports.first_free(rng, ports.ENSEMBLE)
    return Shop(directory, port, zookeeper_port, environ)


async def _held(drill: Drill, faults: Sequence[Fault], console: Console) -> Report:
    """Holds the drill. A signal ends it, but does not interrupt the stop of the instance."""
    work = asyncio.create_task(drill.run(faults))

    def stop() -> None:
        if not work.cancelling():
            work.cancel()

    for number in STOPPERS:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        async with _shown(drill.board, console):
            return await work
    except asyncio.CancelledError:
        raise ZkticketError("the drill was stopped before its end: it proves nothing") from None
    finally:
        await drill.shop.down()


@asynccontextmanager
async def _shown(board: Board, console: Console) -> AsyncIterator[None]:
    """Shows the board inside the block, if there is a terminal to show it on."""
    if not console.is_terminal:
        yield
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        drawing = asyncio.create_task(_draw(lambda: live.update(screen.live(board), refresh=True)))
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


async def _draw(frame: Callable[[], None]) -> None:
    while True:
        frame()
        await asyncio.sleep(1 / FRAMES_PER_S)


def _say_nothing(_text: str) -> None:
    """The screen shows it."""
