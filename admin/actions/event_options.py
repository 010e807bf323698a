"""An event's terms as a command is told them: by its options, or in a TOML file."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from core.errors import WrongUsage
from core.events.terms import TIMES, Terms, TypeTerms
from core.events.terms_file import MOST_FILE, TypeSaid, from_toml, terms_of
from core.schema.records import NAME, EventTexts
from core.text import utf8
from core.text.names import brief
from core.text.timezones import zone_of

NEVER = "none"
TEXTS = EventTexts.__struct_fields__
# A longer file has too many characters anyway.
MOST_FILE_BYTES = 4 * MOST_FILE + 1
# A capacity with more digits is out of range anyway.
MOST_DIGITS = 17

Value = TypeVar("Value")


def read(path: Path) -> tuple[str, Terms, dict[str, TypeSaid]]:
    """Reads an event's name, terms and types. Raises `WrongUsage`, which names the field."""
    try:
        with path.open("rb") as file:
            return from_toml(utf8.text_of(file.read(MOST_FILE_BYTES)))
    except OSError as error:
        raise WrongUsage(f"{path}: {error.strerror}") from None
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error}") from None


def of_options(options: Mapping[str, Any], zone: str = "") -> Terms:
    """Makes terms of a command's options, which have the same names.

    Times are text, and `none` removes one; without an offset they are by the clocks of the named
    zone, or else of `zone`. Raises `WrongUsage`.
    """
    said = _translated(options) if options.get("language") else options
    times = {name: said[name] for name in TIMES if said[name] is not None}
    clocks = {name: _clock(name, text) for name, text in times.items()}
    return terms_of(said, clocks, zone_of(said["timezone"] or zone))


def _translated(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options where the texts among them are a translation."""
    texts = {name: options[name] for name in TEXTS if options[name] is not None}
    return {
        **options,
        **dict.fromkeys(TEXTS),
        "translations": {options["language"]: texts},
    }


def ticket_types(texts: Iterable[str], option: str = "--type") -> dict[str, TypeSaid]:
    """Reads options for new types, `NAME:CAPACITY[:PRICE[:COLOUR]]`. Raises `WrongUsage`."""
    return _once(option, (_ticket_type(text, option) for text in texts))


def type_terms(
    capacities: Iterable[str],
    prices: Iterable[str],
    labels: Iterable[str] = (),
    language: str | None = None,
) -> dict[str, TypeTerms]:
    """Reads options for types, `TYPE=N`, `TYPE=+N`, `TYPE=PRICE` and `TYPE=TEXT`.

    Labels are translations into the `language`, if there is one. Raises `WrongUsage`.
    """
    sizes = _by_type("--capacity", "A=25 or A=+5", capacities)
    said = {name: _sized(name, size) for name, size in sizes.items()}
    for name, price in _by_type("--price", "A=48.50", prices).items():
        said[name] = msgspec.structs.replace(said.get(name, TypeTerms()), price=price)
    for name, label in _by_type("--label", "A='Front row'", labels).items():
        text: dict[str, Any] = {"labels": {language: label}} if language else {"label": label}
        said[name] = msgspec.structs.replace(said.get(name, TypeTerms()), **text)
    return said


def _by_type(option: str, example: str, texts: Iterable[str]) -> dict[str, str]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not (NAME.fullmatch(name) and equals):
            raise WrongUsage(f"{option} {text!r}: write it like {example}")
        pairs.append((name, value))
    return _once(option, pairs)


def _once(option: str, said: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in said:
        if name in found:
            raise WrongUsage(f"{option} is given twice for {name}; give it once")
        found[name] = value
    return found


def _sized(name: str, size: str) -> TypeTerms:
    digits = size.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise WrongUsage(f"--capacity {name}={size!r}: write it like {name}=25 or {name}=+5")
    number = int(digits)
    return TypeTerms(added=number) if size.startswith("+") else TypeTerms(capacity=number)


def _ticket_type(text: str, option: str) -> tuple[str, TypeSaid]:
    name, *rest = text.split(":")
    if not 1 <= len(rest) <= 3 or not (rest[0].isascii() and rest[0].isdigit()):
        raise WrongUsage(f"{option} {text!r}: write it like A:100, A:100:48.00 or A:100:48:#cc0000")
    capacity, price, colour = (*rest, "0", "") if len(rest) == 1 else (*rest, "")[:3]
    where = f"{option} {text!r} "
    return name, TypeSaid(
        capacity=int(capacity[:MOST_DIGITS]), price=price, colour=colour, where=where
    )


def _clock(name: str, text: str) -> datetime | None:
    if text == NEVER:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        shown = repr(brief(text, 40))
        raise WrongUsage(f"--{name}: {shown} is no time; write it like 2027-03-01T20:00") from None
