"""Signatures of webhooks by Standard Webhooks 1.0 (HMAC-SHA256, `v1`).

The caller signs `id.timestamp.body`, so none of them can be changed, and a call that was
overheard can't be sent again later.
"""

import base64
import hmac

from web.http.request import Request

ID_HEADER = "webhook-id"
TOLERANCE_S = 300.0


def signature(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    """The signature as it stands in the header."""
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def is_signed(key: bytes, request: Request, now: float) -> bool:
    """Whether the request was signed with the key, within `TOLERANCE_S`."""
    id_ = request.headers.get(ID_HEADER, "")
    timestamp = request.headers.get("webhook-timestamp", "")
    given = request.headers.get("webhook-signature", "")
    if not (id_.isascii() and timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    expected = signature(key, id_, timestamp, request.body).encode()
    # One of several has to fit: the caller may be changing its key.
    return any(hmac.compare_digest(each.encode(), expected) for each in given.split())
