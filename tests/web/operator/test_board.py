"""The operators' pages over HTTP: closed without the token, and what their buttons do."""

import re

import pytest
from msgspec.structs import replace

from core.errors import BadRequest
from tests.support.fakes.fake_board import ORDER, status
from tests.support.fakes.fake_site import GALA, TOKEN
from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.signed_in import Operator, enter, sign_in, sign_out
from web.http.i18n import Languages
from web.operator.form_actions import operator_actions

PAGES = ("/operator", "/operator/log", "/operator/act/restart", "/operator/act/scale?workers=5")


# --- coming in -----------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_sign_in(web: FakeWeb, path: str) -> None:
    for cookie in (
        "",
        "operator=",
        f"operator={TOKEN}",
        f"operator=9999999999.{'0' * 32}.{'0' * 64}",
    ):
        answer = web.get(path, cookie=cookie)
        assert (answer.status, answer.headers["location"]) == (303, "/operator/sign-in")
        assert answer.body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/operator/log?source=web-1&source=worker-1",
        "/operator?minutes=5&minutes=30",
        "/operator/orders?find=ann&find=bob",
        "/operator/act/scale?workers=1&workers=2",
        "/?event=default&event=gala",
    ],
)
def test_a_field_that_stands_twice_in_an_address_is_refused(operator: Operator, path: str) -> None:
    answer = operator.get(path)
    assert answer.status == 400
    assert "names a field twice" in answer.text


def test_a_stranger_gets_no_figures_and_moves_nothing(web: FakeWeb, operator: Operator) -> None:
    assert web.get("/operator/live").status == 401
    assert web.get("/api/operator/history").status == 401
    before = operator.log()
    answer = Operator(web, "").post("/operator/act/scale", {"workers": "1", "id": "0" * 16})
    assert (answer.status, answer.headers["location"]) == (303, "/operator/sign-in")
    assert operator.log() == before


def test_the_token_is_in_no_page_and_in_no_header(web: FakeWeb, operator: Operator) -> None:
    for answer in (sign_in(web), web.get("/operator/sign-in"), *map(operator.get, PAGES)):
        assert TOKEN not in answer.text + str(answer.headers)


def test_signing_out_ends_the_session_for_good(web: FakeWeb) -> None:
    mine = enter(web)
    [csrf] = set(re.findall(r'name="csrf" value="(\w+)"', mine.get("/operator").text))
    assert mine.post("/operator/sign-out", {"csrf": "no"}).status == 403
    assert mine.get("/operator").status == 200
    left = mine.post("/operator/sign-out", {"csrf": csrf})
    assert left.headers["location"] == "/operator/sign-in"
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert mine.get("/operator").status == 303


def test_an_operator_is_told_when_a_sign_out_cannot_be_recorded() -> None:
    with running("away") as site:
        mine = enter(site)
        assert sign_out(mine).headers["location"] == "/operator/sign-in?left=here"
        assert mine.get("/operator").status == 303
        assert "signed out on this web server" in site.get("/operator/sign-in?left=here").text
        assert "signed out on" not in site.get("/operator/sign-in").text


def test_wrong_tokens_are_refused_and_then_slowed_down() -> None:
    with running("new") as site:
        statuses = [sign_in(site, "wrong").status for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        late = sign_in(site, "wrong")
        assert late.status == 429
        assert int(late.headers["retry-after"]) <= 6
        assert site.get("/api/status", authorization="Bearer wrong").status == 429
        assert site.get("/api/status", authorization=f"Bearer {TOKEN}").status != 429
        assert sign_in(site).status == 303


def test_a_wrong_token_lets_nobody_in_and_locks_out_no_scanner_behind_the_same_address() -> None:
    paths = ("/api/check-in", f"/api/orders/{ORDER}/cancel")
    with running("open") as site:

        def code(path: str, token: str) -> str:
            given = {"content_type": "application/json", "authorization": f"Bearer {token}"}
            found: str = site.request("POST", path, b"{}", **given).json["code"]
            return found

        for tries in range(12):
            found = code(paths[tries % 2], "wrong")
            assert found == ("unauthorized" if tries < 10 else "too-many-attempts")
        assert [code(path, TOKEN) for path in paths] == ["invalid", "no-such-order"]


# --- what they show ------------------------------------------------------------------


def test_the_board_shows_what_status_shows_and_escapes_it(operator: Operator) -> None:
    page = operator.get("/operator").text
    for text in (
        "Selling, with a fault",
        "127.0.0.1:2183) is down",
        "leader",
        "81,234",
        "Opening night",
        "412",
    ):
        assert text in page
    assert "silent for 11 s &lt;b&gt;" in page
    assert "worker-2 drains" in page
    assert page.count('<path class="line') == 12
    assert " style=" not in page
    assert "//" not in re.sub(r"https?://127\.0\.0\.1", "", page)


def test_the_board_speaks_chinese(operator: Operator) -> None:
    page = operator.get("/operator", accept_language="zh-TW").text
    assert 'lang="zh-TW"' in page
    assert "售票中，但有異常" in page


def test_the_history_is_there_as_json_with_the_token(web: FakeWeb) -> None:
    answer = web.get("/api/operator/history?minutes=5", authorization=f"Bearer {TOKEN}")
    assert answer.status == 200
    samples = answer.json["samples"]
    assert 290 <= len(samples) <= 300
    assert samples[0]["in_flight"].keys() == {"worker-1", "worker-2", "worker-3"}


def test_without_a_quorum_the_board_says_so() -> None:
    with running("away") as site:
        assert "no quorum: 1 of 3" in enter(site).get("/operator").text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ["selling", "gave up", "worker-2: &lt;i&gt;lost&lt;/i&gt;"], []),
        ("level=warning", ["gave up", "&lt;i&gt;lost"], ["selling"]),
        ("source=worker-1", [ORDER[:8]], ["selling", "gave up"]),
        ("text=GAVE", ["gave up"], ["selling"]),
        ("text=.", ["No entry in the log"], ["selling"]),
        (f"order={ORDER}", [ORDER[:8]], ["selling"]),
        ("since=10m", ["No entry in the log"], ["selling"]),
    ],
)
def test_the_log_is_filtered(
    operator: Operator, query: str, shown: list[str], hidden: list[str]
) -> None:
    page = operator.get(f"/operator/log?{query}")
    assert page.status == 200
    assert all(text in page.text for text in shown)
    assert not any(text in page.text for text in hidden)


@pytest.mark.parametrize("query", ["level=loud", "since=yesterday"])
def test_a_filter_that_is_none_is_explained(operator: Operator, query: str) -> None:
    assert operator.get(f"/operator/log?{query}").status == 422


# --- the buttons ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says", "done"),
    [
        ("restart?name=worker-1", "Restart worker-1?", "restart</b> worker-1"),
        ("restart?name=web-1", "Restart web-1?", "restart</b> web-1"),
        ("restart", "Restart all 3 workers?", "restart</b> all"),
        ("scale?workers=5", "2 workers start", "scale</b> 5"),
        ("scale?workers=1", "2 workers finish what they have", "scale</b> 1"),
    ],
)
def test_a_button_asks_first_and_then_does_it(
    operator: Operator, path: str, says: str, done: str
) -> None:
    before = operator.log()
    assert says in operator.get(f"/operator/act/{path}").text
    fields = operator.answer(f"/operator/act/{path}")
    assert operator.log() == before
    name = path.partition("?")[0]
    answer = operator.post(f"/operator/act/{name}", fields)
    assert (answer.status, answer.headers["location"]) == (303, f"/operator?done={name}")
    assert done in operator.log()


def test_a_form_of_another_session_or_another_site_does_nothing(
    web: FakeWeb, operator: Operator
) -> None:
    path, before = "/operator/act/scale", operator.log()
    fields = operator.answer(f"{path}?workers=7")
    assert enter(web).post(path, fields).status == 403
    assert operator.post(path, fields | {"csrf": ""}).status == 403
    assert operator.post(path, fields, sec_fetch_site="cross-site").status == 403
    assert operator.post(path, fields | {"id": "x"}).status == 403
    assert operator.log() == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("restart?name=worker-9", 422),
        ("scale", 422),
        ("scale?workers=0", 422),
        ("scale?workers=65", 422),
        ("explode", 404),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(
    operator: Operator, path: str, status: int
) -> None:
    answer = operator.get(f"/operator/act/{path}")
    assert answer.status == status
    assert "Back to the board" in answer.text


def test_an_action_that_fails_is_explained(operator: Operator) -> None:
    path = "/operator/act/restart"
    answer = operator.post(path, operator.answer(f"{path}?name=worker-3"))
    assert answer.status == 409
    assert "no supervisor is at work; `up` starts one" in answer.text


# --- several machines ----------------------------------------------------------------


def test_only_the_processes_of_its_own_instance_are_acted_on() -> None:
    """The board also shows those of other machines, which may have the same names."""
    whole = status("open", GALA)
    assert whole.supervisor is not None
    own = tuple(replace(each, machine="box", instance="a") for each in whole.workers)
    theirs = tuple(replace(each, name=f"far-{each.name}", instance="b") for each in own)
    shown = replace(
        whole, supervisor=replace(whole.supervisor, instance="a"), workers=(*own, *theirs)
    )
    say = Languages().default.say
    restart, scale, *_others = operator_actions()
    assert restart.ask(say, shown, {"name": own[0].name}).fields == {"name": own[0].name}
    with pytest.raises(BadRequest):
        restart.ask(say, shown, {"name": theirs[0].name})
    assert str(len(own)) in restart.ask(say, shown, {}).title
    assert f"{len(own) + 1}" in scale.ask(say, shown, {"workers": str(len(own) + 1)}).title
    assert "1 " in scale.ask(say, shown, {"workers": str(len(own) + 1)}).effects[0]
