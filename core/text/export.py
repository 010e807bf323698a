"""Writes records out, one by one, as JSON or as CSV that a spreadsheet reads as text."""

import csv
import re
from collections.abc import Callable
from typing import Any, TextIO, TypeAlias

import msgspec

from core.text.names import BLANKS, IGNORABLE

# A spreadsheet takes a sign at the beginning of a cell for a formula (OWASP, CSV injection). A
# separator may begin a cell, too: in some countries that is the semicolon, whatever we write.
# Both are here in all of Unicode's forms, and characters that show nothing may stand before a sign.
SIGNS = r"=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−﬩"
SEPARATORS = r";,|\t\r\n；，｜﹔﹐︔︐\u037e"
BEGINNING = rf"(?:^|[{SEPARATORS}])[\s'\"{IGNORABLE}{BLANKS}]*"
_FORMULA = re.compile(rf"({BEGINNING})(?=[{SIGNS}])")
_TAB = re.compile(r"^(?='*[\t\r])")

Write: TypeAlias = Callable[[Any], None]


def json_lines(out: TextIO) -> Write:
    """Writes one JSON object a line."""

    def write(record: msgspec.Struct) -> None:
        out.write(msgspec.json.encode(record).decode() + "\n")

    return write


def csv_rows(out: TextIO, kind: type[msgspec.Struct]) -> Write:
    """Writes RFC 4180's rows of such records, all cells quoted; the line of names at once."""
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    names = [field.name for field in msgspec.structs.fields(kind)]
    rows.writerow(names)

    def write(record: msgspec.Struct) -> None:
        rows.writerow([_cell(getattr(record, name)) for name in names])

    return write


def guarded(text: str) -> str:
    """The text with an apostrophe before whatever a spreadsheet could take for a formula."""
    return _TAB.sub("'", _FORMULA.sub(r"\1'", text))


def _cell(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, (bool, int, float)):
        return msgspec.json.encode(value).decode()
    return guarded(value if isinstance(value, str) else msgspec.json.encode(value).decode())
