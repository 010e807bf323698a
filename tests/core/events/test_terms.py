"""An organiser's terms: all faults at once, each with what to choose; texts in other languages."""

from typing import Any

import pytest

from core.errors import WrongTerm, WrongTerms, WrongUsage
from core.events.terms import MOST_DESCRIPTION, Terms, changed
from core.events.terms_file import from_toml
from core.schema.records import Event, EventTexts, Stock, TicketType, copied, decode, encode
from core.store.availability import (
    EventAvailability,
    reported,
    type_availability,
)

NOW = 1_790_000_000.0  # 21 September 2026
DAY = 86_400.0
EVENT = Event(generation="g", title="Gala")

FILE = """
title = "Gala"
timezone = "Europe/Berlin"
starts = 2027-01-01T20:00:00
doors = 2027-01-01T19:00:00
payment = "door"
organiser = "Opera"
description = "One.\\r\\n\\r\\n\\r\\n\\r\\nTwo. "

[types]
stalls = { capacity = 5, label = "Stalls" }
balcony = { capacity = 5 }

[translations.zh-TW]
title = "晚會"
labels.stalls = "一樓"
"""


def available(event: Event, types: dict[str, TicketType]) -> EventAvailability:
    left = tuple(
        type_availability(name, each, Stock(remaining=each.capacity))
        for name, each in types.items()
    )
    return copied(EventAvailability, event, name="gala", types=left)


def test_an_event_of_an_earlier_version_is_published_in_utc_and_without_payment() -> None:
    event = decode(Event, b'{"v":1,"generation":"g","title":"Old"}', "/x")
    assert (event.timezone, event.payment, event.hidden) == ("UTC", "none", False)
    assert event.on_sale(NOW)
    assert decode(TicketType, b'{"v":1,"capacity":5}', "/x").position == 0


def test_a_file_says_all_of_it_by_the_venues_clocks() -> None:
    _name, terms, types = from_toml(FILE)
    event = changed(EVENT, terms, NOW)
    assert (event.starts_at, event.doors_at) == (1798830000.0, 1798826400.0)
    assert (event.payment, event.organiser) == ("door", "Opera")
    assert event.description == "One.\n\nTwo."
    assert event.translations == {"zh-TW": EventTexts(title="晚會")}
    assert decode(Event, encode(event), "/x") == event
    made = {name: said.priced("EUR") for name, said in types.items()}
    chinese = available(event, made).in_language("zh-TW")
    assert (chinese.title, chinese.organiser) == ("晚會", "Opera")
    assert [each.label for each in chinese.types] == ["一樓", ""]
    assert available(event, made).in_language("en").types[0].label == "Stalls"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (
            "starts = 2027-03-28T02:30:00",
            "clocks skip 02:30 .* 2027-03-28T01:30 or 2027-03-28T03:30",
        ),
        ("starts = 2027-10-31T02:30:00", r"02:30 twice .*02:30\+02:00 or 2027-10-31T02:30\+01:00"),
        ('payment = "cash"', "payment: invalid enum value"),
        ("[translations.zh_TW]\ntitle='x'", "no page speaks 'zh_TW'; write en or zh-TW"),
        ("[translations.en.labels]\nA = 5", r"translations\[...\].labels"),
    ],
)
def test_what_cant_be_in_a_file_is_told_with_what_to_write(file: str, told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        changed(EVENT, from_toml(f'timezone = "Europe/Berlin"\n{file}')[1], NOW)


def test_a_time_without_an_offset_needs_a_zone() -> None:
    with pytest.raises(WrongTerm, match="starts: it has no offset, and no timezone is named"):
        from_toml("starts = 2027-03-01T20:00:00")


def test_a_zone_that_is_misspelt_is_told_as_such_and_not_as_missing() -> None:
    with pytest.raises(WrongTerm, match="'Europe/Berln' is no time zone") as told:
        from_toml('timezone = "Europe/Berln"\nstarts = 2027-03-01T20:00:00')
    assert told.value.field == "timezone"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"starts_at": NOW - DAY}, {"starts": "past"}),
        ({"starts_at": NOW + DAY, "ends_at": NOW}, {"ends": "order"}),
        ({"starts_at": NOW - 2 * DAY, "ends_at": NOW - DAY}, {"ends": "past"}),
        ({"starts_at": NOW - 2 * DAY, "ends_at": NOW + DAY}, {}),
        ({"starts_at": NOW + DAY, "opens_at": NOW + 3 * DAY}, {"opens": "too-late"}),
        ({"starts_at": NOW + DAY, "doors_at": NOW + 2 * DAY}, {"doors": "doors"}),
        ({"starts_at": NOW + DAY, "doors_at": NOW + DAY}, {}),
        ({"closes_at": NOW - DAY}, {"closes": "past"}),
        ({"timezone": "Berlin"}, {"timezone": "zone"}),
        ({"description": "x" * (MOST_DESCRIPTION + 1)}, {"description": "description"}),
        ({"translations": {"en": {"title": "a\0"}}}, {"translations.en.title": "text"}),
        (
            {"title": " ", "timezone": "x", "starts_at": NOW - DAY, "place": "a\nb"},
            {"title": "empty", "timezone": "zone", "starts": "past", "place": "text"},
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once(said: dict[str, Any], wrong: dict[str, str]) -> None:
    found: tuple[WrongTerm, ...] = ()
    try:
        changed(EVENT, Terms(**said), NOW)
    except WrongTerms as error:
        found = error.faults
    except WrongTerm as error:
        found = (error,)
    assert {each.field: each.rule for each in found} == wrong


def test_an_event_that_is_over_may_still_be_corrected() -> None:
    over = changed(EVENT, Terms(starts_at=NOW - 9 * DAY))
    assert changed(over, Terms(starts_at=NOW - 8 * DAY), NOW).starts_at == NOW - 8 * DAY


def test_a_translation_changes_alone_and_goes_when_it_is_empty() -> None:
    both = changed(EVENT, Terms(translations={"zh-TW": {"title": "晚會", "place": "劇院"}}))
    less = changed(both, Terms(translations={"zh-TW": {"place": ""}}))
    assert less.translations == {"zh-TW": EventTexts(title="晚會")}
    assert changed(less, Terms(translations={"zh-TW": {"title": ""}})).translations == {}


def test_an_event_is_a_draft_then_published_then_past() -> None:
    def status(event: Event) -> str:
        return reported(available(event, {}), NOW).status

    soon = changed(EVENT, Terms(starts_at=NOW + DAY))
    assert status(soon) == "published"
    assert status(changed(soon, Terms(hidden=True))) == "draft"
    assert not changed(soon, Terms(hidden=True)).on_sale(NOW)
    assert status(changed(soon, Terms(starts_at=NOW - DAY))) == "past"
