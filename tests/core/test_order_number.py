"""Numbers that people read out, and codes that scanners read."""

import hashlib
import random
from collections import Counter
from itertools import combinations

import pytest

from core.schema.order_number import (
    ALPHABET,
    TypedNumber,
    check_character,
    code_of,
    number_of,
    typed_number,
)

KEY = b"t" * 32
ID = "9c1b7f20d84e4a6fb3c2a1908e7d6f55"


def ids(count: int) -> list[str]:
    return [hashlib.sha256(str(each).encode()).hexdigest()[:32] for each in range(count)]


def read(text: str) -> TypedNumber:
    found = typed_number(text)
    assert found is not None, text
    return found


def test_a_number_stands_in_two_groups_and_leads_to_its_order_alone() -> None:
    assert number_of(ID) == "KGDQY-86R9H"
    for id_ in ids(200):
        typed = read(number_of(id_))
        assert (typed.number, typed.wrong, typed.bucket) == (number_of(id_), False, id_[:2])
        assert [each for each in ids(200) if typed.fits(KEY, each)] == [id_]


@pytest.mark.parametrize("id_", ids(40))
def test_every_wrong_character_and_every_swap_is_noticed(id_: str) -> None:
    number = number_of(id_).replace("-", "")
    for place in range(len(number)):
        for other in set(ALPHABET) - {number[place]}:
            assert read(number[:place] + other + number[place + 1 :]).wrong
    for one, two in combinations(range(len(number)), 2):
        swapped = list(number)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        assert read("".join(swapped)).wrong == (swapped != list(number))


def test_typing_is_forgiven_and_nothing_else_is_a_number() -> None:
    number = next(each for each in map(number_of, ids(99)) if "0" in each and "1" in each)
    for text in (
        number.lower(),
        f"  {number.replace('-', ' ')}\n",
        number.replace("-", ""),
        number.replace("0", "O").replace("1", "l"),
        number.replace("0", "o").replace("1", "I").replace("-", "–"),
        "".join(chr(ord(each) + 0xFEE0) for each in number),
    ):
        assert read(text) == TypedNumber(number)
    for text in ("", number[:-1], f"{number}0", "Zoë Müller", "U" * 10, ID, "WIFI:T:WPA;S:foyer"):
        assert typed_number(text) is None, text


def test_a_code_fits_its_order_only_and_is_made_with_the_key_only() -> None:
    code = code_of(KEY, ID)
    assert len(code) == 26
    assert code.startswith(number_of(ID).replace("-", ""))
    assert set(code) <= set(ALPHABET)
    twin = ID[:12] + "0" * 20
    assert number_of(twin) == number_of(ID)
    assert [read(code).fits(KEY, each) for each in (ID, twin)] == [True, False]
    assert [read(number_of(ID)).fits(KEY, each) for each in (ID, twin)] == [True, True]
    assert not read(code).fits(b"u" * 32, ID)
    assert not read(code[:-1] + ALPHABET[ALPHABET.index(code[-1]) - 1]).fits(KEY, ID)


def test_numbers_are_spread_evenly() -> None:
    drawn = random.Random(1)
    first = Counter(number_of(f"{drawn.getrandbits(128):032x}")[0] for _ in range(3200))
    assert set(first) == set(ALPHABET)
    assert check_character("000000000") == "0"
