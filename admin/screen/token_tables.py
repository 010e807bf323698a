"""Tokens as a person reads them."""

from collections.abc import Iterable

from rich.table import Table

from admin.screen.tables import local_time, new_table
from core.schema.records import AccessToken


def tokens(found: Iterable[AccessToken]) -> Table:
    """A table with a line for each token; a door without an event has every one."""
    table = new_table("name", "role", "event", "made")
    for token in found:
        table.add_row(token.name, token.role, token.event or "every", local_time(token.made_at))
    return table
