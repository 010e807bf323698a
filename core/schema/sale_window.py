"""Decides when an event is over, and when its tickets are on sale.

A sale without a closing time ends with the event. An event without an end is over `LASTS_S` after
its start; one without times goes on for ever.
"""

from typing import Literal, Protocol, TypeAlias

LASTS_S = 12 * 3600.0

Sale: TypeAlias = Literal["before", "open", "closed"]
SalePhase: TypeAlias = Literal["before", "open", "closed", "past"]


class Times(Protocol):
    """An event's times in Unix seconds; `None` means not said."""

    @property
    def starts_at(self) -> float | None: ...

    @property
    def ends_at(self) -> float | None: ...

    @property
    def opens_at(self) -> float | None: ...

    @property
    def closes_at(self) -> float | None: ...


def over_at(event: Times) -> float | None:
    """Returns when the event is over."""
    if event.ends_at is not None:
        return event.ends_at
    return None if event.starts_at is None else event.starts_at + LASTS_S


def is_over(event: Times, now: float) -> bool:
    ends = over_at(event)
    return ends is not None and now >= ends


def sale_ends_at(event: Times) -> float | None:
    """Returns when the sale ends: at its closing time, even after the event, or with the event."""
    return over_at(event) if event.closes_at is None else event.closes_at


def settles_at(event: Times) -> float | None:
    """Returns when buyers can change nothing any more: both the event and its sale are over."""
    ends = over_at(event)
    return ends if ends is None or event.closes_at is None else max(ends, event.closes_at)


def is_settled(event: Times, now: float) -> bool:
    ends = settles_at(event)
    return ends is not None and now >= ends


def sale_state(event: Times, now: float) -> Sale:
    ends = sale_ends_at(event)
    if ends is not None and now >= ends:
        return "closed"
    return "before" if event.opens_at is not None and now < event.opens_at else "open"


def sale_phase(event: Times, now: float) -> SalePhase:
    """Returns `past` once buyers can change nothing any more, and until then as `sale_state`."""
    return "past" if is_settled(event, now) else sale_state(event, now)


def hold_ends_at(event: Times, until: float) -> float:
    """Returns when a hold that is wanted until then ends: never after the event."""
    ends = settles_at(event)
    return until if ends is None else min(until, ends)
