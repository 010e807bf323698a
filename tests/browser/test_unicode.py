"""Our ranges of characters against the Unicode data of a browser, which knows all properties."""

import re

import pytest
from playwright.sync_api import Browser

from core.text.names import CONTROLS, IGNORABLE, MARKS, SPACES

# All code points with a property, as the ends of their ranges.
RANGES = """property => {
  const has = new RegExp(property, "u"), ends = [];
  for (let code = 0, was = false; code <= 0x110000; code++) {
    const is = code < 0x110000 && has.test(String.fromCodePoint(code));
    if (is !== was) ends.push(code);
    was = is;
  }
  return ends;
}"""


def codes(ends: list[int]) -> set[int]:
    return {
        code for first, end in zip(ends[::2], ends[1::2], strict=True) for code in range(first, end)
    }


@pytest.mark.parametrize(
    ("ranges", "property_"),
    [
        (IGNORABLE, r"\p{Default_Ignorable_Code_Point}"),
        (MARKS, r"\p{Bidi_Control}|\uFEFF"),
        (SPACES, r"\p{Zs}"),
        (CONTROLS, r"\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}"),
    ],
)
def test_a_range_holds_what_unicode_says(browser: Browser, ranges: str, property_: str) -> None:
    page = browser.new_page()
    found = codes(page.evaluate(RANGES, property_))
    page.close()
    ours = re.compile(f"[{ranges}]")
    assert found == {code for code in range(0x110000) if ours.fullmatch(chr(code))}
