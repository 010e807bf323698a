"""Mixtures follow from their seed, and leave no nemesis out."""

from collections import Counter
from itertools import islice

from tests.faults.nemeses.mixture import plan
from tests.faults.nemeses.nemesis import SIGNALS
from tests.faults.soak import AROUND_S, shares


def test_a_seed_gives_the_same_mixtures_again() -> None:
    assert list(islice(plan(SIGNALS, 7), 50)) == list(islice(plan(SIGNALS, 7), 50))
    assert list(islice(plan(SIGNALS, 7), 50)) != list(islice(plan(SIGNALS, 8), 50))


def test_every_nemesis_has_its_turn() -> None:
    struck = Counter(strike.name for mixture in islice(plan(SIGNALS, 1), 200) for strike in mixture)
    assert set(struck) == set(SIGNALS)
    assert max(struck.values()) <= 2 * min(struck.values())


def test_what_the_scenes_of_a_soak_get_is_no_more_than_it_has() -> None:
    """It used to make 5,000 ambiguous commits first, however few minutes it had."""
    for seconds in (60.0, 600.0, 3600.0):
        times = shares(seconds, now=100.0)
        assert times.end == 100.0 + seconds
        scenes = [each for each in (times.doubts_s, times.partitions_s) if each]
        assert 0 < sum(scenes) + AROUND_S * len(scenes) < seconds / 2
