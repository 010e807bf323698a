"""Puts the OpenAPI document together from routes, schemas and problems."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec

from core.schema.records import OrderView
from web.http.i18n import Language, Languages
from web.http.problems import RETRY_S, STATUS, Problem, ProblemJson, problem, problem_json
from web.http.route_description import JSON, Parameter, Response, Route
from web.openapi.routes import GROUPS, all_codes, codes_of
from web.openapi.schemas import Schema, example_of, reference, schema_of, schemas
from web.requests.field_types import EXAMPLE_ORDER
from web.requests.purchase import MOST_TICKETS
from web.server.request_head import TARGET_CHARACTERS

HTML = "text/html"
PROBLEM = "application/problem+json"
TEXT = """\
Sells scarce tickets correctly. A purchase is a `POST` to `/api/orders` with an `Idempotency-Key` \
of your own: after a 503, or no answer at all, send it again with the same key: the answer \
is then the true one, and nothing is bought twice.

Problems are `application/problem+json` (RFC 9457) with a stable `code`; a 503 says in \
`Retry-After` when to come back. `detail` is in English or Traditional Chinese, as \
`Accept-Language` asks. `HEAD` is answered wherever `GET` is; a method that an address does not \
take gets 405 with `Allow`."""


def _signed_header(name: str, description: str) -> Schema:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


SECURITY: Schema = {
    "operatorToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's token: `admin credentials` prints it.",
    },
    "webhookId": _signed_header("webhook-id", "The id of the call, in ASCII."),
    "webhookTimestamp": _signed_header(
        "webhook-timestamp",
        "When the call is sent, in Unix seconds, at most five minutes off.",
    ),
    "webhookSignature": _signed_header(
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, with the key whose base64 "
        "follows `whsec_` in what `admin payment-secret` prints. Several are separated by spaces; "
        "one of them has to match. See Standard Webhooks 1.0.",
    ),
}
HEADERS: dict[str, tuple[str, Schema]] = {
    "Cache-Control": ("How long the answer may be cached.", {"type": "string"}),
    "Content-Language": ("The language of `detail`.", {"type": "string"}),
    "ETag": ("Identifies this content.", {"type": "string", "pattern": '^"[0-9a-f]+"$'}),
    "Idempotency-Replayed": ("The request had been done before.", {"const": "true"}),
    "Retry-After": ("How many seconds to wait.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": ("The kind of credentials that are needed.", {"type": "string"}),
}
COMES_BACK = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
EXAMPLE = OrderView(
    order=EXAMPLE_ORDER,
    event="default",
    type="A",
    quantity=2,
    buyer="Ann",
    status="sold",
    created_at="2027-01-01T12:00:00.123Z",
    zxid=4294967342,
)


def document(languages: Languages, url: str = "/") -> Schema:
    """Describes the box office at `url`, with problems in the default language."""
    language = languages.default
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "zkticket",
            "version": "1",  # of the interface, which only grows
            "description": TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url, "description": "This box office."}],
        "tags": [{"name": each.name, "description": each.text} for each in GROUPS],
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "headers": {name: _header(name) for name in HEADERS},
            "examples": {code: _example_of(code, language) for code in all_codes()},
            "securitySchemes": SECURITY,
        },
    }


def path_of(rule: str) -> str:
    """Writes the path of a Bottle rule as OpenAPI does."""
    return re.sub(r"<(\w+)(?::[^>]*)?>", r"{\1}", rule)


# --- operations ----------------------------------------------------------------------


def _paths() -> Schema:
    paths: Schema = {}
    for group in GROUPS:
        for route in group.routes:
            operation = _operation(route, group.name)
            paths.setdefault(path_of(route.path), {})[route.method.lower()] = operation
    return paths


def _operation(route: Route, group: str) -> Schema:
    return {
        "operationId": route.name,
        "tags": [group],
        "summary": route.summary,
        **({"description": route.text} if route.text else {}),
        "parameters": [_parameter(each) for each in route.parameters],
        **({"requestBody": _body(route.body)} if route.body else {}),
        "responses": {str(each.status): _answer(each) for each in route.answers} | _problems(route),
        "security": list(route.keys),
    }


def _parameter(parameter: Parameter) -> Schema:
    schema = schema_of(parameter.type)
    examples = schema.pop("examples", [])
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.where == "path",
        "description": schema.pop("description"),
        "schema": schema,
        **({"example": examples[0]} if examples else {}),
    }


def _body(type_: type[msgspec.Struct]) -> Schema:
    content = {"schema": reference(type_), "example": example_of(type_)}
    return {"required": True, "content": {JSON: content}}


# --- answers -------------------------------------------------------------------------


def _answer(answer: Response) -> Schema:
    content = {answer.media: _content(answer.content)} if answer.content else {}
    return {
        "description": answer.text,
        **({"headers": _headers(answer.headers)} if answer.headers else {}),
        **({"content": content} if content else {}),
        **({"links": {name: _link(name) for name in answer.follows}} if answer.follows else {}),
    }


def _content(content: type[msgspec.Struct] | str) -> Schema:
    if isinstance(content, str):
        return {"schema": {"type": "object" if content == JSON else "string"}}
    example = {"example": msgspec.to_builtins(EXAMPLE)} if content is OrderView else {}
    return {"schema": reference(content), **example}


def _link(name: str) -> Schema:
    """Links an order in an answer to an operation on it."""
    order = "$response.body#/order"
    match name:
        case "checkIn":
            return {"operationId": name, "requestBody": {"order": order, "door": "North"}}
        case "payHold":
            return {"operationId": name, "requestBody": {"hold": order, "payment": "pay-7"}}
    return {"operationId": name, "parameters": {"order_id": order}}


def _headers(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(name: str) -> Schema:
    text, schema = HEADERS[name]
    return {"description": text, "required": True, "schema": schema}


# --- problems ------------------------------------------------------------------------


def _problems(route: Route) -> Schema:
    media = PROBLEM if route.path.startswith("/api/") else HTML
    ordered = sorted(codes_of(route), key=lambda code: STATUS[code])
    return {
        str(status): _problem(status, tuple(codes), media)
        for status, codes in groupby(ordered, key=lambda code: STATUS[code])
    }


def _problem(status: int, codes: tuple[str, ...], media: str) -> Schema:
    names = [*_headers_of(status), *(["Content-Language"] if media == PROBLEM else [])]
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}.",
        **({"headers": _headers(names)} if names else {}),
        "content": {media: _problem_content(codes) if media == PROBLEM else _content(media)},
    }


def _headers_of(status: int) -> list[str]:
    if status in COMES_BACK:
        return ["Retry-After"]
    return ["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else []


def _problem_content(codes: tuple[str, ...]) -> Schema:
    return {
        "schema": {
            "allOf": [reference(ProblemJson), {"properties": {"code": {"enum": list(codes)}}}]
        },
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }


def _example_of(code: str, language: Language) -> Schema:
    found = problem_json(sample(code), language)
    return {"summary": found.detail, "value": msgspec.to_builtins(found)}


SAMPLES: dict[str, dict[str, Any]] = {
    "target-too-long": {"most": TARGET_CHARACTERS},
    "malformed": {"text": "detail.not-json"},
    "unsupported-media-type": {"text": "detail.media-type", "expected": JSON},
    "invalid": {"text": "detail.quantity", "field": "quantity", "most": MOST_TICKETS},
    "key-reused": {"field": "Idempotency-Key"},
    "sold-out": {"remaining": 0, "type": "A"},
}


def sample(code: str) -> Problem:
    """Makes an example of a problem with that code."""
    found = problem(code, **SAMPLES.get(code, {}))
    if found.status in COMES_BACK:
        return msgspec.structs.replace(found, retry_after=RETRY_S[0])
    return found
