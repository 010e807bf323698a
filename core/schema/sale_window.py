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
    """When the event is over."""
    if event.ends_at is not None:
        return event.ends_at
    return None if event.starts_at is None else event.starts_at + LASTS_S


def is_over(event: Times, now: float) -> bool:
    ends = over_at(event)
    return ends is not None and now >= ends


def sale_ends_at(event: Times) -> float | None:
    """When the sale ends: at its closing time, even after the event, or else with the event."""
    return over_at(event) if event.closes_at is None else event.closes_at


def settles_at(event: Times) -> float | None:
    """When buyers can change nothing any more: the event is over, and its sale as well."""
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
    """As `sale_state`, and `past` from when on buyers change nothing any more."""
    return "past" if is_settled(event, now) else sale_state(event, now)


def hold_ends_at(event: Times, until: float) -> float:
    """When a hold ends that is wanted until then: never after the event."""
    ends = settles_at(event)
    return until if ends is None else min(until, ends)
