"""The program's commands, and the options that many of them take.

What is asked for twice is refused, where one of both would be lost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from core.errors import WrongUsage

DataDir = Annotated[
    Path | None,
    typer.Option(help="The instance's directory, .zkticket unless told.", show_default=False),
]
Zookeeper = Annotated[
    str | None,
    typer.Option(
        "--zookeeper", metavar="HOSTS", help="The ensemble, as host:port,…", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Command(TyperCommand):
    """Takes an option of one value once, and one of several values with each of them once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given, _, order = self.make_parser(ctx).parse_args(args=list(args))
            options = [each for each in order if isinstance(each, TyperOption)]
            _expect_once(options, given)
        return super().parse_args(ctx, args)


class App(typer.Typer):
    """A Typer application of such commands."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Command, **options)


def _expect_once(options: Sequence[TyperOption], given: dict[str, Any]) -> None:
    """Raises `WrongUsage` for what is given twice."""
    for option, times in Counter(options).items():
        # A switch that is set twice is set.
        if times == 1 or (option.is_flag and not option.secondary_opts):
            continue
        said, name = given[option.name or ""], option.opts[-1]
        if not option.multiple:
            raise WrongUsage(f"{name} is given {times} times; give it once")
        for value, count in Counter(said).items():
            if count > 1:
                raise WrongUsage(f"{name} {value} is given {count} times; give it once")
