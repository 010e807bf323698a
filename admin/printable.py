"""Text that others wrote, made safe for a terminal."""

import unicodedata

# Controls, format characters, half characters, separators of lines and paragraphs. What Unicode
# has not assigned, as far as we know, may be somebody's name.
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text with control and format characters escaped."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in UNSAFE
        else character
        for character in text
    )


def printable_bytes(data: bytes) -> str:
    """A znode's data as one line; what is not UTF-8 is shown as `\\xNN`."""
    return printable(data.decode("utf-8", errors="backslashreplace"))
