"""The form of an event: its fields, what they mean, and what is wrong with them.

Times are typed by the venue's clocks, whose zone has a field of its own.
"""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, TypeVar, get_args

import msgspec

from core.errors import BadRequest, WrongTerm, WrongTerms, WrongUsage
from core.events.terms import LINES, TIMES, Terms, instant_of, text_of, tried
from core.events.terms_file import TypeSaid, priced
from core.schema.records import LANGUAGES, NAME, Event, EventTexts, PaymentRule, TicketType
from core.store.availability import EventAvailability
from core.store.stripes import STRIPES
from core.text.money import decimals_of, example, short, units
from core.text.names import plain_name, unused_name
from core.text.timezones import UTC_NAME, on_clock, zone_of
from web.operator.fields import WHOLE, Fields, whole_number

MOST_LIMIT, MOST_EXTENSIONS, MOST_HOLD_MINUTES = 10_000, 10, 1440
MOST_CAPACITY = 100_000_000
MOST_ROWS = 100
PAYMENTS: tuple[str, ...] = get_args(PaymentRule)
ROWS = 3
# A translated label's field, by its language.
LABELS = {f"label.{tag}": tag for tag in LANGUAGES}
PARTS = ("type", "label", "capacity", "price", "colour", *LABELS)
TEXTS = EventTexts.__struct_fields__
# A translated text's field, by its language and the text's name.
TRANSLATIONS = {f"translations.{tag}.{name}": (tag, name) for tag in LANGUAGES for name in TEXTS}
# Bounds of a form: the terms, the rows, and its other fields.
FORM_BYTES = 768 * 1024
MOST_FILE = 64 * 1024
MOST_FIELDS = 64 + MOST_ROWS * len(PARTS)
CURRENCY = re.compile(r"[A-Z]{3}")
# What a browser's field for a time shows; it shows any other text as nothing.
CLOCK_TIME = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
COLOUR = re.compile(r"(?:#[0-9a-f]{6})?")

Read = TypeVar("Read")
Faults = Mapping[str, BadRequest]


@dataclass(frozen=True)
class EventForm:
    """The form as it is shown. `was` has the fields as they were; `faults` are by field."""

    fields: Fields
    was: Fields
    rows: int = ROWS
    faults: Faults = field(default_factory=dict)

    @property
    def was_json(self) -> str:
        return msgspec.json.encode(self.was).decode()

    def has_any(self, *names: str) -> bool:
        """Whether one of these fields differs from a new event's, or has a fault."""
        usual = blank()
        return any(
            name in self.faults or self.fields.get(name, "") != usual.get(name, "")
            for name in names
        )

    def type_of(self, name: str) -> str:
        """The attributes of a field for a time; only a text has room for anything else."""
        typed = self.fields.get(name, "")
        if name in self.faults or not CLOCK_TIME.fullmatch(typed):
            return 'type="text"'
        return 'type="datetime-local"' + ' step="1"' * (len(typed) > len("2027-03-01T20:00"))


class FormReader:
    """Reads fields one by one, and collects what is wrong with them."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.faults: dict[str, BadRequest] = {}

    def take(self, name: str, read: Callable[[str], Read]) -> Read | None:
        """The field's value, or None, with a fault, if it can't be read."""
        try:
            return read(self._fields.get(name, "").strip())
        except BadRequest as fault:
            self.faults[name] = fault
            return None


# --- from an event to its fields -----------------------------------------------------


def blank(zone: str = UTC_NAME) -> dict[str, str]:
    """The fields of a new event, with the defaults of `Event`."""
    names = (
        "name",
        *LINES,
        "description",
        "payment_url",
        *TIMES,
        "cancellable",
        "publish",
        *TRANSLATIONS,
    )
    texts = dict.fromkeys(names, "")
    numbers = {"limit": "0", "hold_minutes": "5", "extensions": "2"}
    return {**texts, **numbers, "currency": "EUR", "payment": "none", "timezone": zone}


def from_event(event: EventAvailability) -> dict[str, str]:
    said = msgspec.to_builtins({name: getattr(event, name) for name in Terms.__struct_fields__})
    return {**blank(event.timezone), "name": event.name, **_typed(said, event.timezone)}


def from_file(
    name: str, terms: Terms, types: Mapping[str, TypeSaid], zone: str
) -> tuple[dict[str, str], int]:
    """The fields that a file fills in, and the number of its rows. Raises `WrongUsage`."""
    said = terms.said
    fields = {**blank(zone), "name": name, **_typed(said, said.get("timezone", zone))}
    decimals = decimals_of(fields["currency"])
    for number, (type_name, type_) in enumerate(priced(types, terms).items()):
        price = short(type_.price, decimals).replace(",", "")
        labels = (type_.labels.get(tag, "") for tag in LANGUAGES)
        row = (type_name, type_.label, type_.capacity, price, type_.colour, *labels)
        values = zip(PARTS, row, strict=True)
        fields |= {f"{part}-{number}": str(value) for part, value in values}
    return fields, max(ROWS, len(types))


def _typed(said: Mapping[str, Any], zone: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in said.items():
        if name.endswith("_at"):
            fields[name.removesuffix("_at")] = _clock(value, zone)
        elif name == "hold_s":
            fields["hold_minutes"] = f"{value / 60:g}"
        elif name == "cancellable":
            fields[name] = "on" if value else ""
        elif name == "translations":
            said_in = ((field, value.get(tag, {})) for field, (tag, _) in TRANSLATIONS.items())
            fields |= {field: texts.get(TRANSLATIONS[field][1], "") for field, texts in said_in}
        elif name != "hidden":
            fields[name] = str(value)
    return fields


def _clock(at: float | None, zone: str) -> str:
    """The time as a field of type `datetime-local` wants it; with its offset where it needs one."""
    if at is None:
        return ""
    local = on_clock(int(at), zone)
    is_plain = local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
    shown = local.replace(tzinfo=None) if is_plain else local
    return shown.isoformat(timespec="seconds" if local.second else "minutes")


# --- from fields to what they mean ---------------------------------------------------


def rows_in(fields: Fields) -> int:
    """The number of rows for types on the page."""
    text = fields.get("rows", "")
    return min(MOST_ROWS, int(text)) if WHOLE.fullmatch(text) else ROWS


def was_in(fields: Fields) -> Fields:
    """The fields as they were at first. Raises `BadRequest`."""
    try:
        return msgspec.json.decode(fields.get("was", ""), type=dict[str, str])
    except msgspec.DecodeError:
        raise BadRequest("form-expired", "problem.form-expired") from None


def terms_in(fields: Fields, was: Fields, reading: FormReader) -> Terms:
    """The changed terms only, so that two operators don't undo each other's work.

    Those that can't be read are left out.
    """
    zone = reading.take("timezone", _zone) or UTC
    moved = fields.get("timezone", "") != was.get("timezone", "")
    said: dict[str, Any] = {}
    times: Mapping[str, tuple[str, Callable[[str], Any]]] = {
        name: (f"{name}_at", partial(_moment, name, zone)) for name in TIMES
    }
    for name, (term, read) in {**_TERMS, **times}.items():
        typed = fields.get(name, "")
        if typed != was.get(name, "") or (moved and typed and name in TIMES):
            value = reading.take(name, read)
            said |= {} if name in reading.faults else {term: value}
    said |= _translations(fields, was)
    return Terms(**said)


def _translations(fields: Fields, was: Fields) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {}
    for field_name, (tag, name) in TRANSLATIONS.items():
        typed = fields.get(field_name, "")
        if typed != was.get(field_name, ""):
            found.setdefault(tag, {})[name] = typed
    return {"translations": found} if found else {}


def types_in(fields: Fields, reading: FormReader) -> dict[str, TicketType]:
    """The types in the rows that are filled in."""
    found: dict[str, TicketType] = {}
    currency = fields.get("currency", "").strip().upper()
    for row in range(rows_in(fields)):
        if not any(fields.get(f"{part}-{row}", "").strip() for part in PARTS):
            continue
        made = made_name(fields.get(f"label-{row}", ""), "type", found)
        name = reading.take(f"type-{row}", partial(new_name, made=made, known=found))
        capacity = reading.take(
            f"capacity-{row}", lambda text: whole_number(text, 0, MOST_CAPACITY)
        )
        price = reading.take(
            f"price-{row}", lambda text: price_of(text, currency, decimals_of(currency))
        )
        colour = reading.take(f"colour-{row}", colour_of)
        label = reading.take(f"label-{row}", label_of)
        labels = {tag: reading.take(f"{part}-{row}", label_of) for part, tag in LABELS.items()}
        found[name or f"{row}"] = TicketType(
            capacity=capacity or 0,
            price=units(price or "0", decimals_of(currency)) or 0,
            label=label or "",
            labels={tag: text for tag, text in labels.items() if text},
            colour=colour or "",
            stripes=STRIPES,
        )
    if not found:
        reading.faults["type-0"] = wrong("no-types")
    return found


def name_in(fields: Fields, reading: FormReader) -> str:
    """The event's name, or "" where it is to be made from the title."""
    if fields.get("name", "").strip():
        return reading.take("name", _name) or ""
    if not fields.get("title", "").strip():
        reading.faults["title"] = wrong("empty")
    return ""


def made_name(text: str, otherwise: str, taken: Container[str]) -> str:
    """A name for addresses, made from what buyers read."""
    return unused_name(plain_name(text) or otherwise, taken)


def all_faults(event: Event, terms: Terms, reading: FormReader, now: float) -> Faults:
    """What can't be read, and what is wrong with the other terms."""
    try:
        _after, faults = tried(event, terms, now)
    except WrongUsage as error:
        return {**faults_of(error), **reading.faults}
    return {**{each.field: _told(each) for each in faults}, **reading.faults}


def faults_of(error: WrongUsage) -> Faults:
    """An error that the core found, by its field, "" for the whole form."""
    if isinstance(error, WrongTerm):
        return {error.field: _told(error)}
    if isinstance(error, WrongTerms):
        return {each.field: _told(each) for each in error.faults}
    return {"": BadRequest("invalid", "detail.as-told", told=str(error))}


def _told(fault: WrongTerm) -> BadRequest:
    return wrong(fault.rule, **fault.values)


def wrong(rule: str, **values: str | int) -> BadRequest:
    return BadRequest("invalid", f"operators.wrong.{rule}", None, **values)


def _zone(text: str) -> tzinfo:
    zone = zone_of(text)
    if zone is None:
        raise wrong("zone")
    return zone


def _moment(name: str, zone: tzinfo, text: str) -> float | None:
    if not text:
        return None
    try:
        return instant_of(name, datetime.fromisoformat(text), zone)
    except WrongTerm as fault:
        raise _told(fault) from None
    except ValueError:
        raise wrong("moment") from None


def _hold_s(text: str) -> float:
    try:
        minutes = Decimal(text)
    except InvalidOperation:
        minutes = Decimal(0)
    if not (minutes.is_finite() and Decimal("0.1") <= minutes <= MOST_HOLD_MINUTES):
        raise wrong("minutes", most=MOST_HOLD_MINUTES)
    return float(minutes * 60)


def _payment(text: str) -> str:
    if text not in PAYMENTS:
        raise wrong("payment")
    return text


def _matched(pattern: re.Pattern[str], text: str, rule: str) -> str:
    if not pattern.fullmatch(text):
        raise wrong(rule)
    return text


def _name(text: str) -> str:
    return _matched(NAME, text, "name")


def new_name(text: str, made: str, known: Container[str]) -> str:
    """The name of a new type, or the one that was made for it. Raises `BadRequest`."""
    name = _name(text or made)
    if name in known:
        raise wrong("twice")
    return name


def price_of(text: str, currency: str, decimals: int) -> str:
    """The price as it is typed; an empty one is free. Raises `BadRequest`."""
    if units(text or "0", decimals) is None:
        rule = "price" if decimals else "whole-price"
        raise wrong(rule, currency=currency, like=example(decimals))
    return text or "0"


def colour_of(text: str) -> str:
    return _matched(COLOUR, text.lower(), "colour")


def label_of(text: str) -> str:
    try:
        return text_of(text, "label")
    except WrongTerm as error:
        raise wrong(error.rule) from None


# By field: the term, and how its text is read. Times need a zone as well.
_TERMS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    **{name: (name, str) for name in (*LINES, "description", "payment_url", "timezone")},
    "payment": ("payment", _payment),
    "currency": ("currency", lambda text: _matched(CURRENCY, text.upper(), "currency")),
    "limit": ("limit", lambda text: whole_number(text, 0, MOST_LIMIT)),
    "hold_minutes": ("hold_s", _hold_s),
    "extensions": ("extensions", lambda text: whole_number(text, 0, MOST_EXTENSIONS)),
    "cancellable": ("cancellable", lambda text: text == "on"),
}
