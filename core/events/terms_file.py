"""An event's terms as a TOML file has them."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from core.errors import WrongTerm, WrongUsage
from core.events.terms import (
    TIMES,
    Terms,
    currency_of,
    expect_language,
    expect_name,
    expect_none,
    in_words,
    instant_of,
    text_of,
    zone_fault,
)
from core.schema.records import PaymentRule, TicketType, copied
from core.store.stripes import STRIPES
from core.text.money import decimals_of, price
from core.text.timezones import zone_of
from core.text.toml import parsed

PLAIN = (
    *("title", "description", "organiser", "place", "timezone"),
    *("currency", "payment", "payment_url", "limit", "extensions", "cancellable"),
)

# Room for ten thousand types.
MOST_FILE = 2 * 1024 * 1024

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


class TypeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[types.NAME]`."""

    capacity: int
    price: int | float = 0
    label: str = ""
    colour: str = ""


class TranslationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[translations.LANGUAGE]`; its `labels` are those of types, by name."""

    title: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    organiser: str | UnsetType = UNSET
    labels: dict[str, str] = {}

    @property
    def texts(self) -> dict[str, str]:
        said: dict[str, Any] = msgspec.to_builtins(self)
        return {name: text for name, text in said.items() if name != "labels"}


class EventFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file; see `Terms`. `types` are read one by one, so that each can be named."""

    name: str = ""
    title: str | None = None
    description: str | None = None
    organiser: str | None = None
    currency: str | None = None
    payment: PaymentRule | None = None
    payment_url: str | None = None
    place: str | None = None
    timezone: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    doors: datetime | None = None
    opens: datetime | None = None
    closes: datetime | None = None
    limit: int | None = None
    hold_minutes: int | float | None = None
    extensions: int | None = None
    cancellable: bool | None = None
    types: dict[str, dict[str, Any]] = {}
    translations: dict[str, TranslationFile] = {}

    @property
    def terms(self) -> Terms:
        said = {name: getattr(self, name) for name in (*PLAIN, "hold_minutes")}
        said["translations"] = {tag: each.texts for tag, each in self.translations.items()} or None
        times = {name: clock for name in TIMES if (clock := getattr(self, name)) is not None}
        return terms_of(said, times, zone_of(self.timezone or ""))

    def labels_of(self, type_: str) -> dict[str, str]:
        """The type's label in other languages."""
        tables = self.translations.items()
        return {tag: each.labels[type_] for tag, each in tables if type_ in each.labels}


class TypeSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a new type, its `price` as people write it. `where` begins a field's name."""

    capacity: int
    price: str = "0"
    label: str = ""
    labels: dict[str, str] = {}
    colour: str = ""
    where: str

    def priced(self, currency: str, decimals: int | None = None) -> TicketType:
        """Makes the type for that currency. Raises `WrongUsage`, which names the field."""
        places = decimals_of(currency) if decimals is None else decimals
        return TicketType(
            capacity=self.capacity,
            price=price(self.price, currency, places, f"{self.where}price"),
            label=text_of(self.label, f"{self.where}label"),
            labels={tag: text_of(text, f"{self.where}label") for tag, text in self.labels.items()},
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
    types = {
        name: _type_of_file(name, fields, wanted.labels_of(name))
        for name, fields in wanted.types.items()
    }
    return wanted.name, wanted.terms, types


def terms_of(
    said: Mapping[str, Any], times: Mapping[str, datetime | None], zone: tzinfo | None
) -> Terms:
    """Makes terms from fields and times; a time of `None` is removed.

    Times without an offset are by the clocks of the zone. Raises `WrongUsage`.
    """
    names = (*PLAIN, "translations", "hidden")
    fields: dict[str, Any] = {name: said[name] for name in names if said.get(name) is not None}
    # Times can't be read by the clocks of a zone that is misspelt.
    misspelt = zone_fault(fields["timezone"]) if "timezone" in fields else None
    faults = [misspelt] if misspelt else []
    for name, clock in {} if misspelt else times.items():
        try:
            fields[f"{name}_at"] = None if clock is None else instant_of(name, clock, zone)
        except WrongTerm as fault:
            faults.append(fault)
    expect_none(faults)
    if said["hold_minutes"] is not None:
        fields["hold_s"] = said["hold_minutes"] * 60.0
    return Terms(**fields)


def _type_of_file(name: str, fields: dict[str, Any], labels: dict[str, str]) -> TypeSaid:
    expect_name(name)
    for tag in labels:
        expect_language(tag)
    where = f"types.{name}."
    wanted = _convert(fields, TypeFile, where)
    return copied(TypeSaid, wanted, price=str(wanted.price), labels=labels, where=where)


def _convert(fields: Any, kind: type[Wanted], above: str) -> Wanted:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise WrongUsage(f"{above}{in_words(error)}") from None
