"""Whole answers to the browser, and the headers that they share."""

from typing import Any

import msgspec

Headers = list[tuple[str, str]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
GUARDS: Headers = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
]
JSON: Headers = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]
HTML: Headers = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    *GUARDS,
]
# Of the one page that may look through the camera, when its reader lets it.
HTML_WITH_CAMERA: Headers = [
    *(each for each in HTML if each[0] != "permissions-policy"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
]
TEXT: Headers = [
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]


class Reply(msgspec.Struct, frozen=True):
    """A whole answer. The header list may be shared: it is never changed."""

    status: int
    headers: Headers
    body: bytes = b""


def json_reply(content: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, msgspec.json.encode(content))


def text_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, TEXT, text.encode())
