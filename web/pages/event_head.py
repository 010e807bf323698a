"""An event's title, place and time at the head of a page, and its types' labels."""

import msgspec

from core.schema.records import OrderView
from core.store.availability import EventAvailability
from core.text.timestamps import rfc3339
from web.http.i18n import Language


class EventHead(msgspec.Struct, frozen=True):
    """What the pages of buyers tell of an event: `starts_at` is in RFC 3339, "" for no time."""

    title: str
    place: str
    starts: str
    starts_at: str


def event_head(language: Language, event: EventAvailability | None, name: str) -> EventHead:
    """The head for the event of that name, which is `None` while the catalog can't tell."""
    if event is None:
        return EventHead(name, "", "", "")
    at, said = event.starts_at, event.in_language(language.tag)
    starts = language.moment(at, event.timezone) if at else ""
    return EventHead(said.title, said.place, starts, rfc3339(at) if at else "")


def type_label(order: OrderView, event: EventAvailability | None) -> str:
    """The label of the order's type."""
    return event.label(order.type) if event else order.type
