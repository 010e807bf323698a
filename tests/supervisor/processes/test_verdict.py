"""The verdict on any samples: a worker that only works hard is never restarted."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from supervisor.processes.health_verdict import (
    MEMORY_SAMPLES,
    PEERS_SELL_PER_SECOND,
    PINNED_PERCENT,
    Ailment,
    HealthLimits,
    ProcessSample,
    hung,
    stuck,
    verdict,
)

LIMITS = HealthLimits(hung_s=10.0, memory_bytes=1000)
quick = settings(max_examples=150, derandomize=True, deadline=None)

CPU = st.floats(0.0, 400.0)
RATE = st.floats(0.0, 20_000.0)


def lives(
    silent: st.SearchStrategy[float] | None = None,
    cpu: st.SearchStrategy[float] = CPU,
    rss: st.SearchStrategy[int] | None = None,
    sold: st.SearchStrategy[float] = RATE,
    least: int = 0,
) -> st.SearchStrategy[list[ProcessSample]]:
    """Samples of a worker, one a second up to now; those that began later are of a younger one."""
    silence = silent if silent is not None else st.floats(0.0, 9.9)
    memory = rss if rss is not None else st.integers(0, 1000)
    figures = st.lists(st.tuples(silence, cpu, memory, sold), min_size=least, max_size=40)
    return figures.map(
        lambda found: [
            ProcessSample(float(40 - len(found) + at), *each) for at, each in enumerate(found)
        ]
    )


def crews(sold: st.SearchStrategy[float] = RATE) -> st.SearchStrategy[list[list[ProcessSample]]]:
    return st.lists(lives(sold=sold), max_size=5)


def ailment(
    own: Sequence[ProcessSample], peers: Sequence[Sequence[ProcessSample]]
) -> Ailment | None:
    found = verdict(own, peers, LIMITS)
    return found.ailment if found else None


@quick
@given(lives(silent=st.floats(0.0, 60.0), rss=st.integers(0, 3000)), crews())
def test_a_verdict_names_what_is_there_to_see(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    match ailment(own, peers):
        case Ailment.HUNG:
            assert own[-1].silent_s >= LIMITS.hung_s
        case Ailment.MEMORY:
            assert all(each.rss_bytes > LIMITS.memory_bytes for each in own[-MEMORY_SAMPLES:])
        case Ailment.OUTLIER:
            assert sum(each.cpu_percent >= PINNED_PERCENT for each in own) > 10
            assert len(peers) >= 2


@quick
@given(lives(silent=st.floats(10.0, 1e4), least=1), crews())
def test_a_worker_that_is_silent_for_too_long_is_hung(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    assert ailment(own, peers) is Ailment.HUNG
    assert hung(own, LIMITS) == verdict(own, peers, LIMITS)


@quick
@given(lives(cpu=st.floats(0.0, 89.9)), crews())
def test_nobody_is_restarted_for_selling_little_with_cpu_to_spare(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    assert ailment(own, peers) is None


@quick
@given(lives(sold=st.floats(1000.0, 20_000.0)), crews(sold=st.floats(0.0, 2000.0)))
def test_no_worker_is_restarted_that_sells_half_of_the_others_or_more(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    assert ailment(own, peers) is None


@quick
@given(lives(), crews(sold=st.floats(0.0, PEERS_SELL_PER_SECOND - 0.1)))
def test_nobody_is_restarted_while_the_others_sell_next_to_nothing_either(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    assert ailment(own, peers) is None


@quick
@given(lives(), crews())
def test_nobody_is_an_outlier_beside_himself(
    own: list[ProcessSample], peers: list[list[ProcessSample]]
) -> None:
    assert ailment(own, [own, own]) is None
    assert ailment(own, peers[:1]) is None


@quick
@given(lives(cpu=st.floats(90.0, 400.0), sold=st.floats(0.0, 400.0), least=20))
def test_a_worker_that_is_pinned_and_sells_less_than_half_is_an_outlier(
    own: list[ProcessSample],
) -> None:
    peers = [[replace(each, sold_per_second=rate) for each in own] for rate in (801.0, 900.0)]
    assert ailment(own, peers) is Ailment.OUTLIER


@quick
@given(lives(rss=st.integers(1001, 10**12)), lives(rss=st.integers(0, 1000), least=1))
def test_one_sample_within_the_limit_forgives_the_memory(
    fat: list[ProcessSample], lean: list[ProcessSample]
) -> None:
    own = [*fat, lean[-1], *fat[: MEMORY_SAMPLES - 1]]
    assert ailment(own, []) is None
    assert (ailment(fat, []) is Ailment.MEMORY) == (len(fat) >= MEMORY_SAMPLES)


@quick
@given(st.floats(0.0, 1e5))
def test_a_start_takes_its_time_but_not_for_ever(age_s: float) -> None:
    assert (stuck(age_s, LIMITS) is not None) == (age_s >= 60.0)
