"""The pages: what they show, that it is escaped, and that the form buys once."""

import re
from urllib.parse import urlencode

import pytest

from tests.support.fakes.fake_web import FakeWeb, running
from web.http.i18n import Languages


def form(**fields: str) -> str:
    values = {"event": "default", "type": "A", "quantity": "1", "buyer": "Ann", "key": "k-0"}
    return urlencode({**values, **fields})


def test_the_page_shows_each_type_with_price_and_what_is_left(web: FakeWeb) -> None:
    page = web.get("/?event=default")
    assert page.status == 200
    for text in ("Opening night", "€48.00", "412 of 1,000 left", "Only 7 left", "Free", "Sold out"):
        assert text in page.text
    assert re.search(r'value="C"[^>]* disabled', page.text)
    assert not re.search(r'value="A"[^>]* disabled', page.text)


def test_every_page_forbids_foreign_scripts_frames_and_addresses(web: FakeWeb) -> None:
    for path in ("/", "/orders/" + "0" * 32, "/nope", "/broken"):
        headers = web.get(path).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
            "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_no_script_stands_in_a_page_and_none_asks_another_host(web: FakeWeb) -> None:
    page = web.get("/?event=default").text
    assert len(re.findall("<script", page)) == len(re.findall('<script type="module" src="/', page))
    assert " style=" not in page
    assert "//" not in page


def test_a_purchase_leads_to_the_tickets_page(web: FakeWeb) -> None:
    answer = web.submit(form(key="k-1", buyer="Ada Lovelace", quantity="3"))
    assert answer.status == 303
    ticket = web.get(answer.headers["location"])
    assert ticket.status == 200
    for text in (
        "Ada Lovelace",
        "Opening night",
        "€144.00",
        "Sun 1 June 2025, 12:00 (UTC)",
        "Valid",
    ):
        assert text in ticket.text


def test_pressing_twice_buys_once(web: FakeWeb) -> None:
    first, second = web.submit(form(key="k-2")), web.submit(form(key="k-2"))
    assert (first.status, second.status) == (303, 303)
    assert first.headers["location"] == second.headers["location"]


def test_each_page_carries_a_fresh_key(web: FakeWeb) -> None:
    keys = {
        re.findall(r'name="key" value="([^"]+)"', web.get("/?event=default").text)[0]
        for _ in range(3)
    }
    assert len(keys) == 3


def test_a_name_with_a_script_tag_is_shown_as_text(web: FakeWeb) -> None:
    name = "<script>alert('x')</script>"
    ticket = web.get(web.submit(form(key="k-3", buyer=name)).headers["location"])
    assert "<script>" not in ticket.text
    assert "&lt;script&gt;alert(&#039;x&#039;)&lt;/script&gt;" in ticket.text
    refused = web.submit(form(key="k-4", buyer=name, quantity="11"))
    assert refused.status == 422
    assert "<script>" not in refused.text


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"buyer": ""}, 422, "Please enter a name."),
        ({"buyer": "a\x07b"}, 422, "can’t be printed"),
        ({"type": ""}, 422, "Please choose a ticket."),
        ({"quantity": "11"}, 422, "whole number from 1 to 10"),
        ({"type": "C"}, 409, "C tickets are sold out."),
        ({"event": "codes", "type": "overloaded"}, 503, "Too many people"),
        ({"event": "codes", "type": "no-quorum"}, 503, "reach its records"),
        ({"event": "codes", "type": "no-worker"}, 503, "reconnecting"),
        ({"event": "codes", "type": "outcome-unknown"}, 503, "It won’t buy twice"),
        ({"event": "codes", "type": "nearly"}, 409, "You can buy 2 more tickets."),
        ({"event": "codes", "type": "damaged"}, 500, "organiser has been told"),
        ({"event": "codes", "type": "key-reused"}, 422, "has already bought or held tickets"),
    ],
)
def test_what_went_wrong_stands_on_the_page_and_the_form_is_refilled(
    web: FakeWeb, fields: dict[str, str], status: int, text: str
) -> None:
    answer = web.submit(form(**{"buyer": "Grace Hopper", "key": "k-5", **fields}))
    assert answer.status == status
    assert text in answer.text
    if "buyer" not in fields:
        assert 'value="Grace Hopper"' in answer.text
    kept = 'name="key" value="k-5"' in answer.text
    assert kept == (fields.get("type") != "key-reused")
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_form_that_is_no_form_gets_a_small_page(web: FakeWeb) -> None:
    assert web.submit("", content_type="text/plain").status == 415
    assert web.submit("buyer=%FF").status == 400
    assert web.submit("x" * 17 * 1024).status == 413
    assert "text/html" in web.submit("buyer=%FF").headers["content-type"]


def test_a_form_from_another_site_is_refused(web: FakeWeb) -> None:
    answer = web.submit(form(key="k-6"), sec_fetch_site="cross-site")
    assert answer.status == 403
    assert "text/html" in answer.headers["content-type"]


def test_an_event_without_tickets_is_plainly_sold_out(web: FakeWeb) -> None:
    page = web.get("/?event=gone").text
    assert "Sold out." in page
    assert '<div class="while-open" hidden>' in page


def test_another_event_has_its_own_page(web: FakeWeb) -> None:
    assert "Last chance" in web.get("/?event=gone").text
    assert web.get("/?event=nope").status == 404
    assert web.get("/?event=broken").status == 500


def test_an_unknown_ticket_an_unknown_address_and_a_bug_have_small_pages(web: FakeWeb) -> None:
    for path, status in (
        ("/orders/" + "0" * 32, 404),
        ("/orders/nope", 404),
        ("/orders/" + "f" * 32, 503),
        ("/nope", 404),
        ("/%ff%00", 404),
        ("/static/nope.css", 404),
        ("/broken", 500),
    ):
        answer = web.get(path)
        assert answer.status == status
        assert "text/html" in answer.headers["content-type"]
        assert "Traceback" not in answer.text


def test_the_style_sheet_may_be_kept(web: FakeWeb) -> None:
    address = re.findall(r'href="(/static/style.css[^"]+)"', web.get("/?event=default").text)[0]
    sheet = web.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]


def test_without_zookeeper_the_page_says_how_old_it_is() -> None:
    with running("away") as site:
        page = site.get("/")
        assert page.status == 200
        assert re.search(
            r"Availability as of \d\d:\d\d:\d\d \(UTC\) — the box office is", page.text
        )
        refused = site.submit(form(key="k-7"))
        assert refused.status == 503
        assert 'value="Ann"' in refused.text


def test_before_the_first_reading_the_page_says_that_it_is_not_open() -> None:
    with running("new") as site:
        page = site.get("/")
        assert page.status == 503
        assert "not open yet" in page.text


@pytest.mark.parametrize(
    ("units", "currency", "decimals", "text"),
    [
        (0, "EUR", 2, "Free"),
        (4800, "EUR", 2, "€48.00"),
        (4850, "USD", 2, "$48.50"),
        (123456789, "GBP", 2, "£1,234,567.89"),
        (5, "CHF", 2, "0.05 CHF"),
        (1500, "JPY", 0, "¥1,500"),
        (150000, "JPY", 2, "¥1,500"),
        (150050, "JPY", 2, "¥1,500.50"),
        (1234, "KWD", 3, "1.234 KWD"),
    ],
)
def test_prices_are_written_as_people_write_them(
    units: int, currency: str, decimals: int, text: str
) -> None:
    assert Languages().default.money(units, currency, decimals) == text


def test_a_page_whose_prices_are_old_sells_nothing_and_shows_the_new_ones(web: FakeWeb) -> None:
    page = web.get("/?event=default").text
    [prices] = re.findall(r'name="prices" value="([0-9a-f]+)"', page)
    old = web.submit(form(key="k-old", prices="0" * len(prices)))
    assert old.status == 409
    assert "The price has changed" in old.text
    assert f'name="prices" value="{prices}"' in old.text
    assert web.submit(form(key="k-old", prices=prices)).status == 303


def test_the_page_asks_a_worker_for_the_price_that_it_showed(web: FakeWeb) -> None:
    [prices] = re.findall(r'name="prices" value="([0-9a-f]+)"', web.get("/?event=default").text)
    first = web.submit(form(key="k-shown", prices=prices))
    assert first.status == 303
    # To this worker the same key with another price is another purchase.
    assert web.submit(form(key="k-shown")).status == 422
