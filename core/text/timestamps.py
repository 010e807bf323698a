"""Moments as programs read them."""

from datetime import UTC, datetime
from functools import lru_cache


# The orders of a batch have one time.
@lru_cache(maxsize=16)
def rfc3339(at: float) -> str:
    """Writes Unix seconds as RFC 3339, in UTC, to the millisecond."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
