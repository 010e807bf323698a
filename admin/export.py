"""Writes orders out, one by one."""

import csv
from collections.abc import Callable
from typing import TextIO

import msgspec

from core.models import OrderView

# A spreadsheet would take a cell that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Write = Callable[[OrderView], None]


def json_lines(out: TextIO) -> Write:
    """Writes one JSON object a line."""

    def write(order: OrderView) -> None:
        out.write(msgspec.json.encode(order).decode() + "\n")

    return write


def csv_rows(out: TextIO) -> Write:
    """Writes RFC 4180's rows below a line of names."""
    rows = csv.writer(out)
    names = [field.name for field in msgspec.structs.fields(OrderView)]
    rows.writerow(names)

    def write(order: OrderView) -> None:
        rows.writerow([_cell(getattr(order, name)) for name in names])

    return write


def _cell(value: str | int | None) -> str | int:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
