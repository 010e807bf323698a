"""What the web learns about its workers: windows, ejections, and the budget for retries."""

from hypothesis import given, settings
from hypothesis import strategies as st

from web.dispatch.circuit_breaker import BASE_S, FAILURES, MOST_S, PROBE_S, CircuitBreaker
from web.dispatch.concurrency_limit import LEAST, ConcurrencyLimit
from web.dispatch.concurrency_limit import MOST as MOST_GIVEN
from web.dispatch.retry_budget import FLOOR, FLOOR_PER_S, MOST, SHARE, RetryBudget

quick = settings(derandomize=True, max_examples=100, deadline=None, database=None)
pauses = st.floats(0.0, 20.0)


# --- the retry budget ----------------------------------------------------------------


@quick
@given(st.lists(st.tuples(st.sampled_from(["earn", "spend"]), st.floats(0.0, 2.0)), max_size=400))
def test_retries_never_exceed_a_tenth_of_the_successes_and_the_floor(
    steps: list[tuple[str, float]],
) -> None:
    now, earned, spent = [0.0], 0, 0
    budget = RetryBudget(clock=lambda: now[0])
    for step, pause_s in steps:
        now[0] += pause_s
        if step == "earn":
            budget.earn()
            earned += 1
        else:
            spent += budget.spend()
        assert spent <= FLOOR + FLOOR_PER_S * now[0] + SHARE * earned + 1e-6
    assert sum(budget.spend() for _ in range(1000)) <= MOST


# --- ejection ------------------------------------------------------------------------


@quick
@given(st.lists(st.tuples(st.sampled_from(["ok", "fail"]), pauses), max_size=200))
def test_an_ejection_ends_and_is_never_longer_than_ten_seconds(
    steps: list[tuple[str, float]],
) -> None:
    ejection, now = CircuitBreaker(lambda: True), 0.0
    for step, pause_s in steps:
        now += pause_s
        if not ejection.lets(now):
            assert ejection.lets(now + MOST_S + PROBE_S)
            continue
        ejection.asked(now)
        if step == "ok":
            ejection.succeeded(now)
            assert not ejection.ejected
        elif ejection.failed(now):
            assert BASE_S <= ejection.seconds <= MOST_S
            assert not ejection.lets(now + ejection.seconds * 0.99)
            assert ejection.lets(now + ejection.seconds * 1.01)


@quick
@given(st.lists(st.booleans(), max_size=200))
def test_only_failures_in_a_row_eject(answers: list[bool]) -> None:
    ejection, row = CircuitBreaker(lambda: True), 0
    for good in answers:
        row = 0 if good else row + 1
        if good:
            ejection.succeeded(1.0)
        else:
            assert ejection.failed(1.0) == (row == FAILURES)
        if ejection.ejected:
            break


@quick
@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=200), st.integers(1, 9))
def test_never_more_than_one_of_three_is_left_out(steps: list[str], workers: int) -> None:
    out: list[CircuitBreaker] = []
    pool = [
        CircuitBreaker(lambda: sum(e.ejected for e in out) + 1 <= workers // 3)
        for _ in range(workers)
    ]
    out.extend(pool)
    for number, step in enumerate(steps):
        one, now = pool[number * 7 % workers], float(number)
        if step == "ok":
            one.succeeded(now)
        for _ in range(FAILURES if step == "fail" else 0):
            one.failed(now)
        assert sum(e.ejected for e in pool) <= workers // 3


def test_half_open_means_one_probe_at_a_time() -> None:
    ejection = CircuitBreaker(lambda: True)
    for _ in range(FAILURES):
        ejection.failed(10.0)
    assert not ejection.lets(11.9)
    assert ejection.lets(12.0)
    ejection.asked(12.0)
    assert not ejection.lets(12.1)
    assert ejection.failed(12.5)
    assert not ejection.lets(16.4)
    assert ejection.lets(16.5)
    ejection.asked(16.5)
    assert ejection.lets(16.5 + PROBE_S)  # that probe was never answered
    ejection.succeeded(17.0)
    assert ejection.lets(17.0)


def test_what_was_asked_before_an_ejection_neither_ends_nor_lengthens_it() -> None:
    ejection = CircuitBreaker(lambda: True)
    for _ in range(FAILURES + 70):
        ejection.failed(10.0)
    ejection.succeeded(11.0)
    assert not ejection.lets(11.9)
    assert ejection.lets(12.0)


def test_a_good_while_shortens_the_next_ejection() -> None:
    ejection, now = CircuitBreaker(lambda: True), 0.0
    for _ in range(4):
        for _ in range(FAILURES):
            ejection.failed(now)
        now += MOST_S
        ejection.succeeded(now)
    assert ejection.seconds == 4 * BASE_S
    for _ in range(3):
        now += MOST_S
        ejection.succeeded(now)
    assert ejection.seconds == BASE_S


# --- windows -------------------------------------------------------------------------


STEPS = st.tuples(st.booleans(), st.integers(0, 5000), st.floats(0.0, 1.0), st.floats(0.0, 1.0))


@quick
@given(st.lists(STEPS, max_size=300))
def test_a_window_stays_within_its_bounds_and_below_what_was_refused(
    steps: list[tuple[bool, int, float, float]],
) -> None:
    window, now, last = ConcurrencyLimit(), 1.0, 0.0
    for served, outstanding, pause_s, waited_s in steps:
        now += pause_s
        if served:
            window.served(outstanding)
        else:
            window.refused(outstanding, now - waited_s, now)
            if now - waited_s - last >= 0.1:
                last = now
                assert window.size < max(outstanding, LEAST + 1)
        assert LEAST <= window.size <= MOST_GIVEN


def test_refusals_asked_for_together_shrink_a_window_once_whenever_they_are_heard() -> None:
    window = ConcurrencyLimit()
    for n in range(100):
        window.refused(1000 - 10 * n, 1.0, 1.1 + n / 100)
    assert window.size == 900
    window.refused(900, 1.3, 2.2)
    assert window.size == 810
