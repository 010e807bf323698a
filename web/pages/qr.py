"""Draws a ticket's QR code: it holds the ticket's code alone, which admits and manages nothing."""

import segno

# A code's 26 characters fit version 2 at level Q, which can be read with 25 % of it missing.
# The mask is fixed: to compare all eight takes four times as long as to draw one.
VERSION = 2
LEVEL = "q"
MASK = 3


def qr_svg(ticket_code: str) -> str:
    """An SVG element without size and background."""
    code = segno.make(
        ticket_code,
        version=VERSION,
        error=LEVEL,
        mask=MASK,
        mode="alphanumeric",
        boost_error=False,
    )
    return code.svg_inline(omitsize=True, svgclass=None, lineclass=None)
