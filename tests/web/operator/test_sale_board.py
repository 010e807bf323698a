"""The sale's figures for people, and the takings that are added up for them."""

import asyncio

from msgspec import structs

from core.cluster.status import Status
from core.errors import Unavailable
from core.store.availability import TypeAvailability
from core.store.takings import Takings, TypeTakings
from tests.support.fakes import fake_board
from tests.support.fakes.fake_site import GALA
from web.operator.sale_board import REST_S, REST_SHARE, UNMOVED_S, SaleBoards, SaleFigures

KIND = TypeAvailability(name="A", price=1000, capacity=10, sold=3, held=1, remaining=6, admitted=2)


def status(kind: TypeAvailability = KIND, unread: str = "") -> Status:
    known = fake_board.status("open", structs.replace(GALA, name="gala", types=(kind,)))
    return structs.replace(known, unread=unread, events=() if unread else known.events)


class Adder:
    """Adds takings up, in `took_s` of its own time."""

    def __init__(self) -> None:
        self.now, self.took_s, self.times = 1000.0, 0.0, 0
        self.fails = False
        self.boards = SaleBoards(self.read, lambda: self.now)

    async def read(self, event: str) -> Takings:
        self.times += 1
        self.now += self.took_s
        if self.fails:
            raise Unavailable("no quorum")
        return Takings(types=(TypeTakings(type="A", sold=3, total=3000),), curve=())

    async def row(self, known: Status) -> SaleFigures:
        """Returns the row of the only event after whatever was begun has ended."""
        self.boards.board(known)
        await asyncio.sleep(0)
        [row] = self.boards.board(known).rows
        return row


async def test_an_events_figures_are_those_of_all_its_types() -> None:
    row = await Adder().row(status())
    assert (row.capacity, row.sold, row.held, row.left, row.admitted) == (10, 3, 1, 6, 2)


async def test_takings_are_unknown_until_they_have_been_added_up() -> None:
    adder = Adder()
    [before] = adder.boards.board(status()).rows
    assert (before.total, before.total_at) == (None, None)
    row = await adder.row(status())
    assert (row.total, row.total_at) == (3000, 1000.0)


async def test_takings_are_added_up_again_where_a_figure_has_moved_and_after_a_rest() -> None:
    adder = Adder()
    adder.took_s = 2.0
    await adder.row(status())
    sold_more = status(structs.replace(KIND, sold=4, remaining=5))
    adder.now += REST_SHARE * 2.0 - 0.1
    await adder.row(sold_more)
    assert adder.times == 1
    adder.now += 0.2
    await adder.row(sold_more)
    assert adder.times == 2


async def test_where_nothing_moves_takings_are_added_up_once_in_a_while() -> None:
    adder = Adder()
    await adder.row(status())
    adder.now += UNMOVED_S - 1
    await adder.row(status())
    assert adder.times == 1
    adder.now += 2
    await adder.row(status())
    assert adder.times == 2


async def test_takings_that_cannot_be_read_are_tried_again_after_a_rest() -> None:
    adder = Adder()
    adder.fails = True
    for _ in range(3):
        assert (await adder.row(status())).total is None
    assert adder.times == 1
    adder.now, adder.fails = adder.now + REST_S, False
    assert (await adder.row(status())).total == 3000


async def test_events_that_cannot_be_read_are_shown_as_they_were_and_so_labelled() -> None:
    adder = Adder()
    row = await adder.row(status())
    for blind in (status(unread="no quorum"), None):
        board = adder.boards.board(blind)
        assert board.stale
        assert board.rows == (row,)
        assert board.at == status().at
    assert not adder.boards.board(status()).stale
