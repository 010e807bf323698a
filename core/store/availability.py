"""What is left of events and types, as buyers are told."""

import msgspec

from core.schema.records import Event, Stock, TicketType


class TypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """P1 for one type: capacity = sold + held + remaining."""

    name: str
    label: str = ""
    colour: str = ""
    price: int
    capacity: int
    sold: int
    held: int
    remaining: int


class EventAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """An event with what is left of each type; `as_of` in Unix seconds is the reader's to set."""

    name: str
    title: str
    currency: str
    # A type's `price` is a whole number of units that have so many decimals.
    decimals: int = 2
    opens_at: float | None
    closes_at: float | None
    types: tuple[TypeAvailability, ...]
    place: str = ""
    starts_at: float | None = None
    ends_at: float | None = None
    limit: int = 0
    hold_s: float = 300.0
    extensions: int = 2
    cancellable: bool = False


def event_availability(
    name: str, event: Event, types: tuple[TypeAvailability, ...]
) -> EventAvailability:
    return EventAvailability(
        name=name,
        title=event.title,
        currency=event.currency,
        decimals=event.decimals,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        types=types,
        place=event.place,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        limit=event.limit,
        hold_s=event.hold_s,
        extensions=event.extensions,
        cancellable=event.cancellable,
    )


def type_availability(name: str, type_: TicketType, stock: Stock) -> TypeAvailability:
    # The stripes are not read at one moment, and stock moves between them: of the three the
    # rest follows from the capacity, and none is below nothing.
    sold, held = max(0, stock.sold), max(0, stock.held)
    return TypeAvailability(
        name=name,
        label=type_.label,
        colour=type_.colour,
        price=type_.price,
        capacity=type_.capacity,
        sold=sold,
        held=held,
        remaining=max(0, type_.capacity - sold - held),
    )
