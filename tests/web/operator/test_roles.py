"""Each role opens what the table says and nothing else, on every route that there is."""

import json
import re
import time
from typing import Any

import msgspec
import pytest

from core.clock import Clock as CoreClock
from core.schema.order_number import number_of
from tests.support.fakes import fake_tokens
from tests.support.fakes.fake_board import FakeOperations
from tests.support.fakes.fake_clerk import FakeClerk, id_of
from tests.support.fakes.fake_tokens import ANY_DOOR, DOOR, KEPT, ORGANISER, PERSON
from tests.support.fakes.fake_web import FakeWeb, Response
from tests.support.signed_in import Operator, enter, sign_in
from tests.web.operator.test_sessions import Clock, FakeRegister, find
from web.app import Site
from web.auth.ended_sessions import Ended
from web.auth.known_tokens import TRUSTED_S, KnownTokens
from web.auth.operator import OperatorGuard
from web.auth.roles import Access, Area
from web.handler_context import Context
from web.http.problems import Problem
from web.server.request_head import Front

ALL = {"door", "organiser", "operator"}
EVENTS = {"organiser", "operator"}
# Whom each address is open to; addresses that nobody has thought of fail the test.
PAGES = {
    "/operator/sign-in": None,
    "/operator/sign-out": None,
    "/operator/check-in": ALL,
    "/operator/check-in/admitted": ALL,
    "/operator/check-in/undo": ALL,
    "/operator": EVENTS,
    "/operator/live": EVENTS,
    "/operator/events": EVENTS,
    "/operator/events/<name>": EVENTS,
    "/operator/events/<name>/preview": EVENTS,
    "/operator/events/<name>/edit": EVENTS,
    "/operator/events/<name>/new-type": EVENTS,
    "/operator/events/<name>/types/<type_>": EVENTS,
    "/operator/new-event": EVENTS,
    "/operator/orders": EVENTS,
    "/operator/orders/export": EVENTS,
    "/operator/orders/<order_id>": EVENTS,
    "/operator/orders/<order_id>/cancel": EVENTS,
    **{f"/operator/act/{act}": EVENTS for act in ("open", "close", "publish", "hide", "delete")},
    "/operator/act/restart": {"operator"},
    "/operator/act/scale": {"operator"},
    "/operator/log": {"operator"},
}
API = {
    ("POST", "/api/check-in"): ALL,
    ("POST", "/api/check-in/undo"): ALL,
    ("POST", "/api/holds"): EVENTS,
    ("POST", f"/api/holds/{id_of('b1')}/confirm"): EVENTS,
    ("POST", f"/api/orders/{id_of('b1')}/cancel"): EVENTS,
    ("GET", "/api/status"): {"operator"},
    ("GET", "/api/operator/history"): {"operator"},
}
TOKENS = {"door": DOOR, "organiser": ORGANISER, "operator": PERSON}


def routes() -> list[tuple[str, str]]:
    """Returns the method and address of each operators' page that is mounted."""
    parts: dict[str, Any] = dict.fromkeys((f.name for f in msgspec.structs.fields(Context)), None)
    parts |= {"operator_token": "t", "clock": CoreClock(), "front": Front((), "")}
    parts["operations"] = FakeOperations({}, FakeClerk(time.time))
    found = Site(Context(**parts)).routes
    return [(each.method, each.rule) for each in found if each.rule.startswith("/operator")]


def enter_as(web: FakeWeb, token: str) -> Operator:
    answer = sign_in(web, token)
    assert answer.status == 303, answer.text
    return Operator(web, answer.headers["set-cookie"].partition(";")[0])


def post(web: FakeWeb, path: str, token: str, **sent: object) -> Response:
    body = json.dumps(sent).encode()
    given = {"content_type": "application/json", "authorization": f"Bearer {token}"}
    return web.request("POST", path, body, **given)


@pytest.mark.parametrize("role", sorted(TOKENS))
def test_a_role_opens_the_pages_that_it_may_and_no_others(web: FakeWeb, role: str) -> None:
    visitor = enter_as(web, TOKENS[role])
    for method, rule in routes():
        may = PAGES[rule]
        if may is None:
            continue
        path = re.sub(r"<order_id>", id_of("a1"), re.sub(r"<\w+>", "gala", rule))
        answer = visitor.get(path) if method == "GET" else visitor.post(path, {})
        shut = answer.status == 403 and "whose token doesn" in answer.text
        assert shut == (role not in may), (method, rule)


@pytest.mark.parametrize(("method", "path"), API, ids=str)
@pytest.mark.parametrize("role", sorted(TOKENS))
def test_a_token_opens_the_interface_as_far_as_its_role_does(
    web: FakeWeb, role: str, method: str, path: str
) -> None:
    answer = web.request(method, path, b"{}", authorization=f"Bearer {TOKENS[role]}")
    shut = answer.status == 403 and answer.json["code"] == "forbidden"
    assert shut == (role not in API[method, path]), answer.text


def test_a_door_checks_in_for_its_event_and_is_told_no_orders_id(web: FakeWeb) -> None:
    order = id_of("a5")
    for path, status in (
        ("/api/check-in", 200),
        ("/api/check-in", 409),
        ("/api/check-in/undo", 200),
    ):
        answer = post(web, path, DOOR, order=order, event="gala", door="North")
        assert answer.status == status, answer.text
        assert order not in answer.text
        assert number_of(order) in answer.text
    told = post(web, "/api/check-in", PERSON, order=order, event="gala", door="North")
    assert told.json["order"] == order


def test_a_door_of_one_event_admits_nobody_to_another(web: FakeWeb) -> None:
    order = id_of("a6")
    assert post(web, "/api/check-in", DOOR, order=order).json["field"] == "event"
    assert post(web, "/api/check-in", ANY_DOOR, order=order).json["field"] == "event"
    elsewhere = post(web, "/api/check-in", DOOR, order=order, event="default")
    assert (elsewhere.status, elsewhere.json["code"]) == (403, "forbidden")
    door = enter_as(web, DOOR)
    for path in ("/operator/check-in?event=default", "/operator/check-in/admitted?event=default"):
        assert door.get(path).status == 403
    page = door.get("/operator/check-in")
    assert "Summer gala" in page.text
    [csrf] = set(re.findall(r'name="csrf" value="(\w+)"', page.text))
    posted = {"csrf": csrf, "scan": "s1", "event": "default", "door": "N", "order": order}
    for path in ("/operator/check-in", "/operator/check-in/undo"):
        assert door.post(path, posted).status == 403
    assert enter_as(web, ANY_DOOR).get("/operator/check-in?event=default").status == 200


def test_the_head_says_who_is_signed_in_and_leads_only_where_they_may_go(web: FakeWeb) -> None:
    door = sign_in(web, DOOR)
    assert door.headers["location"] == "/operator/check-in"
    page = enter_as(web, DOOR).get("/operator/check-in").text
    assert "North door · Door" in page
    links = ("/operator/events", "/operator/orders", "/operator/log", "/operator/check-in")
    assert [f'<a href="{each}"' in page for each in links] == [False, False, False, True]
    board = enter_as(web, ORGANISER).get("/operator").text
    assert "Zoë Müller · Organiser" in board
    assert [f'<a href="{each}"' in board for each in links] == [True, True, False, True]
    assert "/operator/act/restart" not in board
    assert 'class="plots"' not in board
    assert "/operator/act/restart" in enter(web).get("/operator").text


# --- revoked, and without ZooKeeper --------------------------------------------------


def guarded() -> tuple[OperatorGuard, KnownTokens, Clock]:
    clock = Clock()
    known = KnownTokens(clock)
    known.note(KEPT)
    guard = OperatorGuard("t" * 32, CoreClock(clock, clock), Ended(FakeRegister(), clock), known)
    return guard, known, clock


def signed_in(guard: OperatorGuard, token: str) -> str:
    access = guard.try_token(token, "192.0.2.1")
    assert isinstance(access, Access)
    return f"operator={guard.sessions.begin(access)}"


def test_a_revoked_token_and_what_was_signed_in_with_it_open_nothing() -> None:
    guard, known, _ = guarded()
    door, organiser = signed_in(guard, DOOR), signed_in(guard, ORGANISER)
    known.note([each for each in KEPT if each.role != "door"])
    assert find(guard.sessions, door) is None
    assert isinstance(guard.try_token(DOOR, "192.0.2.1"), Problem)
    found = find(guard.sessions, organiser)
    assert found is not None
    assert (found.access.name, found.access.role) == ("Zoë Müller", "organiser")


def test_a_new_token_of_the_same_name_revives_no_session() -> None:
    guard, known, _ = guarded()
    door = signed_in(guard, DOOR)
    known.note([fake_tokens.kept("f" * 64, "door", "North door", "gala")])
    assert find(guard.sessions, door) is None


def test_what_was_known_goes_on_for_a_minute_without_zookeeper() -> None:
    guard, known, clock = guarded()
    door = signed_in(guard, DOOR)
    clock.now += TRUSTED_S
    assert find(guard.sessions, door) is not None
    clock.now += 1
    assert find(guard.sessions, door) is None
    refusal = guard.try_token(DOOR, "192.0.2.1")
    assert isinstance(refusal, Problem)
    assert (refusal.code, refusal.status) == ("no-quorum", 503)
    assert isinstance(guard.try_token("t" * 32, "192.0.2.1"), Access)
    known.note(KEPT)
    assert find(guard.sessions, door) is not None


def test_a_cookie_cannot_be_made_anothers() -> None:
    guard, _, _ = guarded()
    ends_at, id_, ref, proof = signed_in(guard, DOOR).split(".")
    other = signed_in(guard, PERSON).split(".")[2]
    assert ref != other
    for forged in (f"{ends_at}.{id_}.{other}.{proof}", f"{ends_at}.{id_}.{proof}"):
        assert find(guard.sessions, forged) is None


def test_every_area_is_open_to_an_operator() -> None:
    assert all(Access("Otto", "operator").opens(area) for area in Area)
