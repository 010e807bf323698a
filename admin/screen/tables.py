"""Tables and times as a person reads them, in 80 columns."""

from datetime import datetime
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table

from admin.screen.output import escape

# As long as a date.
LONG_WORD = 10


class SafeTable(Table):
    """A table that makes others' text safe for stdout."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        safe = escape()
        texts = (safe(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*texts, **options)


def new_table(*columns: str, words: int | None = None) -> Table:
    """A table whose columns hold numbers after the first `words` ones."""
    table = SafeTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for column in columns:
        table.add_column(escape()(column), no_wrap=True)
    if words is not None:
        justify_right(table, words)
    return table


def terms_table() -> Table:
    """A table of names and values, whose long values take more lines."""
    table = new_table("", "")
    table.show_header = False
    table.columns[1].no_wrap, table.columns[1].overflow = False, "fold"
    return table


def justify_right(table: Table, first: int) -> None:
    for column in table.columns[first:]:
        column.justify = "right"


def fit(table: Table, numbers: int, words: int = 0) -> None:
    """Keeps the columns from `numbers` on whole, and cuts `words` columns before them at blanks.

    Names that people gave take more lines first.
    """
    table.padding = (0, 1, 0, 0)
    for column in table.columns:
        column.no_wrap, column.overflow = False, "fold"
    for number, column in enumerate(table.columns[numbers - words :]):
        texts = [str(text) for text in (column.header, *column.cells)]
        longest = max(len(word) for text in texts for word in text.split())
        column.min_width = longest if number >= words else min(longest, LONG_WORD)
        column.no_wrap = column.min_width == max(map(len, texts))
    justify_right(table, numbers)


def local_time(at: float | None, precision: str = "minutes") -> str:
    """A time in Unix seconds as a local one."""
    return "–" if at is None else datetime.fromtimestamp(at).astimezone().isoformat(" ", precision)
