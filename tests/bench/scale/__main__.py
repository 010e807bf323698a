"""`python -m tests.bench.scale`: sells a million orders and says what grew.

It writes `scale.json` and plots `plots/scale-*.svg`; `--orders` makes a shorter run.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from tests.bench import machine
from tests.bench.scale import pages, results
from tests.bench.scale.course import STEPS, Course, Plan, take_turns
from tests.bench.scale.results import Scale
from tests.support.instance import Instance
from tests.support.throwaway import thrown_away

FOLDER = Path(__file__).parent.parent
ORDERS = 1_000_000
QUICK = 50_000
WARM_UP = 20_000
AT_ONCE = 384
# The same, with next to nothing sold.
FEW = 10_000
MORE = 100_000
# `up` itself waits as long for the servers, which load everything that was sold.
START_S = 400.0
PLOTS = "plots"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def scale(
    orders: Annotated[int, typer.Option(min=1000, help="How many to sell.")] = ORDERS,
    warm_up: Annotated[int, typer.Option(min=0, help="Sold before it is measured.")] = WARM_UP,
    at_once: Annotated[int, typer.Option(min=3, help="Purchases under way.")] = AT_ONCE,
    json: Annotated[Path, typer.Option(help="The results; plots go beside.")] = FOLDER
    / "scale.json",
    quick: Annotated[bool, typer.Option("--quick", help="As few as say anything.")] = False,
    draw_only: Annotated[
        bool, typer.Option("--draw", help="Draw an earlier run again, measure nothing.")
    ] = False,
) -> None:
    """Sells that many orders, and measures and draws what grows with them."""
    if not draw_only:
        wanted = min(orders, QUICK) if quick else orders
        plan = Plan(orders=wanted // STEPS * STEPS, warm_up=warm_up, at_once=at_once)
        results.write(measure(plan), json)
    # Drawing takes half a second to import.
    from tests.bench.scale import page, plots

    found = results.read(json)
    plots.draw(found, json.parent / PLOTS)
    print(page.section(found))


def measure(plan: Plan) -> Scale:
    """Does the whole run, on instances that end with it."""
    known = machine.machine()
    folder = Path(tempfile.mkdtemp(prefix="scale-"))
    tell(f"the instances are in {folder}, which stays where something fails")
    shown = pages.measure(folder)
    few = Plan(orders=FEW, warm_up=0, at_once=plan.at_once)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        with _course(few, folder / "few", runner) as course:
            course.sell()
            times_of_few = course.time()
        with _course(plan, folder / "many", runner) as course:
            steps, sizes = course.sell()
            # A machine that is busy for minutes gets slower anyway.
            with _course(plan, folder / "fresh", runner) as fresh:
                fresh.catch_up()
                turns = take_turns(course, fresh)
            size = course.size(heap=True)
            times = course.time()
    shutil.rmtree(folder)
    return Scale(
        at=datetime.now(UTC).isoformat(timespec="minutes"),
        at_once=plan.at_once,
        warm_up=plan.warm_up,
        machine=known,
        steps=steps,
        turns=turns,
        sizes=(*sizes, size),
        times=(times_of_few, times),
        pages=shown,
    )


@contextmanager
def _course(plan: Plan, data_dir: Path, runner: asyncio.Runner) -> Iterator[Course]:
    """Opens an instance for the block."""
    instance = Instance(data_dir, ("--quantity", str(plan.stock + MORE)), start_s=START_S)
    try:
        yield Course(instance.up(), plan, runner, tell)
    finally:
        instance.clean_up()


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    with thrown_away():
        app()
