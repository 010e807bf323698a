"""Receipts of what a worker has confirmed, on its own disk, beyond ZooKeeper's reach.

A journal is a folder of segments, `receipts/<worker>/00000001`, each a row of frames: a mark,
length and CRC-32, and a receipt as JSON, which never contains the mark. A frame that was cut
short stands at the end of a segment; a bad one with a whole one behind it is damage.
"""

import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from core.errors import BadZnode, ZkticketError
from core.machine import private_files
from core.schema import paths
from core.schema.records import Order
from core.store.batch import Batch, Sale
from core.store.orders import StoredOrder
from core.store.stock import TypeRef

FOLDER = "receipts"
SETTLEMENTS = "settlements"
NUMBER = re.compile(r"\d{8}")
# These bytes occur in no UTF-8 text (RFC 3629), so they are found in a frame's head only.
MARK = b"\xff\xc0\xc1\xfe"
_LENGTH = struct.Struct("!I")
_HEAD = struct.Struct("!4sII")


class ReceiptLine(msgspec.Struct, frozen=True, array_like=True):
    """An order as it is after the commit; `ref` is its type's place among the receipt's `refs`."""

    order_id: str
    ref: int
    order: Order


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The version of a counter that the commit has made; `ref` as in `ReceiptLine`."""

    ref: int
    number: int
    version: int


class Receipt(msgspec.Struct, frozen=True, array_like=True, tag_field="v", tag=1):
    """A commit that was confirmed to its buyers, or is about to be; `at` is in Unix seconds.

    `zxid` is 0 where its answer was lost and all that it had changed was changed again since.
    """

    zxid: int
    batch: str
    at: float
    refs: tuple[TypeRef, ...]
    marks: tuple[Mark, ...]
    lines: tuple[ReceiptLine, ...]

    def sales(self) -> Iterator[Sale]:
        """Yields the orders as the commit left them."""
        for line in self.lines:
            yield Sale(self.refs[line.ref], line.order_id, line.order)

    def counters(self) -> Iterator[tuple[str, int]]:
        """Yields path and version of each counter that the commit has moved."""
        for mark in self.marks:
            ref = self.refs[mark.ref]
            yield paths.counter(ref.event, ref.generation, ref.type, mark.number), mark.version


class Settlement(msgspec.Struct, frozen=True, array_like=True, tag_field="v", tag=1):
    """An operator's decision on losses: mended by `at`, except for the orders `left_out`."""

    at: float
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Settled:
    """All settlements so far: the latest one's time, and when each order was left out last."""

    at: float = 0.0
    left_out: Mapping[str, float] = field(default_factory=dict)

    def lets_pass(self, sale: Sale) -> bool:
        """Whether an order was given up; one that was confirmed later counts again."""
        order = sale.order
        latest = order.changes[-1].at if order.changes else order.at
        return latest <= self.left_out.get(sale.order_id, -math.inf)


class Damage(msgspec.Struct, frozen=True):
    """Bytes that are no whole frame, from `start` to `end`.

    `torn` means that nothing whole follows, as after a crash in the middle of a write.
    """

    start: int
    end: int
    torn: bool


class Segment(msgspec.Struct, frozen=True):
    """A file of a worker's journal."""

    worker: str
    number: int
    path: Path


def receipt_from_batch(batch: Batch, zxid: int, at: float) -> Receipt:
    """Makes the receipt of a batch that was committed at `zxid`."""
    orders = (*batch.sales, *batch.amendments)
    places = {ref: place for place, ref in enumerate(dict.fromkeys(each.ref for each in orders))}
    return Receipt(
        zxid,
        batch.id,
        at,
        tuple(places),
        tuple(
            Mark(places[counter.ref], counter.number, counter.version + 1)
            for counter in batch.counters
        ),
        tuple(ReceiptLine(each.order_id, places[each.ref], each.order) for each in orders),
    )


def receipt_from_order(stored: StoredOrder, at: float) -> Receipt:
    """Makes the receipt of an order that another worker made and that is confirmed once more."""
    line = ReceiptLine(stored.id, 0, stored.order)
    return Receipt(stored.zxid, stored.order.batch, at, (stored.ref,), (), (line,))


def is_preserved(order: Order, there: StoredOrder | BadZnode | None) -> bool:
    """Whether a receipt's order is in the tree: the same purchase, with what became of it since.

    An order that was lost and made again with its key is as good.
    """
    if not isinstance(there, StoredOrder) or not is_same_purchase(order, there.order):
        return False
    was_sold = there.order.until is None or there.order.status in ("sold", "cancelled")
    if order.until is None and not was_sold:
        return False  # its key has held tickets since, and no more
    return {each.batch for each in order.changes} <= {each.batch for each in there.order.changes}


def is_same_purchase(one: Order, other: Order) -> bool:
    """Whether both are of the same tickets for the same buyer."""
    return (one.type, one.quantity, one.buyer) == (other.type, other.quantity, other.buyer)


# --- the format ----------------------------------------------------------------------


def framed(record: msgspec.Struct) -> bytes:
    """Encodes the record as one frame."""
    payload = msgspec.json.encode(record)
    return _HEAD.pack(MARK, len(payload), _checksum(payload)) + payload


def frames(data: bytes) -> Iterator[bytes | Damage]:
    """Yields the payloads of a segment's frames in order, and what stands between them."""
    start, bad = 0, -1
    while start < len(data):
        end = _end_of_frame(data, start)
        if end:
            if bad >= 0:
                yield Damage(bad, start, torn=False)
            bad = -1
            yield data[start + _HEAD.size : end]
            start = end
        else:
            bad = start if bad < 0 else bad
            found = data.find(MARK, start + 1)
            start = found if found >= 0 else len(data)
    if bad >= 0:
        yield Damage(bad, len(data), torn=True)


def _end_of_frame(data: bytes, start: int) -> int:
    """Finds the end of the frame at `start`; 0 where there is no whole one."""
    if len(data) - start < _HEAD.size:
        return 0
    mark, length, checksum = _HEAD.unpack_from(data, start)
    end = start + _HEAD.size + int(length)
    if mark != MARK or end > len(data):
        return 0
    return end if _checksum(data[start + _HEAD.size : end]) == checksum else 0


def _checksum(payload: bytes) -> int:
    """Covers the length as well: no other length fits the same bytes."""
    return zlib.crc32(payload, zlib.crc32(_LENGTH.pack(len(payload))))


_receipts = msgspec.json.Decoder(Receipt)
_settlements = msgspec.json.Decoder(Settlement)


def decoded(payload: bytes) -> Receipt:
    """Decodes a receipt. Raises `msgspec.DecodeError` for one that this version does not know."""
    return _receipts.decode(payload)


# --- the files -----------------------------------------------------------------------


def folder(data_dir: Path, worker: str) -> Path:
    """Returns the folder of a worker's segments."""
    return data_dir / FOLDER / worker


def segments(data_dir: Path, newest: int = 0) -> list[Segment]:
    """Lists every worker's segments, oldest first, or so many of each worker's newest ones.

    Raises `ZkticketError` where they can't be listed.
    """
    try:
        return [
            segment
            for path in sorted((data_dir / FOLDER).glob("*/"))
            for segment in segments_in(path)[-newest:]
        ]
    except OSError as error:
        raise unreadable(data_dir / FOLDER, error) from None


def segments_in(path: Path) -> list[Segment]:
    """Lists a worker's segments, oldest first. Raises `OSError`."""
    if not path.is_dir():
        return []
    names = sorted(each.name for each in path.iterdir() if NUMBER.fullmatch(each.name))
    return [Segment(path.name, int(name), path / name) for name in names]


def segment(path: Path, number: int) -> Segment:
    """Names the segment of that number in a worker's folder."""
    return Segment(path.name, number, path / f"{number:08d}")


def settled(data_dir: Path) -> Settled:
    """Reads what operators have settled so far. Raises `ZkticketError`."""
    path = data_dir / FOLDER / SETTLEMENTS
    try:
        data = private_files.read(path)
    except FileNotFoundError:
        return Settled()
    except OSError as error:
        raise unreadable(path, error) from None
    found = [_settlements.decode(each) for each in frames(data) if isinstance(each, bytes)]
    left_out = {order_id: each.at for each in found for order_id in each.left_out}
    return Settled(max((each.at for each in found), default=0.0), left_out)


def unreadable(path: Path, error: OSError) -> ZkticketError:
    return ZkticketError(f"cannot read the receipts in {path}: {error.strerror}")
