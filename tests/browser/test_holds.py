"""Holding tickets: the countdown, the buttons, and that nobody is shut out."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.visitor import Visitor
from tests.support.instance import Buyer, Instance, eventually, stopped

Enter = Callable[..., Visitor]


def holding(visitor: Visitor, event: str = "gala", type_: str = "front") -> Visitor:
    """Opens the page of a hold."""
    visitor.open(f"/?event={event}")
    visitor.choose(type_, quantity=2)
    visitor.hold()
    return visitor


def heading(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("heading", level=1)


def ends(visitor: Visitor) -> str:
    """Returns when the hold ends, as the server has said."""
    return str(visitor.page.locator("#order").get_attribute("data-until"))


def order_of(visitor: Visitor) -> str:
    """Returns the order whose page was visited last."""
    return [each.url for each in visitor.requests if "/orders/" in each.url][-1][-32:]


def expire(visitor: Visitor) -> None:
    """Ends the hold now, which the page can't know."""
    answer = visitor.page.request.post(f"{visitor.origin}/expire/{order_of(visitor)}")
    assert answer.ok


# --- with every state there is -------------------------------------------------------


def test_the_time_left_is_counted_down_and_extended_as_often_as_it_says(
    enter: Enter, states: str
) -> None:
    guest = holding(enter(states))
    timer = guest.page.get_by_role("timer", name="Time left")
    expect(timer).to_have_text(re.compile(r"^04:5\d$"))
    assert timer.get_attribute("aria-live") is None  # otherwise it would be read out every second
    for minutes, left in ((9, "You can extend once more."), (14, "any further")):
        before = ends(guest)
        guest.act("extend").dblclick(delay=200)  # the first is answered before the second
        expect(guest.page.get_by_role("status")).to_contain_text("now held until")
        expect(guest.page.locator("#extensions")).to_contain_text(left)
        expect(timer).to_have_text(re.compile(rf"^{minutes:02}:5\d$"))
        assert ends(guest) > before
    expect(guest.act("extend")).to_have_count(0)
    assert len([each for each in guest.purchases() if each.url.endswith("/extend")]) == 2


def test_a_hold_is_bought_at_its_address_and_the_way_back_leads_to_a_new_form(
    enter: Enter, states: str
) -> None:
    guest = enter(states)
    guest.open("/?event=gala")
    key = guest.page.locator("input[name=key]").input_value()
    guest.choose("front")
    order = guest.hold()
    guest.act("confirm").dblclick()
    assert guest.has_ticket() == order
    expect(guest.page.locator(".code svg")).to_be_visible()
    expect(heading(guest)).to_be_focused()
    assert guest.page.title().startswith("Your ticket")
    assert len([each for each in guest.purchases() if each.url.endswith("/confirm")]) == 1
    guest.page.go_back()
    expect(guest.page.locator("input[name=key]")).not_to_have_value(key)
    expect(guest.page.locator("button[data-news=holding]")).to_be_enabled()
    guest.choose("front")
    assert guest.hold() != order


def test_the_way_back_to_a_hold_shows_what_has_become_of_it(enter: Enter, states: str) -> None:
    guest = holding(enter(states))
    guest.page.get_by_role("link", name="Box office").click()
    expect(heading(guest)).to_have_text("Events")
    guest.page.request.post(f"{states}/api/holds/{order_of(guest)}/release")
    guest.page.go_back()
    expect(heading(guest)).to_have_text("Your tickets were released.")


def test_what_is_given_back_leads_to_the_sale_again(enter: Enter, states: str) -> None:
    guest = holding(enter(states))
    guest.act("release").click()
    expect(heading(guest)).to_have_text("Your tickets were released.")
    expect(heading(guest)).to_be_focused()
    expect(guest.page.locator("form.act")).to_have_count(0)
    guest.page.get_by_role("link", name="Choose tickets again").click()
    guest.page.wait_for_url("**/?event=gala")


def test_a_hold_warns_before_it_ends_under_the_readers_eyes(enter: Enter, states: str) -> None:
    guest = enter(states)
    guest.page.clock.install()
    holding(guest)
    status = guest.page.get_by_role("status")
    expect(guest.page.get_by_role("timer")).to_have_text(re.compile(r"^0[45]:\d\d$"))
    expect(status).to_be_empty()
    guest.page.clock.fast_forward(250_000)
    expect(status).to_contain_text("Your time is almost up. Buy now, or extend.")
    guest.act("confirm").focus()
    expire(guest)
    guest.page.clock.fast_forward(60_000)
    expect(heading(guest)).to_have_text("The time is up.")
    expect(heading(guest)).to_be_focused()
    expect(guest.page.get_by_role("status")).to_have_text("The time is up.")
    expect(guest.page.locator("form.act")).to_have_count(0)
    expect(guest.page.get_by_role("link", name="Choose tickets again")).to_be_visible()


def test_a_buyer_that_presses_too_late_is_told_what_happened(enter: Enter, states: str) -> None:
    guest = holding(enter(states))
    expire(guest)
    guest.act("confirm").click()
    expect(guest.page.get_by_role("alert")).to_have_text(
        "That came too late: your time was already up."
    )
    expect(heading(guest)).to_have_text("The time is up.")
    expect(guest.page.get_by_role("link", name="Choose tickets again")).to_be_visible()


def test_an_answer_in_doubt_is_asked_for_again_with_the_same_form(
    enter: Enter, states: str
) -> None:
    guest = holding(enter(states))
    failing = [503, 0]  # a refusal, a broken connection

    def handle(route: Route) -> None:
        if not failing:
            route.continue_()
        elif status := failing.pop(0):
            route.fulfill(status=status, headers={"Retry-After": "1"}, body="busy")
        else:
            route.abort()

    guest.page.route("**/extend", handle)
    guest.act("extend").click()
    expect(guest.page.get_by_role("status")).to_contain_text("keep trying")
    for button in guest.page.locator("form.act button").all():
        expect(button).to_be_disabled()
    expect(guest.page.locator("#extensions")).to_have_text("You can extend once more.")
    expect(guest.act("extend")).to_be_focused()
    bodies = [each.post_data for each in guest.purchases() if each.url.endswith("/extend")]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_what_was_done_in_another_tab_is_seen_on_the_way_back(enter: Enter, states: str) -> None:
    guest = holding(enter(states))
    before = ends(guest)
    guest.page.request.post(f"{states}/api/holds/{order_of(guest)}/extend")
    guest.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(guest.page.locator("#extensions")).to_have_text("You can extend once more.")
    assert ends(guest) > before


def test_what_another_tab_buys_is_bought_in_this_one(enter: Enter, states: str) -> None:
    guest = holding(enter(states))
    other = guest.page.context.new_page()
    other.goto(guest.page.url)
    other.locator('form[action$="/confirm"] button').click()
    expect(other.locator("article.ticket:not(.hold)")).to_be_visible()
    expect(guest.page.locator("article.ticket:not(.hold)")).to_be_visible()
    expect(guest.page.get_by_role("timer")).to_have_count(0)


def test_an_order_is_cancelled_after_a_question(enter: Enter, states: str) -> None:
    guest = enter(states)
    guest.open("/?event=gala")
    guest.choose("front")
    guest.press()
    guest.has_ticket()
    expect(guest.act("cancel")).to_be_hidden()
    guest.page.get_by_text("Cancel this order").click()
    guest.act("cancel").click()
    expect(guest.page.locator("article .status")).to_have_text("Cancelled")
    expect(guest.page.locator(".code")).to_have_count(0)


def test_the_keyboard_alone_holds_extends_and_buys(enter: Enter, states: str) -> None:
    guest = enter(states)
    keys = guest.open("/?event=gala").keyboard
    guest.choose("front")
    guest.page.locator("#quantity").focus()
    for name in ("Buy 1 ticket · NT$1,200.00", "Hold for 5 minutes"):
        keys.press("Tab")
        expect(guest.page.get_by_role("button", name=name)).to_be_focused()
    keys.press("Enter")
    expect(guest.page.locator("article.hold")).to_be_visible()
    guest.page.get_by_role("link", name="Box office").focus()
    for _ in range(3):  # language, buy, extend
        keys.press("Tab")
    expect(guest.act("extend")).to_be_focused()
    keys.press("Enter")
    expect(guest.page.locator("#extensions")).to_contain_text("once more")
    expect(guest.act("extend")).to_be_focused()
    keys.press("Shift+Tab")
    expect(guest.act("confirm")).to_be_focused()
    keys.press("Enter")
    guest.has_ticket()


def test_without_javascript_the_forms_do_the_same(enter: Enter, states: str) -> None:
    guest = enter(states, java_script_enabled=False)
    order = holding(guest).page.url
    before = ends(guest)
    guest.act("extend").click()
    expect(guest.page.locator("#extensions")).to_have_text("You can extend once more.")
    assert ends(guest) > before
    guest.page.locator("noscript a").click()
    guest.act("confirm").click()
    guest.has_ticket()
    assert guest.page.url == order
    holding(guest)
    expire(guest)
    guest.act("confirm").click()
    expect(guest.page.get_by_role("alert")).to_contain_text("That came too late")
    guest.page.get_by_role("link", name="Choose tickets again").click()
    guest.page.wait_for_url("**/?event=gala")


# --- with the real thing -------------------------------------------------------------


@pytest.fixture(scope="module")
def box(sale: Instance) -> str:
    """Two events of the instance: `hasty` holds for two seconds, `calm` for five minutes."""
    for name, minutes in (("hasty", "0.0334"), ("calm", "5")):
        terms = ("--type", "A:20:10", "--hold-minutes", minutes, "--limit", "2", "--cancellable")
        made = sale.run("event", "create", name, "--publish", *terms)
        assert made.returncode == 0, made.stderr
    buyer = sale.buyer()
    eventually("they are known", lambda: {"hasty", "calm"} <= names(buyer))
    return f"http://127.0.0.1:{sale.port}"


def names(buyer: Buyer) -> set[str]:
    return {event["name"] for event in buyer.get("/api/events").json["events"]}


def has(sale: Instance, event: str, *counts: int) -> None:
    """Waits until the event has so many tickets for sale, held and sold."""
    buyer = sale.buyer()

    def found() -> tuple[int, ...]:
        [type_] = buyer.get(f"/api/events/{event}").json["types"]
        return type_["remaining"], type_["held"], type_["sold"]

    eventually(f"{event} has {counts}", lambda: found() == counts)


def test_tickets_whose_time_is_up_are_for_sale_again(
    enter: Enter, box: str, sale: Instance
) -> None:
    guest = holding(enter(box), "hasty", "A")
    expect(heading(guest)).to_have_text("The time is up.")
    has(sale, "hasty", 20, 0, 0)
    guest.page.get_by_role("link", name="Choose tickets again").click()
    expect(guest.page.locator(".row .left")).to_have_text("20 of 20 left")


def test_two_tabs_together_get_no_more_than_one_buyer_may(
    enter: Enter, box: str, sale: Instance
) -> None:
    guest = enter(box)
    first, second = guest.open("/?event=calm"), guest.page.context.new_page()
    second.goto(f"{box}/?event=calm")
    expect(first.locator("#quantity option")).to_have_count(2)
    holding(guest, "calm", "A")
    other = Visitor(second, box)
    other.choose("A", " ada  LOVELACE", quantity=1)
    other.press()
    expect(second.get_by_role("alert")).to_have_text(
        "You’ve reached the limit: you already have as many tickets as one person may buy."
    )
    has(sale, "calm", 18, 2, 0)
    guest.act("release").click()
    expect(heading(guest)).to_have_text("Your tickets were released.")
    other.press()
    other.has_ticket()
    has(sale, "calm", 19, 0, 1)


def test_a_buyer_confirming_a_hold_waits_out_a_lost_quorum(
    enter: Enter, box: str, sale: Instance
) -> None:
    guest = enter(box)
    guest.open("/?event=calm")
    guest.choose("A", "Grace Hopper", quantity=2)
    guest.hold()
    servers = sale.status()["ensemble"]["servers"]
    with stopped(*(server["pid"] for server in servers[:2])):
        guest.act("confirm").click()
        expect(guest.page.get_by_role("status")).to_contain_text("keep trying")
        expect(guest.act("release")).to_be_disabled()
    guest.has_ticket()
    has(sale, "calm", 17, 0, 3)
    sale.verify()
