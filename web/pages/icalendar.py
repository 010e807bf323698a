"""Writes a ticket as an entry of a calendar (iCalendar, RFC 5545)."""

from datetime import UTC, datetime

from core.schema.records import OrderView
from core.store.availability import EventAvailability

CONTENT_TYPE = "text/calendar; charset=utf-8"
# Longer lines are folded (RFC 5545, 3.1).
LINE_OCTETS = 75
PRODUCT = "-//zkticket//zkticket//EN"


def calendar(order: OrderView, event: EventAvailability, starts_at: float, address: str) -> bytes:
    """The entry of an event that starts at `starts_at`, in Unix seconds.

    `address` is that of the ticket's page.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{order.order}@zkticket",
        f"DTSTAMP:{_utc(datetime.fromisoformat(order.created_at))}",
        f"DTSTART:{_at(starts_at)}",
        *([f"DTEND:{_at(event.ends_at)}"] if event.ends_at else []),
        f"SUMMARY:{_escaped(event.title)}",
        *([f"LOCATION:{_escaped(event.place)}"] if event.place else []),
        f"DESCRIPTION:{_escaped(f'{order.quantity} × {order.type} – {order.buyer}')}",
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _at(seconds: float) -> str:
    return _utc(datetime.fromtimestamp(seconds, UTC))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


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
