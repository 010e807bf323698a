"""The fields in the current request's address."""

import bottle

from core.errors import BadRequest


def query_field(name: str) -> str:
    """The field's text, "" where there is none. Raises `BadRequest` where it stands twice."""
    found = bottle.request.query
    if len(found.getall(name)) > 1:
        raise BadRequest("malformed", "detail.query-twice")
    return str(found.getunicode(name, ""))


def query() -> dict[str, str]:
    """All of them. Raises as `query_field`."""
    return {name: query_field(name) for name in bottle.request.query}
