"""Example requests with curl; shell variables stand for what only the reader knows."""

import json
import shlex
from collections.abc import Iterable

from web.http.route_description import JSON, OPERATOR_TOKEN, SIGNED, Parameter, Route
from web.openapi.schemas import example_of, schema_of
from web.requests.field_types import EXAMPLE_ORDER
from web.requests.order_change import PaymentJson
from web.requests.purchase import PurchaseJson

# Variables of the examples: the box office's address, an order, a hold, the operator's token.
BOX, ORDER, HOLD, TOKEN = "$BOX", "$ORDER", "$HOLD", "$TOKEN"
NEXT = " \\\n  "
WIDTH = 80

SIGNING = """\
AT=$(date +%s) BODY={body}
KEY=$(printf %s "${{SECRET#whsec_}}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
SIGNATURE=$(printf %s "msg-1.$AT.$BODY" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)
"""


def curl(route: Route) -> str:
    """Writes the command in one or more lines."""
    words = ["curl -s", *_headers(route), *_data(route), _address(route)]
    if SIGNED in route.keys:
        return SIGNING.format(body=_json(route)) + NEXT.join(words)
    line = " ".join(words)
    return line if len(line) <= WIDTH else NEXT.join(words)


def _address(route: Route) -> str:
    path = route.path.replace("<order_id>", HOLD if "/holds/" in route.path else ORDER)
    query = []
    for parameter in route.parameters:
        if parameter.where == "path":
            path = path.replace(f"<{parameter.name}>", _example(parameter))
        elif parameter.where == "query":
            query.append(f"{parameter.name}={_example(parameter)}")
    # Some shells would look for a file of that name.
    return f'"{BOX}{path}?{"&".join(query)}"' if query else BOX + path


def _example(parameter: Parameter) -> str:
    return str(schema_of(parameter.type).get("examples", [""])[0])


def _headers(route: Route) -> Iterable[str]:
    if route.body:
        yield _header(f"Content-Type: {JSON}")
    for parameter in route.parameters:
        if parameter.where == "header" and route.body is PurchaseJson:
            yield _header(f"{parameter.name}: {route.name}-1")
    if route.keys[:1] == (OPERATOR_TOKEN,):
        yield f'-H "Authorization: Bearer {TOKEN}"'
    if SIGNED in route.keys:
        yield _header("webhook-id: msg-1")
        yield '-H "webhook-timestamp: $AT"'
        yield '-H "webhook-signature: v1,$SIGNATURE"'


def _header(line: str) -> str:
    return f"-H {shlex.quote(line)}"


def _data(route: Route) -> Iterable[str]:
    if SIGNED in route.keys:
        yield '-d "$BODY"'
    elif route.body:
        yield f"-d {_json(route)}"
    elif route.method == "POST":
        yield "-X POST"


def _json(route: Route) -> str:
    """Quotes the example for a shell, with a variable for an order's id."""
    assert route.body
    text = shlex.quote(json.dumps(example_of(route.body), ensure_ascii=False))
    order = HOLD if route.body is PaymentJson else ORDER
    return text.replace(EXAMPLE_ORDER, f"'{order}'")
