"""Reads TOML from strangers, in bounded time.

Python's own reader takes quadratic time for a key's parts (a.a.a…), and a stack frame for each
nested bracket, so both are counted first. Our files nest no deeper than a type's field.
"""

import re
import tomllib
from typing import Any

from core.errors import WrongUsage
from core.text.names import brief
from core.text.utf8 import BOM

MOST_DEPTH = 8
# Programs in other languages read larger integers as floats.
MOST_INTEGER = 2**53
# Matches strings and comments, even unfinished ones, so that each character is read once.
_QUIET = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*",
    re.DOTALL,
)
_BETWEEN = re.compile(r"[^=,\[\]{}\n]+")
_BRACKETS = re.compile(r"[\[\]{}]")


def parsed(text: str, most: int) -> dict[str, Any]:
    """Parses a text of at most so many characters. Raises `WrongUsage`."""
    if len(text) > most:
        raise WrongUsage(f"it has more than {most:,} characters")
    plain = text.removeprefix(BOM)
    _expect_flat(_QUIET.sub("_", plain))
    try:
        found = tomllib.loads(plain)
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(brief(str(error))) from None
    except ValueError:  # Python converts no number of more than 4,300 digits
        raise WrongUsage("a number in it is out of range") from None
    _expect_small(found, "")
    return found


def _expect_flat(bare: str) -> None:
    """Raises `WrongUsage` for what is nested too deep."""
    depth = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket in "[{" else -1
        if depth > MOST_DEPTH:
            raise WrongUsage(f"its brackets are nested deeper than {MOST_DEPTH}")
    if any(key.count(".") > MOST_DEPTH for key in _BETWEEN.findall(bare)):
        raise WrongUsage(f"a name in it has more than {MOST_DEPTH} parts")


def _expect_small(value: Any, name: str) -> None:
    """Raises `WrongUsage` for an integer beyond the range of every field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _expect_small(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            _expect_small(inner, name)
    elif isinstance(value, int) and abs(value) > MOST_INTEGER:
        raise WrongUsage(f"{brief(name)}: the number is out of range")
