"""An organiser's terms for an event and its types, and what is wrong with them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from core.errors import WrongTerm, WrongTerms, WrongUsage
from core.schema.records import (
    DEFAULT_CURRENCY,
    LANGUAGES,
    NAME,
    Event,
    EventTexts,
    PaymentRule,
    TicketType,
)
from core.schema.sale_window import is_over, over_at
from core.text.money import decimals_of
from core.text.names import brief, clean, is_shown, paragraphs
from core.text.timezones import NoSuchInstant, instant, zone_of

MOST_CHARACTERS = 200
MOST_DESCRIPTION = 4000
# How many characters of a wrong name an error repeats.
MOST_SHOWN = 40
# What a hold's page adds begins with a question mark. Some browsers stop at 2,000 characters.
PAYMENT_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[!$%-;=@-Z_a-z~]*)?", re.ASCII)
# Texts of one line.
LINES = ("title", "place", "organiser")
TIMES = ("starts", "ends", "doors", "opens", "closes")
# Years that calendars and the clocks of all time zones can show.
FIRST_YEAR, LAST_YEAR = 1971, 9000
FIRST_AT = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()
LAST_AT = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()

Checked = TypeVar("Checked", Event, TicketType)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An organiser's terms for an event, by the names of `Event`; what is unset stays.

    `translations` has the texts that change, by language and name.
    """

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    organiser: str | UnsetType = UNSET
    translations: dict[str, dict[str, str]] | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    payment: PaymentRule | UnsetType = UNSET
    payment_url: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    starts_at: float | UnsetType | None = UNSET
    ends_at: float | UnsetType | None = UNSET
    doors_at: float | UnsetType | None = UNSET
    opens_at: float | UnsetType | None = UNSET
    closes_at: float | UnsetType | None = UNSET
    limit: int | UnsetType = UNSET
    hold_s: float | UnsetType = UNSET
    extensions: int | UnsetType = UNSET
    cancellable: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET

    @property
    def said(self) -> dict[str, Any]:
        """The terms that were given, by name."""
        said: dict[str, Any] = msgspec.to_builtins(self)
        return said


class TypeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An organiser's terms for a type that is on sale; what is unset stays.

    `capacity` is the total, including sold and held tickets; `added` is a number of more tickets;
    `price` is as people write it.
    """

    capacity: int | UnsetType = UNSET
    added: int = 0
    price: str | UnsetType = UNSET
    label: str | UnsetType = UNSET
    # By language; an empty one goes.
    labels: dict[str, str] | UnsetType = UNSET
    colour: str | UnsetType = UNSET


def currency_of(terms: Terms) -> str:
    """Returns the currency of an event that is made under these terms."""
    return DEFAULT_CURRENCY if isinstance(terms.currency, UnsetType) else terms.currency


def changed(event: Event, terms: Terms, now: float | None = None) -> Event:
    """Returns the event under these terms. `now`, in Unix seconds, refuses times that have passed.

    Raises `WrongUsage`, which names all that can't be, each field once.
    """
    after, faults = tried(event, terms, now)
    expect_none(faults)
    return after


def expect_none(faults: Sequence[WrongTerm]) -> None:
    """Raises the fault, or `WrongTerms` for several of them."""
    if faults:
        raise faults[0] if len(faults) == 1 else WrongTerms(faults)


def tried(event: Event, terms: Terms, now: float | None = None) -> tuple[Event, list[WrongTerm]]:
    """Returns the event under these terms, and what is wrong with them, as `changed`.

    Raises `WrongUsage` for a number that is out of bounds.
    """
    said = terms.said
    texts, faults = _read_texts(said)
    said |= texts
    if "translations" in said:
        said["translations"] = _merged(event.translations, said["translations"], faults)
    if "closes_at" in said:
        said["planned_closes_at"] = None
    after = expect_bounds(replace(event, **said))
    first: dict[str, WrongTerm] = {}
    for fault in (*faults, *_faults(event, after, frozenset(said), now)):
        first.setdefault(fault.field, fault)
    return after, list(first.values())


def _read_texts(said: Mapping[str, Any]) -> tuple[dict[str, str], list[WrongTerm]]:
    """Returns the texts, clean, and what is wrong with others."""
    found: dict[str, str] = {}
    faults: list[WrongTerm] = []
    for name in (*LINES, "description"):
        if name in said:
            try:
                found[name] = _text(name, said[name], name)
            except WrongTerm as fault:
                faults.append(fault)
    return found, faults


def _text(name: str, text: str, field: str) -> str:
    return description_of(text, field) if name == "description" else text_of(text, field)


def _merged(
    before: Mapping[str, EventTexts], said: Mapping[str, Mapping[str, str]], faults: list[WrongTerm]
) -> dict[str, EventTexts]:
    """Returns the translations with those that are said; adds to `faults`."""
    found = dict(before)
    for language, texts in said.items():
        clean_texts: dict[str, str] = {}
        for name, text in texts.items():
            try:
                expect_language(language)
                clean_texts[name] = _text(name, text, f"translations.{language}.{name}")
            except WrongTerm as fault:
                faults.append(fault)
        found[language] = replace(found.get(language, EventTexts()), **clean_texts)
    return {language: texts for language, texts in found.items() if texts != EventTexts()}


def _faults(
    before: Event, after: Event, said: frozenset[str], now: float | None
) -> Iterator[WrongTerm]:
    """Finds what is wrong with an event whose terms `said` were given."""
    if not after.title:
        yield WrongTerm("title", "empty", "it is empty")
    if fault := zone_fault(after.timezone):
        yield fault
    if not (len(after.currency) == 3 and after.currency.isascii() and after.currency.isupper()):
        yield WrongTerm("currency", "currency", f"{after.currency!r} is no code like EUR")
    elif after.currency != before.currency and decimals_of(after.currency) != before.decimals:
        why = f"{after.currency} has other decimals than the prices; make a new event"
        yield WrongTerm("currency", "decimals", why)
    if after.payment_url and not PAYMENT_URL.fullmatch(after.payment_url):
        shown = repr(brief(after.payment_url, MOST_SHOWN))
        why = f"{shown} is no address like https://shop.example/pay, without ? and #"
        yield WrongTerm("payment_url", "address", why)
    yield from _wrong_times(before, after, said, now)


def _wrong_times(
    before: Event, after: Event, said: frozenset[str], now: float | None
) -> Iterator[WrongTerm]:
    """Finds times in an impossible order; only what is said now has to make sense."""

    def wrong(earlier: str, later: str) -> bool:
        first, then = getattr(after, earlier), getattr(after, later)
        return bool({earlier, later} & said) and None not in (first, then) and then <= first

    if wrong("starts_at", "ends_at"):
        yield WrongTerm("ends", "order", "it is not after the beginning")
    if wrong("opens_at", "closes_at"):
        yield WrongTerm("closes", "closes-order", "it is not after the opening of the sale")
    if after.doors_at != after.starts_at and wrong("doors_at", "starts_at"):
        yield WrongTerm("doors", "doors", "the doors open after the event has begun")
    opens, ends = after.opens_at, over_at(after)
    moved = {"opens_at", "starts_at", "ends_at"} & said
    if moved and opens is not None and ends is not None and opens >= ends:
        yield WrongTerm("opens", "too-late", "the sale opens when the event is over")
    if now is not None:
        yield from _past_times(before, after, said, now)


def _past_times(
    before: Event, after: Event, said: frozenset[str], now: float
) -> Iterator[WrongTerm]:
    """Finds what is over before it begins. An event that was over already may be corrected."""
    if is_over(after, now) and not is_over(before, now):
        field = "starts" if after.ends_at is None or "ends_at" not in said else "ends"
        yield WrongTerm(field, "past", "that has passed; write a time that is yet to come")
    if "closes_at" in said and after.closes_at is not None and after.closes_at <= now:
        yield WrongTerm("closes", "past", "that has passed; write a time that is yet to come")


def zone_fault(name: str) -> WrongTerm | None:
    """Returns what is wrong with the name of a zone."""
    if zone_of(name) is not None:
        return None
    shown = repr(brief(name, MOST_SHOWN))
    return WrongTerm("timezone", "zone", f"{shown} is no time zone; write it like Europe/Berlin")


def expect_name(name: str) -> None:
    """Raises `WrongUsage` for what can't be the name of an event or a type."""
    if not NAME.fullmatch(name):
        shown = repr(brief(name, MOST_SHOWN))
        raise WrongUsage(
            f"{shown} is no name: write 1 to 32 of A-Z a-z 0-9 - _, a letter or digit first"
        )


def expect_language(tag: str) -> None:
    """Raises `WrongTerm` for a language that no page speaks."""
    if tag not in LANGUAGES:
        known = " or ".join(LANGUAGES)
        shown = repr(brief(tag, MOST_SHOWN))
        raise WrongTerm("language", "language", f"no page speaks {shown}; write {known}")


def text_of(text: str, field: str) -> str:
    """Cleans a short text, which may be empty. Raises `WrongTerm`."""
    found = clean(text)
    if len(found) > MOST_CHARACTERS or (found and not is_shown(found)):
        raise WrongTerm(field, "text", f"at most {MOST_CHARACTERS} printable characters")
    return found


def description_of(text: str, field: str) -> str:
    """Cleans a text of several paragraphs, which may be empty. Raises `WrongTerm`."""
    found = paragraphs(text)
    if len(found) > MOST_DESCRIPTION or (found and not is_shown(found.replace("\n", " "))):
        why = f"at most {MOST_DESCRIPTION:,} printable characters"
        raise WrongTerm(field, "description", why, most=MOST_DESCRIPTION)
    return found


def instant_of(field: str, clock: datetime, zone: tzinfo | None) -> float:
    """Returns the Unix seconds of a time, by the clocks of that zone if it has no offset.

    Raises `WrongTerm`, which says what to choose instead.
    """
    if clock.tzinfo is None and zone is None:
        why = "it has no offset, and no timezone is named; write it like 2027-03-01T20:00+01:00"
        raise WrongTerm(field, "no-zone", why)
    try:
        at = instant(clock, zone or UTC)
    except NoSuchInstant as error:
        raise _choice(field, clock, error) from None
    except (OverflowError, ValueError):
        at = LAST_AT
    if not FIRST_AT <= at < LAST_AT:
        raise WrongTerm(field, "moment", f"it must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


def _choice(field: str, clock: datetime, error: NoSuchInstant) -> WrongTerm:
    """Says between which times to choose where the clocks are changed."""
    first, second = (each.isoformat(timespec="minutes") for each in error.instants)
    if error.skipped:
        first, second = (each[:16] for each in (first, second))
        why = f"the clocks skip {clock:%H:%M} on that day; write {first} or {second}"
        return WrongTerm(field, "skipped", why, clock=f"{clock:%H:%M}", first=first, second=second)
    why = f"the clocks show {clock:%H:%M} twice on that day; write {first} or {second}"
    return WrongTerm(field, "twice-shown", why, clock=f"{clock:%H:%M}", first=first, second=second)


def expect_bounds(record: Checked, above: str = "") -> Checked:
    """Returns the record if its fields are within their bounds. Raises `WrongUsage`."""
    try:
        return msgspec.convert(msgspec.to_builtins(record), type(record))
    except msgspec.ValidationError as error:
        raise WrongUsage(above + in_words(error)) from None


def in_words(error: msgspec.ValidationError) -> str:
    """Describes a field that does not fit, its name first: `types.A.price: expected `int` >= 0`."""
    what, at, where = str(error).rpartition(" - at `$.")
    if not at:
        return brief(str(error))
    return brief(f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}")


def in_order(types: Iterable[tuple[str, TicketType]]) -> dict[str, TicketType]:
    """Returns the types with their places in that order."""
    return {name: replace(type_, position=place) for place, (name, type_) in enumerate(types)}
