"""The journal's codec and files: whole receipts are kept, and damaged ones are noticed."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.receipts import format
from core.receipts.format import Damage, Mark, Receipt, ReceiptLine, framed, frames
from core.schema.records import Order
from core.store.stock import TypeRef
from workers.receipts.journal import JournalBounds, ReceiptJournal

REF = TypeRef("default", "3f9a1c2b", "A")
SMALL = JournalBounds(segment_bytes=1000, segments=3)
LARGE = JournalBounds(segment_bytes=1 << 20, segments=3)

lines = st.builds(
    ReceiptLine,
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.just(0),
    st.builds(
        Order,
        type=st.just("A"),
        quantity=st.integers(1, 10),
        buyer=st.text(st.characters(exclude_categories=["Cs"]), max_size=64),
        status=st.sampled_from(["sold", "held", "cancelled"]),
        at=st.floats(0, 2e9),
        batch=st.text("abc.123", max_size=20),
    ),
)
some = st.builds(
    Receipt,
    st.integers(1, 2**62),
    st.text("abc.123", max_size=20),
    st.floats(0, 2e9),
    st.just((REF,)),
    st.tuples(st.builds(Mark, st.just(0), st.integers(0, 3), st.integers(1, 2**31 - 1))),
    st.lists(lines, min_size=1, max_size=4).map(tuple),
)
journals = st.lists(some, min_size=1, max_size=4)
quick = settings(max_examples=100, deadline=None, database=None, derandomize=True)


def receipt(number: int, name: str = "Ann") -> Receipt:
    order = Order(type="A", quantity=1, buyer=name, status="sold", at=1.5, batch=f"w.{number}")
    return Receipt(
        number,
        f"w.{number}",
        1.5,
        (REF,),
        (Mark(0, 0, number),),
        (ReceiptLine(f"{number:032x}", 0, order),),
    )


def parts(data: bytes) -> tuple[list[Receipt], list[Damage]]:
    found = list(frames(data))
    whole = [format.decoded(part) for part in found if isinstance(part, bytes)]
    return whole, [part for part in found if isinstance(part, Damage)]


@quick
@given(journals)
def test_what_is_written_is_read(written: list[Receipt]) -> None:
    assert parts(b"".join(map(framed, written))) == (written, [])


@quick
@given(journals, st.data())
def test_a_truncation_is_noticed_and_what_was_whole_is_kept(
    written: list[Receipt], data: st.DataObject
) -> None:
    whole = [framed(each) for each in written]
    content = b"".join(whole)
    end = data.draw(st.integers(0, len(content)))
    kept = sum(len(b"".join(whole[: number + 1])) <= end for number in range(len(whole)))
    found, damage = parts(content[:end])
    assert found == written[:kept]
    cut = end - len(b"".join(whole[:kept]))
    assert [(each.end - each.start, each.torn) for each in damage] == ([(cut, True)] if cut else [])


@quick
@given(journals, st.data())
def test_a_flipped_byte_is_noticed_and_costs_one_receipt(
    written: list[Receipt], data: st.DataObject
) -> None:
    content = bytearray(b"".join(map(framed, written)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    hit = sum(len(b"".join(map(framed, written[: n + 1]))) <= place for n in range(len(written)))
    found, [damage] = parts(bytes(content))
    assert found == written[:hit] + written[hit + 1 :]
    assert damage.start <= place < damage.end
    assert damage.torn == (hit == len(written) - 1)


@quick
@given(st.binary(max_size=200))
def test_rubbish_is_no_receipt(rubbish: bytes) -> None:
    whole = framed(receipt(1))
    found, [*damage] = parts(rubbish + whole)
    assert found == [receipt(1)]
    assert sum(each.end - each.start for each in damage) == len(rubbish)


def content(folder: Path) -> bytes:
    return b"".join(each.path.read_bytes() for each in format.segments_in(folder))


def test_a_journal_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "receipts" / "worker-1"
    journal = ReceiptJournal(folder, LARGE)
    assert journal.open() == []
    journal.append(framed(receipt(1)))
    [segment] = format.segments(tmp_path)
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_journal_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for number in range(1, 5):
        journal = ReceiptJournal(tmp_path, LARGE)
        assert journal.open() == [receipt(each) for each in range(1, number)]
        journal.append(framed(receipt(number)))
        journal.close()
    assert len(format.segments_in(tmp_path)) == 1


def test_a_torn_tail_is_cut_at_the_next_start(tmp_path: Path) -> None:
    journal = ReceiptJournal(tmp_path, LARGE)
    journal.open()
    journal.append(framed(receipt(1)))
    journal.close()
    [segment] = format.segments_in(tmp_path)
    segment.path.write_bytes(segment.path.read_bytes() + framed(receipt(2))[:-3])
    again = ReceiptJournal(tmp_path, LARGE)
    assert again.open() == [receipt(1)]
    again.append(framed(receipt(3)))
    assert parts(content(tmp_path)) == ([receipt(1), receipt(3)], [])


def test_nothing_is_written_behind_damage(tmp_path: Path) -> None:
    journal = ReceiptJournal(tmp_path, LARGE)
    journal.open()
    for number in (1, 2):
        journal.append(framed(receipt(number)))
    journal.close()
    [segment] = format.segments_in(tmp_path)
    data = bytearray(segment.path.read_bytes())
    data[20] ^= 1
    segment.path.write_bytes(data)
    again = ReceiptJournal(tmp_path, LARGE)
    assert again.open() == [receipt(2)]
    again.append(framed(receipt(3)))
    assert segment.path.read_bytes() == data
    assert parts(content(tmp_path))[0] == [receipt(2), receipt(3)]


def test_a_full_segment_is_followed_by_another_and_the_oldest_goes(tmp_path: Path) -> None:
    journal = ReceiptJournal(tmp_path, SMALL)
    journal.open()
    for number in range(1, 101):
        journal.append(framed(receipt(number, "x" * 50)))
    segments = format.segments_in(tmp_path)
    assert len(segments) == 3
    assert segments[0].number == journal.dropped + 1
    assert all(1000 <= each.path.stat().st_size < 1400 for each in segments[:-1])
    found, damage = parts(content(tmp_path))
    assert found == [receipt(number, "x" * 50) for number in range(101 - len(found), 101)]
    assert not damage


def test_two_of_one_name_write_to_files_of_their_own(tmp_path: Path) -> None:
    sleeper, successor = ReceiptJournal(tmp_path, LARGE), ReceiptJournal(tmp_path, LARGE)
    sleeper.open()
    sleeper.append(framed(receipt(1)))
    assert successor.open() == [receipt(1)]
    successor.append(framed(receipt(2)))
    sleeper.append(framed(receipt(3)))
    assert len(format.segments_in(tmp_path)) == 2
    assert parts(content(tmp_path)) == ([receipt(1), receipt(3), receipt(2)], [])


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_what_failed_to_be_written_leaves_no_trace_and_can_be_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    journal = ReceiptJournal(tmp_path, LARGE)
    journal.open()
    for number in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(f"workers.receipts.journal.os.{call}", fail)
            with pytest.raises(OSError, match="space"):
                journal.append(framed(receipt(number)))
        journal.append(framed(receipt(number)))
    assert parts(content(tmp_path)) == ([receipt(1), receipt(2)], [])
