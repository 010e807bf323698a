"""Money: how many decimals a currency has, and amounts as people write them.

An amount is a whole number of the smallest unit: 4850 with two decimals is 48.50.
"""

import re

from core.errors import WrongUsage

# The minor units of ISO 4217 (the maintenance agency's list one of 2024), where they are not two.
# A table, not a library: names and countries of currencies are of no use here, and these numbers
# have changed twice in ten years.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_DECIMALS = {
    code: decimals
    for decimals, codes in ((0, _NONE), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}
MOST = 1_000_000_000
# How many characters of a wrong amount an error repeats.
MOST_SHOWN = 40
# Enough digits for that and for the decimals, including zeros after them.
WRITTEN = re.compile(r"(?P<whole>[0-9]{1,10})(?:\.(?P<part>[0-9]{1,10}))?")


def decimals_of(currency: str) -> int:
    """Returns how many decimals amounts of the currency have."""
    return _DECIMALS.get(currency, 2)


def units(text: str, decimals: int) -> int | None:
    """Reads an amount like 48 or 48.50, in the smallest unit; None for any other text."""
    found = WRITTEN.fullmatch(text)
    if found is None or int(found["whole"]) > MOST:
        return None
    part = (found["part"] or "").rstrip("0")
    return int(found["whole"] + part.ljust(decimals, "0")) if len(part) <= decimals else None


def price(text: str, currency: str, decimals: int, field: str) -> int:
    """Reads a price in that currency. Raises `WrongUsage`, which names the `field`."""
    found = units(text, decimals)
    if found is None:
        shown, like = repr(text[:MOST_SHOWN]), example(decimals)
        raise WrongUsage(f"{field}: {shown} is no price in {currency}; write it like {like}")
    return found


def example(decimals: int) -> str:
    """Shows how to write a price with so many decimals."""
    return f"48.5{'0' * (decimals - 1)}" if decimals else "1500"


def amount(units: int, decimals: int) -> str:
    """Writes an amount with decimals and separated thousands: 1,234.00."""
    whole, part = divmod(units, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}" if decimals else f"{whole:,}"


def as_written(units: int, currency: str, decimals: int) -> str:
    """Writes an amount with the currency's own decimals, where prices were kept with more."""
    spare = 10 ** max(0, decimals - decimals_of(currency))
    if units % spare:
        return amount(units, decimals)
    return amount(units // spare, min(decimals, decimals_of(currency)))


def short(units: int, decimals: int) -> str:
    """Writes an amount like `amount`, but a whole number without decimals: 1,234."""
    text = amount(units, decimals)
    return text if units % 10**decimals else text.partition(".")[0]
