"""Proxies are believed if they are trusted, and never otherwise."""

import random
from types import SimpleNamespace
from typing import cast

import pytest
from granian.rsgi import Scope

from core.client_addresses import client_network, parse_networks
from tests.support.fakes.fake_site import TOKEN
from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.signed_in import sign_in
from web.server.forwarded import Asker, Proxies
from web.server.request_head import Front

PROXIES = Proxies(parse_networks("192.0.2.1, 10.0.0.0/8,2001:db8:1::/48"))
SEEN = Asker("192.0.2.1", "http", "box.internal:8000")


def asker(peer: str = "192.0.2.1", **fields: str) -> Asker:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return PROXIES.asker(Asker(peer, SEEN.scheme, SEEN.host), named)


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        # The client wrote everything before the last address that is not a proxy's.
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.2.3, 192.0.2.1", "203.0.113.9"),
        ("10.1.2.3", "10.1.2.3"),
        ("203.0.113.9, unknown", "192.0.2.1"),
        ("203.0.113.9, unknown, 10.1.2.3", "10.1.2.3"),
        ("", "192.0.2.1"),
        (",", "192.0.2.1"),
        ("3405803785", "192.0.2.1"),
        ("203.0.113.9/24", "192.0.2.1"),
    ],
)
def test_the_client_is_the_last_address_of_the_chain_that_is_no_trusted_proxy(
    chain: str, address: str
) -> None:
    assert asker(x_forwarded_for=chain).address == address


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("for=203.0.113.9", Asker("203.0.113.9", SEEN.scheme, SEEN.host)),
        (
            'for=203.0.113.9;proto=https;host="tickets.example"',
            Asker("203.0.113.9", "https", "tickets.example"),
        ),
        (
            'For="[2001:db8::7]:4711" ; Proto=https',
            Asker("2001:db8::7", "https", SEEN.host),
        ),
        ("for=198.51.100.1, for=203.0.113.9", Asker("203.0.113.9", SEEN.scheme, SEEN.host)),
        # A quote that a client leaves open hides nothing of what the proxy adds.
        ('for="198.51.100.1, for=203.0.113.9', Asker("203.0.113.9", SEEN.scheme, SEEN.host)),
        ("for=_hidden", SEEN),
        ("nonsense", SEEN),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(forwarded: str, expected: Asker) -> None:
    assert asker(forwarded=forwarded) == expected


def test_a_proxy_is_not_believed_where_its_two_headers_disagree() -> None:
    """It sets one of them, and passes on what a client wrote into the other."""
    both = asker(x_forwarded_for="203.0.113.9", forwarded="for=198.51.100.1;proto=https")
    assert both.address == "192.0.2.1"
    agreed = asker(x_forwarded_for="203.0.113.9", forwarded="for=203.0.113.9")
    assert agreed.address == "203.0.113.9"


def test_nobody_else_is_believed() -> None:
    told = {
        "x_forwarded_for": "203.0.113.9",
        "x_forwarded_proto": "https",
        "x_forwarded_host": "evil.example",
        "forwarded": "for=203.0.113.9;host=evil.example",
    }
    assert asker("198.51.100.1", **told) == Asker("198.51.100.1", SEEN.scheme, SEEN.host)
    assert Proxies(()).asker(SEEN, {"x-forwarded-for": "203.0.113.9"}) == SEEN


@pytest.mark.parametrize("host", ["evil.example/x", "a b", "a@b", "", "x" * 300, 'a"b'])
def test_text_that_is_no_host_is_not_taken_for_one(host: str) -> None:
    assert asker(x_forwarded_host=host).host == SEEN.host


def test_a_long_chain_is_followed_for_a_while_only() -> None:
    chain = ", ".join(["203.0.113.9", *["10.0.0.1"] * 1000])
    assert asker(x_forwarded_for=chain).address == "10.0.0.1"


def test_whatever_stands_in_the_headers_ends_in_an_address() -> None:
    rng = random.Random(7)
    words = ["for", "=", '"', ";", ",", "[", "]", ":", "10.0.0.1", "203.0.113.9", " ", "%eth0"]
    for _ in range(500):
        told = "".join(rng.choices(words, k=rng.randrange(12)))
        assert asker(x_forwarded_for=told, forwarded=told).address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        # A socket for both kinds of addresses: these are no neighbours of each other.
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_one_client_is_an_ipv4_address_or_a_64_of_ipv6(address: str, network: str) -> None:
    assert client_network(address) == network


def test_a_proxy_that_nobody_has_named_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    front = Front(parse_networks("192.0.2.1"), "")
    for peer in ("192.0.2.1", "127.0.0.1", "127.0.0.1"):
        fields = [("host", "x"), ("x-forwarded-for", "203.0.113.9")]
        front.request(head(peer, fields), 0.0, nobody_leaves)
    assert [record.args for record in caplog.records] == [("127.0.0.1", "127.0.0.1")]
    assert "--trusted-proxy 127.0.0.1" in caplog.text


@pytest.mark.parametrize(
    ("address", "many"),
    [
        ("192.0.2.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("203.0.113.9", False),
        ("2001:db8::1", False),
    ],
)
def test_a_trusted_proxy_and_this_machine_speak_for_many(address: str, many: bool) -> None:
    assert Front(parse_networks("192.0.2.1"), "").speaks_for_many(address) is many


async def nobody_leaves() -> None:
    """Stands for a client that keeps its connection."""


def head(peer: str, fields: list[tuple[str, str]]) -> Scope:
    """Makes a request's head as the web server hands it over."""
    scope = SimpleNamespace(
        http_version="1.1",
        server="127.0.0.1:8000",
        client=f"{peer}:4711",
        scheme="http",
        method="GET",
        path="/",
        query_string="",
        headers=dict(fields),
    )
    return cast(Scope, scope)


# --- at the web ----------------------------------------------------------------------

ORDER = {"event": "gala", "type": "front", "buyer": "Ann"}
EVIL = {
    "x_forwarded_host": "evil.example",
    "x_forwarded_proto": "https",
    "x_forwarded_for": "203.0.113.9",
    "forwarded": "for=203.0.113.9;host=evil.example;proto=https",
}


def calendar(web: FakeWeb, **headers: str) -> str:
    order = web.buy(ORDER).json["order"]
    text = web.get(f"/orders/{order}/calendar.ics", **headers).text.replace("\r\n ", "")
    return next(line for line in text.splitlines() if line.startswith("URL:"))


def test_a_strangers_forwarded_headers_change_nothing() -> None:
    with running("open") as web:
        ours = f"URL:http://127.0.0.1:{web.port}/orders/"
        assert calendar(web, **EVIL).startswith(ours)
        assert "evil.example" not in web.get("/docs", **EVIL).text
        assert "Secure" not in sign_in(web, **EVIL).headers["set-cookie"]
        # Guesses are counted by their origin, not by what they claim.
        codes = [sign_in(web, "wrong", x_forwarded_for=f"10.0.0.{n}").status for n in range(12)]
        assert codes == [401] * 10 + [429] * 2


def test_a_trusted_proxys_headers_are_believed() -> None:
    told = {"x_forwarded_host": "tickets.example", "x_forwarded_proto": "https"}
    with running("open", trusted_proxy="127.0.0.1") as web:
        assert calendar(web, **told).startswith("URL:https://tickets.example/orders/")
        assert "Secure" in sign_in(web, **told).headers["set-cookie"]
        codes = [sign_in(web, "wrong", x_forwarded_for="203.0.113.9").status for _ in range(11)]
        assert codes == [401] * 10 + [429]
        assert sign_in(web, "wrong", x_forwarded_for="203.0.113.10").status == 401
        posted = web.buy(ORDER, origin="https://tickets.example", **told)
        assert posted.status == 201


def test_a_chain_that_a_client_made_unreadable_does_not_make_the_other_header_believed() -> None:
    """nginx adds to X-Forwarded-For, and passes Forwarded on as the client wrote it."""
    guesses = 11
    with running("open", trusted_proxy="127.0.0.1") as web:
        found = [
            web.get(
                "/api/status",
                authorization="Bearer wrong",
                x_forwarded_for="\xe9, 203.0.113.9",
                forwarded=f"for=198.51.100.{number}",
            ).status
            for number in range(guesses)
        ]
    assert found[-1] == 429, found


def test_links_that_leave_the_page_have_the_public_address() -> None:
    with running("open", public_url="https://Tickets.Example/") as web:
        assert calendar(web, **EVIL).startswith("URL:https://tickets.example/orders/")
        assert web.get("/openapi.json").json["servers"][0]["url"] == "https://tickets.example"
        assert "https://tickets.example" in web.get("/docs").text
        assert "Secure" in sign_in(web).headers["set-cookie"]
        assert web.buy(ORDER, origin="https://tickets.example").status == 201
        assert web.buy(ORDER, origin="https://evil.example").status == 403


def test_browsers_learn_to_come_by_https_only_over_https_and_to_the_public_address() -> None:
    told = {"x_forwarded_proto": "https"}
    with running("open", public_url="https://tickets.example", trusted_proxy="127.0.0.1") as web:
        assert "max-age" in web.get("/", **told).headers["strict-transport-security"]
        assert "strict-transport-security" not in web.get("/").headers
    with running("open", trusted_proxy="127.0.0.1") as web:
        assert "strict-transport-security" not in web.get("/", **told).headers


# --- the metrics ---------------------------------------------------------------------

PROXIED = [
    {"x_forwarded_for": "203.0.113.9"},
    {"x_forwarded_proto": "https"},
    {"forwarded": "for=203.0.113.9"},
    {"x_real_ip": "203.0.113.9"},
    {"via": "1.1 proxy"},
    {"cf_connecting_ip": "203.0.113.9"},
    {"true_client_ip": "203.0.113.9"},
    {"x_original_forwarded_for": "203.0.113.9"},
    # nginx passes this on when a client begins with a letter that is not ASCII.
    {"x_forwarded_for": "\xe9, 203.0.113.9"},
    {"host": "tickets.example"},
]


def test_the_metrics_are_for_this_machines_programs_and_for_operators() -> None:
    with running("open") as web:
        assert web.get("/metrics").status == 200
        assert web.get("/metrics", host="localhost").status == 200
        assert web.get("/metrics", host="LOCALHOST").status == 200
        for headers in PROXIED:
            refused = web.get("/metrics", **headers)
            assert refused.status == 401, headers
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert "zkticket_" not in refused.text
            brought = web.get("/metrics", authorization=f"Bearer {TOKEN}", **headers)
            assert "zkticket_requests_total" in brought.text
        assert web.get("/healthz", **PROXIED[0]).status == 200
        assert web.get("/readyz", **PROXIED[0]).status == 200


def test_a_proxy_that_says_nothing_of_whom_it_asks_for_is_told_no_metrics() -> None:
    """This is nginx with nothing but `proxy_pass`."""
    with running("open") as web, web.connect() as connection:
        host = f"127.0.0.1:{web.port}".encode()
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: " + host + b"\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.0 401")
    with running("open", trusted_proxy="127.0.0.0/8") as web:
        assert web.get("/metrics").status == 401
