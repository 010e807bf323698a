"""An event's terms as organisers write them: options of a command, or a TOML file."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from core.errors import WrongUsage
from core.events import Terms, in_words
from core.models import TicketType
from core.stock import STRIPES

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
PLAIN = ("title", "currency", "place", "limit", "extensions", "cancellable")
TIMES = ("starts", "ends", "opens", "closes")
NEVER = "none"
# Of a capacity; more than that is out of range anyway.
MOST_DIGITS = 17
MOST_PRICE = Decimal(10_000_000)

NOTHING = Terms()
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
        return _terms(said, {name: moment.timestamp() for name, moment in times.items()})


def read(path: Path) -> tuple[str, Terms, dict[str, TicketType]]:
    """The event's name, its terms and its types. Raises `WrongUsage`, which names the field."""
    try:
        wanted = _convert(tomllib.loads(path.read_text(encoding="utf-8")), EventFile, "")
        types = {name: _type_of_file(name, fields) for name, fields in wanted.types.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrongUsage(f"{path}: {why}") from None
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error}") from None
    return wanted.name, wanted.terms, types


def of_options(options: Mapping[str, Any]) -> Terms:
    """The terms among a command's options, which have their names. Times stand there as text;
    `none` takes one away. Raises `WrongUsage`.
    """
    times = {name: options[name] for name in TIMES if options[name] is not None}
    return _terms(options, {name: _moment(name, text) for name, text in times.items()})


def _terms(said: Mapping[str, Any], times: Mapping[str, float | None]) -> Terms:
    fields: dict[str, Any] = {name: said[name] for name in PLAIN if said[name] is not None}
    fields |= {f"{name}_at": at for name, at in times.items()}
    if said["hold_minutes"] is not None:
        fields["hold_s"] = said["hold_minutes"] * 60.0
    return Terms(**fields)


def both(first: Terms, then: Terms) -> Terms:
    """What one or the other says; the second where both do."""
    return msgspec.structs.replace(first, **then.said)


def ticket_types(texts: Iterable[str]) -> dict[str, TicketType]:
    """Types as options give them, `NAME:CAPACITY[:PRICE[:COLOUR]]`. Raises `WrongUsage`."""
    return dict(_ticket_type(text) for text in texts)


def _ticket_type(text: str) -> tuple[str, TicketType]:
    name, *rest = text.split(":")
    if not 1 <= len(rest) <= 3 or not (rest[0].isascii() and rest[0].isdigit()):
        raise WrongUsage(f"--type {text!r}: write it like A:100, A:100:48.00 or A:100:48:#cc0000")
    capacity, price, colour = (*rest, "0", "") if len(rest) == 1 else (*rest, "")[:3]
    wanted = TypeFile(capacity=int(capacity[:MOST_DIGITS]), colour=colour)
    return name, _type(wanted, price, f"--type {text!r}")


def _type_of_file(name: str, fields: dict[str, Any]) -> TicketType:
    wanted = _convert(fields, TypeFile, f"types.{name}.")
    return _type(wanted, str(wanted.price), f"types.{name}.price")


def _type(wanted: TypeFile, price: str, field: str) -> TicketType:
    return TicketType(
        capacity=wanted.capacity,
        price=_cents(price, field),
        label=wanted.label,
        colour=wanted.colour.lower(),
        stripes=STRIPES,
    )


def _cents(text: str, field: str) -> int:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and 0 <= price <= MOST_PRICE and price * 100 == int(price * 100)):
        raise WrongUsage(f"{field}: {text!r} is no price; write it like 48 or 48.50")
    return int(price * 100)


def _moment(name: str, text: str) -> float | None:
    if text == NEVER:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise WrongUsage(
            f"--{name}: {text!r} is no time with a zone; write it like 2027-03-01T20:00:00+01:00"
        )
    return found.timestamp()


def _convert(fields: Any, kind: type[Wanted], above: str) -> Wanted:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise WrongUsage(f"{above}{in_words(error)}") from None
