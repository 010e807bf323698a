"""The results on the terminal."""

from rich.console import Console
from rich.table import Table

from tests.bench.report import tables
from tests.bench.report.tables import Sheet
from tests.bench.results import Results


def show(results: Results, console: Console) -> None:
    """Shows a table of all figures, and one of the targets."""
    for sheet in (tables.everything(results), tables.targets(results)):
        console.print(_table(sheet))


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left")
    for place, column in enumerate(sheet.columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    return table
