"""Requests as people type them: with curl, and shell variables for what only they know."""

import json
import shlex
from collections.abc import Iterable

from web.openapi.operation import OPERATOR_TOKEN, PURCHASE, SIGNED, Operation
from web.openapi.schemas import example_of
from web.requests.field_types import EXAMPLE_ORDER

# What the examples call the box office's address, an order, a hold, and the operator's token.
BOX, ORDER, HOLD, TOKEN = "$BOX", "$ORDER", "$HOLD", "$TOKEN"
NEXT = " \\\n  "
WIDTH = 80

SIGNING = """\
AT=$(date +%s) BODY={body}
KEY=$(printf %s "${{SECRET#whsec_}}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
SIGNATURE=$(printf %s "msg-1.$AT.$BODY" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)
"""


def curl(operation: Operation) -> str:
    """The command, in lines."""
    words = ["curl -s", *_headers(operation), *_data(operation), _address(operation)]
    if SIGNED in operation.keys:
        return SIGNING.format(body=_json(operation)) + NEXT.join(words)
    line = " ".join(words)
    return line if len(line) <= WIDTH else NEXT.join(words)


def _address(operation: Operation) -> str:
    path = operation.path.replace("<order_id>", HOLD if "/holds/" in operation.path else ORDER)
    query = []
    for parameter in operation.parameters:
        if parameter.where == "path":
            path = path.replace(f"<{parameter.name}>", str(parameter.example))
        elif parameter.where == "query" and parameter.example is not None:
            query.append(f"{parameter.name}={parameter.example}")
    # Some shells would look for a file of that name.
    return f'"{BOX}{path}?{"&".join(query)}"' if query else BOX + path


def _headers(operation: Operation) -> Iterable[str]:
    if operation.body:
        yield _header(f"Content-Type: {operation.body.media}")
    for parameter in operation.parameters:
        if parameter.where == "header" and operation.body is PURCHASE:
            yield _header(f"{parameter.name}: {operation.name}-1")
    if operation.keys[:1] == (OPERATOR_TOKEN,):
        yield f'-H "Authorization: Bearer {TOKEN}"'
    if SIGNED in operation.keys:
        yield _header("webhook-id: msg-1")
        yield '-H "webhook-timestamp: $AT"'
        yield '-H "webhook-signature: v1,$SIGNATURE"'


def _header(line: str) -> str:
    return f"-H {shlex.quote(line)}"


def _data(operation: Operation) -> Iterable[str]:
    if SIGNED in operation.keys:
        yield '-d "$BODY"'
    elif operation.body:
        yield f"-d {_json(operation)}"
    elif operation.method == "POST":
        yield "-X POST"


def _json(operation: Operation) -> str:
    """The example as a word of the shell; an order's id in it is a variable."""
    assert operation.body
    text = shlex.quote(json.dumps(example_of(operation.body.shape), ensure_ascii=False))
    order = HOLD if operation.body.shape == "Payment" else ORDER
    return text.replace(EXAMPLE_ORDER, f"'{order}'")
