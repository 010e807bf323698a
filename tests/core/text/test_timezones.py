"""Instants by the clocks of a venue, also where the clocks are changed."""

from datetime import datetime

import pytest

from core.text.timezones import NoSuchInstant, instant, moment, on_clock, zone_of
from web.http.i18n import Languages

NEW_YEAR = 1798830000.0  # 2027-01-01T19:00Z


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Europe/Berlin", "Fri 1 January 2027, 20:00 (Berlin)"),
        ("Asia/Taipei", "Sat 2 January 2027, 03:00 (Taipei)"),
        ("America/Argentina/Buenos_Aires", "Fri 1 January 2027, 16:00 (Buenos Aires)"),
        ("Etc/GMT+5", "Fri 1 January 2027, 14:00 (UTC-05:00)"),
        ("UTC", "Fri 1 January 2027, 19:00 (UTC)"),
        ("Mars/Olympus", "Fri 1 January 2027, 19:00 (UTC)"),
    ],
)
def test_a_moment_is_told_by_the_clocks_of_its_venue(zone: str, written: str) -> None:
    assert moment(NEW_YEAR, zone) == written
    assert Languages().default.moment(NEW_YEAR, zone) == written


def test_every_language_has_a_form_for_moments() -> None:
    chinese = Languages().named("zh-TW")
    assert chinese is not None
    assert chinese.moment(NEW_YEAR, "Europe/Berlin") == "2027年1月1日（五）20:00（柏林）"
    assert chinese.moment(NEW_YEAR, "Europe/Oslo") == "2027年1月1日（五）20:00（Oslo）"
    assert chinese.moment(NEW_YEAR, "Europe/Oslo", "format.venue-clock") == "20:00"


@pytest.mark.parametrize("name", ["", "Berlin", "localtime", "right/Europe/Berlin", "../etc/x"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_of(name) is None


@pytest.mark.parametrize(
    ("clock", "skipped", "first", "second"),
    [
        ("2027-03-28T02:30", True, "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"),
        ("2027-10-31T02:30", False, "2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00"),
    ],
)
def test_a_time_that_the_clocks_skip_or_show_twice_is_a_choice(
    clock: str, skipped: bool, first: str, second: str
) -> None:
    berlin = zone_of("Europe/Berlin")
    assert berlin is not None
    with pytest.raises(NoSuchInstant) as error:
        instant(datetime.fromisoformat(clock), berlin)
    assert error.value.skipped is skipped
    assert [each.isoformat() for each in error.value.instants] == [first, second]


def test_an_offset_counts_and_is_not_dropped() -> None:
    berlin = zone_of("Europe/Berlin")
    assert berlin is not None
    typed = datetime.fromisoformat("2027-01-02T03:00+08:00")
    assert instant(typed, berlin) == NEW_YEAR
    assert instant(on_clock(NEW_YEAR, "Europe/Berlin").replace(tzinfo=None), berlin) == NEW_YEAR
