"""`make bench`: measures zkticket and its peers, prints a table, writes the page.

`python -m tests.bench report` makes the page from the results of an earlier run.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tests.bench import packages, results, rounds
from tests.bench.load import BenchError
from tests.bench.plan import FULL, QUICK
from tests.bench.roster import CONTESTANTS
from tests.support.throwaway import thrown_away

HERE = Path(__file__).parent
WIDTH = 120

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Json = Annotated[Path, typer.Option("--json", help="Where the results are kept")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="One short round")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only who has this in the name; nothing is written then"),
    ] = None,
    json: Json = HERE / "results.json",
) -> None:
    """Measures everything and writes the results, and the page beside them."""
    if context.invoked_subcommand is not None:
        return
    packages.require()
    wanted = only or [""]
    chosen = [one for one in CONTESTANTS if any(word in one.name for word in wanted)]
    found = rounds.run(QUICK if quick else FULL, chosen, rounds.to_stderr)
    if only is None:
        results.write(found, json)
        _publish(found, json.parent)
    _show(found)


@app.command()
def report(json: Json = HERE / "results.json") -> None:
    """Makes the page from the results of an earlier run, and prints their table."""
    try:
        found = results.read(json)
    except (OSError, msgspec.DecodeError) as error:
        raise BenchError(f"no results in {json}: {error}") from None
    _publish(found, json.parent)
    _show(found)


def _publish(found: results.Results, folder: Path) -> None:
    # Drawing takes half a second to import, and sellers' processes do not need it.
    from tests.bench.report.page import publish

    rounds.to_stderr(f"written: {publish(found, folder).name}")


def _show(found: results.Results) -> None:
    from tests.bench.report.screen import show

    show(found, Console(width=None if sys.stdout.isatty() else WIDTH))


def main() -> int:
    """Runs the command line; an error is one line on stderr and exit code 1."""
    try:
        with thrown_away():
            app()
    except (BenchError, AssertionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
