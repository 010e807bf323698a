"""Who may act as an operator."""

import hmac
from collections.abc import Mapping
from typing import Any


def is_operator(environ: Mapping[str, Any], token: str) -> bool:
    """Whether the request of that WSGI environment carries the operator's token."""
    given = environ.get("HTTP_AUTHORIZATION", "").encode()
    return hmac.compare_digest(given, f"Bearer {token}".encode())
