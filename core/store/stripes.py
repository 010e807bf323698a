"""The number of stripes in which a type's stock lies, and which of them a process works on.

Of two commits at once that move the same counter, one has to be decided again. So each worker
sells from a stripe of its own, counted from the front, and gives tickets back on another one,
counted from the back: with two stripes for each worker nobody meets.

`tests/bench/stripes.py` measures it, with three workers. While buyers only buy, three stripes are
enough. While they hold, confirm and release, this many of a hundred commits met another one:

    stripes  decided again  orders a second
          3             29              376
          4             21              454
          6              0              570
          8              0              584
"""

import re
from functools import lru_cache

MOST_STRIPES = 64


def stripes_for(workers: int) -> int:
    """Returns how many stripes a type should have for that many workers."""
    return min(2 * workers, MOST_STRIPES)


# For a type whose maker does not know how many workers there are.
STRIPES = stripes_for(3)


def selling_stripe(name: str, stripes: int) -> int:
    """Returns the stripe that the worker of that name sells from."""
    return _place_of(name) % stripes


def changing_stripe(name: str, stripes: int) -> int:
    """Returns the stripe on which a worker or an operator counts changes of orders."""
    return stripes - 1 - _place_of(name) % stripes


# Every batch asks several times, always for the same few names.
@lru_cache(MOST_STRIPES)
def _place_of(name: str) -> int:
    """Returns 0 for `worker-1`, 1 for `worker-2` …, and 0 for a name without a number."""
    digits = re.search(r"\d+$", name)
    return int(digits.group()) - 1 if digits else 0
