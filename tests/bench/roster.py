"""The contestants, and their order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from tests.bench.contestants.echo import EchoShop
from tests.bench.contestants.engine import Engine
from tests.bench.contestants.ours import EVENT, OurShop
from tests.bench.contestants.postgres import PostgresShop
from tests.bench.contestants.redis import RedisShop
from tests.bench.contestants.shop import OverHttp, Owner
from tests.bench.contestants.straight import Straight
from tests.bench.load import Wares
from tests.bench.plan import Plan
from tests.bench.results import Reading

# The next round begins so much later in the list.
STEP = 3
EIGHT = tuple(f"T{number}" for number in range(1, 9))

T = TypeVar("T")


class Contestant(Protocol):
    """Starts itself below `scratch`, warms up, measures, checks its books, and stops.

    `measure` raises `BenchError` where something is wrong with it.
    """

    @property
    def name(self) -> str: ...
    def measure(self, plan: Plan, scratch: Path) -> Iterator[Reading]: ...


HOT_TYPE = OurShop("zkticket, one type", Wares())
THREE_TYPES = OurShop("zkticket, three types", Wares(("A", "B", "C")))
EIGHT_TYPES = OurShop("zkticket, eight types", Wares(EIGHT, EVENT))
POSTGRES = PostgresShop()
ONE_ROW = PostgresShop("Flask + PostgreSQL, one row", stripes=1)
REDIS = RedisShop()
ECHO = EchoShop()
ENGINE = Engine()
STRAIGHT = Straight()

SHOPS: tuple[Owner, ...] = (HOT_TYPE, THREE_TYPES, EIGHT_TYPES, POSTGRES, ONE_ROW, REDIS, ECHO)
CONTESTANTS: tuple[Contestant, ...] = (
    *(OverHttp(shop, has_targets=shop is HOT_TYPE) for shop in SHOPS),
    ENGINE,
    STRAIGHT,
)


def in_turn(contestants: Sequence[T], round_: int) -> list[T]:
    """Returns the order of a round: each begins with another one, and every second runs backwards.

    So no contestant is always measured right after the same one, nor always first.
    """
    start = round_ * STEP % len(contestants) if contestants else 0
    turned = [*contestants[start:], *contestants[:start]]
    return turned[::-1] if round_ % 2 else turned
