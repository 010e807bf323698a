"""Every page, in both languages, in light and dark, on a phone and a desk: axe-core finds nothing
serious, and nothing is wider than the screen."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import DESK, PHONE, Visitor
from tests.support.fakes.fake_clerk import id_of
from tests.support.fakes.fake_site import TOKEN

Enter = Callable[..., Visitor]

BUYERS = (
    "/",
    "/?event=concert",
    "/?event=gala",
    "/?event=gone",
    "/?event=closed",
    "/?event=soon",
    "/?event=nope",
    "/orders/" + "0" * 32,
    "/find",
    "/docs",
)
OPERATORS = (
    "/operator",
    "/operator/log",
    "/operator/log?text=nothing+is+like+that",
    "/operator/act/restart",
    "/operator/act/scale?workers=99",
    "/operator/act/close?event=default",
    "/operator/events",
    "/operator/events/gala?done=edit",
    "/operator/events/gala/edit",
    "/operator/events/gala/types/front",
    "/operator/events/gala/new-type",
    "/operator/act/hide?event=default",
    "/operator/new-event",
    "/operator/orders",
    "/operator/orders?find=ada",
    f"/operator/orders/{id_of('a')}",
    f"/operator/orders/{id_of('a')}/cancel",
    f"/operator/orders/{id_of('c')}",
    "/operator/check-in",
    "/operator/check-in?event=gala&find=ada&type.front=on",
)
# Every page is looked at twice in each language; together these are all pairs of what can differ.
LOOKS: dict[str, tuple[tuple[int, Literal["light", "dark"]], ...]] = {
    "en": ((DESK, "light"), (PHONE, "dark")),
    "zh-TW": ((PHONE, "light"), (DESK, "dark")),
}


def faults(guest: Visitor, locale: str) -> Iterator[str]:
    """Yields what is wrong with the page that is open."""
    for rules, (width, scheme) in zip((None, ["color-contrast"]), LOOKS[locale], strict=True):
        guest.page.set_viewport_size({"width": width, "height": 844})
        guest.page.emulate_media(color_scheme=scheme)
        for fault in guest.grave_faults(rules):
            yield f"{guest.page.url}, {width} wide, {scheme}: {fault}"
        if guest.is_wider_than_the_screen():
            yield f"{guest.page.url} is wider than {width}"


@pytest.mark.parametrize("locale", LOOKS)
def test_no_page_of_buyers_shuts_anybody_out(enter: Enter, states: str, locale: str) -> None:
    guest = enter(states, locale=locale, reduced_motion="reduce")
    found: list[str] = []
    for path in BUYERS:
        guest.open(path)
        found += faults(guest, locale)
    assert found == []


@pytest.mark.parametrize("locale", LOOKS)
def test_no_state_of_an_order_shuts_anybody_out(enter: Enter, states: str, locale: str) -> None:
    guest = enter(states, locale=locale, reduced_motion="reduce")
    found: list[str] = []

    def see(state: str) -> None:
        expect(guest.page.locator("#order")).to_have_attribute("data-status", state)
        found.extend(faults(guest, locale))

    def hold() -> None:
        guest.open("/?event=gala")
        guest.choose("front", "王小明", quantity=2)
        guest.hold()

    hold()
    see("held")
    guest.act("release").click()
    see("released")
    hold()
    order = guest.page.url[-32:]
    assert guest.page.request.post(f"{guest.origin}/expire/{order}").ok
    guest.act("confirm").click()
    see("over")
    hold()
    guest.act("confirm").click()
    guest.page.locator("details.cancel summary").click()
    see("sold")
    guest.act("cancel").click()
    see("cancelled")
    assert found == []


@pytest.mark.parametrize("locale", LOOKS)
def test_no_page_of_operators_shuts_anybody_out(enter: Enter, states: str, locale: str) -> None:
    guest = enter(states, locale=locale, reduced_motion="reduce")
    page = guest.open("/operator/sign-in")
    found = [*faults(guest, locale)]
    page.get_by_label(re.compile("token|權杖")).fill(TOKEN)
    page.locator("main button").click()
    expect(page.locator("header nav")).to_be_visible()
    for path in OPERATORS:
        guest.open(path)
        found += faults(guest, locale)
    assert found == []
