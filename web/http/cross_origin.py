"""Refuses posts that another site's page makes in a buyer's browser.

The algorithm of Go 1.25's `http.CrossOriginProtection`, by Filippo Valsorda: what the
browser says in `Sec-Fetch-Site`, and for older ones whether `Origin` names our host.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from web.http.replies import BASE

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_cross_site(environ: Mapping[str, Any]) -> bool:
    """Whether the request (a WSGI environment) could be another site's doing."""
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return False
    fetch_site = environ.get("HTTP_SEC_FETCH_SITE", "")
    if fetch_site:
        return fetch_site not in ("same-origin", "none")
    origin = environ.get("HTTP_ORIGIN", "")
    return bool(origin) and not _is_ours(_host_of(origin), environ)


def _is_ours(host: str, environ: Mapping[str, Any]) -> bool:
    return bool(host) and host in (environ.get("HTTP_HOST"), _host_of(environ.get(BASE, "")))


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
