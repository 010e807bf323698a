"""How heavy the sale's page is: all that a phone loads before its buyer can press the button."""

import gzip
import re

from tests.support.fakes.fake_web import FakeWeb

MOST_BYTES = 30 * 1024
IMPORT = re.compile(r'from "(/static/[^"]+)"')
ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')


def loaded(web: FakeWeb, path: str) -> dict[str, bytes]:
    """Returns the page and all that it loads, by address."""
    found: dict[str, bytes] = {}
    wanted = [path]
    while wanted:
        address = wanted.pop()
        found[address] = body = web.get(address).body
        linked = IMPORT.findall(body.decode()) + ASSET.findall(body.decode())
        wanted += [each for each in linked if each not in found]
    return found


def test_the_sale_weighs_at_most_thirty_kilobytes(web: FakeWeb) -> None:
    found = loaded(web, "/?event=concert")
    assert {re.sub(r".*/|\?.*", "", each) for each in found} >= {"style.css", "purchase.js"}
    assert sum(len(gzip.compress(body)) for body in found.values()) <= MOST_BYTES


def test_nothing_on_the_page_waits_for_a_script(web: FakeWeb) -> None:
    """A module runs once the page is read; styles ask for nothing more."""
    page = web.get("/?event=concert").text
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts
    assert all('type="module"' in script for script in scripts)
    for address, body in loaded(web, "/?event=concert").items():
        if ".css" in address:
            assert b"url(" not in body
            assert b"@import" not in body
