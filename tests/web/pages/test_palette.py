"""The colours of all pages: texts and the edges of fields can be told from what is behind them."""

import re

import pytest

from tests.support.instance import ROOT

SHEET = (ROOT / "web/static/palette.css").read_text()
COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")
LIGHT, DARK = (dict(COLOUR.findall(part)) for part in SHEET.split("@media"))
TEXTS = ("ink", "quiet", "accent", "good", "few", "bad", "wait", *(f"c{n}" for n in range(1, 9)))
# What stands on what, and the least contrast (WCAG 2.2, 1.4.3 and 1.4.11).
PAIRS = [
    *((text, behind, 4.5) for text in TEXTS for behind in ("paper", "surface")),
    *(("edge", behind, 3.0) for behind in ("paper", "surface")),
    ("on-accent", "accent", 4.5),
    ("bad", "bad-tint", 4.5),
    ("wait", "wait-tint", 4.5),
    *((text, "tint", 4.5) for text in ("ink", "quiet", "accent", "few")),
]


def luminance(colour: str) -> float:
    """Returns the relative luminance of `#rrggbb`."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "behind", "least"), PAIRS)
def test_what_is_read_stands_out(
    palette: dict[str, str], text: str, behind: str, least: float
) -> None:
    darker, lighter = sorted(luminance(palette[name]) for name in (text, behind))
    assert (lighter + 0.05) / (darker + 0.05) >= least


@pytest.mark.parametrize("sheet", ["style.css", "board.css", "docs.css"])
def test_only_the_palette_names_colours_of_the_theme(sheet: str) -> None:
    text = (ROOT / "web/static" / sheet).read_text()
    assert "prefers-color-scheme" not in text
    used = set(re.findall(r"var\(--([a-z0-9-]+)", text))
    known = set(re.findall(r"--([a-z0-9-]+):", SHEET + text))
    assert used <= known
