"""Mixtures come from their seed, and leave no nemesis out."""

from collections import Counter
from itertools import islice

from tests.faults.mixture import plan
from tests.faults.nemeses import SIGNALS


def test_a_seed_gives_the_same_mixtures_again() -> None:
    assert list(islice(plan(SIGNALS, 7), 50)) == list(islice(plan(SIGNALS, 7), 50))
    assert list(islice(plan(SIGNALS, 7), 50)) != list(islice(plan(SIGNALS, 8), 50))


def test_every_nemesis_has_its_turn() -> None:
    struck = Counter(strike.name for mixture in islice(plan(SIGNALS, 1), 200) for strike in mixture)
    assert set(struck) == set(SIGNALS)
    assert max(struck.values()) <= 2 * min(struck.values())
