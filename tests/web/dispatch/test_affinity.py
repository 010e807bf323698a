"""How long a worker's turn lasts, on a clock that the test moves."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from web.dispatch.affinity import LEAST, LONGEST_S, TOLERANCE, Turn, turn
from web.dispatch.worker import Peer

NOW = 100.0


@dataclass
class FakePeer:
    latency_s: float = 0.01
    has_room: bool = True
    is_prompt: bool = True

    def takes(self, _now: float) -> bool:
        return self.has_room

    def prompt(self, _now: float) -> bool:
        return self.is_prompt


def begun(peer: FakePeer, *others: FakePeer, outstanding: int = 0) -> Turn:
    able = cast(list[Peer], [peer, *others])
    return turn(cast(Peer, peer), able, outstanding, NOW)


def purchases(of: Turn, now: float = NOW) -> int:
    """Counts the purchases of its turn, with the one that began it."""
    count = 1
    while of.goes_on(now):
        count += 1
    return count


@pytest.mark.parametrize("outstanding", [0, LEAST, 10 * LEAST])
def test_a_turn_is_as_long_as_there_are_purchases_under_way(outstanding: int) -> None:
    assert purchases(begun(FakePeer(), outstanding=outstanding)) == max(LEAST, outstanding)


def test_a_turn_ends_by_the_clock() -> None:
    of = begun(FakePeer(), outstanding=10 * LEAST)
    assert of.goes_on(NOW + 0.99 * LONGEST_S)
    assert not of.goes_on(NOW + LONGEST_S)


@pytest.mark.parametrize("change", [{"has_room": False}, {"is_prompt": False}])
def test_a_worker_that_is_full_or_late_has_had_its_turn(change: dict[str, Any]) -> None:
    peer = FakePeer()
    of = begun(peer)
    assert of.goes_on(NOW)
    vars(peer).update(change)
    assert not of.goes_on(NOW)


def test_a_worker_much_slower_than_the_quickest_gets_one_purchase() -> None:
    quick = FakePeer()
    tolerable = FakePeer(latency_s=0.99 * TOLERANCE * quick.latency_s)
    slow = FakePeer(latency_s=1.01 * TOLERANCE * quick.latency_s)
    assert purchases(begun(tolerable, quick)) == LEAST
    assert purchases(begun(slow, quick)) == 1
