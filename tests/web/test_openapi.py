"""The description of the HTTP interface: complete, valid, and true of a real instance's answers."""

import argparse
import asyncio
import html
import json
import os
import re
import subprocess
import threading
import time
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import bottle
import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from msgspec.structs import fields
from requests.auth import AuthBase
from schemathesis import Case, Config, GenerationMode

from core.clock import Clock
from core.cluster_secret import Secret, load_secret
from tests.support.fakes.fake_board import FakeOperations
from tests.support.fakes.fake_clerk import FakeClerk
from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import FakeWeb
from tests.support.fakes.fake_web import running as fake_running
from tests.support.instance import Buyer, Instance, running
from web.api.orders import BUY
from web.app import Site
from web.auth.webhook_signature import signature
from web.handler_context import Context
from web.http.i18n import Languages
from web.http.problems import STATUS
from web.http.request import Request
from web.http.route_description import JSON, Parameter, Route
from web.http.routing import find_route
from web.http.static_files import Assets
from web.openapi.curl import curl
from web.openapi.docs_pages import Manual
from web.openapi.document import document, path_of
from web.openapi.routes import all_codes, codes_of, described_routes
from web.openapi.schemas import example_of, name_of, schema_of
from web.pages.rendering import PageRenderer
from web.requests.purchase import PurchaseJson
from web.server.request_head import Front

SEED = 20261125
EXAMPLES = 12
DESCRIPTION = document(Languages())
ROUTES = described_routes()
TAKEN = {name_of(route.body) for route in ROUTES if route.body}
# Only pages have these problems: their forms expire, and their questions may be refused.
PAGES_ONLY = {"form-expired", "refused"}
QUIET: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}
numbers = count(1)


def strict(description: dict[str, Any]) -> dict[str, Any]:
    """Returns the description so that an answer may have no member that it does not name."""
    copy: dict[str, Any] = json.loads(json.dumps(description))
    for name, schema in copy["components"]["schemas"].items():
        if name not in TAKEN:
            schema["additionalProperties"] = False
    return copy


def config() -> Config:
    return Config.from_dict(
        {
            "seed": SEED,
            "generation": {
                "deterministic": True,
                "database": "none",
                "with-security-parameters": False,
            },
            "checks": {
                # A 503 is an honest refusal; a 500 is a defect.
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
                # Requests that need a token are tested below, with every wrong one.
                "ignored_auth": {"enabled": False},
            },
        }
    )


SCHEMA = schemathesis.openapi.from_dict(strict(DESCRIPTION), config=config())


@dataclass(frozen=True)
class Keys(AuthBase):
    """Adds the token that a request needs, however the request was made up."""

    secret: Secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        path = request.path_url.partition("?")[0]
        if path == "/api/payments":
            self._sign(request)
        elif path.startswith("/api/"):
            request.headers["Authorization"] = f"Bearer {self.secret.operator_token}"
        return request

    def _sign(self, request: requests.PreparedRequest) -> None:
        content = request.body or b""
        content = content.encode() if isinstance(content, str) else content
        assert isinstance(content, bytes)
        stamp = str(int(time.time()))
        request.headers["webhook-id"] = "msg-1"
        request.headers["webhook-timestamp"] = stamp
        request.headers["webhook-signature"] = signature(
            self.secret.payment_key, "msg-1", stamp, content
        )


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of its own: wrong tokens are counted, and thousands of tickets are bought."""
    options = ("--quantity", "100000", "--workers", "2", "--servers", "1")
    with running(tmp_path_factory.mktemp("openapi") / "data", *options) as instance:
        # Only an event with a time has an entry for a calendar.
        starts = ("--starts", "2099-01-01T20:00:00Z")
        assert instance.run("event", "edit", "default", *starts).returncode == 0
        yield instance
        instance.verify()


@pytest.fixture(scope="module")
def web(box: Instance) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = Keys(load_secret(box.data_dir))
        yield session


def meant(case: Case[Any]) -> None:
    """Makes a valid request ask for something that exists, with a key that is new."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    key = case.headers.get("Idempotency-Key")
    if key is not None and len(key) < 120:
        case.headers["Idempotency-Key"] = f"{next(numbers)}-{key}"
    if isinstance(case.body, dict):
        case.body |= {name: "Ann" for name, text in case.body.items() if is_too_new(text)}
    if isinstance(case.body, dict) and "buyer" in case.body:
        case.body |= {"event": "default", "type": "A"}
        for shown in ("price", "currency"):
            case.body.pop(shown, None)


def is_too_new(text: Any) -> bool:
    """Whether it has characters of a later Unicode than this Python's, which are unknown to it."""
    return isinstance(text, str) and any(unicodedata.category(each) == "Cn" for each in text)


def call(case: Case[Any], box: Instance, web: requests.Session) -> schemathesis.Response:
    return case.call_and_validate(
        base_url=f"http://127.0.0.1:{box.port}", session=web, allow_redirects=False
    )


# --- the description itself ----------------------------------------------------------


def test_it_is_valid_openapi_3_1() -> None:
    assert DESCRIPTION["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(DESCRIPTION).validate()
    for schema in DESCRIPTION["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


FOR_PROGRAMS = re.compile(
    r"/api/.*|/healthz|/readyz|/metrics|/openapi\.json|/orders/{order_id}/calendar\.ics"
)


def test_every_route_that_programs_call_is_described_and_nothing_else() -> None:
    parts: dict[str, Any] = dict.fromkeys((field.name for field in fields(Context)), None)
    front = Front((), "")
    parts |= {"operator_token": "t", "clock": Clock(), "front": front}
    parts["operations"] = FakeOperations({}, FakeClerk(time.time))
    site = Site(Context(**parts))
    routes = {(route.method, path_of(route.rule)) for route in site.routes}
    described = {
        (method.upper(), path) for path, item in DESCRIPTION["paths"].items() for method in item
    }
    assert {each for each in routes if FOR_PROGRAMS.fullmatch(each[1])} == described


def test_every_problem_can_happen_somewhere() -> None:
    happening = {code for route in ROUTES for code in codes_of(route)}
    # A method that an address does not accept is no operation.
    assert happening == STATUS.keys() - PAGES_ONLY - {"method-not-allowed"}
    assert set(all_codes()) == STATUS.keys() - PAGES_ONLY


def test_every_example_is_one_of_what_it_is_an_example_of() -> None:
    examples = DESCRIPTION["components"]["examples"]
    assert list(examples) == all_codes()
    for content in contents(DESCRIPTION["paths"]):
        given = [examples[code]["value"] for code in content.get("examples", ())]
        for example in (*given, *([content["example"]] if "example" in content else ())):
            whole = {**content["schema"], "components": DESCRIPTION["components"]}
            jsonschema_rs.validator_for(whole, validate_formats=True).validate(example)


def contents(part: Any) -> Iterator[dict[str, Any]]:
    """Returns every media type's entry below that part of the description."""
    if isinstance(part, dict):
        yield from part.get("content", {}).values()
        for each in part.values():
            yield from contents(each)


def test_it_is_served_from_memory_and_not_twice_to_the_same_client(
    box: Instance, web: requests.Session
) -> None:
    answer = ask(web, box, "GET", "/openapi.json")
    assert answer.json() == DESCRIPTION
    again = ask(web, box, "GET", "/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == answer.headers["ETag"]


async def test_buyers_are_served_while_it_is_made_once_for_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, served, made = threading.Event(), threading.Event(), []

    def slowly(languages: Languages, _url: str) -> dict[str, Any]:
        made.append(languages)
        begun.set()
        assert served.wait(5), "no other worker had a turn"
        return DESCRIPTION

    monkeypatch.setattr("web.openapi.docs_pages.document", slowly)
    app, languages = bottle.Bottle(), Languages()
    Manual(PageRenderer(languages, Assets()), languages, "").mount(app)

    async def status(path: str) -> int:
        request = Request(method="GET", path=path, base="http://127.0.0.1")
        route, parts = find_route(app, request)
        return int((await route.call(request, **parts)).status)

    async with asyncio.timeout(20):
        asked = [asyncio.create_task(status(path)) for path in ("/openapi.json", "/docs") * 2]
        while not begun.is_set() and not any(task.done() for task in asked):
            await asyncio.sleep(0.005)
        served.set()
        assert await asyncio.gather(*asked) == [200] * 4
        assert len(made) == 1


def ask(
    web: requests.Session, box: Instance, method: str, path: str, **more: Any
) -> requests.Response:
    """Asks, and checks that the answer is as it is described."""
    address = f"http://127.0.0.1:{box.port}{path}"
    answer = web.request(method, address, allow_redirects=False, timeout=10, **more)
    SCHEMA[path][method].validate_response(answer)
    return answer


# --- the page ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(box: Instance) -> str:
    answer = box.buyer().get("/docs")
    assert answer.status == 200
    return answer.body.decode()


def test_the_page_shows_every_operation_problem_and_schema(page: str) -> None:
    for route in ROUTES:
        assert f'id="{route.name}"' in page
    for code in all_codes():
        assert f'id="problem-{code}"' in page
    for code in PAGES_ONLY:
        assert f'id="problem-{code}"' not in page
    for name in DESCRIPTION["components"]["schemas"]:
        assert (f'id="shape-{name}"' in page) == (name not in TAKEN)
    targets = set(re.findall(r'href="#([\w-]+)"', page))
    assert targets <= set(re.findall(r'id="([\w-]+)"', page))


def test_the_page_speaks_both_languages(box: Instance) -> None:
    answer = box.buyer().get("/docs", {"Accept-Language": "zh-TW"})
    text = answer.body.decode()
    assert '<html lang="zh-TW">' in text
    assert "HTTP 介面" in text
    assert "目前購票人數眾多" in text


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_commands_on_the_page_work_as_they_stand(
    route: Route, box: Instance, page: str
) -> None:
    command = curl(route)
    assert command in html.unescape(page)
    secret = load_secret(box.data_dir)
    buyer = box.buyer()
    known = {
        "BOX": f"http://127.0.0.1:{box.port}",
        "ORDER": _made("/api/orders", buyer),
        "HOLD": _made("/api/holds", buyer),
        "TOKEN": secret.operator_token,
        "SECRET": f"whsec_{b64encode(secret.payment_key).decode()}",
    }
    method, address, headers, body = typed(command, known)
    answer = buyer.request(method, address.removeprefix(known["BOX"]), body, headers)
    assert answer.status in (200, 201), (command, answer.body)


def _made(path: str, buyer: Buyer) -> str:
    body = json.dumps(example_of(PurchaseJson)).encode()
    order: str = buyer.request("POST", path, body, {"Content-Type": JSON}).json["order"]
    return order


def typed(command: str, known: dict[str, str]) -> tuple[str, str, dict[str, str], bytes | None]:
    """Returns what a shell gives to curl: method, address, headers, body."""
    shell = "curl() { printf '%s\\0' \"$@\"; }\n"
    done = subprocess.run(
        ["bash", "-euc", shell + command], env={**os.environ, **known}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("-X")
    parser.add_argument("address")
    told = parser.parse_args(done.stdout.decode().split("\0")[:-1])
    headers = dict(line.split(": ", 1) for line in told.H)
    body = None if told.d is None else told.d.encode()
    return told.X or ("GET" if body is None else "POST"), told.address, headers, body


# --- what is really answered ---------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/orders", "/api/holds"])
def test_the_same_key_makes_one_order_whatever_is_in_it(
    path: str, box: Instance, web: requests.Session
) -> None:
    @settings(max_examples=EXAMPLES, **QUIET)
    @given(SCHEMA[path]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def buy_twice(case: Case[Any]) -> None:
        case.headers.setdefault("Idempotency-Key", "twice")
        meant(case)
        first, second = call(case, box, web), call(case, box, web)
        assert (first.status_code, second.status_code) == (201, 200)
        assert second.content == first.content
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == ["true"]

    buy_twice()


def test_what_follows_an_order_is_described_as_well(box: Instance, web: requests.Session) -> None:
    happened: set[tuple[str, int]] = set()

    class Life(SCHEMA.as_state_machine()):  # type: ignore[misc]
        """Buys and holds, then follows the links."""

        def after_call(self, response: schemathesis.Response, case: Case[Any]) -> None:
            super().after_call(response, case)
            happened.add((case.operation.definition.raw["operationId"], response.status_code))

        def before_call(self, case: Case[Any]) -> None:
            meant(case)

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {
                "base_url": f"http://127.0.0.1:{box.port}",
                "session": web,
                "allow_redirects": False,
            }

    Life.run(settings=settings(max_examples=EXAMPLES, stateful_step_count=6, **QUIET))
    assert {("getOrder", 200), ("cancelOrder", 200), ("confirmHold", 200)} <= happened


# Wrong tokens come from here on, and have to wait.


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, **QUIET)
def test_whatever_is_asked_the_answer_is_one_that_is_described(
    case: Case[Any], box: Instance, web: requests.Session
) -> None:
    meant(case)
    call(case, box, web)


LOCKED = [each for each in ROUTES if each.keys and {} not in each.keys]


@pytest.mark.parametrize("route", LOCKED, ids=lambda route: route.name)
@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Basic b3BlcmF0b3I6", "Bearer"])
def test_what_needs_a_key_is_closed_without_it(route: Route, shown: str, box: Instance) -> None:
    path, body = path_of(route.path), route.body
    with requests.Session() as stranger:
        content: dict[str, Any] = {"json": example_of(body)} if body else {}
        headers = {"Authorization": shown, "webhook-signature": shown}
        answer = ask(stranger, box, route.method, path, headers=headers, **content)
    # Too many wrong tokens are slowed down.
    assert answer.status_code in (401, 429)


# --- what seldom happens -------------------------------------------------------------


@pytest.fixture(scope="module")
def codes() -> Iterator[FakeWeb]:
    """A site with workers that answer with the code that the type is named after."""
    with fake_running("open") as site:
        yield site


@pytest.mark.parametrize("path", ["/api/orders", "/api/holds"])
@pytest.mark.parametrize("code", [*BUY, "draining"])
def test_each_of_the_workers_codes_is_described(path: str, code: str, codes: FakeWeb) -> None:
    wanted = {"event": "codes", "type": code, "buyer": "Ann"}
    answer = requests.post(f"http://127.0.0.1:{codes.port}{path}", json=wanted, timeout=10)
    SCHEMA[path]["POST"].validate_response(answer)


def _example(parameter: Parameter) -> str:
    return str(schema_of(parameter.type).get("examples", ["0" * 32])[0])


@pytest.mark.parametrize("state", ["away", "new"])
def test_without_zookeeper_the_answers_are_described(state: str) -> None:
    with fake_running(state) as site:
        for route in ROUTES:
            path = path_of(route.path)
            for parameter in route.parameters:
                path = path.replace(f"{{{parameter.name}}}", _example(parameter))
            content: dict[str, Any] = {"json": example_of(route.body)} if route.body else {}
            answer = requests.request(
                route.method,
                f"http://127.0.0.1:{site.port}{path}",
                headers={"Authorization": f"Bearer {TOKEN}"},
                allow_redirects=False,
                timeout=10,
                **content,
            )
            SCHEMA[path_of(route.path)][route.method].validate_response(answer)
            assert answer.status_code != 500
