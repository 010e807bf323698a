"""How many stripes a type's stock lies in, and which of them a process works on.

Two that commit at once must not move the same counter, or one of them decides again. So each
worker sells from a stripe of its own, counted from the front, and gives tickets back on another
one, counted from the back: with two stripes for each worker nobody meets.

`tests/bench/stripes.py` measures it, with three workers. While buyers only buy, three stripes are
enough. While they hold, confirm and release, of a hundred commits so many met another one:

    stripes  decided again  orders a second
          3             29              376
          4             21              454
          6              0              570
          8              0              584
"""

import re

MOST_STRIPES = 64


def stripes_for(workers: int) -> int:
    """How many stripes a type has that so many workers sell."""
    return min(2 * workers, MOST_STRIPES)


# Of a type that is made by somebody who does not know how many workers there are.
STRIPES = stripes_for(3)


def selling_stripe(name: str, stripes: int) -> int:
    """The stripe that the worker of that name sells from."""
    return _place_of(name) % stripes


def changing_stripe(name: str, stripes: int) -> int:
    """The stripe on which a worker, or an operator, counts the changes of orders."""
    return stripes - 1 - _place_of(name) % stripes


def _place_of(name: str) -> int:
    """0 for `worker-1`, 1 for `worker-2` …, and 0 for a name without a number."""
    digits = re.search(r"\d+$", name)
    return int(digits.group()) - 1 if digits else 0
