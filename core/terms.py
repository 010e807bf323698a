"""An event's terms as a TOML file has them, and how prices are written."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec

from core.errors import WrongUsage
from core.events import Terms, in_words
from core.models import TicketType
from core.store import STRIPES

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
PLAIN = ("title", "currency", "place", "limit", "extensions", "cancellable")
TIMES = ("starts", "ends", "opens", "closes")
MOST_PRICE = Decimal(10_000_000)

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


class TypeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[types.NAME]`."""

    capacity: int
    price: int | float = 0
    label: str = ""
    colour: str = ""


class EventFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file says; see `Terms`. `types` are read one by one, so that each can be named."""

    name: str = ""
    title: str | None = None
    currency: str | None = None
    place: str | None = None
    starts: Moment | None = None
    ends: Moment | None = None
    opens: Moment | None = None
    closes: Moment | None = None
    limit: int | None = None
    hold_minutes: int | float | None = None
    extensions: int | None = None
    cancellable: bool | None = None
    types: dict[str, dict[str, Any]] = {}

    @property
    def terms(self) -> Terms:
        said = {name: getattr(self, name) for name in (*PLAIN, "hold_minutes")}
        times = {name: moment for name in TIMES if (moment := getattr(self, name)) is not None}
        return terms_of(said, {name: moment.timestamp() for name, moment in times.items()})


def of_toml(text: str) -> tuple[str, Terms, dict[str, TicketType]]:
    """The event's name, its terms and its types. Raises `WrongUsage`, which names the field."""
    try:
        wanted = _convert(tomllib.loads(text), EventFile, "")
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(str(error)) from None
    types = {name: _type_of_file(name, fields) for name, fields in wanted.types.items()}
    return wanted.name, wanted.terms, types


def terms_of(said: Mapping[str, Any], times: Mapping[str, float | None]) -> Terms:
    """The terms among what is said, and times in Unix seconds; `None` takes one away."""
    fields: dict[str, Any] = {name: said[name] for name in PLAIN if said[name] is not None}
    fields |= {f"{name}_at": at for name, at in times.items()}
    if said["hold_minutes"] is not None:
        fields["hold_s"] = said["hold_minutes"] * 60.0
    return Terms(**fields)


def ticket_type(wanted: TypeFile, price: str, field: str) -> TicketType:
    """The type, at a price as people write it. Raises `WrongUsage`, which names the `field`."""
    return TicketType(
        capacity=wanted.capacity,
        price=cents(price, field),
        label=wanted.label,
        colour=wanted.colour.lower(),
        stripes=STRIPES,
    )


def cents(text: str, field: str) -> int:
    """A price like 48 or 48.50 in hundredths. Raises `WrongUsage`, which names the `field`."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and 0 <= price <= MOST_PRICE and price * 100 == int(price * 100)):
        raise WrongUsage(f"{field}: {text!r} is no price; write it like 48 or 48.50")
    return int(price * 100)


def _type_of_file(name: str, fields: dict[str, Any]) -> TicketType:
    wanted = _convert(fields, TypeFile, f"types.{name}.")
    return ticket_type(wanted, str(wanted.price), f"types.{name}.price")


def _convert(fields: Any, kind: type[Wanted], above: str) -> Wanted:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise WrongUsage(f"{above}{in_words(error)}") from None
