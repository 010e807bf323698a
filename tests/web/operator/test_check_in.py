"""The check-in page over HTTP, as a browser without JavaScript uses it."""

import re

import msgspec
import pytest

from core.schema.order_number import code_of, number_of
from core.schema.records import OrderView
from core.store.order_lifecycle import Act
from core.store.orders import order_id_in
from core.transport.link import Answer, ChangeRequest, Code, replies
from tests.support.fakes.fake_clerk import FakeClerk, id_of
from tests.support.fakes.fake_web import FakeWeb, Response, running
from tests.support.fakes.fake_worker import TICKET_KEY
from tests.support.signed_in import Operator, enter
from web.operator.check_in_page import SAME_SCAN_S, told
from web.reads.catalog import Snapshot

ADDRESS = "/operator/check-in"
DOOR = f"{ADDRESS}?event=gala"
AT = 1750000000.0


def fields(page: Response, form: str = "scan") -> dict[str, str]:
    """Returns the hidden fields of that form."""
    text = page.text[page.text.index(f'id="{form}"') :]
    text = text[: text.index("</form>")]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))


def scan(
    operator: Operator, order: str, door: str = "North", bound: str = "event=gala", **given: str
) -> Response:
    page = operator.get(f"{ADDRESS}?{bound}")
    return operator.post(ADDRESS, {**fields(page), "order": order, "door": door, **given})


def kind(page: Response) -> str:
    found = re.search(
        r'aria-atomic="true">\s*<div class="verdict [\w-]+" data-kind="([\w-]+)"', page.text
    )
    assert found, page.text
    return found[1]


def test_the_first_scan_lets_in_and_the_second_says_when_and_where(operator: Operator) -> None:
    first = scan(operator, id_of("a1"))
    assert (first.status, kind(first)) == (200, "admitted")
    for text in ("Ada Lovelace &lt;a1&gt;", "2 × Front row", "Summer gala"):
        assert text in first.text
    second = scan(operator, f"https://tickets.example/orders/{id_of('a1')}", "South")
    assert (second.status, kind(second)) == (409, "already")
    assert re.search(r"<time .*\d\d:\d\d:\d\d UTC</time> at door North", second.text)
    assert "<title>Used already – check-in</title>" in second.text


def test_a_scan_whose_answer_was_lost_is_sent_again_and_lets_in(operator: Operator) -> None:
    posted = {**fields(operator.get(DOOR)), "order": id_of("a2"), "door": "North"}
    assert [kind(operator.post(ADDRESS, posted)) for _ in range(3)] == ["admitted"] * 3
    assert kind(scan(operator, id_of("a2"))) == "already"


def test_a_code_and_a_number_admit_as_the_orders_id_does(operator: Operator) -> None:
    code, number = code_of(TICKET_KEY, id_of("a3")), number_of(id_of("a3"))
    assert kind(scan(operator, code)) == "admitted"
    for text in (code.lower(), number, number.replace("-", " "), id_of("a3")):
        assert kind(scan(operator, text)) == "already"


@pytest.mark.parametrize(
    ("order", "found", "status", "why"),
    [
        (id_of("b0"), "not-valid", 409, "It is only held, and not paid for."),
        (id_of("b1"), "not-valid", 409, "gave it back"),
        (id_of("b2"), "not-valid", 409, "not paid for in time"),
        (id_of("b3"), "not-valid", 409, "Cancelled."),
        (id_of("c"), "no-such-order", 404, "Look the name up"),
        ("WIFI:T:WPA;S:foyer", "unreadable", 422, 'value="WIFI:T:WPA;S:foyer"'),
        ("", "unreadable", 422, "K7QF2-9XM4C"),
        (number_of(id_of("a"))[:-1] + "U", "unreadable", 422, "K7QF2-9XM4C"),
        (number_of(id_of("a"))[::-1], "mistyped", 422, "Read it again"),
        (number_of(id_of("c")), "no-such-order", 404, "Look the name up"),
        (code_of(b"another key", id_of("a")), "no-such-order", 404, "Look the name up"),
        (number_of(id_of("dd")), "ambiguous", 409, "Scan the ticket’s code"),
    ],
)
def test_the_door_is_told_why_a_ticket_does_not_admit(
    operator: Operator, order: str, found: str, status: int, why: str
) -> None:
    page = scan(operator, order)
    assert (page.status, kind(page)) == (status, found)
    assert why in page.text


def test_a_door_without_a_name_is_asked_for_one_and_the_ticket_stays(operator: Operator) -> None:
    for door in ("", "x" * 65, "\x07"):
        page = scan(operator, id_of("a"), door)
        assert (page.status, kind(page)) == (422, "no-door")
        assert f'value="{id_of("a")}"' in page.text


def test_the_doors_name_is_remembered_on_the_device(web: FakeWeb, operator: Operator) -> None:
    answer = scan(operator, id_of("c"), "北門; a=b")
    cookie = answer.headers["set-cookie"]
    assert "Path=/operator; Max-Age=31536000; HttpOnly; SameSite=Strict" in cookie
    later = Operator(web, f"{operator.cookie}; {cookie.partition(';')[0]}").get(DOOR)
    assert 'name="door"' in later.text
    assert 'value="北門; a=b"' in later.text


def test_a_door_is_bound_to_the_event_that_is_chosen_first(operator: Operator) -> None:
    choice = operator.get(ADDRESS).text
    assert f'href="{DOOR}"' in choice
    assert 'id="scan"' not in choice
    wrong = scan(operator, id_of("a4"), bound="event=default")
    assert (wrong.status, kind(wrong)) == (409, "wrong-event")
    assert "Summer gala" in wrong.text
    other = scan(operator, id_of("a4"), bound="event=gala&type.C=on")
    assert (other.status, kind(other)) == (409, "wrong-type")
    assert kind(scan(operator, id_of("a4"), bound="event=gala&type.front=on")) == "admitted"


def test_an_admission_by_mistake_is_taken_back_and_the_ticket_admits_again(
    operator: Operator,
) -> None:
    page = scan(operator, id_of("a5"))
    undo = fields(page, "last")
    assert undo["order"] == code_of(TICKET_KEY, id_of("a5"))
    for _ in range(2):
        assert kind(operator.post(f"{ADDRESS}/undo", undo)) == "undone"
    again = scan(operator, id_of("a5"))
    assert kind(again) == "admitted"
    assert kind(operator.post(f"{ADDRESS}/undo", undo)) == "admitted"
    assert kind(operator.post(f"{ADDRESS}/undo", fields(again, "last"))) == "undone"


def test_how_many_came_in_is_shown_and_asked_for_again(operator: Operator) -> None:
    assert ">0 of 53 admitted</p>" in operator.get(DOOR).text
    assert operator.get(f"{ADDRESS}/admitted?event=gala").text == "0 of 53 admitted"
    assert operator.get(f"{ADDRESS}/admitted?event=nobody").text == ""


def test_a_holder_without_a_ticket_is_found_by_name_and_let_in(operator: Operator) -> None:
    page = operator.get(f"{DOOR}&find=Ada+LOVELACE+a6")
    assert page.text.count('<ul class="found">') == 1
    assert number_of(id_of("a6")) in page.text
    form = page.text[page.text.index('<ul class="found">') :]
    posted = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) | {"door": "North"}
    assert kind(operator.post(ADDRESS, posted)) == "admitted"
    assert "No orders found for that name" in operator.get(f"{DOOR}&find=nobody").text


def test_nobody_is_checked_in_without_the_sessions_form(web: FakeWeb, operator: Operator) -> None:
    posted = {**fields(operator.get(DOOR)), "order": id_of("a"), "door": "North"}
    assert Operator(web, "").post(ADDRESS, posted).headers["location"] == "/operator/sign-in"
    assert operator.post(ADDRESS, posted | {"csrf": "0"}).status == 403
    assert operator.post(ADDRESS, posted, sec_fetch_site="cross-site").status == 403
    assert operator.post(ADDRESS, posted | {"scan": ""}).status == 422


def test_only_this_page_may_look_through_the_camera(operator: Operator) -> None:
    for page in (operator.get(DOOR), scan(operator, "nothing")):
        assert "camera=(self)" in page.headers["permissions-policy"]
    for path in ("/", "/operator", "/operator/log", "/operator/sign-in", "/orders/" + "0" * 32):
        assert "camera=()" in operator.get(path).headers["permissions-policy"], path


def test_without_an_answer_the_same_scan_may_be_sent_again() -> None:
    with running("away") as site:
        operator = enter(site)
        page = scan(operator, id_of("a"), "East")
        assert (page.status, kind(page)) == (503, "no-answer")
        again = fields(page, "again")
        assert (again["order"], again["door"]) == (id_of("a"), "East")
        posted = operator.post(ADDRESS, again)
        assert fields(posted, "again") == again
        assert fields(posted)["scan"] != again["scan"]


# --- what the door is told -----------------------------------------------------------


CHECK = ChangeRequest(
    id=1, order=id_of("a"), act=Act.CHECK_IN, note="North", key="1", operator=False, timeout_s=1
)


def admitted(now: float) -> Answer:
    return FakeClerk(lambda: now).answer(CHECK)


def test_an_old_form_that_is_sent_again_lets_nobody_in_anew() -> None:
    clerk = FakeClerk(lambda: AT)
    clerk.answer(CHECK)
    again = clerk.answer(CHECK)
    assert told(again, Snapshot(), AT + SAME_SCAN_S).kind == "admitted"
    assert told(again, Snapshot(), AT + SAME_SCAN_S + 1).kind == "already"


@pytest.mark.parametrize("behind_s", [-600.0, 120.5, 600.0])
def test_a_first_scan_lets_in_whatever_the_workers_clock_says(behind_s: float) -> None:
    assert told(admitted(AT - behind_s), Snapshot(), AT).kind == "admitted"


def test_an_answer_without_that_field_goes_by_its_age() -> None:
    first = admitted(AT)
    older = replies.decode(msgspec.json.encode(msgspec.structs.replace(first, changed=False)))
    assert isinstance(older, Answer)
    assert b"changed" not in msgspec.json.encode(older)
    assert told(older, Snapshot(), AT).kind == "admitted"
    assert told(older, Snapshot(), AT + SAME_SCAN_S + 1).kind == "already"


@pytest.mark.parametrize(
    "code", [Code.OVERLOADED, Code.NO_QUORUM, Code.OUTCOME_UNKNOWN, Code.HALTED]
)
def test_whatever_nobody_knows_is_no_answer(code: Code) -> None:
    assert told(Answer(id=1, code=code), Snapshot(), AT).kind == "no-answer"


def test_a_ticket_whose_record_is_damaged_gets_a_verdict_of_its_own() -> None:
    found = told(Answer(id=1, code=Code.DAMAGED), Snapshot(), AT)
    assert (found.kind, found.status, found.order) == ("damaged", 500, None)


def test_an_order_of_an_event_that_the_catalog_lacks_is_shown_by_its_names() -> None:
    found = told(admitted(AT), Snapshot(), AT)
    assert isinstance(found.order, OrderView)
    assert (found.type, found.event) == ("front", "gala")


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef" * 2,
        "0123 4567 89AB cdef 0123 4567 89ab cdef\n",
        "https://tickets.example/orders/" + "0123456789abcdef" * 2,
    ],
)
def test_a_number_is_read_as_it_is_printed_and_as_its_code_says_it(text: str) -> None:
    assert order_id_in(text) == "0123456789abcdef" * 2
    assert order_id_in(text[:-3]) == ""
    assert order_id_in(text.strip() + "0123456789abcdef" * 2) == ""
