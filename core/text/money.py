"""Money: how many decimals a currency has, and amounts as people write them.

An amount is a whole number of the smallest unit: 4850 with two decimals is 48.50.
"""

import re

from core.errors import WrongUsage

# The minor units of ISO 4217 (the maintenance agency's list one of 2024), where they are not two.
# A table and no library: the list of all currencies, their names and countries is of no use here,
# and what this says has changed twice in ten years.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_DECIMALS = {
    code: decimals
    for decimals, codes in ((0, _NONE), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}
MOST = 1_000_000_000
# So much of what is no amount is repeated.
MOST_SHOWN = 40
# Digits enough for that, and for the decimals, zeros after them included.
WRITTEN = re.compile(r"(?P<whole>[0-9]{1,10})(?:\.(?P<part>[0-9]{1,10}))?")


def decimals_of(currency: str) -> int:
    """How many decimals amounts of the currency have."""
    return _DECIMALS.get(currency, 2)


def units(text: str, decimals: int) -> int | None:
    """What is written like 48 or 48.50, in the smallest unit; None for what is no amount."""
    found = WRITTEN.fullmatch(text)
    if found is None or int(found["whole"]) > MOST:
        return None
    part = (found["part"] or "").rstrip("0")
    return int(found["whole"] + part.ljust(decimals, "0")) if len(part) <= decimals else None


def price(text: str, currency: str, field: str) -> int:
    """As `units`, with the currency's decimals. Raises `WrongUsage`, which names the `field`."""
    decimals = decimals_of(currency)
    found = units(text, decimals)
    if found is None:
        shown, like = repr(text[:MOST_SHOWN]), example(decimals)
        raise WrongUsage(f"{field}: {shown} is no price in {currency}; write it like {like}")
    return found


def example(decimals: int) -> str:
    """How a price is written that is no whole number, if there are such."""
    return f"48.5{'0' * (decimals - 1)}" if decimals else "1500"


def amount(units: int, decimals: int) -> str:
    """The amount with its decimals and thousands apart: 1,234.00."""
    whole, part = divmod(units, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}" if decimals else f"{whole:,}"


def short(units: int, decimals: int) -> str:
    """As `amount`, a whole number without decimals: 1,234."""
    text = amount(units, decimals)
    return text if units % 10**decimals else text.partition(".")[0]
