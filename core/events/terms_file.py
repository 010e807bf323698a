"""An event's terms as a TOML file has them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from core.errors import WrongTerm, WrongUsage
from core.events.event_manager import Terms, currency_of, expect_name, in_words, text_of
from core.schema.records import TicketType, copied
from core.store.stripes import STRIPES
from core.text.money import decimals_of, price
from core.text.toml import parsed

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
PLAIN = ("title", "currency", "place", "limit", "extensions", "cancellable")
TIMES = ("starts", "ends", "opens", "closes")

# Years that calendars and the clocks of all time zones can show.
FIRST_YEAR, LAST_YEAR = 1971, 9000
FIRST_AT = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
LAST_AT = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
# Room for ten thousand types.
MOST_FILE = 2 * 1024 * 1024

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


class TypeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[types.NAME]`."""

    capacity: int
    price: int | float = 0
    label: str = ""
    colour: str = ""


class EventFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file; see `Terms`. `types` are read one by one, so that each can be named."""

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


class TypeSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a new type, its `price` as people write it. `where` begins a field's name."""

    capacity: int
    price: str = "0"
    label: str = ""
    colour: str = ""
    where: str

    def priced(self, currency: str) -> TicketType:
        """Makes the type for that currency. Raises `WrongUsage`, which names the field."""
        return TicketType(
            capacity=self.capacity,
            price=price(self.price, currency, decimals_of(currency), f"{self.where}price"),
            label=text_of(self.label, f"{self.where}label"),
            colour=self.colour.lower(),
            stripes=STRIPES,
        )


def priced(types: Mapping[str, TypeSaid], terms: Terms) -> dict[str, TicketType]:
    """Makes the types of an event that is made under these terms. Raises `WrongUsage`."""
    currency = currency_of(terms)
    return {name: said.priced(currency) for name, said in types.items()}


def from_toml(text: str, most: int = MOST_FILE) -> tuple[str, Terms, dict[str, TypeSaid]]:
    """Reads the event's name, terms and types; `most` is how long the text may be.

    Raises `WrongUsage`, which names the field.
    """
    wanted = _convert(parsed(text, most), EventFile, "")
    types = {name: _type_of_file(name, fields) for name, fields in wanted.types.items()}
    return wanted.name, wanted.terms, types


def terms_of(said: Mapping[str, Any], times: Mapping[str, float | None]) -> Terms:
    """Makes terms from fields and times in Unix seconds; a time of `None` is removed."""
    fields: dict[str, Any] = {name: said[name] for name in PLAIN if said[name] is not None}
    fields |= {f"{name}_at": _expect_near(name, at) for name, at in times.items()}
    if said["hold_minutes"] is not None:
        fields["hold_s"] = said["hold_minutes"] * 60.0
    return Terms(**fields)


def _expect_near(name: str, at: float | None) -> float | None:
    """Raises `WrongTerm` for a time that some clock on earth can't show."""
    if at is not None and not FIRST_AT <= at < LAST_AT:
        raise WrongTerm(name, "moment", f"it must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


def _type_of_file(name: str, fields: dict[str, Any]) -> TypeSaid:
    expect_name(name)
    where = f"types.{name}."
    wanted = _convert(fields, TypeFile, where)
    return copied(TypeSaid, wanted, price=str(wanted.price), where=where)


def _convert(fields: Any, kind: type[Wanted], above: str) -> Wanted:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise WrongUsage(f"{above}{in_words(error)}") from None
