"""Types that say more to readers of a JSON Schema than Python's own; checked no more than these."""

from typing import Annotated, Any

from msgspec import Meta


def described(text: str, **schema: Any) -> Meta:
    """Says what a field means, and what else a JSON Schema tells of it."""
    return Meta(description=text, extra_json_schema=schema or None)


Natural = Annotated[int, Meta(extra_json_schema={"minimum": 0})]
UnixTime = Annotated[float, Meta(description="Unix seconds.")]
Rfc3339 = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
CurrencyCode = Annotated[str, described("ISO 4217.", pattern="^[A-Z]{3}$")]
