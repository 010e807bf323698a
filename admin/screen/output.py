"""How commands print: into a window, through a pipe, as JSON."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import typer
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from admin.printable import one_line, printable

# No screen is as wide: nothing is cut off in a pipe.
PIPED_COLUMNS = 240


@dataclass(frozen=True)
class Fitted:
    """Shows what fits into the window, and says how many lines do not."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.height or console.height
        lines = console.render_lines(self.shown, options.reset_height(), pad=False)
        fits = lines if len(lines) <= room else lines[: room - 1]
        for number, line in enumerate(fits):
            yield from ([Segment.line()] if number else [])
            yield from line
        if left := len(lines) - len(fits):
            yield Segment.line()
            yield Text(f"… {left} more lines: make the window taller", style="dim", no_wrap=True)


def new_console(**options: Any) -> Console:
    """A console that prints what others have written as it is: no markup, no `:smile:`."""
    return Console(markup=False, emoji=False, **options)


def escape() -> Callable[[str], str]:
    """Returns what makes others' text safe for stdout: a terminal obeys more than a program."""
    return printable if new_console().is_terminal else one_line


def lines_of(lines: Iterable[str], style: str = "") -> Text:
    """Lines with others' text in them, safe for stdout."""
    return Text("\n".join(map(escape(), lines)), style)


def put(record: object, shown: RenderableType, *, as_json: bool = False) -> None:
    """Prints a record as JSON for programs, or what people are shown of it.

    It is as wide as the window, or as wide as it likes in a pipe.
    """
    console = new_console()
    if as_json:
        put_json(record)
    elif console.is_terminal:
        console.print(shown, soft_wrap=isinstance(shown, Text))
    else:
        group = shown if isinstance(shown, Group) else Group(shown)
        new_console(width=PIPED_COLUMNS, soft_wrap=True).print(plain(group))


def put_json(record: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(record), indent=2))


def plain(found: Group) -> Group:
    """Makes it fit for a pipe: a row a line, columns apart by blanks, nothing drawn."""
    for part in found.renderables:
        if isinstance(part, Table):
            part.box = None
    return found
