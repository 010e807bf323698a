"""Buying in a real browser, on a real ensemble. The tests follow the course of a sale."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PHONE, Visitor
from tests.support.instance import Instance, stopped

Enter = Callable[..., Visitor]


@pytest.fixture
def shop(sale: Instance) -> str:
    return f"http://127.0.0.1:{sale.port}"


def sold(sale: Instance, type_: str) -> int:
    return int(sale.types()[type_]["sold"])


def test_a_ticket_is_bought(enter: Enter, shop: str) -> None:
    ada = enter(shop)
    ada.open()
    ada.choose("A", quantity=2)
    ada.press()
    order = ada.has_ticket()
    expect(ada.page.locator("article")).to_contain_text("Ada Lovelace")
    expect(ada.page.locator("article")).to_contain_text("€96.00")
    expect(ada.page.locator(".code svg")).to_be_visible()
    assert len(ada.purchases()) == 1
    assert len(order) == 32


def test_pressing_twice_buys_once(enter: Enter, shop: str, sale: Instance) -> None:
    before = sold(sale, "A")
    ada = enter(shop)
    ada.open()
    ada.choose("A")
    ada.page.locator("button[type=submit]").dblclick()
    ada.has_ticket()
    assert len(ada.purchases()) == 1
    assert sold(sale, "A") == before + 1


def test_the_way_back_leads_to_a_form_that_buys_another_ticket(enter: Enter, shop: str) -> None:
    ada = enter(shop)
    ada.open()
    key = ada.page.locator("input[name=key]").input_value()
    ada.choose("A")
    ada.press()
    first = ada.has_ticket()
    ada.page.go_back()
    expect(ada.page.locator("input[name=key]")).not_to_have_value(key)
    expect(ada.page.locator("button[type=submit]")).to_be_enabled()
    ada.choose("A")
    ada.press()
    ada.page.wait_for_url(lambda url: "/orders/" in url and first not in url)


def test_without_javascript_the_form_does_the_same(enter: Enter, shop: str) -> None:
    ada = enter(shop, java_script_enabled=False)
    ada.open()
    ada.choose("A")
    ada.press()
    first = ada.has_ticket()
    ada.page.go_back()
    ada.choose("A")
    ada.press()
    assert ada.has_ticket() != first
    ada.open()
    ada.page.get_by_role("button", name="繁體中文").click()
    expect(ada.page.locator("html")).to_have_attribute("lang", "zh-TW")


def test_the_sale_is_chinese_for_readers_of_chinese(enter: Enter, shop: str) -> None:
    ming = enter(shop, locale="zh-TW", timezone_id="Asia/Taipei")
    ming.open()
    expect(ming.page.locator("html")).to_have_attribute("lang", "zh-TW")
    ming.choose("A", "王小明")
    ming.page.get_by_role("button", name="購買 1 張・€48.00").click()
    ming.has_ticket()
    expect(ming.page.locator("article")).to_contain_text("王小明")
    expect(ming.page.locator("article")).to_contain_text("有效")
    ming.page.get_by_role("button", name="English").click()
    expect(ming.page.locator("article")).to_contain_text("Valid")
    ming.page.get_by_role("link", name="Back to the box office").click()
    expect(ming.page.get_by_role("button", name="Buy tickets")).to_be_visible()


def test_a_phone_shows_everything_without_scrolling_sideways(enter: Enter, shop: str) -> None:
    ada = enter(shop, viewport={"width": PHONE, "height": 844}, has_touch=True, is_mobile=True)
    ada.open()
    assert not ada.is_wider_than_the_screen()
    ada.choose("A", "Wolfeschlegelsteinhausenbergerdorff, Hubert Blaine")
    ada.press()
    ada.has_ticket()
    assert not ada.is_wider_than_the_screen()


def test_the_keyboard_alone_buys_and_shows_where_it_is(enter: Enter, shop: str) -> None:
    ada = enter(shop)
    keys = ada.open().keyboard
    ada.page.get_by_role("link", name="Box office").focus()
    reached = []
    for text in ("", " ", "Ada Lovelace", "2", ""):  # language, type, name, quantity, button
        keys.press("Tab")
        reached.append(ada.page.evaluate("document.activeElement.name"))
        assert ada.page.evaluate(SHOWS_FOCUS), reached
        keys.type(text)
    assert reached == ["to", "type", "buyer", "quantity", ""]
    keys.press("Enter")
    ada.has_ticket()
    expect(ada.page.locator("article")).to_contain_text("€96.00")


# The place of the element with the focus, or of the row around it.
SHOWS_FOCUS = """(() => {
    const focused = document.activeElement;
    return [focused, focused.closest(".row")].some((element) =>
        element && parseFloat(getComputedStyle(element).outlineWidth) >= 2
            && getComputedStyle(element).outlineStyle !== "none");
})()"""


def test_a_type_that_sells_out_while_somebody_looks_is_taken_from_the_page(
    enter: Enter, shop: str, sale: Instance
) -> None:
    ada = enter(shop)
    ada.open()
    ada.choose("B")
    sell_out(sale, "B")
    row = ada.page.locator('.row[data-type="B"]')
    expect(row.locator(".left")).to_have_text("Sold out")
    expect(row.locator("input")).to_be_disabled()
    expect(row.locator("input")).not_to_be_checked()
    expect(ada.page.get_by_role("status")).to_have_text(
        "B has just sold out. Please choose another ticket."
    )
    expect(ada.page.locator("button[type=submit]")).to_be_visible()


def test_a_buyer_that_presses_a_moment_too_late_is_told_so(
    enter: Enter, shop: str, sale: Instance
) -> None:
    ada = enter(shop)
    ada.page.route("**/availability", lambda route: route.abort())  # the page learns nothing new
    ada.open()
    ada.choose("C")
    sell_out(sale, "C")
    ada.press()
    expect(ada.page.get_by_role("alert")).to_have_text("C tickets are sold out.")
    expect(ada.page.locator("button[type=submit]")).to_be_enabled()


def test_a_lost_quorum_is_waited_out_on_the_open_page(
    enter: Enter, shop: str, sale: Instance
) -> None:
    before = sold(sale, "A")
    ada = enter(shop)
    ada.open()
    ada.choose("A")
    servers = sale.status()["ensemble"]["servers"]
    with stopped(*(server["pid"] for server in servers[:2])):
        expect(ada.page.locator("#stale")).to_be_visible()
        ada.press()
        expect(ada.page.get_by_role("status")).to_contain_text("keep trying")
        expect(ada.page.locator("button[type=submit]")).to_be_disabled()
    ada.has_ticket()
    keys = {request.headers["idempotency-key"] for request in ada.purchases()}
    assert len(keys) == 1
    assert sold(sale, "A") == before + 1


def test_when_everything_is_sold_the_form_goes_and_a_new_page_says_so(
    enter: Enter, shop: str, sale: Instance
) -> None:
    ada = enter(shop)
    ada.open()
    sell_out(sale, "A")
    expect(ada.page.locator("#lead")).to_have_text("Sold out. Every ticket has found its owner.")
    expect(ada.page.locator("button[type=submit]")).to_be_hidden()
    late = enter(shop, java_script_enabled=False)
    late.open()
    expect(late.page.locator("#lead")).to_have_text("Sold out. Every ticket has found its owner.")
    expect(late.page.locator("button[type=submit]")).to_be_hidden()
    sale.verify()


def sell_out(sale: Instance, type_: str) -> None:
    buyer = sale.buyer()
    for quantity in (10, 1):
        while buyer.buy(type_, quantity=quantity).status == 201:
            pass
