"""`verify --receipts`: is everything that was confirmed to a buyer in the tree?

Reads every journal of the data directory, a file at a time, and looks each order up, a page at
a time. An order that is not found is looked up again after a write has gone through the quorum,
because the server that was asked may lag behind. In the end the tree's orders are counted against
the receipts: nothing is proved of an order without one.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from admin.recovery.receipt_coverage import Coverage, Receipted
from core.errors import BadZnode
from core.machine import private_files
from core.receipts import format
from core.receipts.format import Damage, Settled
from core.schema import paths
from core.schema.records import copied
from core.store.batch import Sale
from core.store.orders import StoredOrder
from core.store.store import Store
from core.zookeeper import lost_answers
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Check

PAGE_ORDERS = 500
PAGES_AHEAD = 3
MOST_NAMED = 20
# A journal continues in a new file when one is full.
NEWEST_FILES = 2


class LostOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that a receipt proves and the tree lacks, made `at` (Unix seconds)."""

    znode: str
    type: str
    quantity: int
    buyer: str
    at: float
    why: str


class ReceiptsProof(msgspec.Struct, frozen=True, kw_only=True):
    """The result. `lost` describes the first of the `missing` orders.

    `orders` counts what was looked up: an order that has several receipts counts with each of
    them. It counts once in `missing`, `left_out` (an operator gave it up) and `retired` (deleted
    with its event). `since` is the time of the oldest receipt; `notes` limit the proof without
    breaking it. Of the orders `in_tree`, `covered` have a receipt, and `older` are older than
    every receipt. The proof is not `ok` either where there are no receipts that prove anything.
    """

    ok: bool
    files: int
    orders: int
    missing: int
    left_out: int
    retired: int
    since: float | None
    lost: tuple[LostOrder, ...]
    damaged: tuple[str, ...]
    notes: tuple[str, ...]
    in_tree: int
    covered: int
    older: int


class Loss(msgspec.Struct, frozen=True):
    """A sale that was confirmed and isn't in the tree; `there` is what was found in its place."""

    sale: Sale
    there: StoredOrder | BadZnode | None

    @property
    def why(self) -> str:
        if isinstance(self.there, BadZnode):
            return f"it is unreadable: {self.there.why}"
        if self.there is None:
            return "it is missing"
        same = self.there.order.batch == self.sale.order.batch
        return "its last change is missing" if same else "it holds another purchase"


@dataclass
class Archive:
    """The journals of a data directory, as they are read, and what became of their orders.

    `orders` counts the receipts' orders that were looked up. `left_out` and `retired` are the
    paths of those that an operator gave up, or deleted with their event.
    """

    data_dir: Path
    files: int = 0
    since: float | None = None
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    orders: int = 0
    receipted: Receipted = field(default_factory=Receipted)
    left_out: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)

    def sales(self, newest: int = 0) -> Iterator[Sale]:
        """Yields every confirmed order, some of them twice; `newest` limits each worker's files.

        Raises `ZkticketError`.
        """
        for segment in format.segments(self.data_dir, newest):
            self.files += 1
            try:
                data = private_files.read(segment.path)
            except FileNotFoundError:  # deleted by its worker a moment ago
                continue
            except OSError as error:
                raise format.unreadable(segment.path, error) from None
            for part in format.frames(data):
                if isinstance(part, Damage):
                    self._note(segment.path, part)
                else:
                    yield from self._sales(segment.path, part)

    def _sales(self, path: Path, payload: bytes) -> Iterable[Sale]:
        try:
            receipt = format.decoded(payload)
        except msgspec.DecodeError as error:
            self.damaged.append(f"{path}: a receipt that this version can't read: {error}")
            return ()
        self.since = min(receipt.at, self.since or receipt.at)
        return receipt.sales()

    def _note(self, path: Path, damage: Damage) -> None:
        where = f"{path}: {damage.end - damage.start} bytes at {damage.start}"
        if damage.torn:
            self.notes.append(f"{where} were never finished: a write under way, or a crash")
        else:
            self.damaged.append(f"{where} are damaged")


async def audit(zk: ZooKeeper, data_dir: Path) -> ReceiptsProof:
    """Looks every confirmed order up; missing ones are part of the result.

    Raises `Unavailable`, `ZkticketError`.
    """
    began = time.time()
    archive = Archive(data_dir)
    lost: list[LostOrder] = []
    missing: set[str] = set()
    async with aclosing(losses(zk, archive)) as found:
        async for loss in found:
            if loss.sale.path not in missing and len(lost) < MOST_NAMED:
                lost.append(named(loss, loss.why))
            missing.add(loss.sale.path)
    since = began if archive.since is None else archive.since
    coverage = Coverage(zk, archive.receipted, since, began)
    await coverage.count(lambda: Archive(data_dir).sales(NEWEST_FILES))
    proves = archive.orders and (coverage.covered or not coverage.orders)
    return ReceiptsProof(
        ok=bool(proves) and not (missing or archive.damaged),
        files=archive.files,
        orders=archive.orders,
        missing=len(missing),
        left_out=len(archive.left_out),
        retired=len(archive.retired),
        since=archive.since,
        lost=tuple(lost),
        damaged=tuple(archive.damaged),
        notes=(*archive.notes, *_gone(data_dir), *coverage.notes),
        in_tree=coverage.orders,
        covered=coverage.covered,
        older=coverage.older,
    )


async def losses(zk: ZooKeeper, archive: Archive) -> AsyncGenerator[Loss, None]:
    """Yields each confirmed order that is not in the tree, in the order of the journals.

    An order that has several receipts, for example of its sale and of a replay, comes with each.
    """
    store = Store(zk)
    await lost_answers.read(zk, zk.sync)
    settled = format.settled(archive.data_dir)
    retired = await lost_answers.read(zk, store.retired)
    pages: deque[asyncio.Task[list[Loss]]] = deque()
    try:
        for page in _pages(archive.sales()):
            archive.orders += len(page)
            archive.receipted.add(page)
            pages.append(asyncio.create_task(_lost(zk, store, page)))
            # Decoding a file blocks the loop, so the lookups get a turn here.
            await asyncio.sleep(0)
            if len(pages) > PAGES_AHEAD:
                for loss in _held_against(await pages.popleft(), settled, retired, archive):
                    yield loss
        while pages:
            for loss in _held_against(await pages.popleft(), settled, retired, archive):
                yield loss
    finally:
        for task in pages:
            task.cancel()
        await asyncio.gather(*pages, return_exceptions=True)


def _held_against(
    found: Iterable[Loss], settled: Settled, retired: frozenset[str], archive: Archive
) -> Iterator[Loss]:
    """Yields the losses that count: nobody gave the order up, or deleted its event."""
    for loss in found:
        if loss.sale.ref.generation in retired:
            archive.retired.add(loss.sale.path)
        elif settled.lets_pass(loss.sale):
            archive.left_out.add(loss.sale.path)
        else:
            yield loss


async def _lost(zk: ZooKeeper, store: Store, page: list[Sale]) -> list[Loss]:
    lost = await _missing(zk, store, page)
    if lost:
        await lost_answers.read(zk, partial(lost_answers.check, zk, [Check("/")]))
        lost = await _missing(zk, store, [loss.sale for loss in lost])
    return lost


async def _missing(zk: ZooKeeper, store: Store, page: list[Sale]) -> list[Loss]:
    found = await lost_answers.read(zk, partial(store.orders.find_sales, page))
    pairs = zip(page, found, strict=True)
    return [
        Loss(sale, there) for sale, there in pairs if not format.is_preserved(sale.order, there)
    ]


def _pages(sales: Iterator[Sale]) -> Iterator[list[Sale]]:
    while page := list(islice(sales, PAGE_ORDERS)):
        yield page


def named(loss: Loss, why: str) -> LostOrder:
    """Describes the order for people, with the reason why it is lost."""
    return copied(LostOrder, loss.sale.order, znode=paths.CHROOT + loss.sale.path, why=why)


def _gone(data_dir: Path) -> Iterator[str]:
    """Names the journals whose first files are no longer there."""
    first: dict[str, int] = {}
    for segment in format.segments(data_dir):
        first.setdefault(segment.worker, segment.number)
    for worker, number in first.items():
        if number > 1:
            yield f"{worker}: its first {number - 1} files were deleted to limit its size"
