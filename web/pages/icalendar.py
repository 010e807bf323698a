"""Writes a ticket as an entry of a calendar (iCalendar, RFC 5545)."""

from datetime import UTC, datetime

from core.schema.records import OrderView
from core.store.availability import EventAvailability
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
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{order.order}@zkticket",
        f"STATUS:{STATUS[order.status]}",
        f"DTSTAMP:{_at(now)}",
        f"DTSTART:{_at(event.starts_at or 0.0)}",
        *([f"DTEND:{_at(event.ends_at)}"] if event.ends_at else []),
        f"SUMMARY:{_escaped(event.title)}",
        *([f"LOCATION:{_escaped(event.place)}"] if event.place else []),
        f"DESCRIPTION:{_escaped(f'{order.quantity} × {type_label(order, event)} – {order.buyer}')}",
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


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
