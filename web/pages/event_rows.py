"""The list of all events: what is where, when, and what is left of it."""

import msgspec

from core.schema.sale_window import sale_phase
from core.store.availability import EventAvailability
from web.http.i18n import Language
from web.pages.event_head import EventHead, event_head
from web.pages.sale_view import FEW_SHARE, events_on_show
from web.reads.catalog import Snapshot


class EventRow(msgspec.Struct, frozen=True):
    """An event in the list; `left` says what is left of it, or why nothing is."""

    name: str
    event: EventHead
    left: str
    few: bool


def event_rows(language: Language, snapshot: Snapshot, now: float) -> tuple[EventRow, ...]:
    """The events, by when they start; those without a time come last."""
    found = events_on_show(snapshot, now)
    return tuple(_row(language, event, now) for event in sorted(found, key=_when))


def _when(event: EventAvailability) -> tuple[float, str]:
    return (float("inf") if event.starts_at is None else event.starts_at, event.title)


def _row(language: Language, event: EventAvailability, now: float) -> EventRow:
    left = sum(type_.remaining for type_ in event.types)
    few = 0 < left <= FEW_SHARE * sum(type_.capacity for type_ in event.types)
    return EventRow(
        name=event.name,
        event=event_head(language, event, event.name),
        left=_left(language, event, left, few=few, now=now),
        few=few and sale_phase(event, now) == "open",
    )


def _left(language: Language, event: EventAvailability, left: int, *, few: bool, now: float) -> str:
    match sale_phase(event, now):
        case "before":
            day = language.moment(event.opens_at or 0.0, event.timezone)
            return language.say("sale.opens", day=day)
        case "past":
            return language.say("sale.past")
        case "closed":
            return language.say("sale.ended")
    if not left:
        return language.say("left.none")
    return language.say("left.few" if few else "events.left", count=left)
