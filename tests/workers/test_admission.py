"""What a worker admits: in time, without a standing queue, within a limit that it learns."""

from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.overload.admission import AdmissionControl
from workers.overload.codel import INTERVAL_S, TARGET_S, Standing
from workers.overload.gradient import Gradient, Range

BATCH = 200
DEADLINE_S = 2.65
quick = settings(derandomize=True, max_examples=60, deadline=None, database=None)
SMALL = Range(least=8, first=512, most=512, room=4)
durations = st.floats(0.001, 0.7)


# --- the limit -----------------------------------------------------------------------


@quick
@given(st.lists(st.tuples(durations, st.integers(0, 5000)), max_size=200))
def test_the_limit_never_leaves_its_range(windows: list[tuple[float, int]]) -> None:
    gradient = Gradient(SMALL)
    for commit_s, held in windows:
        gradient.update(commit_s, held)
        assert 8 <= gradient.limit <= 512


@quick
@given(durations, st.floats(1.0, 2.0))
def test_commits_that_take_up_to_twice_as_long_change_nothing(usual_s: float, by: float) -> None:
    gradient = Gradient(SMALL)
    for commit_s in [usual_s] * 50 + [usual_s * by] * 50:
        gradient.update(commit_s, 512)
    assert gradient.limit == 512


@quick
@given(durations, st.floats(4.0, 50.0))
def test_much_slower_commits_lower_the_limit_and_their_end_restores_it(
    usual_s: float, by: float
) -> None:
    gradient = Gradient(SMALL)
    for commit_s in [usual_s] * 50 + [usual_s * by] * 20:
        gradient.update(commit_s, 512)
    assert gradient.limit < 256
    for _ in range(700):
        gradient.update(usual_s, 512)
    assert gradient.limit > 500


@quick
@given(durations, st.lists(durations, max_size=100))
def test_a_worker_with_little_to_do_learns_no_limit_from_it(
    usual_s: float, odd: list[float]
) -> None:
    gradient = Gradient(SMALL)
    for commit_s in [usual_s] * 50 + odd:
        gradient.update(commit_s, 3)
    assert gradient.limit == 512


# --- a standing queue ----------------------------------------------------------------


@quick
@given(st.lists(st.floats(0.0, 1.0), max_size=200))
def test_a_queue_that_empties_now_and_then_never_stands(waits: list[float]) -> None:
    standing, now = Standing(), 0.0
    for wait_s in waits:
        standing.batch(wait_s, now)
        standing.batch(TARGET_S / 2, now + INTERVAL_S / 2)
        now += INTERVAL_S
        assert not standing.tight


def test_a_queue_stands_that_makes_everybody_wait_for_a_whole_interval() -> None:
    standing = Standing()
    standing.batch(0.06, 10.0)
    standing.batch(0.30, 10.4)
    assert not standing.tight
    standing.batch(0.06, 10.5)
    assert standing.tight


def test_it_stays_short_until_for_an_interval_nobody_was_refused() -> None:
    standing = Standing()
    standing.batch(0.2, 10.0)
    standing.batch(0.2, 10.5)
    for now in (10.6, 11.0, 11.4):
        standing.refused(now)
        standing.batch(0.0, now)
        assert standing.tight
    standing.batch(0.0, 11.4 + INTERVAL_S)
    assert not standing.tight


# --- admission -----------------------------------------------------------------------


def experienced(round_s: float, rounds: int = 200) -> AdmissionControl:
    admission = AdmissionControl(BATCH)
    for number in range(rounds):
        admission.batched(0.0, number * round_s)
        admission.served(round_s, BATCH, (number + 1) * round_s)
    return admission


@quick
@given(durations, st.floats(0.0, 10.0))
def test_with_nobody_waiting_one_is_always_tried(round_s: float, left_s: float) -> None:
    assert experienced(round_s).admits(0, 5000, left_s, 0.0)


@quick
@given(durations, st.integers(1, 5000), st.floats(0.0, 3.0))
def test_an_admitted_request_is_committed_in_time(
    round_s: float, waiting: int, left_s: float
) -> None:
    rounds = 2 + waiting // BATCH
    if experienced(round_s).admits(waiting, waiting, left_s, 0.0):
        # Its own round, the one under way, and those that the queue fills.
        assert rounds * round_s <= left_s * 1.01 + 0.001


@quick
@given(durations, st.integers(0, 3000), st.integers(0, 3000), st.floats(0.0, 3.0))
def test_a_later_request_is_never_admitted_where_an_earlier_one_is_not(
    round_s: float, one: int, other: int, left_s: float
) -> None:
    fewer, more = sorted((one, other))
    admission = experienced(round_s)
    if admission.admits(more, more, left_s, 0.0):
        assert admission.admits(fewer, fewer, left_s, 0.0)


# --- a worker in simulated time ------------------------------------------------------


@dataclass
class Day:
    """The fates of a simulated worker's buyers."""

    sold: int = 0
    refused: int = 0
    late: int = 0
    waits: tuple[float, ...] = ()

    @property
    def median_wait_s(self) -> float:
        return sorted(self.waits)[len(self.waits) // 2]


def sell(admission: AdmissionControl, per_second: float, seconds: float, slow_s: float) -> Day:
    """Simulates a rush on a worker whose rounds take `slow_s`, however large: group commit."""
    day, queue, waits = Day(), deque[float](), list[float]()
    now, came = 0.0, 0.0
    while now < seconds:
        batch = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
        if batch:
            admission.batched(now - batch[-1], now)
        ends = now + slow_s
        while came < ends:
            if admission.admits(len(queue), len(queue) + len(batch), DEADLINE_S, came):
                queue.append(came)
            else:
                day.refused += 1
            came += 1 / per_second
        now = ends
        waits += [now - since for since in batch]
        day.sold += sum(now - since <= DEADLINE_S for since in batch)
        day.late += sum(now - since > DEADLINE_S for since in batch)
        if batch:
            admission.served(slow_s, len(queue) + len(batch), now)
    day.waits = tuple(waits)
    return day


@pytest.mark.parametrize("round_s", [0.008, 0.05, 0.4])
def test_offered_ten_times_of_what_it_can_sell_a_worker_sells_as_much_and_nothing_late(
    round_s: float,
) -> None:
    capacity = BATCH / round_s
    seconds = 40 * round_s + 10
    day = sell(AdmissionControl(BATCH), 10 * capacity, seconds, round_s)
    assert day.sold >= 0.95 * capacity * seconds
    assert day.late == 0
    # A buyer that comes when a round has begun waits for at least two.
    assert day.median_wait_s <= 2 * round_s + 2 * TARGET_S


def test_commits_that_become_ten_times_slower_cost_no_more_than_that() -> None:
    admission = experienced(0.008, rounds=2000)
    day = sell(admission, 10 * BATCH / 0.08, 20.0, 0.08)
    assert day.sold >= 0.95 * BATCH / 0.08 * 20.0


def test_a_rush_that_is_served_at_once_is_not_refused() -> None:
    admission = experienced(0.008)
    assert all(admission.admits(n, n + BATCH, DEADLINE_S, 0.0) for n in range(800))
