"""The operators' pages in a real browser: they shut nobody out, and a door admits once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import Visitor
from tests.support.fakes.fake_clerk import id_of
from tests.support.fakes.fake_site import TOKEN
from tests.support.instance import Instance, eventually
from workers.selling.stock_cache import EVENT_AGE_S

Enter = Callable[..., Visitor]

CHECK_IN = "/operator/check-in"
DOOR = f"{CHECK_IN}?event=gala"
# A camera that sees the code in `window.shown`, and a browser that reads it.
CAMERA = """
window.shown = "";
window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code"]; }
    async detect() { return window.shown ? [{ rawValue: window.shown }] : []; }
};
navigator.mediaDevices.getUserMedia = async () => {
    if (window.denied) throw new DOMException("no", "NotAllowedError");
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 9, 9);
    return canvas.captureStream(5);
};
"""

NO_CAMERA = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"

BOTH = "window.shown.split(' ').map((rawValue) => ({ rawValue }))"


def sign_in(guest: Visitor, token: str = TOKEN) -> Page:
    page = guest.open("/operator/sign-in")
    page.get_by_label(re.compile("token|權杖")).fill(token)
    page.locator("main button").click()
    page.wait_for_url("**/operator")
    return page


def scan(page: Page, ticket: str, door: str = "North") -> None:
    page.locator("#door").fill(door)
    page.locator("#order").fill(ticket)
    page.locator("#scan button").click()


def verdict(page: Page) -> Any:
    return page.locator("#result .verdict strong")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_form_with_faults_shuts_nobody_out(enter: Enter, states: str, scheme: str) -> None:
    page = sign_in(guest := enter(states, color_scheme=scheme))
    page.goto(f"{states}/operator/new-event")
    page.locator("#starts").fill("2020-01-01T20:00")
    page.locator("#capacity-0").fill("many")
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("alert")).to_contain_text("3 things have to be put right")
    for name in ("title", "starts", "capacity-0"):
        expect(page.locator(f"#{name}")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="繁體中文").click()
    expect(page.locator("#starts")).to_have_value("2020-01-01T20:00")
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    assert guest.grave_faults() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_result_at_the_door_shuts_anybody_out(enter: Enter, states: str, scheme: str) -> None:
    page = sign_in(guest := enter(states, color_scheme=scheme))
    page.goto(states + DOOR)
    for ticket, told in (
        (id_of("a"), re.compile("Admitted|Used already")),
        (id_of("b3"), "Not valid"),
        (id_of("c"), "Unknown ticket"),
        ("nonsense", "Not a ticket code"),
    ):
        scan(page, ticket)
        expect(verdict(page)).to_have_text(told)
        assert guest.grave_faults() == [], ticket
        assert not guest.is_wider_than_the_screen()
    page.route(f"**{CHECK_IN}", lambda route: route.abort())
    scan(page, id_of("a"))
    expect(verdict(page)).to_have_text("No answer")
    assert guest.grave_faults() == []


def look(page: Page) -> None:
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#view")).to_be_visible()


def hold_up(page: Page, ticket: str) -> None:
    """Shows a ticket to the camera; an empty text shows none."""
    page.evaluate("ticket => { window.shown = ticket; }", ticket)


def posts(page: Page) -> list[str]:
    """Collects the requests that the page sends from now on."""
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    return sent


def test_the_camera_reads_a_ticket_once_while_it_is_in_view(enter: Enter, sale: Instance) -> None:
    ticket = bought(sale)
    page = at_door(enter, sale, CAMERA)
    look(page)
    sent = posts(page)
    hold_up(page, ticket)
    expect(verdict(page)).to_have_text("Admitted")
    page.wait_for_timeout(2500)  # in view all the time: no second scan
    expect(verdict(page)).to_have_text("Admitted")
    expect(verdict(page)).to_have_text("Ready", timeout=10_000)  # an admission goes soon
    assert len(sent) == 1
    hold_up(page, "")
    page.wait_for_timeout(1500)  # the ticket was taken away
    hold_up(page, ticket)
    expect(verdict(page)).to_have_text("Used already")
    page.wait_for_timeout(2000)
    hold_up(page, "")
    page.wait_for_timeout(1000)
    expect(verdict(page)).to_have_text("Used already")  # a refusal stays on the screen
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("#view")).to_be_hidden()


def test_a_copy_that_follows_at_once_finds_no_admission(enter: Enter, sale: Instance) -> None:
    ticket = bought(sale)
    page = at_door(enter, sale, CAMERA)
    look(page)
    hold_up(page, ticket)
    expect(verdict(page)).to_have_text("Admitted")
    hold_up(page, "")
    page.wait_for_timeout(800)
    hold_up(page, ticket)
    expect(verdict(page)).not_to_have_text("Admitted", timeout=1000)
    for _ in range(10):
        assert verdict(page).inner_text() in ("Ready", "Used already")
        page.wait_for_timeout(200)


def test_an_admission_is_over_when_its_code_has_gone(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale, CAMERA)
    look(page)
    hold_up(page, bought(sale))
    expect(verdict(page)).to_have_text("Admitted")
    hold_up(page, "")
    expect(verdict(page)).to_have_text("Ready", timeout=3500)
    hold_up(page, bought(sale))
    expect(verdict(page)).to_have_text("Admitted")


def test_two_tickets_in_view_are_let_in_once_each(enter: Enter, sale: Instance) -> None:
    tickets = [bought(sale), bought(sale)]
    both = CAMERA.replace("[{ rawValue: window.shown }]", BOTH)
    page = at_door(enter, sale, both)
    look(page)
    sent = posts(page)
    hold_up(page, " ".join(tickets))
    expect(verdict(page)).to_have_text("Admitted")
    page.wait_for_timeout(4500)
    assert len(sent) == 2
    assert verdict(page).inner_text() != "Used already"


def test_a_scan_without_an_answer_is_not_sent_for_ever(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale)
    page.clock.install()
    page.route(f"**{CHECK_IN}", lambda route: route.abort())
    sent = posts(page)
    ticket = bought(sale)
    scan(page, ticket)
    expect(verdict(page)).to_have_text("No answer")
    for _ in range(30):
        page.clock.run_for(2100)
        page.wait_for_timeout(30)
    assert 2 < len(sent) <= 15
    page.unroute(f"**{CHECK_IN}")
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Admitted")


def test_a_ticket_that_cannot_be_read_is_sent_once(enter: Enter, states: str) -> None:
    page = sign_in(guest := enter(states))
    wanted = {"event": "gala", "type": "front", "quantity": 1, "buyer": "damaged"}
    ticket = page.request.post(f"{states}/api/orders", data=wanted).json()["order"]
    page.goto(states + DOOR)
    sent = posts(page)
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Can’t be read")
    page.wait_for_timeout(2500)
    assert len(sent) == 1
    assert guest.grave_faults() == []


def test_without_a_camera_the_field_is_enough(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale, CAMERA + "window.denied = true;")
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#why")).to_contain_text("The camera is not allowed")
    scan(page, bought(sale))
    expect(verdict(page)).to_have_text("Admitted")
    bare = at_door(enter, sale, NO_CAMERA)
    expect(bare.locator("#why")).to_contain_text("can’t read codes with the camera")
    expect(bare.locator("#look")).to_be_hidden()
    scan(bare, bought(sale))
    expect(verdict(bare)).to_have_text("Admitted")


def test_whose_answer_was_lost_is_let_in_by_the_next_try(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale)
    lost: list[Route] = []

    def lose_the_first(route: Route) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route)
        route.fetch()  # it is done, and the answer is lost
        route.abort()

    page.route(f"**{CHECK_IN}", lose_the_first)
    ticket = bought(sale)
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Admitted")
    assert len(lost) == 1
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Used already")


def test_a_scan_outlives_the_page_that_began_it(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale)

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(f"**{CHECK_IN}", lose)
    ticket = bought(sale)
    scan(page, ticket)
    expect(verdict(page)).to_have_text("No answer")
    page.unroute(f"**{CHECK_IN}")
    page.reload()
    expect(page.locator("#door")).to_have_value("North")
    scan(page, " ".join(re.findall("....", ticket.upper())))  # typed by hand this time
    expect(verdict(page)).to_have_text("Admitted")


def test_without_javascript_a_door_lets_in_once(enter: Enter, sale: Instance) -> None:
    page = at_door(enter, sale, java_script_enabled=False)
    ticket = bought(sale)
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Admitted")
    page.reload()  # the same form is sent again
    expect(verdict(page)).to_have_text("Admitted")
    scan(page, ticket)
    expect(verdict(page)).to_have_text("Used already")
    expect(page.locator("#door")).to_have_value("North")


def test_two_doors_that_scan_at_once_let_in_once(enter: Enter, sale: Instance) -> None:
    doors = [at_door(enter, sale) for _ in range(2)]
    for _ in range(5):
        ticket = bought(sale)
        for page in doors:
            page.locator("#order").fill(ticket)
            page.locator("#door").fill("North" if page is doors[0] else "South")
        for page in doors:  # both post before either is answered
            page.evaluate("setTimeout(() => document.getElementById('scan').requestSubmit(), 30)")
        for page in doors:
            expect(verdict(page)).not_to_have_text("Ready")
            expect(page.locator("#result")).not_to_have_attribute("aria-busy", "true")
        told = sorted(verdict(page).inner_text() for page in doors)
        assert told == ["Admitted", "Used already"]
        for page in doors:
            page.reload()
    sale.verify()


def test_an_event_is_made_sold_closed_and_an_order_cancelled(enter: Enter, sale: Instance) -> None:
    guest = enter(f"http://127.0.0.1:{sale.port}", timezone_id="Asia/Taipei")
    page = sign_in(guest, token_of(sale))
    page.get_by_role("link", name="Events").click()
    page.get_by_role("link", name="New event").click()
    expect(page.locator("#timezone")).to_have_value("Asia/Taipei")
    page.get_by_text("The sale: opening, payment, limits").click()
    for field, text in (
        ("title", "Fair"),
        ("starts", "2031-05-01T19:30"),
        ("limit", "2"),
        ("label-0", "Hall"),
        ("capacity-0", "7"),
        ("price-0", "12.50"),
    ):
        page.locator(f"#{field}").fill(text)
    page.locator("#price-0").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Event created.")
    expect(page.locator("main")).to_contain_text("Thu 1 May 2031, 19:30 (Taipei)")
    assert b'"fair"' not in sale.buyer().get("/api/events").body
    assert sale.buyer().get("/?event=fair").status == 404
    assert sale.buyer().buy("hall", event="fair").code == "not-on-sale"
    page.get_by_role("link", name="Publish…").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_have_text("The event is published.")
    eventually("it sells", lambda: sale.buyer().buy("hall", event="fair", buyer="A").status == 201)
    answer = sale.buyer().buy("hall", event="fair", quantity=2, buyer="Grace Hopper")
    assert answer.status == 201, answer.body
    page.get_by_role("link", name="Orders").click()
    page.locator("#find").fill("hopper")
    page.locator("#find").press("Enter")
    page.get_by_role("link", name=answer.json["number"]).click()
    expect(page.locator("main")).to_contain_text("2 of hall of fair for Grace Hopper")
    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("heading")).to_have_text("Cancel the order of Grace Hopper?")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("status")).to_contain_text("The order is cancelled")
    expect(page.locator("main")).to_contain_text("cancel")
    assert sale.types("fair")["hall"]["remaining"] == 6
    page.get_by_role("link", name="Fair", exact=True).click()
    page.get_by_role("link", name="Close the sale…").click()
    page.get_by_role("button", name="Close the sale").click()
    expect(page.get_by_role("status")).to_have_text("The sale is closed.")
    page.wait_for_timeout(1000 * EVENT_AGE_S + 200)  # workers go by their latest reading
    assert sale.buyer().buy("hall", event="fair").code == "not-on-sale"
    page.get_by_role("link", name="Open the sale…").click()
    page.get_by_role("button", name="Open the sale").click()
    expect(page.get_by_role("status")).to_have_text("The sale is open.")
    eventually("it sells", lambda: sale.buyer().buy("hall", event="fair").status == 201)
    page.get_by_role("link", name="Change", exact=True).click()
    page.locator("#title").fill("Book fair 2031")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Book fair 2031")
    assert guest.grave_faults() == []


def bought(sale: Instance) -> str:
    answer = sale.buyer().buy("A", event="doors")
    assert answer.status == 201, answer.body
    return str(answer.json["order"])


@pytest.fixture(scope="module", autouse=True)
def doors_event(sale: Instance) -> None:
    made = sale.run(
        "event", "create", "doors", "--type", "A:1000:5.00", "--title", "Doors", "--publish"
    )
    assert made.returncode == 0, made.stderr


def token_of(sale: Instance) -> str:
    found = re.search(r"Bearer (\w+)", sale.run("admin", "credentials").stdout)
    assert found
    return found[1]


def at_door(enter: Enter, sale: Instance, script: str = "", **options: Any) -> Page:
    guest = enter(f"http://127.0.0.1:{sale.port}", **options)
    if script:
        guest.page.add_init_script(script)
    page = sign_in(guest, token_of(sale))
    page.goto(f"{guest.origin}{CHECK_IN}?event=doors")
    page.locator("#door").fill("North")
    return page
