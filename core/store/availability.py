"""What is left of events and types, as buyers see it."""

from typing import Annotated

import msgspec

from core.schema.json_types import CurrencyCode, Natural, described
from core.schema.records import PlainName, Stock, TicketType, copied


class TypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of ticket; what is left of it adds up (P1)."""

    name: PlainName
    label: str = ""
    colour: Annotated[str, described("On pages.", pattern="^(#[0-9a-f]{6})?$")] = ""
    price: Annotated[
        Natural, described("In the event's currency; with 2 `decimals`, 4850 is 48.50.")
    ]
    capacity: Annotated[Natural, described("`sold` + `held` + `remaining`, always.")]
    sold: Natural
    held: Natural
    remaining: Annotated[Natural, described("For sale now.")]


class EventAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """An event with what is left of each type."""

    name: PlainName
    title: str
    currency: CurrencyCode
    decimals: Annotated[
        int, described("Of the prices: with 2, 4850 is 48.50.", minimum=0, maximum=4)
    ] = 2
    opens_at: Annotated[
        float | None, described("When the sale opens, in Unix seconds; null: it has.")
    ]
    closes_at: Annotated[
        float | None, described("When the sale closes, in Unix seconds; null: it does not.")
    ]
    types: tuple[TypeAvailability, ...]
    place: str = ""
    starts_at: Annotated[float | None, described("Unix seconds.")] = None
    ends_at: Annotated[float | None, described("Unix seconds.")] = None
    limit: Annotated[Natural, described("Tickets of one buyer; 0 is no limit.")] = 0
    hold_s: Annotated[float, described("How long a hold lasts, in seconds.", minimum=1)] = 300.0
    extensions: Annotated[Natural, described("How often a hold may be extended by as much.")] = 2
    cancellable: Annotated[bool, described("Whether buyers may cancel their orders.")] = False


def type_availability(name: str, type_: TicketType, stock: Stock) -> TypeAvailability:
    # The stripes are not read at one moment, and stock moves between them. So what remains is
    # computed from the capacity, and no figure is negative.
    sold, held = max(0, stock.sold), max(0, stock.held)
    left = max(0, type_.capacity - sold - held)
    return copied(TypeAvailability, type_, name=name, sold=sold, held=held, remaining=left)
