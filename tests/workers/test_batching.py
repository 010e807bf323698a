"""How long a worker waits for a batch that is worth its commit."""

import pytest

from workers.group_commit.batching import Pace


def after(*commits: tuple[int, float]) -> Pace:
    pace = Pace(share=0.75)
    for orders, took_s in commits:
        pace.committed(orders, took_s)
    return pace


def test_a_purchase_that_is_usually_alone_never_waits() -> None:
    assert Pace(share=0.75).wanted == 1
    assert after(*[(1, 0.004)] * 100).wanted == 1


def test_in_a_rush_it_waits_for_most_of_the_usual_batch() -> None:
    pace = after(*[(40, 0.010)] * 100)
    assert pace.wanted in (29, 30)
    assert pace.linger_s == pytest.approx(0.010)


def test_however_slow_commits_are_the_wait_is_bounded() -> None:
    assert after(*[(40, 0.7)] * 100).linger_s == 0.025


def test_a_rush_that_is_over_is_soon_forgotten() -> None:
    assert after(*[(40, 0.010)] * 100, *[(1, 0.010)] * 6).wanted == 1
