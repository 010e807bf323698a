"""The program's commands, and the options that many of them take.

An option that is given twice is refused, because one of its values would be lost.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from core.errors import WrongUsage
from core.settings import Settings, current_settings

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


def instance_settings(data_dir: DataDir = None, zookeeper: Zookeeper = None) -> Settings:
    return current_settings(data_dir=data_dir, zookeeper=zookeeper)


# A function in an annotation makes the parameter: the command takes the function's options.
InstanceSettings = Annotated[Settings, instance_settings]


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
        register = super().command(name, cls=Command, **options)
        return lambda function: register(_with_options(function))


def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replaces each parameter that a function makes by that function's parameters."""
    parameters = dict(inspect.signature(function).parameters)
    makers = {
        name: mark
        for name, each in parameters.items()
        for mark in getattr(each.annotation, "__metadata__", ())
        if inspect.isfunction(mark)
    }
    options = {name: inspect.signature(make).parameters for name, make in makers.items()}
    for name, taken in options.items():
        del parameters[name]
        parameters |= taken

    @wraps(function)
    def command(**given: Any) -> Any:
        for name, make in makers.items():
            given[name] = make(**{option: given.pop(option) for option in options[name]})
        return function(**given)

    by_name = [each.replace(kind=each.KEYWORD_ONLY) for each in parameters.values()]
    command.__annotations__ = {each.name: each.annotation for each in by_name}
    command.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
    return command


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
