"""The clocks of places: IANA's zones by name, and instants as their clocks show them.

A zone is stored by its name. A machine that does not know the name shows UTC, and says so.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

UTC_NAME = "UTC"
# "Fri 1 January 2027, 20:00 (Berlin)". The languages of pages have their own forms of it.
MOMENT = "{weekday} {at.day} {at:%B} {at.year}, {at:%H:%M} ({city})"
# The same in a table.
SHORT_MOMENT = "{at:%Y-%m-%d %H:%M} {city}"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NO_CITIES: Mapping[str, str] = MappingProxyType({})


class NoSuchInstant(ValueError):
    """A time that a zone's clocks never show, or show twice; `instants` are those to choose from.

    For a skipped time one is as long before the clocks jump as the other is after it.
    """

    def __init__(self, *instants: datetime, skipped: bool) -> None:
        super().__init__("skipped" if skipped else "twice")
        self.instants = instants
        self.skipped = skipped


def zone_of(name: str) -> tzinfo | None:
    """Returns the zone of that name, or None. Leap seconds and this machine's own have none."""
    if name == UTC_NAME:
        return UTC
    if "/" not in name or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # not a zone's name, or an unknown one
        return None


def on_clock(at: float, zone: str) -> datetime:
    """Returns the instant, in Unix seconds, as the zone's clocks show it."""
    return datetime.fromtimestamp(at, zone_of(zone) or UTC)


def moment(
    at: float,
    zone: str,
    form: str = MOMENT,
    weekdays: tuple[str, ...] = WEEKDAYS,
    cities: Mapping[str, str] = NO_CITIES,
) -> str:
    """Writes an instant, in Unix seconds, as people at the venue read it, and where that is.

    Pages, tickets, lists and the logs of events all write it with this. `cities` are the names
    of zones in the form's language; others are called as IANA calls them.
    """
    local = on_clock(at, zone)
    city = cities.get(zone) or city_of(zone, local)
    return form.format(at=local, weekday=weekdays[local.weekday()], city=city)


def city_of(zone: str, local: datetime) -> str:
    """Returns the place whose clocks these are: Berlin, Buenos Aires, UTC."""
    if local.tzinfo is UTC:
        return UTC_NAME
    if zone.startswith("Etc/"):  # IANA's Etc/GMT+5 is UTC-05:00
        return f"UTC{local.isoformat()[-6:]}" if local.utcoffset() else UTC_NAME
    return zone.rpartition("/")[2].replace("_", " ")


def instant(clock: datetime, zone: tzinfo) -> float:
    """Returns the Unix seconds when the zone's clocks show that. Raises `NoSuchInstant`.

    A time with an offset of its own needs no zone, and keeps it.
    """
    if clock.tzinfo is not None:
        return clock.timestamp()
    either = sorted(clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if either[0] == either[1]:
        return either[0].timestamp()
    first, second = (each.astimezone(zone) for each in either)
    raise NoSuchInstant(first, second, skipped=first.replace(tzinfo=None, fold=0) != clock)
