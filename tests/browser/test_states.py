"""Each state of a page: what it says, that it shuts nobody out, and that it recovers."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import DESK, PHONE, Visitor

Enter = Callable[..., Visitor]


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_interfaces_description_opens_by_keyboard_and_fits_the_screen(
    enter: Enter, states: str, width: int
) -> None:
    guest = enter(states, viewport={"width": width, "height": 740})
    page = guest.open("/docs")
    entry = page.locator("details", has=page.locator("#confirmHold"))
    expect(entry).not_to_have_attribute("open", "")
    entry.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(entry.get_by_text("$BOX/api/holds/$HOLD/confirm")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert not guest.is_wider_than_the_screen()
    if width == PHONE:  # all of it together takes half a minute, and is the same at a desk
        assert guest.grave_faults() == []


def test_what_was_filled_in_wrongly_shuts_nobody_out(enter: Enter, states: str) -> None:
    guest = enter(states, java_script_enabled=True)
    guest.open()
    guest.choose("A", " ")
    guest.press()
    expect(guest.page.locator("#buyer")).to_have_accessible_description("Please enter a name.")
    expect(guest.page.locator("#buyer")).to_be_focused()
    assert guest.grave_faults() == []


def test_a_page_without_zookeeper_says_how_old_it_is(enter: Enter, away: str) -> None:
    guest = enter(away)
    guest.open()
    expect(guest.page.locator("#stale")).to_contain_text("the box office is reconnecting")
    assert guest.grave_faults() == []


def answers(page: Page, *first: dict[str, Any]) -> None:
    """Answers the first purchases, `{}` by a broken connection; the site answers the rest."""
    waiting = list(first)

    def handle(route: Route) -> None:
        if not waiting:
            route.continue_()
        elif problem := waiting.pop(0):
            route.fulfill(
                status=problem["status"],
                content_type="application/problem+json",
                body=json.dumps(problem),
            )
        else:
            route.abort()

    page.route("**/api/orders", handle)


UNKNOWN = {"status": 503, "code": "outcome-unknown", "detail": "?", "retry_after": 1}
OVERLOADED = {"status": 503, "code": "overloaded", "detail": "?", "retry_after": 1}
NO_WORKER = {"status": 503, "code": "no-worker", "detail": "?", "retry_after": 1}


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (UNKNOWN, "We’re making sure of your tickets"),
        (OVERLOADED, "Many people are buying right now"),
        (NO_WORKER, "The box office is reconnecting"),
        ({}, "Reconnecting to the box office"),
    ],
)
def test_the_page_asks_again_with_the_same_key_until_it_knows(
    enter: Enter, states: str, first: dict[str, Any], told: str
) -> None:
    guest = enter(states)
    answers(guest.page, first)
    guest.open()
    guest.choose("A")
    guest.press()
    expect(guest.page.get_by_role("status")).to_contain_text(told)
    expect(guest.page.locator("button[type=submit]")).to_be_disabled()
    guest.has_ticket()
    keys = {request.headers["idempotency-key"] for request in guest.purchases()}
    assert len(guest.purchases()) == 2
    assert len(keys) == 1


def test_a_refusal_stands_on_the_page_and_the_form_may_be_sent_again(
    enter: Enter, states: str
) -> None:
    guest = enter(states)
    answers(guest.page, {"status": 409, "code": "not-on-sale", "detail": "Not on sale."})
    guest.open()
    guest.choose("A")
    guest.press()
    expect(guest.page.get_by_role("alert")).to_have_text("Not on sale.")
    guest.press()
    guest.has_ticket()


def test_a_key_that_was_used_elsewhere_is_replaced(enter: Enter, states: str) -> None:
    guest = enter(states)
    answers(guest.page, {"status": 422, "code": "key-reused", "detail": "?", "field": "x"})
    guest.open()
    guest.choose("A")
    guest.press()
    expect(guest.page.get_by_role("alert")).to_contain_text("has already bought or held tickets")
    guest.press()
    guest.has_ticket()
    keys = [request.headers["idempotency-key"] for request in guest.purchases()]
    assert len(set(keys)) == 2


def test_the_page_counts_down_by_the_servers_clock_and_opens_by_itself(
    enter: Enter, states: str
) -> None:
    guest = enter(states)
    opens = time.monotonic() + 6.0

    def availability(route: Route) -> None:
        left_ms = round(1000 * (opens - time.monotonic()))
        sale = {"sale": "before", "opens_in_ms": left_ms} if left_ms > 0 else {"sale": "open"}
        types = [{"name": "front", "remaining": 5, "capacity": 40}]
        found = {"event": "soon", "stale": False, "poll_after_ms": 60_000, "types": types, **sale}
        route.fulfill(json=found)

    guest.page.route("**/availability", availability)
    guest.page.add_init_script("Date.now = () => 0")  # a wrong clock makes no difference
    guest.open("/?event=soon")
    expect(guest.page.get_by_role("timer")).to_have_text(re.compile(r"^00:(59|5\d|60):\d\d$"))
    expect(guest.page.locator("button[type=submit]")).to_be_hidden()
    expect(guest.page.get_by_role("timer")).to_have_text(re.compile(r"^00:00:0\d$"))
    expect(guest.page.locator("button[type=submit]")).to_be_visible()
    expect(guest.page.get_by_role("status")).to_have_text("Tickets are on sale now.")
    expect(guest.page.get_by_role("timer")).to_be_hidden()
    expect(guest.page.locator('.row[data-type="front"] .left')).to_have_text("5 of 40 left")


def test_a_page_that_nobody_looks_at_asks_nothing(enter: Enter, states: str) -> None:
    guest = enter(states)

    def asked() -> list[str]:
        return [each.url for each in guest.requests if each.url.endswith("/availability")]

    guest.page.add_init_script(
        """let hidden = false;
        Object.defineProperty(document, "hidden", { get: () => hidden });
        window.hide = (wish) => {
            hidden = wish;
            document.dispatchEvent(new Event("visibilitychange"));
        };"""
    )
    guest.page.clock.install()
    guest.open()
    guest.page.evaluate("hide(true)")
    guest.page.clock.run_for(600_000)
    assert asked() == []
    guest.page.evaluate("hide(false)")
    with guest.page.expect_response("**/availability"):
        guest.page.clock.run_for(1_000)


def test_on_paper_there_is_the_ticket_alone(enter: Enter, states: str) -> None:
    guest = enter(states, color_scheme="dark", timezone_id="Europe/Berlin")
    guest.open("/?event=gala")
    guest.choose("front", quantity=2)
    guest.press()
    guest.has_ticket()
    article = guest.page.locator("article")
    # The venue's clocks, not the device's.
    expect(article).to_contain_text("Fri 1 June 2096, 16:00 (Taipei)")
    expect(guest.page.get_by_role("button", name="Copy link")).to_be_visible()
    guest.page.emulate_media(media="print")
    expect(article).to_contain_text("Fri 1 June 2096, 16:00 (Taipei)")
    code = guest.page.locator(".code svg").bounding_box()
    assert code is not None
    assert min(code["width"], code["height"]) >= 240
    for part in (".masthead", ".actions"):
        expect(guest.page.locator(part)).to_be_hidden()
    paper = guest.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
