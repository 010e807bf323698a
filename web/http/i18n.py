"""The languages that pages and problems speak, and which one a request is answered in."""

import re
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from core.text.money import as_written
from core.text.timezones import moment
from web.http import cookies
from web.http.cookies import YEAR_S, set_cookie
from web.http.request import HeaderFields

FOLDER = Path(__file__).parents[1] / "texts"
COOKIE = "language"
# Texts with these beginnings of their keys are sent to the pages' scripts.
SCRIPTS_SAY = frozenset({"script", "sale", "left"})
UNITS = (("hours", 3600), ("minutes", 60))

# The part of an Accept-Language that is read.
MOST_PREFERENCES = 20
MOST_CHARACTERS = 512


class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text that changes with `{count}`; a language with one form for all has a plain text."""

    one: str
    other: str
    two: str = ""

    def of(self, count: int) -> str:
        if count == 2 and self.two:
            return self.two
        return self.one if count == 1 else self.other


class Language(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """One file of `texts/`. `tag` is by BCP 47, `name` what the language calls itself.

    `weekdays` are short and begin with Monday; `cities` are its names for IANA's time zones.
    """

    tag: str
    name: str
    weekdays: tuple[str, ...]
    currencies: dict[str, str]
    texts: dict[str, str | Forms]
    cities: dict[str, str] = {}

    def say(self, key: str, **values: Any) -> str:
        """The text of that key, its placeholders filled in."""
        text = self.texts[key]
        if isinstance(text, Forms):
            text = text.of(values["count"])
        return text.format_map(values) if values else text

    def moment(self, at: float, zone: str, key: str = "format.venue-moment") -> str:
        """A moment, in Unix seconds, by the clocks of an event's time zone.

        A text of another key may leave parts of it out: `format.venue-clock` has the time only.
        """
        return moment(at, zone, self.say(key), self.weekdays, self.cities)

    def duration(self, seconds: float) -> str:
        """The duration in its largest whole unit: 300 s is 5 minutes, 90 s is 90 seconds."""
        for unit, length_s in UNITS:
            if seconds >= length_s and seconds % length_s == 0:
                return self.say(f"format.{unit}", count=round(seconds / length_s))
        return self.say("format.seconds", count=round(seconds))

    @cached_property
    def for_scripts(self) -> str:
        """The texts for the pages' scripts: JSON, escaped for an attribute of HTML."""
        said = {
            key: text for key, text in self.texts.items() if key.partition(".")[0] in SCRIPTS_SAY
        }
        return escape(msgspec.json.encode(said).decode())

    def money(self, units: int, currency: str, decimals: int) -> str:
        """A price as people write it: 4800 of EUR with two decimals is €48.00."""
        if units == 0:
            return self.say("format.free")
        return self.money_form(currency).format(amount=as_written(units, currency, decimals))

    def money_form(self, currency: str) -> str:
        """Where the currency stands beside an `{amount}`."""
        symbol = self.currencies.get(currency)
        return f"{symbol}{{amount}}" if symbol else f"{{amount}} {currency}"


class Languages:
    """All languages, read once; English is the default."""

    def __init__(self) -> None:
        read = (
            msgspec.toml.decode(path.read_bytes(), type=Language)
            for path in sorted(FOLDER.glob("*.toml"))
        )
        self._by_tag = {language.tag: language for language in read}
        self.default = self._by_tag["en"]
        self.all = tuple(self._by_tag.values())

    def named(self, tag: str) -> Language | None:
        return self._by_tag.get(tag)

    def of(self, headers: HeaderFields) -> Language:
        """The language of a request with those headers: its cookie's, or its browser's."""
        for chosen in cookies.values(headers.get("cookie") or "", COOKIE):
            if chosen in self._by_tag:
                return self._by_tag[chosen]
        for spoken in preferences(headers.get("accept-language") or ""):
            for tag, language in self._by_tag.items():
                # Readers of any Chinese read ours more easily than English.
                if spoken == tag.partition("-")[0]:
                    return language
        return self.default


def remember(language: Language) -> tuple[str, str]:
    """The cookie that makes the browser ask for this language from now on."""
    return set_cookie(COOKIE, language.tag, path="/", lasts_s=YEAR_S, same_site="Lax")


def preferences(accepted: str) -> tuple[str, ...]:
    """The primary languages of an `Accept-Language` (RFC 9110, 12.5.4), the preferred one first."""
    weighed = []
    for part in accepted[:MOST_CHARACTERS].split(",", MOST_PREFERENCES)[:MOST_PREFERENCES]:
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if weight > 0:
            weighed.append((-weight, tag.strip().lower().partition("-")[0]))
    return tuple(primary for _, primary in sorted(weighed, key=lambda pair: pair[0]))


def _weight(parameter: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter)
    return float(found[1]) if found else float(not parameter.strip())
