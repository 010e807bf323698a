"""The filters of the log's page, as they are typed."""

import re
from collections.abc import Mapping

import msgspec

from core.errors import BadRequest, WrongUsage
from core.eventlog.query import Query, level_number, seconds
from core.schema.order_number import typed_number

LEVELS = ("debug", "info", "warning", "error")
MOST_CHARACTERS = 200


class Search(msgspec.Struct, frozen=True):
    """The filters as typed. `text` is no pattern, for that could take for ever."""

    source: str
    level: str
    since: str
    text: str
    order: str

    def query(self, now: float) -> Query:
        """The query of these filters. Raises `BadRequest`."""
        return Query(
            sources=frozenset({self.source} - {""}),
            level=level_number(self.level),
            since=now - _seconds(self.since) if self.since else 0.0,
            pattern=re.compile(re.escape(self.text), re.IGNORECASE) if self.text else None,
            order=typed.digits if (typed := typed_number(self.order)) else self.order,
        )


def search_of(fields: Mapping[str, str]) -> Search:
    """The search in a page's address. Raises `BadRequest` for an unknown level."""
    typed = {
        name: fields.get(name, "").strip()[:MOST_CHARACTERS]
        for name in ("source", "level", "since", "text", "order")
    }
    typed["level"] = typed["level"] or "info"
    if typed["level"] not in LEVELS:
        raise BadRequest("invalid", "operators.no-level", "level")
    return Search(**typed)


def _seconds(duration: str) -> float:
    try:
        return seconds(duration)
    except WrongUsage:
        raise BadRequest("invalid", "operators.no-duration", "since") from None
