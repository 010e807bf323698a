"""Cleans and compares names and other short texts that people type."""

import re
import unicodedata
from collections.abc import Container
from functools import cache
from itertools import count

# Ranges of characters, as they stand in the brackets of a regular expression.
# Unicode's Bidi_Control, and the byte-order mark: they come along when something is pasted.
MARKS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
# Controls, the separators of lines and paragraphs, and halves of characters.
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff"
SPACES = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# They are drawn as nothing, though they are no spaces: a Braille pattern without dots, two
# hieroglyphs' blanks, a note without a head.
BLANKS = r"\u2800\U00013441\U00013442\U0001d159"
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, the same since version 5.1).
IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# The rest of Unicode's format characters (category Cf): they show nothing unless with others.
FORMATS = (
    r"\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f"
)
# Accents on Latin, Greek and Cyrillic letters, and apostrophes; then letters that Unicode takes for
# whole ones.
ACCENTS = r"\u0300-\u036f\u0027\u2018\u2019"
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
PUNCTUATION = (
    r"\u0021-\u0026\u0028-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e\u2010-\u2015\u201a-\u201f"
)
_UNSEEN = IGNORABLE + FORMATS
_SHOWN = f"^{CONTROLS}{SPACES}{BLANKS}{_UNSEEN}"


@cache
def _one_of(characters: str) -> re.Pattern[str]:
    """Compiles the pattern on first use: it takes longer than the rest of this module's import."""
    return re.compile(f"[{characters}]")


def clean(text: str) -> str:
    """Returns the text without direction marks, and without spaces around it."""
    return _one_of(MARKS).sub("", text).strip()


def paragraphs(text: str) -> str:
    """Returns a text of several lines: clean, with one empty line between paragraphs."""
    lines = [clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


def is_shown(text: str) -> bool:
    """Whether the text can be shown, and shows something.

    Unassigned characters are allowed: Unicode may be newer than this Python, and many names have
    private ones.
    """
    return _one_of(CONTROLS).search(text) is None and _one_of(_SHOWN).search(text) is not None


def folded(name: str) -> str:
    """Returns the name without differences of width, case, spaces and unseen characters.

    This is Unicode's NFKC_Casefold, and it drops more of what shows nothing.
    """
    seen = _one_of(_UNSEEN).sub("", _one_of(BLANKS).sub(" ", name))
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return " ".join(plain.split())


def searchable(text: str) -> str:
    """Returns a text as searches compare it: `folded`, without accents and punctuation.

    "zoe muller" is then a part of "Zoë Müller-Łukasz".
    """
    apart = unicodedata.normalize("NFD", folded(text).translate(LETTERS))
    plain = _one_of(ACCENTS).sub("", apart)
    return " ".join(_one_of(PUNCTUATION).sub(" ", plain).split())


def plain_name(text: str, most: int = 32) -> str:
    """Makes a name for addresses from a title or a label; "" where it has no Latin letters."""
    letters = unicodedata.normalize("NFKD", re.sub("['’]", "", text).casefold().translate(LETTERS))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:most].strip("-")


def unused_name(wanted: str, taken: Container[str], most: int = 32) -> str:
    """Returns the wanted name, or the first of wanted-2, wanted-3, … that nobody has."""
    named = (f"{wanted[: most - len(end)]}{end}" for end in map("-{}".format, count(2)))
    return wanted if wanted not in taken else next(each for each in named if each not in taken)


def brief(text: str, most: int = 200) -> str:
    """Shortens a stranger's text to one printable line."""
    line = _one_of(CONTROLS).sub(
        lambda found: found[0].encode("unicode_escape").decode(), text[:most]
    )
    return f"{line}…" if len(text) > most else line
