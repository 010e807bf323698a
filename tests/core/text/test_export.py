"""CSV that a spreadsheet reads as text, and a program as the original."""

import csv
import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.schema.records import OrderView
from core.text.export import BEGINNING, SEPARATORS, SIGNS, csv_rows, guarded
from core.text.names import BLANKS, IGNORABLE

ORDER = OrderView(
    order="0" * 32,
    event="gala",
    type="A",
    quantity=2,
    buyer="Ann",
    status="sold",
    created_at="2026-11-28T12:00:00.000Z",
    zxid=7,
)


def written(buyer: str) -> str:
    out = io.StringIO()
    csv_rows(out, OrderView)(msgspec.structs.replace(ORDER, buyer=buyer))
    return out.getvalue()


def unguarded(text: str) -> str:
    """Reads a cell as OPERATORS.md says."""
    text = re.sub(r"^'(?='*[\t\r])", "", text)
    return re.sub(rf"({BEGINNING})'(?=[{SIGNS}])", r"\1", text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        *((f"{sign}1+1", f"'{sign}1+1") for sign in "=+-@＝＋－＠﹦﹢﹣﹫"),
        ("x;=cmd|'/C calc'!A0", "x;'=cmd|'/C calc'!A0"),
        ("x,+1", "x,'+1"),
        ("x|@SUM(1)", "x|'@SUM(1)"),
        ("x\t=1", "x\t'=1"),
        ("x； ＝1", "x； '＝1"),
        ("  =1", "  '=1"),
        ("\t1", "'\t1"),
        ("\r1", "'\r1"),
        ("\t=1", "'\t'=1"),
        ('x;"=1', "x;\"'=1"),
        ('"=1', "\"'=1"),
        ("'=1", "''=1"),
        ("\u200b=1", "\u200b'=1"),
        ("\ufeff=1", "\ufeff'=1"),
        ("x; \u2060=1", "x; \u2060'=1"),
        ("\u2800@SUM(1)", "\u2800'@SUM(1)"),
        ("\u22121+1", "'\u22121+1"),
        ("\u207c1", "'\u207c1"),
        ("x\u037e=1", "x\u037e'=1"),
        ("x\ufe54=1", "x\ufe54'=1"),
        ("a-b+c@d=e", "a-b+c@d=e"),
        ("Ann", "Ann"),
    ],
)
def test_what_could_be_a_formula_is_text(text: str, safe: str) -> None:
    assert guarded(text) == safe
    [row] = csv.DictReader(io.StringIO(written(text), newline=""))
    assert row["buyer"] == safe
    assert unguarded(safe) == text


def test_every_cell_is_quoted() -> None:
    names, row = written('Ann "Q" Lee').split("\r\n")[:2]
    for line in (names, row):
        assert re.fullmatch(r'"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")*', line)
    assert '"Ann ""Q"" Lee"' in row
    assert '"2"' in row


@given(st.text(alphabet="=+-@＝−;,|﹔\t\r\n'\" \u200bax") | st.text())
def test_a_guarded_text_begins_no_formula_and_can_be_read_again(text: str) -> None:
    safe = guarded(text)
    assert unguarded(safe) == text
    for cell in re.split(f"[{SEPARATORS}]", safe):
        assert not re.match(rf"[\s\"{IGNORABLE}{BLANKS}]*[{SIGNS}]", cell)
