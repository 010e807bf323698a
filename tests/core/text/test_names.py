"""Which names are accepted, and which two are one person's."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadRequest, WrongTerm, WrongUsage
from core.events.terms import Terms, changed, text_of
from core.schema.records import Event, buyer_id
from core.store.scan import of_buyer
from core.text.names import clean, folded, is_shown, plain_name, searchable
from web.http.body import form_fields
from web.http.request import Request
from web.requests.order_change import from_scan
from web.requests.purchase import from_form, from_json

KEY = b"k" * 32
# Two of CJK's extensions H and J, a private one, two that Unicode has not assigned.
RARE = ("\U00031350", "\U000323b0", "\ue000", "\U0003fffd", "\U0010fffd")
MARKS = (
    *("\u061c", "\u200e", "\u200f", "\ufeff"),
    *(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
)
NOTHING = (
    *("", "  ", "\u3000", "\u3164", "\u2800", "\uffa0", "\u2065", "\u00ad", "\u200f", "\u200d"),
    *("\u115f\u1160", "\u034f\ufe0f", "\U000e0100", "\U0001d173", "\u3164 \u2800", "\u200b \u200b"),
    *("\ufff9\ufffb", "\U00013430", "\U0001343f", "\u0600", "\u08e2", "\U000110cd"),
)
CONTROLS = ("\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\ud800", "\udfff")


def posted(content_type: str, body: bytes) -> Request:
    return Request(method="POST", path="/", headers={"content-type": content_type}, body=body)


def in_json(name: str) -> str:
    body = json.dumps({"type": "A", "buyer": name}).encode()
    return from_json(posted("application/json", body)).buyer


def in_form(name: str) -> str:
    body = urlencode({"type": "A", "buyer": name, "key": "k"}, errors="surrogatepass")
    fields = form_fields(posted("application/x-www-form-urlencoded", body.encode()))
    return from_form(fields).buyer


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("zoe", "Zoë Müller-Łukasz"),
        ("MULLER lukasz", "Zoë Müller-Łukasz"),
        ("oconnor", "Sinéad O’Connor"),
        ("strasse", "Anna Straße"),
        ("ａｎｎ", "Ann Lee"),
        ("王小", "王小明"),
        ("か", "かとう"),
    ],
)
def test_a_search_finds_a_name_however_it_is_accented(typed: str, name: str) -> None:
    assert searchable(typed) in searchable(name)
    assert searchable(name) not in searchable(typed)


def at_door(name: str) -> str:
    body = json.dumps({"order": "0" * 32, "door": name}).encode()
    headers = {"content-type": "application/json"}
    return from_scan(Request(method="POST", path="/", headers=headers, body=body)).door


def as_title(name: str) -> str:
    return changed(Event(generation="g", title="t"), Terms(title=name)).title


def as_reason(name: str) -> str:
    return text_of(name, "--reason")


PLACES = (in_json, in_form, at_door, as_title, as_reason)


@pytest.mark.parametrize("rare", RARE, ids=ascii)
def test_a_name_of_rare_characters_is_taken_everywhere(rare: str) -> None:
    for take in PLACES:
        assert take(f" {rare} {rare}明") == f"{rare} {rare}明"
        assert take(rare) == rare


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_a_mark_of_direction_is_taken_off(mark: str) -> None:
    for take in PLACES:
        assert take(f"{mark} {mark}شا{mark}دي {mark}") == "شادي"


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_a_control_inside_a_name_is_refused_everywhere(control: str) -> None:
    for take in PLACES:
        with pytest.raises((BadRequest, WrongTerm)):
            take(f"An{control}n")


@pytest.mark.parametrize("nothing", NOTHING, ids=ascii)
def test_a_name_that_shows_nothing_is_refused(nothing: str) -> None:
    for take in (in_json, in_form, as_title):
        with pytest.raises((BadRequest, WrongTerm)):
            take(nothing)
    with pytest.raises(WrongUsage, match="shows nothing"):
        of_buyer(nothing)
    if clean(nothing):
        for take in (at_door, as_reason):
            with pytest.raises((BadRequest, WrongTerm)):
                take(nothing)


@pytest.mark.parametrize("name", ["می‌خواهم", "👩‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "a\u200bb", "葛󠄀城", "\u0301"])
def test_a_name_keeps_the_invisible_characters_that_its_script_needs(name: str) -> None:
    for take in PLACES:
        assert take(name) == name


def test_a_name_has_64_characters_after_what_is_taken_off() -> None:
    longest = "\U00031350" * 64
    for take in (in_json, in_form, at_door):
        assert take(f"  \u200f{longest[:32]}\u200e{longest[32:]}\u2067  ") == longest
        with pytest.raises(BadRequest):
            take(longest + "x")


# --- the same buyer ------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        *("\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180f", "\u200d"),
        *("\u202e", "\u2060", "\u2065", "\u206f", "\u3164", "\ufe00", "\ufe0f", "\ufeff", "\uffa0"),
        *("\ufff0", "\U0001bca0", "\U0001d173", "\U000e0001", "\U000e0020", "\U000e0100"),
        *("\U000e01ef", "\U000e0fff", "\u0600", "\ufff9", "\U00013430"),
    ],
    ids=ascii,
)
def test_what_cant_be_seen_makes_no_other_buyer(hidden: str) -> None:
    for other in (f"An{hidden}n", f"{hidden}Ann", f"Ann {hidden}", f"ＡＮ{hidden}Ｎ{hidden}"):
        assert buyer_id(KEY, "gala", other) == buyer_id(KEY, "gala", "Ann")
    assert folded(f"Zoe{hidden}\u0308") == folded("Zoë")


def test_a_character_that_is_drawn_as_a_space_is_one() -> None:
    assert folded("Ann\u2800Lee\u2800") == folded("Ann  Lee") != folded("AnnLee")


@given(st.text())
def test_a_folded_name_folds_to_itself(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(st.text())
def test_a_name_that_shows_something_has_something_to_be_told_by(name: str) -> None:
    if is_shown(clean(name)):
        assert folded(name)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Ann", "8758453f066b51f61d2565a3969d0083"),
        ("ＡＮＮ", "8758453f066b51f61d2565a3969d0083"),
        ("Zoe\u0308", "5c1219bb49176a6b3f30c55b5ee729d8"),
        ("می\u200cخواهم", "e2bf75892aa02467aa23fc770029c338"),
        ("田中　太郎", "b2826edd159bc03e3d4be205e18a78c5"),
        ("👩‍👩‍👧", "c211742ae396798500c08603fec38b0b"),
        ("O'Neill  Jr.", "cf48c43c4d1557dd04da0bc1853f7d2d"),
        ("Straße", "86c0d47b92d95df674fb7ad5af923a46"),
        ("\u0600x", "d834c3e84890173495bc1bf0f521600f"),
    ],
)
def test_what_a_buyer_has_already_is_found_under_the_same_id(name: str, known: str) -> None:
    """The first version with limits made it like this."""
    assert buyer_id(KEY, "gala", name) == known


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Łódź Straße 5", "lodz-strasse-5"),
        ("New Year’s Fête", "new-years-fete"),
        ("Ærø — Ølfest", "aero-olfest"),
        ("新年晚會", ""),
    ],
)
def test_a_name_for_addresses_is_made_from_a_title(title: str, name: str) -> None:
    assert plain_name(title) == name
