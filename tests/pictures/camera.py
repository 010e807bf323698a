"""Takes pictures of pages: small files with few colours, sharp on screens of double density."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page

SCALE = 2
COLOURS = 128


@dataclass(frozen=True)
class Camera:
    browser: Browser
    folder: Path

    @contextmanager
    def page(self, width: int, height: int) -> Iterator[Page]:
        """Opens a page of that size for the block, in English and in light colours."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=SCALE,
            locale="en",
            color_scheme="light",
        )
        try:
            yield context.new_page()
        finally:
            context.close()

    def take(self, name: str, subject: Locator) -> Path:
        """Takes `name`.png of a part of a page, or of the whole page where that is its body."""
        path = self.folder / f"{name}.png"
        _shrink(subject.screenshot(), path)
        return path


def _shrink(png: bytes, path: Path) -> None:
    with Image.open(BytesIO(png)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
