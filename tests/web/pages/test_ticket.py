"""The ticket: its code, its states, its entry for a calendar."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from core.schema.order_number import code_of
from core.schema.records import OrderView, PaymentView
from tests.support.fakes.fake_site import GALA
from tests.support.fakes.fake_web import FakeWeb, Response
from tests.support.fakes.gala_order import SOLD_ORDER
from web.http.i18n import Languages
from web.pages.icalendar import calendar
from web.pages.qr import qr_svg
from web.pages.ticket_view import ticket_view

LANGUAGES = Languages()
CODE = code_of(b"k" * 32, SOLD_ORDER.order)
GALA_FORM = "event=gala&type=front&quantity=1&buyer=Ann&key="


def bought(web: FakeWeb, event: str, type_: str) -> str:
    fields = {"event": event, "type": type_, "quantity": "1", "buyer": "Ann", "key": f"t-{event}"}
    return web.submit(urlencode(fields)).headers["location"]


def changed(**fields: Any) -> OrderView:
    return msgspec.structs.replace(SOLD_ORDER, code=CODE, **fields)


def test_the_code_is_one_that_any_reader_reads() -> None:
    svg = qr_svg(CODE)
    code = segno.make(CODE, mode="alphanumeric", version=2, error="q", mask=3, boost_error=False)
    assert code.designator == "2-Q"
    assert svg == code.svg_inline(omitsize=True, svgclass=None, lineclass=None)
    assert " style" not in svg


def test_the_page_carries_the_code_and_the_way_into_the_calendar(web: FakeWeb) -> None:
    address = bought(web, "gala", "front")
    page = web.get(address).text
    order = web.get(f"/api{address}").json
    assert qr_svg(order["code"]) in page
    assert order["number"] in page
    assert f'href="{address}/calendar.ics"' in page
    for text in (
        "Front row",
        "NT$1,200.00",
        "National Concert Hall",
        "Fri 1 June 2096, 16:00 (Taipei)",
    ):
        assert text in page


def test_an_event_without_a_time_has_no_calendar(web: FakeWeb) -> None:
    address = bought(web, "default", "A")
    assert "calendar.ics" not in web.get(address).text
    assert web.get(f"{address}/calendar.ics").status == 404


@pytest.mark.parametrize(
    ("status", "greeting", "english", "chinese", "admits"),
    [
        ("sold", "You’re in – here are your tickets", "Valid", "有效", True),
        ("cancelled", "This order was cancelled.", "Cancelled", "已取消", False),
    ],
)
def test_a_ticket_says_how_it_stands(
    status: str, greeting: str, english: str, chinese: str, admits: bool
) -> None:
    for tag, text in (("en", english), ("zh-TW", chinese)):
        language = LANGUAGES.named(tag)
        assert language is not None
        page = ticket_view(language, changed(status=status), GALA)
        assert (page.status, bool(page.code)) == (text, admits)
    assert ticket_view(LANGUAGES.default, changed(status=status), GALA).greeting == greeting


def test_a_ticket_is_called_paid_only_where_a_payment_counts() -> None:
    refused = PaymentView(id="p0", at=SOLD_ORDER.created_at, counts=False, refused="wrong-amount")
    paid = PaymentView(id="p1", at=SOLD_ORDER.created_at, counts=True)
    for payments, label in (((), "Price"), ((refused,), "Price"), ((refused, paid), "Paid")):
        page = ticket_view(LANGUAGES.default, changed(payments=payments), GALA)
        assert page.price.label == label
    free = ticket_view(LANGUAGES.default, changed(price=0, total=0), GALA)
    assert (free.price.label, free.price.text) == ("Price", "Free")


def test_a_ticket_says_what_is_to_be_paid_at_the_door() -> None:
    door = changed(payment="door", owed=240000)
    page = ticket_view(LANGUAGES.default, door, GALA)
    assert (page.to_pay, page.price.label) == ("Pay NT$2,400.00 at the door", "Price")
    assert ticket_view(LANGUAGES.default, changed(), GALA).to_pay == ""


def test_a_ticket_that_was_used_says_when() -> None:
    used = changed(checked_in_at="2026-06-01T08:00:00.000Z")
    page = ticket_view(LANGUAGES.default, used, GALA)
    assert (page.status, page.checked_in) == ("Checked in", "Mon 1 June 2026, 16:00 (Taipei)")


def test_a_ticket_stands_alone_while_its_event_cannot_be_read() -> None:
    page = ticket_view(LANGUAGES.default, SOLD_ORDER, None)
    assert (page.event.title, page.event.starts) == ("gala", "")
    assert (page.type, page.price.text, page.calendar) == ("front", "NT$2,400.00", "")


# --- the calendar (RFC 5545) ---------------------------------------------------------


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").splitlines()


def entry(web: FakeWeb, address: str) -> list[str]:
    return unfolded(web.get(f"{address}/calendar.ics").body)


def test_the_calendar_has_the_event(web: FakeWeb) -> None:
    address = bought(web, "gala", "front")
    found = web.get(f"{address}/calendar.ics")
    assert found.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = unfolded(found.body)
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    for line in (
        f"UID:{address.rpartition('/')[2]}@zkticket",
        "STATUS:CONFIRMED",
        "SEQUENCE:0",
        "TZID:Asia/Taipei",
        "TZOFFSETTO:+0800",
        "DTSTART;TZID=Asia/Taipei:20960601T160000",
        "DTEND;TZID=Asia/Taipei:20960601T190000",
        r"SUMMARY:Summer gala\; music\, wine\\dance",
        r"LOCATION:National Concert Hall\, 台北市中正區中山南路21-1號",
        f"URL:http://127.0.0.1:{web.port}{address}",
    ):
        assert line in lines
    assert web.get(f"/orders/{'0' * 32}/calendar.ics").status == 404


def test_the_entry_of_a_cancelled_order_says_so_and_a_hold_has_none(web: FakeWeb) -> None:
    def post(path: str, body: str = "") -> Response:
        content_type = "application/x-www-form-urlencoded"
        return web.request("POST", path, body.encode(), content_type=content_type)

    held, address = (
        post(path, f"{GALA_FORM}{path[1:]}").headers["location"] for path in ("/holds", "/orders")
    )
    assert web.get(f"{held}/calendar.ics").status == 404
    post(f"{held}/release")
    assert web.get(f"{held}/calendar.ics").status == 404
    [uid] = [line for line in entry(web, address) if line.startswith("UID:")]
    post(f"{address}/cancel")
    assert {"STATUS:CANCELLED", "SEQUENCE:1", uid} <= set(entry(web, address))


def test_an_event_that_moves_has_a_newer_entry_and_one_over_a_change_of_clocks_ends_in_utc() -> (
    None
):
    midnight = datetime(2027, 10, 30, 22, tzinfo=UTC).timestamp()  # the clocks go back at 01:00 UTC
    event = msgspec.structs.replace(
        GALA, timezone="Europe/Berlin", starts_at=midnight, ends_at=midnight + 5 * 3600, revision=3
    )
    lines = unfolded(calendar(SOLD_ORDER, event, "http://127.0.0.1/", 0.0))
    assert {
        "SEQUENCE:6",
        "TZOFFSETTO:+0200",
        "DTSTART;TZID=Europe/Berlin:20271031T000000",
        "DTEND:20271031T030000Z",
    } <= set(lines)
    cancelled = calendar(changed(status="cancelled"), event, "http://127.0.0.1/", 0.0)
    assert "SEQUENCE:7" in unfolded(cancelled)
    plain = calendar(SOLD_ORDER, msgspec.structs.replace(event, timezone="UTC"), "http://h/", 0.0)
    assert "DTSTART:20271030T220000Z" in unfolded(plain)
    assert b"TZID" not in plain


def test_a_calendar_calls_a_type_as_the_organiser_does() -> None:
    content = calendar(SOLD_ORDER, GALA, "http://127.0.0.1/", 0.0)
    assert "DESCRIPTION:2 × Front row – 王小明" in unfolded(content)


@given(st.text(max_size=300))
def test_whatever_an_event_is_called_its_lines_are_short_and_whole(title: str) -> None:
    event = msgspec.structs.replace(GALA, title=title)
    content = calendar(SOLD_ORDER, event, "http://127.0.0.1/", 0.0)
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() is not None for line in lines)
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert sum(line.startswith(b"SUMMARY:") for line in lines) == 1
