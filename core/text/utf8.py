"""Decodes people's UTF-8, with or without a byte-order mark."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from core.errors import WrongUsage

BOM = "\ufeff"


def text_of(data: bytes) -> str:
    """Decodes the bytes. Raises `WrongUsage`, which says what to do."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data:
        raise WrongUsage("it is UTF-16, or no text at all; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongUsage(f"byte {error.start + 1} is no UTF-8; save it as UTF-8") from None
