"""Order numbers for people, and ticket codes for doors; both are made from an order's id.

A number is read out and typed: nine characters of Crockford's base32, the id's first 45 bits,
and a check character. A code is what a ticket's QR code holds: the number, and a MAC that nobody
can make without the cluster's secret. It admits; only the id itself manages an order. Nothing is
stored.

The chance that any two of an event's 200,000 orders share a number is 1 in 1,700. A search for a
number may therefore find two orders; then the code or the name tells which is meant.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable

import msgspec

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
# What stands on paper for what was meant, as Crockford has it.
LOOKALIKES = str.maketrans("OIL", "011")
CHARACTERS = 9
GROUP = 5
# Ids with one number begin with the same eleven hexadecimal digits, and one bit more.
SHARED_DIGITS = 11
MAC_BYTES = 10
MAC_CHARACTERS = 16
# Two characters for each ten bits: a number is written for every sale.
PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
NUMBER_PATTERN = rf"[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}"
CODE_PATTERN = rf"[{ALPHABET}]{{{CHARACTERS + 1 + MAC_CHARACTERS}}}"
_TYPED = re.compile(rf"[{ALPHABET}]{{{CHARACTERS + 1}}}(?:[{ALPHABET}]{{{MAC_CHARACTERS}}})?")
# Spaces, and dashes of any length.
_BETWEEN = re.compile(r"[\s\u2010-\u2015\u2212-]")


class TypedNumber(msgspec.Struct, frozen=True):
    """A number as it was typed or scanned; `mac` is the rest of a code, empty without one.

    Its check character may be `wrong`: then no order has that number.
    """

    number: str
    mac: str = ""
    wrong: bool = False

    @property
    def bucket(self) -> str:
        """The first two digits of its order's id."""
        return self.digits[:2]

    def fits(self, ticket_key: bytes, order_id: str) -> bool:
        """Whether the order has that number and, if a code was given, that code."""
        if not order_id.startswith(self.digits) or number_of(order_id) != self.number:
            return False
        return not self.mac or hmac.compare_digest(self.mac, _mac(ticket_key, order_id))

    @property
    def digits(self) -> str:
        """What the ids with this number begin with."""
        bits = 0
        for character in self.number.replace("-", "")[:CHARACTERS]:
            bits = bits << 5 | VALUES[character]
        return f"{bits >> 1:0{SHARED_DIGITS}x}"


def number_of(order_id: str) -> str:
    """Returns the number of an order, in two groups."""
    plain = _plain_number(order_id)
    return f"{plain[:GROUP]}-{plain[GROUP:]}"


def code_of(ticket_key: bytes, order_id: str) -> str:
    """Returns the code of an order's ticket."""
    return _plain_number(order_id) + _mac(ticket_key, order_id)


def _plain_number(order_id: str) -> str:
    bits = int(order_id[:12], 16) >> 3
    check = _weighed([bits >> shift & 31 for shift in range(40, -1, -5)])
    return _written(bits << 5 | check, CHARACTERS + 1)


def _written(bits: int, characters: int) -> str:
    """Writes an even number of characters, five bits in each."""
    return "".join([PAIRS[bits >> shift & 1023] for shift in range(5 * characters - 10, -1, -10)])


def check_character(plain: str) -> str:
    """Returns the character that catches a wrong one, and any two that changed places.

    A Reed–Solomon check symbol over GF(32): each place has a weight of its own, a power of 2.
    """
    return ALPHABET[_weighed(VALUES[character] for character in plain)]


def typed_number(text: str) -> TypedNumber | None:
    """Reads a number or a code, or returns None where it is neither.

    Forgives case, width, spaces and dashes, and O, I and L for digits.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper().translate(LOOKALIKES)
    if not _TYPED.fullmatch(plain):
        return None
    number, mac = plain[: CHARACTERS + 1], plain[CHARACTERS + 1 :]
    wrong = check_character(number[:-1]) != number[-1]
    return TypedNumber(f"{number[:GROUP]}-{number[GROUP:]}", mac, wrong)


def _weighed(values: Iterable[int]) -> int:
    found = 0
    for value in values:
        found = (found ^ value) << 1
        found ^= 0b100101 if found & 0b100000 else 0
    return found


def _mac(ticket_key: bytes, order_id: str) -> str:
    digest = hmac.digest(ticket_key, order_id.encode(), "sha256")
    return _written(int.from_bytes(digest[:MAC_BYTES]), MAC_CHARACTERS)
