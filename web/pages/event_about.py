"""What organisers tell of an event: its description, who they are, when the doors open."""

import re

import msgspec

from core.store.availability import EventAvailability
from core.text.timezones import on_clock
from web.http.i18n import Language

# An address in a text, without the punctuation behind it.
LINK = re.compile(r"""(https?://[^\s<>"]*[^\s<>".,;:!?)\]}’”。，；：！？）」])""")


class Piece(msgspec.Struct, frozen=True):
    """A piece of a paragraph: text, or an address to link to."""

    text: str
    is_link: bool


class EventAbout(msgspec.Struct, frozen=True):
    """The texts of organisers as pages show them; empty where nothing is said."""

    paragraphs: tuple[tuple[Piece, ...], ...]
    organiser: str
    doors: str


def event_about(language: Language, event: EventAvailability) -> EventAbout:
    """The texts of an event that is in the reader's language already."""
    return EventAbout(
        paragraphs=tuple(_pieces(part) for part in event.description.split("\n\n") if part),
        organiser=event.organiser,
        doors=_doors(language, event),
    )


def _pieces(paragraph: str) -> tuple[Piece, ...]:
    parts = LINK.split(paragraph)
    return tuple(Piece(part, at % 2 == 1) for at, part in enumerate(parts) if part)


def _doors(language: Language, event: EventAvailability) -> str:
    """When people are let in; the day is said if it is not the day of the start."""
    doors, starts, zone = event.doors_at, event.starts_at, event.timezone
    if doors is None:
        return ""
    same = starts is not None and on_clock(doors, zone).date() == on_clock(starts, zone).date()
    key = "format.venue-clock" if same else "format.venue-moment"
    return language.say("sale.doors", time=language.moment(doors, zone, key))
