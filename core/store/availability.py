"""What is left of events and types, as buyers see it."""

from typing import Annotated

import msgspec
from msgspec.structs import asdict, replace

from core.schema.json_types import CurrencyCode, Natural, described
from core.schema.records import (
    EventStatus,
    EventTexts,
    PaymentRule,
    PlainName,
    Stock,
    TicketType,
    copied,
)
from core.schema.sale_window import is_settled
from core.text.timezones import UTC_NAME


class TypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of ticket; what is left of it adds up (P1)."""

    name: PlainName
    label: str = ""
    labels: Annotated[dict[str, str], described("The label in other languages, by tag.")] = {}
    position: Annotated[Natural, described("Types are listed by it, then by name.")] = 0
    colour: Annotated[str, described("On pages.", pattern="^(#[0-9a-f]{6})?$")] = ""
    price: Annotated[
        Natural, described("In the event's currency; with 2 `decimals`, 4850 is 48.50.")
    ]
    capacity: Annotated[Natural, described("`sold` + `held` + `remaining`, always.")]
    sold: Natural
    held: Natural
    remaining: Annotated[Natural, described("For sale now.")]
    admitted: Annotated[Natural, described("Of those sold: holders who have come in.")] = 0


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
    description: Annotated[
        str, described("Plain text; an empty line stands between paragraphs.")
    ] = ""
    organiser: str = ""
    translations: Annotated[
        dict[str, EventTexts],
        described("Texts in other languages, by tag; what is missing is read in the event's own."),
    ] = {}
    payment: Annotated[
        PaymentRule,
        described(
            "none: a ticket is valid as it is bought; door: it is paid for at the entrance; "
            "required: it is bought with its payment only."
        ),
    ] = "none"
    payment_url: Annotated[
        str, described("Where a hold's page sends buyers to pay; may be empty.")
    ] = ""
    place: str = ""
    timezone: Annotated[
        str, described("The venue's, as IANA calls it: times are told by its clocks.")
    ] = UTC_NAME
    starts_at: Annotated[float | None, described("Unix seconds.")] = None
    ends_at: Annotated[float | None, described("Unix seconds.")] = None
    doors_at: Annotated[float | None, described("When people are let in, Unix seconds.")] = None
    limit: Annotated[Natural, described("Tickets of one buyer; 0 is no limit.")] = 0
    hold_s: Annotated[float, described("How long a hold lasts, in seconds.", minimum=1)] = 300.0
    extensions: Annotated[Natural, described("How often a hold may be extended by as much.")] = 2
    cancellable: Annotated[bool, described("Whether buyers may cancel their orders.")] = False
    revision: Annotated[Natural, described("How often its terms were changed.")] = 0
    hidden: Annotated[bool, described("A draft: it is on no list, and nobody can buy.")] = False

    def label(self, type_: str) -> str:
        """What people read of a type; its name where it has no label, or is unknown."""
        return next((each.label for each in self.types if each.name == type_), "") or type_

    def in_language(self, tag: str) -> "EventAvailability":
        """The event for readers of a language: its texts are in that one as far as it has them."""
        texts = self.translations.get(tag)
        said = {name: text for name, text in asdict(texts).items() if text} if texts else {}
        types = tuple(
            replace(each, label=each.labels.get(tag) or each.label) for each in self.types
        )
        return replace(self, **said, types=types)


class EventReport(EventAvailability, frozen=True, kw_only=True):
    """An event as it stands at a moment."""

    status: Annotated[
        EventStatus, described("A draft is not listed; of a past event nothing can be changed.")
    ]


def reported(event: EventAvailability, now: float) -> EventReport:
    """Says how the event stands; `now` is in Unix seconds."""
    status = "draft" if event.hidden else "past" if is_settled(event, now) else "published"
    return copied(EventReport, event, status=status)


def type_availability(name: str, type_: TicketType, stock: Stock) -> TypeAvailability:
    # The stripes are not read at one moment, and stock moves between them. So what remains is
    # computed from the capacity, and no figure is negative.
    sold, held = max(0, stock.sold), max(0, stock.held)
    left = max(0, type_.capacity - sold - held)
    return copied(
        TypeAvailability,
        type_,
        name=name,
        sold=sold,
        held=held,
        remaining=left,
        admitted=min(sold, max(0, stock.admitted)),
    )
