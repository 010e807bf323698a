"""`drill`, once its options are read: its terminal, and that nothing of it survives it."""

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
from typing import Self

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
    faults: Sequence[FaultName],
    buyers: int,
    seconds: float,
    seed: int | None,
    *,
    keep: bool,
    as_json: bool,
) -> int:
    """Holds a drill, prints its verdict and returns the exit code."""
    chosen_seed = secrets.randbelow(10_000) if seed is None else seed
    with (
        reaping(foreign_environment()) as environ,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        report = runner.run(_drill(chosen(faults), buyers, seconds, chosen_seed, keep, environ))
    _print(report, as_json)
    return 0 if report.ok else 1


async def _drill(
    faults: list[Fault],
    buyers: int,
    seconds: float,
    seed: int,
    keep: bool,
    environ: Mapping[str, str],
) -> Report:
    rng = random.Random(seed)  # noqa: S311 - chance, not secrecy
    ground = random.Random()  # noqa: S311 - the same seed finds other ports free
    shop = Shop(
        Path(tempfile.mkdtemp(prefix="zkticket-drill-")),
        port=ports.free_page_port(ground),
        zookeeper_port=ports.free_ensemble_ports(ground, 3),
        environ=environ,
    )
    console = new_console(stderr=True)
    announce = _silent if console.is_terminal else partial(typer.echo, err=True)
    board = Board(seed, len(faults), announce)
    report: Report | None = None
    with _Stop() as stop:
        try:
            async with _shown(board, console):
                work = Drill(shop, board, rng, time.monotonic, buyers=buyers, seconds=seconds)
                report = await work.run(faults)
        except asyncio.CancelledError:
            raise ZkticketError("the drill was stopped before its end: it proves nothing") from None
        finally:
            stop.disarm()
            await shop.down()
            kept = _clear(shop, keep=keep or (report is not None and not report.ok))
    return msgspec.structs.replace(report, kept=kept)


def _clear(shop: Shop, *, keep: bool) -> str | None:
    """Deletes what the drill wrote, or says where it is."""
    if not keep:
        shop.clear()
        return None
    typer.echo(f"kept: data and histories in {shop.directory}", err=True)
    return str(shop.directory)


class _Stop:
    """Ctrl-C ends the drill once; what stops the instance afterwards is not to be interrupted."""

    def __init__(self) -> None:
        self._armed = True

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        for number in STOPPERS:
            asyncio.get_running_loop().add_signal_handler(number, self._stop, task)
        return self

    def __exit__(self, *_: object) -> None:
        for number in STOPPERS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def disarm(self) -> None:
        self._armed = False

    def _stop(self, task: asyncio.Task[object]) -> None:
        if self._armed:
            self.disarm()
            task.cancel()


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


def _silent(_text: str) -> None:
    """Says nothing: the screen shows it."""


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        put_json(report)
    else:
        new_console().print(screen.verdict(report))
