"""The HTTP interface over a real server: every row of the table of errors, and bad input."""

import json
import random
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import BadRequest, StartupError
from core.transport.listen_socket import listen
from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import FakeWeb, Response, running
from tests.support.instance import eventually
from web.http.body import form_fields
from web.http.cross_origin import is_cross_site
from web.http.problems import problem
from web.http.request import Request
from web.requests.purchase import from_form, from_json

PURCHASE = {"type": "A", "buyer": "Ann"}


@dataclass(frozen=True)
class Unfinished:
    """Connections to the web on which a body, and a header, never end."""

    body: socket.socket
    header: socket.socket
    since: float


@pytest.fixture(scope="module", autouse=True)
def unfinished(web: FakeWeb) -> Iterator[Unfinished]:
    """Begins them before everything else; they have ten seconds, and are looked at last."""
    head = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with web.connect() as body, web.connect() as header:
        body.sendall(head + b"Content-Length: 50\r\n\r\n{")
        header.sendall(head)
        yield Unfinished(body, header, time.monotonic())


@pytest.fixture(scope="module")
def away() -> Iterator[FakeWeb]:
    """A site that has lost ZooKeeper."""
    with running("away") as site:
        yield site


@pytest.fixture(scope="module")
def new() -> Iterator[FakeWeb]:
    """A site that has never seen ZooKeeper."""
    with running("new") as site:
        yield site


def assert_problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json
    assert (found["status"], found["code"]) == (status, code)
    assert found["type"] == "about:blank"
    assert found["title"]
    assert "\n" not in found["detail"]
    assert ("retry-after" in answer.headers) == (status == 503)
    return found


# --- purchases -----------------------------------------------------------------------


def test_a_purchase_is_answered_with_the_order(web: FakeWeb) -> None:
    answer = web.buy({"event": "default", "type": "A", "quantity": 2, "buyer": " Ann "})
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    order = answer.json
    assert order.keys() == {
        *("order", "event", "type", "quantity", "buyer", "status", "created_at", "zxid"),
        *("price", "total", "currency", "number", "code"),
    }
    assert (order["type"], order["quantity"], order["buyer"]) == ("A", 2, "Ann")
    assert web.get(f"/api/orders/{order['order']}").json["order"] == order["order"]


def test_a_whole_number_may_be_written_with_a_point(web: FakeWeb) -> None:
    answer = web.buy(b'{"type":"A","buyer":"Ann","quantity":2.0}')
    assert (answer.status, answer.json["quantity"]) == (201, 2)
    assert b'"quantity":2,' in answer.body


def test_the_same_key_gives_the_same_order_and_says_so(web: FakeWeb) -> None:
    first = web.buy(PURCHASE, idempotency_key="k-1")
    again = web.buy(PURCHASE, idempotency_key="k-1")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_without_a_key_every_purchase_is_a_new_one(web: FakeWeb) -> None:
    assert web.buy(PURCHASE).json["order"] != web.buy(PURCHASE).json["order"]


def test_a_key_that_bought_something_else_is_refused(web: FakeWeb) -> None:
    web.buy(PURCHASE, idempotency_key="k-2")
    other = web.buy({**PURCHASE, "quantity": 2}, idempotency_key="k-2")
    assert_problem(other, 422, "key-reused")


@pytest.mark.parametrize(
    ("type_", "status", "code"),
    [
        ("sold-out", 409, "sold-out"),
        ("not-on-sale", 409, "not-on-sale"),
        ("no-such-event", 404, "no-such-event"),
        ("no-such-type", 404, "no-such-type"),
        ("key-reused", 422, "key-reused"),
        ("overloaded", 503, "overloaded"),
        ("no-quorum", 503, "no-quorum"),
        ("no-worker", 503, "no-worker"),
        ("outcome-unknown", 503, "outcome-unknown"),
        ("damaged", 500, "damaged"),
    ],
)
def test_each_of_the_workers_codes_has_its_status(
    web: FakeWeb, type_: str, status: int, code: str
) -> None:
    found = assert_problem(web.buy({**PURCHASE, "event": "codes", "type": type_}), status, code)
    assert ("remaining" in found) == (code == "sold-out")


def test_sold_out_says_how_many_are_left(web: FakeWeb) -> None:
    answer = web.buy({"event": "codes", "type": "few", "quantity": 4, "buyer": "Ann"})
    found = assert_problem(answer, 409, "sold-out")
    assert found["remaining"] == 2
    assert found["detail"] == "Only 2 few tickets are left; you asked for 4."


def test_silence_ends_in_outcome_unknown_before_three_seconds(web: FakeWeb) -> None:
    started = time.monotonic()
    answer = web.buy({"event": "codes", "type": "silent", "buyer": "Ann"})
    assert_problem(answer, 503, "outcome-unknown")
    assert time.monotonic() - started < 3.5


def test_an_unknown_event_or_type_is_not_found(web: FakeWeb) -> None:
    web.get("/api/events")  # now the catalog is fresh
    assert_problem(web.buy({**PURCHASE, "event": "nope"}), 404, "no-such-event")
    assert_problem(web.buy({**PURCHASE, "type": "nope"}), 404, "no-such-type")


def test_retry_after_is_spread_over_one_to_five_seconds() -> None:
    rng = random.Random(1)
    seconds = {problem("overloaded", rng=rng).retry_after for _ in range(100)}
    assert seconds == {1, 2, 3, 4, 5}


# --- bad input -----------------------------------------------------------------------

DEEP = b'{"type":' + b"[" * 8000 + b"]" * 8000 + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b'{"type":"A","type":"B","buyer":"Ann"}',
        b'{"type":"A","buyer":"Ann","quantity":NaN}',
        b'{"type":"A","buyer":"Ann","quantity":Infinity}',
        b'{"type":"A","buyer":"\xff"}',
        b'{"type":"A","buyer":"Ann"} more',
        '{"type":"A","buyer":"Ann"}'.encode("utf-16"),
        DEEP,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_object_is_malformed(web: FakeWeb, body: bytes) -> None:
    assert_problem(web.buy(body), 400, "malformed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("quantity", value) for value in (0, -1, 11, 1.5, 11.0, True, "1", None, [1], 10**400)),
        *(("buyer", value) for value in ("", "   ", "x" * 65, 7, None, "a\x00b", "a\tb", "a\nb")),
        *(("buyer", value) for value in ("\u200d", "\u3164", "\u2800", "a\u2028b", "a\ud800b")),
        *(("type", value) for value in ("", "../A", "A/B", "x" * 33, "-A", "A\n", 1, None, ["A"])),
        *(("event", value) for value in ("", "..", "../../zookeeper", 1, None)),
        *((number, "\ud800") for number in ("quantity", "price")),
        ("surprise", 1),
        ("__proto__", {}),
    ],
)
def test_a_field_out_of_range_is_named(web: FakeWeb, field: str, value: Any) -> None:
    found = assert_problem(web.buy({**PURCHASE, field: value}), 422, "invalid")
    assert found["field"] == field


def test_a_body_with_a_byte_order_mark_is_read(web: FakeWeb) -> None:
    answer = web.buy(b'\xef\xbb\xbf{"type":"A","buyer":"\xef\xbb\xbfAnn"}')
    assert (answer.status, answer.json["buyer"]) == (201, "Ann")


@pytest.mark.parametrize("field", ["type", "buyer"])
def test_a_missing_field_is_named(web: FakeWeb, field: str) -> None:
    body = {name: value for name, value in PURCHASE.items() if name != field}
    assert assert_problem(web.buy(body), 422, "invalid")["field"] == field


@pytest.mark.parametrize("number", [b"1e400", b"1" + b"0" * 5000])
def test_a_number_beyond_all_bounds_is_a_bad_quantity(web: FakeWeb, number: bytes) -> None:
    body = b'{"type":"A","buyer":"Ann","quantity":' + number + b"}"
    assert assert_problem(web.buy(body), 422, "invalid")["field"] == "quantity"


@pytest.mark.parametrize(
    "name",
    [
        "王小明",
        "Zoë",
        "👩‍👩‍👧",
        "<script>alert(1)</script>",
        "می‌خواهم",
        "田中　太郎",
        "O'Neill",
        "x" * 64,
        "\U00031350\ue000",
    ],
)
def test_names_of_all_scripts_are_taken(web: FakeWeb, name: str) -> None:
    answer = web.buy({"type": "A", "buyer": name})
    assert answer.status == 201
    assert answer.json["buyer"] == name


def test_marks_of_direction_are_no_part_of_a_name(web: FakeWeb) -> None:
    answer = web.buy({"type": "A", "buyer": "\u202egnp.\u200fexe\u2069 "})
    assert (answer.status, answer.json["buyer"]) == (201, "gnp.exe")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "k\xe9y"])
def test_a_key_of_anything_but_visible_ascii_is_refused(web: FakeWeb, key: str) -> None:
    found = assert_problem(web.buy(PURCHASE, idempotency_key=key), 422, "invalid")
    assert found["field"] == "Idempotency-Key"


def test_a_key_of_128_characters_is_taken(web: FakeWeb) -> None:
    assert web.buy(PURCHASE, idempotency_key="!" + "~" * 127).status == 201


def test_a_header_with_an_underscore_does_not_pass_for_the_key(web: FakeWeb) -> None:
    with web.connect() as connection:
        body = json.dumps(PURCHASE).encode()
        head = (
            "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Idempotency_Key: not a key\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_taken(web: FakeWeb, content_type: str) -> None:
    answer = web.buy(PURCHASE, content_type=content_type)
    assert_problem(answer, 415, "unsupported-media-type")


def test_a_media_type_may_have_parameters(web: FakeWeb) -> None:
    assert web.buy(PURCHASE, content_type="Application/JSON; charset=utf-8").status == 201


@pytest.mark.parametrize("size", [17 * 1024, 500 * 1024])
def test_a_body_over_16_kib_is_too_large(web: FakeWeb, size: int) -> None:
    assert_problem(web.buy(b"x" * size), 413, "too-large")


def test_a_chunked_body_that_grows_over_16_kib_is_too_large(web: FakeWeb) -> None:
    with web.connect() as connection:
        connection.sendall(
            b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
        )
        for _ in range(17):
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_small_chunked_body_is_taken(web: FakeWeb) -> None:
    body = json.dumps(PURCHASE).encode()
    with web.connect() as connection:
        connection.sendall(
            b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")


def test_a_body_in_very_many_chunks_is_too_large(web: FakeWeb) -> None:
    """Each costs the event loop as much as a large one: 16,000 of one byte each took 0.7 s."""
    assert send_in_chunks(web, [b"["] * 8000).startswith(b"HTTP/1.1 413")


def test_a_body_in_some_small_chunks_is_taken(web: FakeWeb) -> None:
    body = json.dumps(PURCHASE).encode()
    parts = [body[start : start + 2] for start in range(0, len(body), 2)]
    assert send_in_chunks(web, parts).startswith(b"HTTP/1.1 201")


def send_in_chunks(web: FakeWeb, parts: Sequence[bytes]) -> bytes:
    head = (
        b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
    with web.connect() as connection:
        connection.sendall(head + b"".join(chunks) + b"0\r\n\r\n")
        return connection.recv(4096)


# --- buyers who go -------------------------------------------------------------------


def test_nobody_waits_for_a_buyer_that_closed_the_connection(web: FakeWeb) -> None:
    body = b'{"event":"codes","type":"silent","buyer":"Ann"}'
    head = f"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with web.connect() as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        eventually("a worker has it", lambda: _outstanding(web) == 1)
    started = time.monotonic()
    eventually("it is dropped", lambda: _outstanding(web) == 0)
    # It comes long before the purchase's deadline.
    assert time.monotonic() - started < 1.5
    assert web.buy(PURCHASE).status == 201


def _outstanding(web: FakeWeb) -> float:
    lines = web.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("zkticket_outstanding"))


# --- slow clients --------------------------------------------------------------------


def test_slow_bodies_and_half_headers_do_not_keep_a_buyer_waiting(web: FakeWeb) -> None:
    head = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    slow = [web.connect() for _ in range(120)]
    try:
        for connection in slow[:20]:
            connection.sendall(head + b"Content-Length: 50\r\n\r\n{")
        for connection in slow[20:]:
            connection.sendall(head)
        for _ in range(3):
            for connection in slow[:20]:
                connection.sendall(b" ")
            started = time.monotonic()
            assert web.buy(PURCHASE).status == 201
            assert time.monotonic() - started < 1.0
    finally:
        for connection in slow:
            connection.close()


# --- reading -------------------------------------------------------------------------


@pytest.mark.parametrize("order_id", ["0" * 32, "xyz", "0" * 31, "..%2f..%2fzookeeper", "0" * 4000])
def test_an_unknown_order_is_not_found(web: FakeWeb, order_id: str) -> None:
    answer = web.get(f"/api/orders/{order_id}")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_order_that_cannot_be_read_now_says_when_to_come_back(web: FakeWeb) -> None:
    assert_problem(web.get("/api/orders/" + "f" * 32), 503, "no-quorum")


def test_a_damaged_order_is_named_as_such(web: FakeWeb) -> None:
    assert_problem(web.get("/api/orders/" + "e" * 32), 500, "damaged")


def test_events_tell_what_is_left_and_when_that_was_read(web: FakeWeb) -> None:
    event = web.get("/api/events/default").json
    assert event["types"][0] == {
        "name": "A",
        "label": "",
        "colour": "",
        "price": 4800,
        "capacity": 1000,
        "sold": 588,
        "held": 0,
        "remaining": 412,
        "labels": {},
        "position": 0,
        "admitted": 0,
    }
    assert event["stale"] is False
    assert event["as_of"].endswith("Z")
    names = [known["name"] for known in web.get("/api/events").json["events"]]
    assert names == [
        *("default", "codes", "gone", "gala"),
        *("concert", "abroad", "closed", "soon", "broken"),
    ]


def test_a_damaged_event_is_unavailable_and_the_others_go_on(web: FakeWeb) -> None:
    events = {known["name"]: known for known in web.get("/api/events").json["events"]}
    assert events["broken"]["unavailable"] is True
    assert_problem(web.get("/api/events/broken"), 500, "damaged")


def test_an_unknown_event_is_not_found(web: FakeWeb) -> None:
    assert_problem(web.get("/api/events/nope"), 404, "no-such-event")


def test_the_status_is_for_operators(web: FakeWeb) -> None:
    refused = [
        web.get("/api/status"),
        web.get("/api/status", authorization="Bearer wrong"),
        web.get("/api/status", authorization=f"Basic {TOKEN}"),
        web.get("/api/status", authorization="Bearer \xe9"),
    ]
    for answer in refused:
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    told = web.get("/api/status", authorization=f"Bearer {TOKEN}").json
    assert told["ensemble"]["quorum"] is True


def test_it_is_alive_and_ready(web: FakeWeb) -> None:
    assert web.get("/healthz").status == 200
    assert web.get("/readyz").status == 200


def test_metrics_count_requests_and_purchases(web: FakeWeb) -> None:
    web.buy(PURCHASE)
    text = web.get("/metrics").text
    assert 'zkticket_requests_total{route="POST /api/orders",status="201"}' in text
    assert 'zkticket_outstanding{host="here",worker="w-1"} 0' in text
    assert 'zkticket_stage_seconds{stage="link",quantile="0.99"}' in text
    assert "zkticket_stale 0" in text
    assert 'zkticket_purchase_seconds_bucket{le="+Inf"}' in text


@pytest.mark.parametrize("path", ["/api/events/default", "/healthz", "/api/nope"])
def test_a_head_request_has_the_length_of_the_answer_and_no_body(web: FakeWeb, path: str) -> None:
    whole = web.get(path)
    answer = web.request("HEAD", path)
    assert answer.status == whole.status
    assert answer.body == b""
    if path != "/api/events/default":  # it contains the time
        assert int(answer.headers["content-length"]) == len(whole.body)
    assert int(answer.headers["content-length"]) > 0


def test_under_api_even_a_wrong_address_or_method_is_a_problem(web: FakeWeb) -> None:
    assert_problem(web.get("/api/nope"), 404, "not-found")
    assert_problem(web.request("DELETE", "/api/orders"), 405, "method-not-allowed")
    assert web.request("DELETE", "/api/orders").headers["allow"] == "POST"
    assert web.request("DELETE", "/operator/act/scale").headers["allow"] == "GET,POST"


# --- cross-site posts ----------------------------------------------------------------


def test_a_post_from_another_site_is_refused(web: FakeWeb) -> None:
    assert_problem(web.buy(PURCHASE, sec_fetch_site="cross-site"), 403, "cross-site")
    assert_problem(web.buy(PURCHASE, sec_fetch_site="same-site"), 403, "cross-site")
    assert_problem(web.buy(PURCHASE, origin="https://evil.example"), 403, "cross-site")
    assert_problem(web.buy(PURCHASE, origin="null"), 403, "cross-site")


def test_a_post_from_our_own_page_is_taken(web: FakeWeb) -> None:
    assert web.buy(PURCHASE, sec_fetch_site="same-origin").status == 201
    assert web.buy(PURCHASE, origin=f"http://127.0.0.1:{web.port}").status == 201


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"origin": "http://a:1"}, False),
        ("POST", {"origin": "http://a:2"}, True),
        ("POST", {"origin": "http://["}, True),
        ("PUT", {"sec-fetch-site": "same-site"}, True),
    ],
)
def test_which_requests_count_as_cross_origin(
    method: str, headers: dict[str, str], refused: bool
) -> None:
    request = Request(method=method, path="/", headers=headers, host="a:1")
    assert is_cross_site(request) is refused


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", ""),
        ("event=gala", "gala"),
        ("a=1&event=g%C3%A4+la&&b", "gä la"),
        ("event", ""),
        ("event=%ff", ""),
        ("events=1&%65vent=2", "2"),
    ],
)
def test_a_field_of_the_address_is_read_or_empty(query: str, value: str) -> None:
    request = Request(method="GET", path="/", query_string=query)
    assert request.query_field("event") == value
    assert request.query().get("event", "") == value


def test_a_field_may_not_stand_twice_in_an_address() -> None:
    request = Request(method="GET", path="/", query_string="event=1&event=1&other=2")
    assert request.query_field("other") == "2"
    with pytest.raises(BadRequest):
        request.query_field("event")
    with pytest.raises(BadRequest):
        request.query()


# --- without ZooKeeper ---------------------------------------------------------------


def test_without_zookeeper_purchases_are_refused_at_once_and_availability_is_stale(
    away: FakeWeb,
) -> None:
    started = time.monotonic()
    assert_problem(away.buy(PURCHASE), 503, "no-quorum")
    assert time.monotonic() - started < 1.0
    event = away.get("/api/events/default")
    assert (event.status, event.json["stale"]) == (200, True)
    assert away.get("/readyz").status == 503
    assert "zkticket_stale 1" in away.get("/metrics").text


def test_before_zookeeper_comes_it_is_alive_and_says_that_it_is_not_open(new: FakeWeb) -> None:
    assert new.get("/healthz").status == 200
    assert new.get("/readyz").status == 503
    assert_problem(new.get("/api/events"), 503, "no-quorum")
    assert_problem(new.buy(PURCHASE), 503, "no-quorum")


# --- the process ---------------------------------------------------------------------


def test_a_taken_port_is_named_with_the_option_to_change_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=rf"port {port} .* --port"):
            listen("127.0.0.1", port, "--port")


def test_sigterm_lets_a_request_in_flight_end_and_exits_0() -> None:
    with running("open") as site, site.connect() as connection:
        body = b'{"event":"codes","type":"silent","buyer":"Ann"}'
        connection.sendall(
            b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        assert site.get("/healthz").status == 200
        site.process.send_signal(signal.SIGTERM)
        assert connection.recv(4096).startswith(b"HTTP/1.1 503")
        assert site.process.wait(timeout=10) == 0


def test_the_child_does_not_outlive_a_killed_server() -> None:
    with running("open") as site:
        site.process.kill()
        deadline = time.monotonic() + 10
        while is_listening(site):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def is_listening(site: FakeWeb) -> bool:
    try:
        site.connect().close()
    except OSError:
        return False
    return True


# --- the parsers, without a server ---------------------------------------------------


def test_a_basket_from_json_has_a_key_of_its_own_unless_one_was_sent() -> None:
    body, headers = b'{"type":"A","buyer":"Ann"}', {"content-type": "application/json"}
    request = Request(method="POST", path="/api/orders", headers=headers, body=body)
    minted = from_json(request)
    assert (minted.keyed, minted.event, minted.quantity) == (False, "default", 1)
    sent = from_json(replace(request, headers={**headers, "idempotency-key": "k"}))
    assert (sent.keyed, sent.key) == (True, "k")


def submitted(form: bytes) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request(method="POST", path="/orders", headers=headers, body=form)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("type=A&buyer=Ann&quantity=0&key=k", "quantity"),
        ("type=A&buyer=Ann&quantity=%2B1&key=k", "quantity"),
        ("type=A&buyer=Ann&quantity=x&key=k", "quantity"),
        ("type=A&buyer=+&quantity=1&key=k", "buyer"),
        ("buyer=Ann&quantity=1&key=k", "type"),
        ("type=A&buyer=Ann&quantity=1", "Idempotency-Key"),
        ("type=A&buyer=Ann&quantity=1&key=k&more=1", "more"),
    ],
)
def test_a_form_is_checked_like_json(form: str, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        from_form(form_fields(submitted(form.encode())))
    assert caught.value.field == field


@pytest.mark.parametrize("form", [b"buyer=%FF", b"type=A&type=B", b"buyer=\xff"])
def test_a_form_that_cannot_be_read_is_malformed(form: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        form_fields(submitted(form))
    assert caught.value.code == "malformed"


# --- who never comes to an end -------------------------------------------------------


def test_a_body_that_never_comes_is_given_up_and_so_is_half_a_header(
    unfinished: Unfinished,
) -> None:
    unfinished.body.settimeout(max(1.0, unfinished.since + 14 - time.monotonic()))
    assert unfinished.body.recv(4096).startswith(b"HTTP/1.1 408")
    assert_closed(unfinished.header)


def assert_closed(connection: socket.socket) -> None:
    while True:
        received = connection.recv(4096)
        if not received:
            return
        assert received.startswith(b"HTTP/1.1 408")
