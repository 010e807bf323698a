"""The page of a hold: its states, and its buttons, pressed once, twice and too late."""

import re
from itertools import count
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.support.fakes.fake_site import GALA
from tests.support.fakes.fake_web import FakeWeb, Response, running
from tests.support.fakes.gala_order import SOLD_ORDER
from web.http.i18n import Languages
from web.pages.hold_view import HoldView, hold_view, time_left

LANGUAGES = Languages()
NOW = 1_780_000_000.0
HELD_ORDER = msgspec.structs.replace(
    SOLD_ORDER,
    status="held",
    created_at="2026-05-28T20:26:40.000Z",
    held_until="2026-05-28T20:30:50.500Z",
)
FORM = "application/x-www-form-urlencoded"
numbers = count(1)


def page(now: float = NOW, event: Any = GALA, **fields: Any) -> HoldView:
    order = msgspec.structs.replace(HELD_ORDER, **fields)
    return hold_view(LANGUAGES.default, order, event, now, "key")


def post(web: FakeWeb, address: str, fields: dict[str, str], **headers: str) -> Response:
    body = urlencode(fields).encode()
    return web.request("POST", address, body, **{"content_type": FORM, **headers})


def held(web: FakeWeb, buyer: str = "Ann") -> str:
    """Presses the sale's other button; returns the address of the hold."""
    key = f"h-{next(numbers)}"
    fields = {"event": "gala", "type": "front", "quantity": "2", "buyer": buyer, "key": key}
    answer = post(web, "/holds", fields)
    assert answer.status == 303
    return answer.headers["location"]


def key_of(response: Response) -> str:
    return one(r'name="key" value="([^"]+)"', response)


def until(web: FakeWeb, address: str) -> str:
    return one(r'data-until="([^"]+)"', web.get(address))


def one(pattern: str, response: Response) -> str:
    [found] = re.findall(pattern, response.text)[:1]
    return str(found)


# --- what it shows -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (0.2, "00:01"), (59.9, "01:00"), (300, "05:00"), (3600, "1:00:00")],
)
def test_the_time_left_counts_the_begun_second(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


def test_a_hold_says_until_when_and_how_often_it_may_be_extended() -> None:
    found = page()
    assert (found.state, found.until, found.left) == ("held", "04:30:50 (Taipei)", "04:11")
    assert (found.ends_in_ms, found.warn_ms) == (250_500, 60_000)
    assert (found.extend, found.total) == ("Extend by 5 minutes", "NT$2,400.00")
    assert found.extensions == "You can extend twice more."
    assert page(extended=1).extensions == "You can extend once more."
    last = page(extended=2)
    assert (last.extend, last.extensions) == ("", "You can’t extend any further.")


@pytest.mark.parametrize(("hold_s", "warn_s"), [(10, 20), (150, 30), (300, 60), (86_400, 60)])
def test_the_warning_comes_neither_too_late_nor_too_early(hold_s: float, warn_s: int) -> None:
    event = msgspec.structs.replace(GALA, hold_s=hold_s)
    assert page(event=event).warn_ms == 1000 * warn_s


def test_a_hold_is_over_by_the_clock_before_anybody_has_put_it_back_on_sale() -> None:
    assert page(NOW + 250.4).state == "held"
    assert page(NOW + 250.6).state == "over"
    assert page(status="expired").state == "over"
    assert page(status="released").state == "released"


def test_a_hold_can_be_bought_while_its_event_cannot_be_read() -> None:
    found = page(event=None)
    assert (found.state, found.event.title, found.type, found.total) == (
        "held",
        "gala",
        "front",
        "NT$2,400.00",
    )
    assert found.extend == ""


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (1.0, "1 second", "1 秒"),
        (90.0, "90 seconds", "90 秒"),
        (60.0, "1 minute", "1 分鐘"),
        (5400.0, "90 minutes", "90 分鐘"),
        (86_400.0, "24 hours", "24 小時"),
    ],
)
def test_a_duration_is_told_in_its_own_unit(seconds: float, english: str, chinese: str) -> None:
    told = {language.tag: language.duration(seconds) for language in LANGUAGES.all}
    assert told == {"en": english, "zh-TW": chinese}


# --- its buttons ---------------------------------------------------------------------


def test_the_forms_other_button_holds_and_the_page_says_until_when(web: FakeWeb) -> None:
    assert ">Hold for 5 minutes</button>" in web.get("/?event=gala").text
    found = web.get(held(web)).text
    assert "We’re holding your tickets." in found
    assert re.search(r"<time [^>]*data-clock>\d\d:\d\d:\d\d \(Taipei\)</time>", found)
    assert re.search(r'role="timer"[^>]*>0[45]:\d\d<', found)
    assert "<svg" not in found.partition("<main>")[2]  # it has no code that a door would accept


def test_bought_twice_is_bought_once_and_stays_at_its_address(web: FakeWeb) -> None:
    address = held(web)
    for _ in range(2):
        answer = post(web, f"{address}/confirm", {})
        assert (answer.status, answer.headers["location"]) == (303, address)
    assert "Valid" in web.get(address).text


def test_one_form_extends_once_and_no_more_often_than_it_says(web: FakeWeb) -> None:
    address = held(web)
    ends = [until(web, address)]
    for _ in range(2):
        key = key_of(web.get(address))
        for _ in range(2):
            assert post(web, f"{address}/extend", {"key": key}).status == 303
        ends.append(until(web, address))
    assert len(set(ends)) == 3
    refused = post(web, f"{address}/extend", {"key": "another"})
    assert refused.status == 409
    assert 'role="alert"><p>This hold can’t be extended any more.</p>' in refused.text
    assert f'action="{address}/confirm"' in refused.text
    assert until(web, address) == ends[-1]


def test_given_back_is_given_back_and_can_be_bought_no_more(web: FakeWeb) -> None:
    address = held(web)
    for _ in range(2):
        assert post(web, f"{address}/release", {}).status == 303
    assert "Your tickets were released." in web.get(address).text
    late = post(web, f"{address}/confirm", {})
    assert late.status == 409
    assert "These tickets are no longer held." in late.text
    assert 'href="/?event=gala"' in late.text
    assert "<form class" not in late.text.partition("<main>")[2]


def test_a_buyer_that_comes_too_late_is_told_what_happened_and_what_to_do(web: FakeWeb) -> None:
    address = held(web)
    assert web.request("POST", address.replace("orders", "expire")).status == 200
    assert 'data-status="over"' in web.get(address).text
    for act in ("confirm", "extend"):
        late = post(web, f"{address}/{act}", {})
        assert late.status == 409
        for text in (
            'tabindex="-1">The time is up.</h1>',
            "That came too late",
            'href="/?event=gala"',
        ):
            assert text in late.text
        assert "<form class" not in late.text.partition("<main>")[2]


def test_an_order_is_cancelled_where_its_event_allows_it(web: FakeWeb) -> None:
    fields = {"type": "front", "quantity": "1", "buyer": "Ann", "key": "c-1", "event": "gala"}
    address = web.submit(urlencode(fields)).headers["location"]
    assert f'action="{address}/cancel"' in web.get(address).text
    for _ in range(2):
        assert post(web, f"{address}/cancel", {}).status == 303
    assert "Cancelled" in web.get(address).text
    other = web.submit(urlencode({**fields, "event": "default", "type": "A"})).headers["location"]
    assert "/cancel" not in web.get(other).text
    refused = post(web, f"{other}/cancel", {})
    assert refused.status == 409
    assert "can’t be given back" in refused.text
    assert "Valid" in refused.text


@pytest.mark.parametrize(
    ("code", "text"),
    [("outcome-unknown", "can’t tell yet"), ("overloaded", "could not be done at this moment")],
)
def test_a_form_in_doubt_keeps_its_key(web: FakeWeb, code: str, text: str) -> None:
    address = held(web, buyer=code)
    answer = post(web, f"{address}/extend", {"key": "mine"})
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert text in answer.text
    assert "it is done only once" in answer.text
    assert key_of(answer) == "mine"


def test_a_form_from_another_site_changes_nothing(web: FakeWeb) -> None:
    address = held(web)
    for act in ("confirm", "extend", "release", "cancel"):
        for header in ({"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}):
            assert post(web, f"{address}/{act}", {}, **header).status == 403
    assert post(web, "/holds", {}, sec_fetch_site="same-site").status == 403
    assert 'data-status="held"' in web.get(address).text


def test_an_unknown_order_has_no_buttons(web: FakeWeb) -> None:
    for order in ("0" * 32, "nope"):
        answer = post(web, f"/orders/{order}/confirm", {})
        assert answer.status == 404
        assert "We can’t find that ticket" in answer.text
    assert post(web, f"/orders/{'0' * 32}/explode", {}).status == 404
    assert web.get(f"/orders/{'0' * 32}/confirm").status == 405


def test_without_zookeeper_the_way_back_leads_to_the_order() -> None:
    with running("away") as site:
        answer = post(site, f"/orders/{'a' * 32}/confirm", {})
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert f'href="/orders/{"a" * 32}"' in answer.text
        assert "Press the button again" in answer.text


def test_a_limit_is_told_and_no_more_are_offered(web: FakeWeb) -> None:
    found = web.get("/?event=gala").text
    assert "At most 4 tickets for each person." in found
    assert re.findall(r"<option[^>]*>(\d+)<", found) == ["1", "2", "3", "4"]
