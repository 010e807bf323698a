"""Events in operators' pages: each field is checked, and no input is lost."""

import html
import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.errors import BadRequest, NoSuchEvent
from core.events.terms import Terms
from core.schema.records import LANGUAGES
from core.settings import Settings
from core.text.timezones import zone_of
from tests.support.fakes.fake_web import FakeWeb, Response
from tests.support.fakes.fake_zookeeper import FakeZooKeeper
from tests.support.signed_in import Operator
from web.auth.roles import OPERATOR
from web.http.i18n import Languages
from web.http.replies import Reply
from web.operator import event_form
from web.operator.event_form import MOST_ROWS, PARTS, FormReader, terms_in, types_in
from web.operator.events import EventPages
from web.operator_actions import Operations

NEW = "/operator/new-event"
PAGES = ("/operator/events", "/operator/events/gala", "/operator/events/gala/edit", NEW)
TAIPEI = ZoneInfo("Asia/Taipei")


def form(page: Response) -> dict[str, str]:
    """Returns what a browser would post of the form as it is."""
    text = page.text[page.text.index('class="event-form"') :]
    found = {
        name: html.unescape(typed)
        for name, typed in re.findall(
            r'<textarea[^>]* name="([\w.-]+)"[^>]*>([^<]*)</textarea>', text
        )
    }
    for name, choices in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', text, re.S):
        found.update((name, choice) for choice in re.findall(r'value="(\w+)" selected', choices))
    for tag in re.findall(r"<input[^>]*>", text):
        given = {name: html.unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if given.get("type") != "checkbox" and "name" in given:
            found[given["name"]] = given["value"]
        elif " checked" in tag:
            found[given["name"]] = "on"
    return found


def faults(page: Response) -> dict[str, str]:
    return dict(re.findall(r'class="fault" id="([\w.-]+)-fault">([^<]*)<', page.text))


def make(operator: Operator, **fields: str) -> Response:
    typed = {name.replace("__", "-"): text for name, text in fields.items()}
    return operator.post(NEW, {**form(operator.get(NEW)), **typed})


# --- looking -------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/operator/act/open?event=gala"])
def test_a_stranger_is_sent_to_sign_in(web: FakeWeb, path: str) -> None:
    assert web.get(path).headers["location"] == "/operator/sign-in"
    if not path.startswith("/operator/act"):
        body = web.request("POST", path, b"", content_type="application/x-www-form-urlencoded")
        assert body.status in (303, 405)


def test_the_list_shows_every_event_and_what_is_wrong_with_the_others(operator: Operator) -> None:
    page = operator.get("/operator/events").text
    for text in ("Opening night", "831", "opens later", "znode /events/broken is unreadable"):
        assert text in page
    page = operator.get("/operator/events", accept_language="zh-TW").text
    assert "尚未開賣" in page


def test_an_event_is_shown_with_its_terms_and_what_is_left(operator: Operator) -> None:
    page = operator.get("/operator/events/gala").text
    for text in (
        "Fri 1 June 2096, 16:00 (Taipei)",
        "National Concert Hall",
        "Front row",
        "NT$1,200.00",
        "37",
    ):
        assert text in page
    assert operator.get("/operator/events/nope").status == 404
    assert operator.get("/operator/events/nope/edit").status == 404


# --- making --------------------------------------------------------------------------


def test_an_event_is_made_as_it_was_typed(operator: Operator) -> None:
    answer = make(
        operator,
        name="ball",
        title="Winter ball & more",
        starts="2027-01-01T20:00",
        opens="2026-12-01T12:00",
        timezone="Asia/Taipei",
        limit="4",
        hold_minutes="7.5",
        cancellable="on",
        currency="twd",
        type__0="A",
        capacity__0="100",
        price__0="48.50",
        colour__0="#CC0000",
        type__2="B",
        label__2="Balcony",
        capacity__2="5",
    )
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/operator/events/ball?done=create",
    )
    assert answer.headers["set-cookie"].startswith("zone=Asia%2FTaipei; Path=/operator;")
    said = html.unescape(operator.log())
    opens = datetime(2026, 12, 1, 12, tzinfo=TAIPEI).timestamp()
    for text in (
        "'title': 'Winter ball & more'",
        f"'opens_at': {opens}",
        "'limit': 4",
        "'hold_s': 450.0",
        "'cancellable': True",
        "'currency': 'TWD'",
        "['A', 'B']",
    ):
        assert text in said
    assert "extensions" not in said
    page = operator.get("/operator/events/ball?done=create").text
    for text in (
        "Event created.",
        "Fri 1 January 2027, 20:00 (Taipei)",
        "NT$48.50",
        "Balcony",
        "#cc0000",
    ):
        assert text in page


def test_an_error_stands_at_its_field_and_no_input_is_lost(operator: Operator) -> None:
    typed = {
        "name": "no good!",
        "title": "Winter <ball>",
        "place": "Hall",
        "timezone": "Mars/Olympus",
        "starts": "tomorrow",
        "limit": "-1",
        "hold_minutes": "0",
        "extensions": "11",
        "currency": "euros",
        "cancellable": "on",
        "type__0": "A",
        "capacity__0": "many",
        "price__0": "4.999",
        "colour__0": "red",
        "type__1": "A",
        "capacity__1": "1",
    }
    answer = make(operator, **typed)
    assert answer.status == 422
    assert faults(answer).keys() == {
        *("name", "timezone", "starts", "limit", "hold_minutes", "extensions", "currency"),
        *("capacity-0", "price-0", "colour-0", "type-1"),
    }
    assert "11 things have to be put right" in answer.text
    kept = form(answer)
    for name, text in typed.items():
        assert kept[name.replace("__", "-")] == text


@pytest.mark.parametrize(
    ("fields", "fault", "told"),
    [
        ({"name": "gala", "type__0": "A", "capacity__0": "1"}, "name", "already"),
        ({"name": "x"}, "type-0", "at least one type"),
        ({"name": "x", "title": " ", "type__0": "A", "capacity__0": "1"}, "title", "empty"),
        (
            {"name": "b", "opens": "2027-01-02T00:00", "closes": "2027-01-01T00:00"}
            | {"type__0": "A", "capacity__0": "1"},
            "closes",
            "later than the opening",
        ),
    ],
)
def test_what_only_the_whole_shows_is_told_at_its_field_as_well(
    operator: Operator, fields: dict[str, str], fault: str, told: str
) -> None:
    answer = make(operator, **fields)
    assert answer.status == 422
    assert told in faults(answer)[fault]


def test_more_rows_keep_what_is_typed(operator: Operator) -> None:
    answer = make(operator, do="rows", name="ball", type__2="C", capacity__2="x")
    assert answer.status == 200
    kept = form(answer)
    assert (kept["name"], kept["type-2"], kept["capacity-2"], kept["rows"]) == (
        "ball",
        "C",
        "x",
        "6",
    )
    assert "type-5" in kept


def rows_of(count: int) -> dict[str, str]:
    """Returns that many types with the longest names and labels, in wide characters."""
    fields = {"rows": str(count)}
    for row in range(count):
        cells = (
            f"{row:032d}",
            "首" * 200,
            "100000000",
            "9999999.99",
            "#cc0000",
            *("首" * 200 for _ in LANGUAGES),
        )
        fields |= {f"{part}-{row}": cell for part, cell in zip(PARTS, cells, strict=True)}
    return fields


def test_a_form_with_as_many_types_as_may_be_is_taken_with_a_fault_and_without(
    operator: Operator,
) -> None:
    typed = {"name": "fair", "title": "市集", **rows_of(MOST_ROWS)}
    wrong = make(operator, **typed, limit="x")
    assert wrong.status == 422, wrong.text
    kept = form(wrong)
    assert (kept["label-99"], kept["rows"]) == ("首" * 200, "100")
    made = operator.post(NEW, kept | {"limit": "4"})
    assert made.headers["location"] == "/operator/events/fair?done=create"


@pytest.mark.parametrize("path", [NEW, "/operator/events/gala/edit"])
def test_a_long_form_is_an_operators_and_is_bounded_as_well(
    web: FakeWeb, operator: Operator, path: str
) -> None:
    given = {"content_type": "application/x-www-form-urlencoded"}
    stranger = web.request("POST", path, b"x" * 17 * 1024, **given)
    assert stranger.status == 413
    assert "larger than 16 KiB" in stranger.text
    over = operator.post(path, {"file": "x" * 769 * 1024})
    assert over.status == 413
    assert "larger than 768 KiB" in over.text


def test_every_other_form_of_operators_is_no_longer_than_all_others(operator: Operator) -> None:
    for path in ("/operator/act/scale", "/operator/check-in", "/operator/events/gala/x/edit"):
        assert operator.post(path, {"to": "x" * 17 * 1024}).status == 413


def test_a_file_fills_in_the_form_and_makes_nothing(operator: Operator) -> None:
    before = operator.log()
    file = """
        name = "party"
        title = "Winter ball"
        starts = 2027-01-01T20:00:30+08:00
        hold_minutes = 10
        cancellable = true
        [types]
        A = { capacity = 100, price = 48.5, colour = "#cc0000" }
        B = { capacity = 5, label = "Balcony" }
        C = { capacity = 5 }
        D = { capacity = 6 }
        [translations.zh-TW.labels]
        B = "樓座"
    """
    answer = make(operator, do="file", file=file, timezone="Asia/Taipei")
    assert answer.status == 200
    kept = form(answer)
    assert (kept["name"], kept["starts"], kept["hold_minutes"]) == (
        "party",
        "2027-01-01T20:00:30",
        "10",
    )
    assert (kept["price-0"], kept["label-1"], kept["capacity-3"]) == ("48.50", "Balcony", "6")
    assert operator.log() == before
    made = operator.post(NEW, kept)
    assert made.headers["location"] == "/operator/events/party?done=create"
    assert "Fri 1 January 2027, 20:00 (Taipei)" in operator.get("/operator/events/party").text
    assert 'value="樓座"' in operator.get("/operator/events/party/types/B").text


def test_a_file_that_is_none_is_told_and_kept(operator: Operator) -> None:
    answer = make(operator, do="file", file="title = 5", name="ball")
    assert answer.status == 422
    assert "title: expected" in html.unescape(faults(answer)["file"])
    assert "title = 5</textarea>" in answer.text
    assert form(answer)["name"] == "ball"


# --- drafts, types -------------------------------------------------------------------


def test_all_faults_are_told_at_once_each_at_its_field(operator: Operator) -> None:
    answer = make(
        operator,
        starts="2020-01-01T20:00",
        opens="2027-03-28T02:30",
        closes="2027-10-31T02:30",
        doors="2099-01-01T00:00",
        timezone="Europe/Berlin",
        label__0="Stalls",
        capacity__0="",
        price__0="4,50",
    )
    assert answer.status == 422
    told = faults(answer)
    assert told.keys() == {"title", "starts", "opens", "closes", "doors", "capacity-0", "price-0"}
    assert "has passed" in told["starts"]
    assert "Choose 2027-03-28T01:30 or 2027-03-28T03:30" in told["opens"]
    assert "2027-10-31T02:30+02:00 for the first time" in told["closes"]
    fields = form(answer) | {
        "title": "Autumn",
        "starts": "2027-11-01T20:00",
        "opens": "2027-03-28T03:30",
        "closes": "2027-10-31T02:30+01:00",
        "doors": "",
        "capacity-0": "5",
        "price-0": "4.50",
    }
    assert operator.post(NEW, fields).headers["location"].startswith("/operator/events/autumn?")
    said = html.unescape(operator.log())
    assert f"'closes_at': {datetime(2027, 10, 31, 1, 30, tzinfo=UTC).timestamp()}" in said
    assert "'timezone': 'Europe/Berlin'" in said
    assert "2027-10-31T02:30+01:00" in operator.get("/operator/events/autumn/edit").text


def test_a_new_event_is_a_draft_with_names_made_from_what_buyers_read(operator: Operator) -> None:
    fields = {"title": "New Year’s Fête", "label__0": "Stalls, rows 1–8", "capacity__0": "5"}
    twice = {**fields, "label__1": "Stalls, rows 1–8", "capacity__1": "6", "publish": "on"}
    assert (
        make(operator, **fields).headers["location"].startswith("/operator/events/new-years-fete?")
    )
    page = operator.get("/operator/events/new-years-fete").text
    for text in ("This event is a draft", "Publish…", "Preview", "Delete…", "stalls-rows-1-8"):
        assert text in page
    assert "draft" in operator.get("/operator/events").text
    preview = operator.get("/operator/events/new-years-fete/preview").text
    assert "Stalls, rows 1–8" in preview
    assert "A preview: this is what buyers will see" in preview
    assert "inert" in preview
    assert "<script" not in preview
    assert (
        make(operator, **twice).headers["location"].startswith("/operator/events/new-years-fete-2")
    )
    assert "stalls-rows-1-8-2" in operator.get("/operator/events/new-years-fete-2").text
    assert "This event is a draft" not in operator.get("/operator/events/new-years-fete-2").text
    chinese = {"title": "新年晚會", "label__0": "一樓", "capacity__0": "5"}
    assert make(operator, **chinese).headers["location"].startswith("/operator/events/event?")


def test_texts_are_given_in_both_languages(operator: Operator) -> None:
    chinese = {"translations.zh-TW.title": "舞會"}
    typed = {"title": "Ball of two", "label__0": "A", "capacity__0": "5"} | chinese
    assert make(operator, **typed).status == 303
    assert "'translations': {'zh-TW': {'title': '舞會'}}" in html.unescape(operator.log())
    assert (
        form(operator.get("/operator/events/ball-of-two/edit"))["translations.zh-TW.title"]
        == "舞會"
    )


def test_another_language_keeps_what_was_typed(operator: Operator) -> None:
    typed = form(operator.get(NEW)) | {"title": "Half typed", "language": "zh-TW"}
    answer = operator.post(NEW, typed)
    assert (answer.status, form(answer)["title"]) == (200, "Half typed")
    assert "建立活動" in answer.text
    assert answer.headers["set-cookie"].startswith("language=zh-TW;")


def test_a_type_is_changed_alone_and_prefilled(operator: Operator) -> None:
    address = "/operator/events/gala/types/front"
    page = operator.get(address)
    fields = form(page)
    assert (fields["label"], fields["capacity"], fields["price"]) == ("Front row", "40", "1200.00")
    assert "3 are sold and 0 held" in page.text
    answer = operator.post(address, fields | {"label": "First row", "capacity": "50"})
    assert answer.headers["location"] == "/operator/events/gala?done=edit"
    said = html.unescape(operator.log())
    assert "capacity=50" in said
    assert "label='First row'" in said
    assert "price=UNSET" in said
    wrong = operator.post(address, fields | {"price": "cheap", "capacity": "-1"})
    assert wrong.status == 422
    assert faults(wrong).keys() == {"price", "capacity"}
    assert operator.get("/operator/events/gala/types/nope").status == 404
    new = form(operator.get("/operator/events/gala/new-type"))
    assert faults(operator.post("/operator/events/gala/new-type", new)).keys() == {"capacity"}
    added = operator.post("/operator/events/gala/new-type", new | {"label": "C", "capacity": "3"})
    assert added.status == 303
    assert "'c': TypeSaid(capacity=3, price='0', label='C'" in html.unescape(operator.log())


@pytest.mark.parametrize("act", ["publish", "hide"])
def test_an_event_is_published_and_hidden_after_a_question(operator: Operator, act: str) -> None:
    address = f"/operator/act/{act}"
    answer = operator.post(address, operator.answer(f"{address}?event=default"))
    assert answer.headers["location"] == f"/operator/events/default?done={act}"
    assert f"default {{'hidden': {act == 'hide'}}}" in html.unescape(operator.log())


def test_only_a_draft_is_deleted(operator: Operator) -> None:
    refused = operator.get("/operator/act/delete?event=default")
    assert refused.status >= 400
    assert "Hide the event first" in refused.text


# --- changing ------------------------------------------------------------------------


def test_only_what_was_changed_is_said(operator: Operator) -> None:
    address = "/operator/events/gala/edit"
    fields = form(operator.get(address))
    assert fields["starts"] == "2096-06-01T16:00"
    answer = operator.post(address, fields | {"place": "Hall 2", "limit": "6"})
    assert answer.headers["location"] == "/operator/events/gala?done=edit"
    assert "gala {'place': 'Hall 2', 'limit': 6}" in html.unescape(operator.log())


def test_a_name_out_of_an_address_is_quoted_in_answers(operator: Operator) -> None:
    fields = form(operator.get("/operator/events/gala/edit")) | {"timezone": "Nowhere"}
    page = operator.post("/operator/events/a%3Fb%0D%0A%C3%A9%22/edit", fields)
    assert page.status == 422
    assert 'action="/operator/events/a%3Fb%0D%0A%C3%A9%22/edit"' in page.text


class Desk:
    """An office that ignores edits."""

    spoken = False

    async def edit(self, _name: str, _terms: Terms) -> None:
        return

    def acting(self, _by: str) -> "Desk":
        return self

    @property
    def operations(self) -> "Desk":
        return self

    access = OPERATOR


async def test_a_name_out_of_an_address_is_quoted_where_the_browser_is_sent() -> None:
    fields = event_form.blank("UTC")
    posted = {**fields, "was": json.dumps(fields)}
    desk: Any = Desk()
    reply = await EventPages(desk, desk, desk).post_edit(desk, posted, "a?b\r\né")
    assert isinstance(reply, Reply)
    assert dict(reply.headers)["location"] == "/operator/events/a%3Fb%0D%0A%C3%A9?done=edit"


@pytest.mark.timeout(10)
async def test_an_unchanged_edit_of_no_event_says_that_there_is_none() -> None:
    operations = Operations(FakeZooKeeper().as_zookeeper(), Settings(), b"")
    with pytest.raises(NoSuchEvent):
        await operations.edit("nope", Terms())  # that are not mentioned


def test_a_time_may_be_taken_away_and_another_zone_moves_all_of_them(operator: Operator) -> None:
    address = "/operator/events/soon/edit"
    fields = form(operator.get(address))
    operator.post(address, fields | {"ends": ""})
    assert "soon {'ends_at': None}" in html.unescape(operator.log())
    fields = form(operator.get(address))
    operator.post(address, fields | {"timezone": "Asia/Kathmandu"})
    assert "Fri 1 June 2096, 16:00 (Kathmandu)" in operator.get("/operator/events/soon").text


def test_a_change_that_cannot_be_is_told_at_its_field(operator: Operator) -> None:
    address = "/operator/events/gone/edit"
    fields = form(operator.get(address)) | {
        "starts": "2021-01-01T00:00",
        "ends": "2020-01-01T00:00",
        "place": "Elsewhere",
    }
    answer = operator.post(address, fields)
    assert answer.status == 422
    assert "later than the start" in faults(answer)["ends"]
    assert form(answer)["place"] == "Elsewhere"
    assert operator.post(address, fields | {"was": "{"}).status == 403
    assert operator.post(address, fields | {"csrf": "0"}).status == 403


@pytest.mark.parametrize(
    ("name", "says"),
    [("close", "419 tickets that are left"), ("open", "Open the sale of Opening night now?")],
)
def test_a_sale_is_opened_and_closed_after_a_question(
    operator: Operator, name: str, says: str
) -> None:
    address = f"/operator/act/{name}"
    assert says in operator.get(f"{address}?event=default").text
    answer = operator.post(address, operator.answer(f"{address}?event=default"))
    assert answer.headers["location"] == f"/operator/events/default?done={name}"
    assert f"{name}</b> default" in operator.log()
    assert operator.get(f"{address}?event=nope").status == 422


# --- the form by itself --------------------------------------------------------------


def test_a_form_that_nobody_touched_says_nothing() -> None:
    fields = event_form.blank("Europe/Berlin")
    reading = FormReader(fields)
    assert terms_in(fields, fields, reading) == Terms()
    assert reading.faults == {}


def test_times_are_by_the_clock_of_the_place_in_summer_and_in_winter() -> None:
    for text, hour in (("2027-01-15T12:00", 11), ("2027-07-15T12:00", 10)):
        was = event_form.blank("Europe/Berlin")
        fields = was | {"opens": text}
        opens = terms_in(fields, was, FormReader(fields)).opens_at
        assert isinstance(opens, float)
        assert datetime.fromtimestamp(opens, UTC).hour == hour


@pytest.mark.parametrize(
    "text", ["0000-01-01T00:00", "9999-12-31T23:59", "12:00", "2027-02-30T00:00"]
)
def test_a_moment_that_cannot_be_is_refused(text: str) -> None:
    was = event_form.blank("America/New_York")
    reading = FormReader(was | {"ends": text})
    terms_in(was | {"ends": text}, was, reading)
    assert isinstance(reading.faults["ends"], BadRequest)


@pytest.mark.parametrize(
    "zone", ["", "../../etc/passwd", "/etc/localtime", "Asia", "x" * 999, "a\0b"]
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    assert zone_of(zone) is None


@pytest.mark.parametrize(
    ("currency", "price", "found", "told"),
    [
        ("jpy", "1500", 1500, ""),
        ("JPY", "1500.50", None, "JPY has no smaller unit: write a whole number, like 1500."),
        ("KWD", "1.234", 1234, ""),
        ("EUR", "1.234", None, "Write it like 48 or 48.50."),
    ],
)
def test_prices_have_the_decimals_of_their_currency(
    currency: str, price: str, found: int | None, told: str
) -> None:
    fields = {"type-0": "A", "capacity-0": "3", "price-0": price, "currency": currency}
    reading = FormReader(fields)
    types = types_in(fields, reading)
    if found is not None:
        assert (types["A"].price, reading.faults) == (found, {})
    else:
        fault = reading.faults["price-0"]
        assert Languages().default.say(fault.text, **fault.values) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a." * 20_000 + "a = 1", "a name in it has more than 8 parts"),
        ("a = " + "[" * 40_000, "its brackets are nested deeper than 8"),
        ("limit = " + "9" * 20_000, "a number in it is out of range"),
        ("limit = 0x" + "f" * 20_000, "limit: the number is out of range"),
        ("opens = 9999-12-31T23:59:59-23:59", "opens: it must be in the years 1971 to 9000"),
        ("ends = 0001-01-01T00:00:00+14:00", "ends: it must be in the years 1971 to 9000"),
        ("hold_minutes = nan\ntypes.A.capacity = 1", ""),
        ("types.A = {capacity = 1, price = inf}", "is no price in EUR; write it like 48.50"),
        ("#" * 66_000, "it has more than 65,536 characters"),
    ],
)
def test_a_file_that_would_take_for_ever_is_refused_at_its_field(
    operator: Operator, text: str, told: str
) -> None:
    began = time.monotonic()
    answer = operator.post(NEW, {**form(operator.get(NEW)), "file": text, "do": "file"})
    assert time.monotonic() - began < 5
    if told:
        assert answer.status == 422
        assert told in html.unescape(faults(answer)["file"])
    else:
        assert answer.status == 200


@pytest.mark.parametrize(
    "typed",
    ["9999-12-31T23:59", "0001-01-01T00:00", "2027-13-01", "٢٠٢٧-01-01"],
)
def test_a_time_that_cant_be_is_refused_at_its_field(operator: Operator, typed: str) -> None:
    answer = make(operator, name="late", type__0="A", capacity__0="1", opens=typed)
    assert (answer.status, set(faults(answer))) == (422, {"opens"})


def test_a_pasted_file_may_have_a_byte_order_mark(operator: Operator) -> None:
    text = '\ufefftitle = "Winter ball"\r\ntypes.A.capacity = 5\r\n'
    filled = operator.post(NEW, {**form(operator.get(NEW)), "file": text, "do": "file"})
    assert (filled.status, form(filled)["title"]) == (200, "Winter ball")


def test_a_file_fills_in_prices_of_its_currency(operator: Operator) -> None:
    text = 'currency = "JPY"\ntypes.A = {capacity = 5, price = 150000}'
    filled = operator.post(NEW, {**form(operator.get(NEW)), "file": text, "do": "file"})
    assert form(filled)["price-0"] == "150000"
    wrong = text.replace("150000", "1.5")
    refused = operator.post(NEW, {**form(operator.get(NEW)), "file": wrong, "do": "file"})
    assert (refused.status, faults(refused)["file"]) == (
        422,
        "types.A.price: &#039;1.5&#039; is no price in JPY; write it like 1500",
    )


def test_prices_are_read_to_the_hundredth() -> None:
    fields = {"rows": "1", "type-0": "A", "capacity-0": "3", "price-0": "19.99"}
    assert types_in(fields, FormReader(fields))["A"].price == 1999
