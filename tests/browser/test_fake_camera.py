"""A camera that films a ticket, and a browser that can't read codes itself, as Safari can't."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, expect

from core.schema.order_number import code_of
from tests.browser.test_operators import DOOR, sign_in, verdict
from tests.browser.visitor import browser_path, visiting
from tests.support.fakes.fake_clerk import id_of
from tests.support.fakes.fake_worker import TICKET_KEY
from web.http.static_files import FOLDER

WIDTH, HEIGHT, MODULE_PX, QUIET = 640, 480, 9, 4


def film(code: str) -> bytes:
    """Returns a film in YUV4MPEG2, of a QR code on a white wall."""
    modules = segno.make(code, error="m", boost_error=False).matrix
    first = (WIDTH - len(modules) * MODULE_PX) // 2, (HEIGHT - len(modules) * MODULE_PX) // 2
    luma = [bytearray(b"\xeb" * WIDTH) for _ in range(HEIGHT)]
    for y, row in enumerate(modules):
        line = bytes(16 if module else 235 for module in row for _ in range(MODULE_PX))
        for lower in range(MODULE_PX):
            start = first[1] + y * MODULE_PX + lower
            luma[start][first[0] : first[0] + len(line)] = line
    frame = b"FRAME\n" + b"".join(luma) + b"\x80" * (WIDTH * HEIGHT // 2)
    return f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 2


@pytest.fixture
def filming(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """A browser of its own, whose camera films the ticket."""
    path = tmp_path / "ticket.y4m"
    path.write_bytes(film(code_of(TICKET_KEY, id_of("a7"))))
    options = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    ]
    kind = browser.browser_type
    with kind.launch(executable_path=browser_path(), args=options) as own:
        yield own


def test_a_browser_without_a_detector_reads_a_ticket_with_the_one_we_bring(
    filming: Browser, states: str
) -> None:
    with visiting(filming, states) as guest:
        guest.page.add_init_script("delete window.BarcodeDetector;")
        page = sign_in(guest)
        # A door that was named and may use its camera looks at once.
        page.context.add_cookies([{"name": "door", "value": "North", "url": f"{states}/operator"}])
        page.goto(states + DOOR)
        expect(verdict(page)).to_have_text("Admitted")
        expect(page.locator("#count")).to_be_visible()
        page.locator("#last button").click()
        expect(verdict(page)).to_have_text("Taken back")


def test_the_decoder_is_the_one_on_record() -> None:
    said = re.search(r"SHA-256: ([0-9a-f]{64})", (FOLDER / "jsqr.txt").read_text())
    assert said
    assert hashlib.sha256((FOLDER / "jsqr.js").read_bytes()).hexdigest() == said[1]
