"""Tables in a window of 80 columns: long names take more lines, and nothing is cut."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from admin.recovery.repair import RepairPlan, RepairRow
from admin.screen import event_tables, output, proof_tables
from core.store.availability import EventAvailability, TypeAvailability

NAME = "summer-gala-of-the-year-2026-abc"
NOW = 1_780_000_000.0
MOST = 100_000_000
TYPES = tuple(
    TypeAvailability(
        name=name,
        label="Front row of the balcony",
        colour="#7a3fa0",
        price=999_999_999,
        capacity=MOST,
        sold=MOST,
        held=MOST,
        remaining=MOST,
    )
    for name in ("A", "B" * 32)
)
GALA = EventAvailability(
    name=NAME,
    title="Summer gala; music, wine and dance 國家音樂廳",
    currency="TWD",
    opens_at=NOW + 1e8,
    closes_at=None,
    starts_at=NOW + 2e8,
    types=TYPES,
)
LOSS = RepairRow(
    event=NAME,
    type="front",
    orders=12_345,
    lost=23_456,
    remaining=12_345,
    restored=12_345,
    oversold=1_234,
    left_out=1_234,
    open=12_345,
)
SHOWN: dict[str, tuple[Callable[[], RenderableType], str]] = {
    "list": (
        lambda: event_tables.events([GALA], NOW),
        "event title sale starts sold for sale 200,000,000",
    ),
    "show": (
        lambda: event_tables.event(GALA, NOW),
        "type label price TWD capacity sold held for sale 9,999,999.99 100,000,000 #7a3fa0",
    ),
    "repair": (
        lambda: proof_tables.plan(RepairPlan(rows=(LOSS,), conflicts=(), alarms=(), damaged=())),
        "orders lost for sale put back oversold given up to choose 23,456 12,345 1,234",
    ),
}


@pytest.mark.parametrize("what", SHOWN)
def test_nothing_is_cut_off_in_80_columns(what: str) -> None:
    make, words = SHOWN[what]
    file = io.StringIO()
    Console(file=file, width=80).print(make())
    text = file.getvalue()
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert set(words.split()) <= set(text.split())


@pytest.mark.parametrize("what", SHOWN)
def test_into_a_pipe_a_row_is_a_line_and_nothing_is_drawn(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output.put(None, SHOWN[what][0]())
    text = capsys.readouterr().out
    assert "─" not in text
    assert any(NAME in line for line in text.splitlines())
    assert "for sale" in text
