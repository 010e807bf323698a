"""Writes a ticket as an entry of a calendar (iCalendar, RFC 5545)."""

from datetime import UTC

from core.schema.records import OrderView
from core.store.availability import EventAvailability
from core.text.timezones import UTC_NAME, on_clock
from web.pages.event_head import type_label

CONTENT_TYPE = "text/calendar; charset=utf-8"
# Longer lines are folded (RFC 5545, 3.1).
LINE_OCTETS = 75
PRODUCT = "-//zkticket//zkticket//EN"
# The entry's status for each status of an order that has an entry.
STATUS = {"sold": "CONFIRMED", "cancelled": "CANCELLED"}


def has_calendar(order: OrderView, event: EventAvailability | None) -> bool:
    """Whether the order has an entry: a hold has none, nor has an event without a time."""
    return order.status in STATUS and event is not None and event.starts_at is not None


def calendar(order: OrderView, event: EventAvailability, address: str, now: float) -> bytes:
    """The entry of an event that has a time; `now` is in Unix seconds.

    `address` is that of the ticket's page.
    """
    starts_at = event.starts_at or 0.0
    cancelled = order.status == "cancelled"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "METHOD:PUBLISH",
        *_time_zone(event.timezone, starts_at),
        "BEGIN:VEVENT",
        f"UID:{order.order}@zkticket",
        # It grows when the event changes, and once more when the order is cancelled.
        f"SEQUENCE:{2 * event.revision + cancelled}",
        f"STATUS:{STATUS[order.status]}",
        f"DTSTAMP:{_at(now, UTC_NAME).partition(':')[2]}",
        f"DTSTART{_at(starts_at, event.timezone)}",
        *([f"DTEND{_end(event.ends_at, event.timezone, starts_at)}"] if event.ends_at else []),
        f"SUMMARY:{_escaped(event.title)}",
        *([f"LOCATION:{_escaped(event.place)}"] if event.place else []),
        f"DESCRIPTION:{_escaped(f'{order.quantity} × {type_label(order, event)} – {order.buyer}')}",
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _time_zone(zone: str, at: float) -> list[str]:
    """What the zone is at that time: the event needs no more of it. Nothing for UTC."""
    local = on_clock(at, zone)
    if local.tzinfo is UTC:
        return []
    offset = f"{local:%z}"
    return [
        "BEGIN:VTIMEZONE",
        f"TZID:{zone}",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        f"TZOFFSETFROM:{offset}",
        f"TZOFFSETTO:{offset}",
        f"TZNAME:{local:%Z}",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]


def _at(seconds: float, zone: str) -> str:
    """A time by the zone's clocks, from where its parameters begin."""
    local = on_clock(seconds, zone)
    if local.tzinfo is UTC:
        return f":{local:%Y%m%dT%H%M%SZ}"
    return f";TZID={zone}:{local:%Y%m%dT%H%M%S}"


def _end(seconds: float, zone: str, begins: float) -> str:
    """The end; in UTC where the clocks change in between, of which the entry's zone is silent."""
    same = on_clock(seconds, zone).utcoffset() == on_clock(begins, zone).utcoffset()
    return _at(seconds, zone if same else UTC_NAME)


def _escaped(text: str) -> str:
    for special in ("\\", ";", ","):
        text = text.replace(special, f"\\{special}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> bytes:
    """The line with its end; a continuation begins with a space, no character is cut in two."""
    parts: list[bytes] = []
    part = b""
    for character in line:
        octets = character.encode()
        if len(part) + len(octets) > LINE_OCTETS:
            parts.append(part)
            part = b" "
        part += octets
    return b"\r\n".join([*parts, part]) + b"\r\n"
