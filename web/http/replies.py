"""Replies, and the headers that they share."""

import hashlib
from typing import Any

import msgspec

Headers = list[tuple[str, str]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
NO_STORE = ("cache-control", "no-store")
NO_SNIFF = ("x-content-type-options", "nosniff")
GUARDS: Headers = [
    NO_SNIFF,
    ("referrer-policy", "same-origin"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
]
HTML: Headers = [("content-type", "text/html; charset=utf-8"), NO_STORE, *GUARDS]
# For the one page that may use the camera, with its reader's permission.
HTML_WITH_CAMERA: Headers = [
    *(each for each in HTML if each[0] != "permissions-policy"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
]


def content(media_type: str, *headers: tuple[str, str]) -> Headers:
    """The headers of a body of that type; browsers don't take it for another one."""
    return [("content-type", media_type), NO_SNIFF, *headers]


JSON = content("application/json", NO_STORE)
TEXT = content("text/plain; charset=utf-8", NO_STORE)


class Reply(msgspec.Struct, frozen=True):
    """A whole reply. Its list of headers may be shared and is never changed."""

    status: int
    headers: Headers
    body: bytes = b""


def json_reply(content: Any, status: int = 200) -> Reply:
    return Reply(status, JSON, msgspec.json.encode(content))


class CachedReply(msgspec.Struct, frozen=True):
    """A reply that clients keep, and the one for those that have it already (RFC 9110, 13.1.2)."""

    etag: str
    full: Reply
    unchanged: Reply

    def to(self, known: str | None) -> Reply:
        """The reply to a request; `known` is its `If-None-Match`."""
        return self.unchanged if known and self.etag in known else self.full


def cached_json(body: bytes, cache_control: str) -> CachedReply:
    etag = f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'
    headers: Headers = [("cache-control", cache_control), ("etag", etag)]
    full = Reply(200, content("application/json", *headers), body)
    return CachedReply(etag, full, Reply(304, headers))


def see_other(address: str, *headers: tuple[str, str]) -> Reply:
    """Sends the browser to that address."""
    return Reply(303, [("location", address), NO_STORE, *GUARDS, *headers])


def text_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, TEXT, text.encode())
