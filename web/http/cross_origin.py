"""Refuses posts that another site's page makes in a buyer's browser.

The algorithm of Go 1.25's `http.CrossOriginProtection`, by Filippo Valsorda: what the
browser says in `Sec-Fetch-Site`, and for older ones whether `Origin` names our host.
"""

from collections.abc import Awaitable
from urllib.parse import urlsplit

from core.errors import BadRequest
from web.http.request import Request
from web.http.routing import Handler, Outcome

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def own_site_only(handler: Handler) -> Handler:
    """A Bottle plugin that refuses a request which another site may have caused."""

    def checked(request: Request, **parts: str) -> Awaitable[Outcome]:
        if is_cross_site(request):
            raise BadRequest("cross-site", "problem.cross-site")
        return handler(request, **parts)

    return checked


def is_cross_site(request: Request) -> bool:
    """Whether another site may have caused the request."""
    if request.method in SAFE_METHODS:
        return False
    fetch_site = request.headers.get("sec-fetch-site", "")
    if fetch_site:
        return fetch_site not in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    return bool(origin) and not _is_ours(_host_of(origin), request)


def _is_ours(host: str, request: Request) -> bool:
    return bool(host) and host in (request.host, _host_of(request.base))


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
