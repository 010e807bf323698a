"""Text that others wrote, made safe for a terminal, or for a line of a file."""

import unicodedata

# Controls, format characters, half characters, separators of lines and paragraphs. What Unicode
# has not assigned, as far as we know, may be somebody's name.
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners and marks of direction belong to names: a program gets them as they are.
BREAKS_LINES = UNSAFE - {"Cf"}


def printable(text: str) -> str:
    """The text with control and format characters escaped."""
    return _escaped(text, UNSAFE)


def one_line(text: str) -> str:
    """The text for programs: escapes only what would break its line."""
    return _escaped(text, BREAKS_LINES)


def _escaped(text: str, categories: frozenset[str]) -> str:
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in categories
        else character
        for character in text
    )


def printable_bytes(data: bytes) -> str:
    """A znode's data as one line; what is not UTF-8 is shown as `\\xNN`."""
    return printable(data.decode("utf-8", errors="backslashreplace"))
