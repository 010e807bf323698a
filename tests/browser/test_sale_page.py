"""The sale's page on a phone: everything on one screen, and refusals where the buyer looks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.visitor import PHONE, Visitor

Enter = Callable[..., Visitor]

CONCERT = "/?event=concert"
SCREEN = {"width": PHONE, "height": 844}
LIMIT = {"status": 409, "code": "limit-reached", "detail": "You can buy 2 more tickets."}
GONE = {"status": 409, "code": "sold-out", "remaining": 0, "detail": "Circle tickets are gone."}


def refuses(page: Page, problem: dict[str, Any]) -> None:
    """Refuses every purchase from now on."""

    def refuse(route: Route) -> None:
        body = json.dumps(problem)
        route.fulfill(status=problem["status"], content_type="application/json", body=body)

    page.route("**/api/orders", refuse)


def is_on_screen(part: Locator) -> bool:
    """Returns whether all of it is seen without scrolling."""
    return bool(
        part.evaluate(
            "(part) => { const box = part.getBoundingClientRect();"
            " return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight; }"
        )
    )


def heard(page: Page) -> list[str]:
    """Returns what a screen reader has announced by itself, in order."""
    found: list[str] = page.evaluate("heard")
    return found


# Notes what is put into the page's live regions.
LISTEN = """
    window.heard = [];
    const said = new WeakMap();
    new MutationObserver(() => {
        for (const region of document.querySelectorAll("[role=status], [role=alert]")) {
            const text = region.hidden ? "" : region.textContent.trim();
            if (text && text !== said.get(region)) heard.push(text);
            said.set(region, text);
        }
    }).observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
"""
# The words that are broken over two lines.
BROKEN_WORDS = """() => [...document.querySelectorAll(".row .name")].flatMap((name) => {
    const text = name.lastChild;
    return [...text.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length > 1;
    }).map(([word]) => word);
})"""


@pytest.mark.parametrize("locale", ["en", "zh-TW"])
def test_four_types_the_name_and_the_button_fit_on_one_screen_of_a_phone(
    enter: Enter, states: str, locale: str
) -> None:
    page = enter(states, viewport=SCREEN, locale=locale).open(CONCERT)
    for part in (*page.locator(".row").all(), page.locator("#buyer"), page.locator("#buy")):
        assert is_on_screen(part)
    assert page.evaluate(BROKEN_WORDS) == []


def test_the_button_says_what_is_bought_and_for_how_much(enter: Enter, states: str) -> None:
    guest = enter(states)
    button = guest.open(CONCERT).locator("#buy")
    expect(button).to_have_text("Buy tickets")
    guest.choose("stalls", quantity=2)
    expect(button).to_have_text("Buy 2 tickets · €97.00")
    guest.page.locator("#quantity").select_option("1")
    expect(button).to_have_text("Buy 1 ticket · €48.50")
    guest.open("/?event=codes")
    guest.choose("few", quantity=3)
    expect(button).to_have_text("Get 3 tickets · Free")


def test_a_refusal_stands_beside_the_button_and_is_told_once(enter: Enter, states: str) -> None:
    guest = enter(states, viewport=SCREEN)
    guest.page.add_init_script(LISTEN)
    refuses(guest.page, LIMIT)
    guest.open(CONCERT)
    guest.choose("stalls", quantity=3)
    guest.press()
    alert = guest.page.get_by_role("alert")
    expect(alert).to_have_text("You can buy 2 more tickets.")
    assert is_on_screen(alert)
    expect(guest.page.locator("#buy")).to_be_focused()
    assert heard(guest.page) == ["Getting your tickets …", "You can buy 2 more tickets."]
    assert guest.grave_faults() == []


def test_everything_that_is_missing_is_told_at_once_at_its_field(enter: Enter, states: str) -> None:
    guest = enter(states, viewport=SCREEN)
    guest.page.add_init_script(LISTEN)
    page = guest.open(CONCERT)
    guest.press()
    for field in ("type", "buyer"):
        assert is_on_screen(page.locator(f"#{field}-error"))
    expect(page.get_by_role("group")).to_have_accessible_description("Please choose a ticket.")
    expect(page.locator("input[name=type]").first).to_be_focused()
    assert guest.grave_faults() == []
    guest.choose("stalls", " ")
    guest.press()
    expect(page.locator("#type-error")).to_be_hidden()
    expect(page.locator("#buyer")).to_be_focused()
    expect(page.locator("#buyer")).to_have_accessible_description("Please enter a name.")
    assert heard(page) == []  # what has the focus is read with its description
    assert guest.purchases() == []


def test_without_javascript_a_refusal_is_seen_and_has_the_focus(enter: Enter, states: str) -> None:
    guest = enter(states, viewport=SCREEN, java_script_enabled=False)
    guest.open("/?event=codes")
    guest.choose("nearly")
    guest.press()
    notice = guest.page.locator("#problem")
    expect(notice).to_have_text("You can buy 2 more tickets.")
    expect(notice).to_be_focused()
    expect(notice).to_be_in_viewport(ratio=1)
    expect(guest.page.locator("#buyer")).to_have_value("Ada Lovelace")
    guest.choose("few", " ")
    guest.press()
    expect(guest.page.locator("#buyer")).to_be_focused()
    expect(guest.page.locator("#buyer-error")).to_be_in_viewport(ratio=1)


def test_what_a_refusal_tells_of_a_type_is_shown_at_once(enter: Enter, states: str) -> None:
    guest = enter(states)
    refuses(guest.page, GONE)
    guest.page.route("**/availability", lambda route: route.abort())
    guest.open(CONCERT)
    guest.choose("circle")
    guest.press()
    row = guest.page.locator('.row[data-type="circle"]')
    expect(guest.page.get_by_role("alert")).to_have_text("Circle tickets are gone.")
    expect(row.locator(".left")).to_have_text("Sold out")
    expect(row.locator("input")).to_be_disabled()
    expect(guest.page.locator("#buy")).to_have_text("Buy tickets")


def test_the_end_of_a_sale_is_shown_once_and_told_once(enter: Enter, states: str) -> None:
    guest = enter(states)
    guest.page.add_init_script(LISTEN)
    closed = {"sale": "closed", "stale": False, "poll_after_ms": 60_000, "types": []}
    guest.page.route("**/availability", lambda route: route.fulfill(json=closed))
    page = guest.open(CONCERT)
    expect(page.locator("#lead")).to_have_text("Sales have closed.")
    expect(page.get_by_role("status")).to_have_class("news unseen")
    assert heard(page) == ["Sales have closed."]
    for part in page.locator(".while-open, .row:not(.gone) .stock").all():
        expect(part).to_be_hidden()


@pytest.mark.parametrize("scripted", [True, False])
def test_the_other_language_keeps_what_was_typed(enter: Enter, states: str, scripted: bool) -> None:
    guest = enter(states, java_script_enabled=scripted)
    page = guest.open(CONCERT)
    guest.choose("circle", "Zoë", quantity=3)
    page.get_by_role("button", name="繁體中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    expect(page.locator('input[value="circle"]')).to_be_checked()
    expect(page.locator("#buyer")).to_have_value("Zoë")
    expect(page.locator("#quantity")).to_have_value("3")
    assert page.url == states + (CONCERT if scripted else "/")
    page.locator("#buyer").press("Enter")  # buys, and is not the button for the language
    guest.has_ticket()
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")


def test_a_new_price_is_shown_and_nothing_typed_is_lost(enter: Enter, states: str) -> None:
    guest = enter(states)
    page = guest.open(CONCERT)
    guest.choose("stalls", quantity=2)
    page.evaluate("document.querySelector('[name=prices]').value = '0'")
    refuses(page, {"status": 409, "code": "price-changed", "detail": "?"})
    guest.press()
    expect(page.locator("#problem")).to_contain_text("The price has changed")
    expect(page.locator("#buyer")).to_have_value("Ada Lovelace")
    expect(page.locator("#buy")).to_have_text("Buy 2 tickets · €97.00")
    page.unroute_all()
    guest.press()
    guest.has_ticket()


def test_the_root_lists_events_with_what_is_left(enter: Enter, states: str) -> None:
    page = enter(states).open("/")
    concert = page.get_by_role("listitem").filter(has_text="New Year’s Gala").first
    expect(concert).to_contain_text("Opera House")
    expect(concert).to_contain_text("1,177 tickets left")
    expect(page.get_by_role("listitem").filter(has_text="Last chance")).to_contain_text("Sold out")
    concert.get_by_role("link").click()
    expect(page.locator("#buy")).to_be_visible()


@pytest.mark.parametrize("scripted", [True, False])
def test_times_are_the_venues_and_the_readers_own_is_second(
    enter: Enter, states: str, scripted: bool
) -> None:
    ada = enter(states, timezone_id="Asia/Taipei", java_script_enabled=scripted)
    page = ada.open(CONCERT)
    expect(page.locator(".where time")).to_have_text("Fri 1 June 2096, 10:00 (Berlin)")
    ada.open("/?event=abroad")
    expect(page.locator("#lead")).to_have_text("Sales open Mon 2 January 2096, 10:00 (Berlin).")
    if scripted:
        expect(page.locator("#yours")).to_contain_text("2 January 2096 at 17:00 GMT+8 where you")
    else:
        expect(page.locator("#yours")).to_be_hidden()


def test_who_lives_where_the_venue_is_reads_one_time_only(enter: Enter, states: str) -> None:
    page = enter(states, timezone_id="Europe/Paris").open("/?event=abroad")
    expect(page.get_by_role("timer")).to_be_visible()
    expect(page.locator("#yours")).to_be_hidden()


def test_an_apostrophe_is_narrow_among_chinese_letters_too(enter: Enter, states: str) -> None:
    page = enter(states, locale="zh-TW").open(CONCERT)
    width_em = page.locator("h1").evaluate(
        """(h1) => {
            const range = document.createRange();
            range.setStart(h1.firstChild, h1.textContent.indexOf("’"));
            range.setEnd(h1.firstChild, h1.textContent.indexOf("’") + 1);
            return range.getBoundingClientRect().width / parseFloat(getComputedStyle(h1).fontSize);
        }"""
    )
    assert width_em < 0.5
