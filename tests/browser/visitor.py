"""A visitor with a real browser, which notes everything that the page does."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Request, expect

# The machine may be ten times slower now and then.
PATIENCE_MS = 30_000
DESK, PHONE = 1280, 390
GRAVE = ("serious", "critical")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str:
    path = next(filter(_runs, filter(None, map(shutil.which, BROWSERS))), None)
    assert path, "no browser runs here: `make test` installs Debian's chromium"
    return path


def _runs(path: str) -> bool:
    """Whether it runs: Ubuntu's chromium-browser may be a script that asks for a snap."""
    return subprocess.run([path, "--version"], capture_output=True).returncode == 0


@dataclass
class Visitor:
    """One page at one origin, with all its `requests`, and its errors as `faults`."""

    page: Page
    origin: str
    requests: list[Request] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, path: str = "/?event=default") -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def choose(self, type_: str, buyer: str = "Ada Lovelace", quantity: int = 1) -> Page:
        """Fills in the form without buying."""
        self.page.locator(f'input[value="{type_}"]').check()
        self.page.locator("#buyer").fill(buyer)
        self.page.locator("#quantity").select_option(str(quantity))
        return self.page

    def press(self) -> None:
        self.page.locator("button[type=submit]").click()

    def has_ticket(self) -> str:
        """Waits for the ticket's page; returns the order's id."""
        return self._has("article.ticket:not(.hold)")

    def hold(self) -> str:
        """Presses the form's other button and waits for the page of the hold; returns its id."""
        self.page.locator("button[data-news=holding]").click()
        return self._has("article.hold")

    def act(self, name: str) -> Locator:
        """Returns the button that confirms, extends, releases or cancels."""
        return self.page.locator(f'form[action$="/{name}"] button')

    def _has(self, article: str) -> str:
        self.page.wait_for_url("**/orders/*", timeout=PATIENCE_MS)
        expect(self.page.locator(article)).to_be_visible()
        return urlsplit(self.page.url).path.rpartition("/")[2]

    def purchases(self) -> list[Request]:
        return [each for each in self.requests if each.method == "POST"]

    def foreign(self) -> list[str]:
        """Returns the requested addresses of other origins."""
        urls = [each.url for each in self.requests]
        return [url for url in urls if not url.startswith((self.origin, "data:"))]

    def grave_faults(self, rules: list[str] | None = None) -> list[str]:
        """Returns what axe-core finds wrong for people with disabilities, by `rules` or all."""
        options: dict[str, Any] = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
        options |= {"resultTypes": ["violations"]}  # the nodes of all else are not told
        is_there = self.page.evaluate("'axe' in window")
        axe = Axe("0") if is_there else Axe()
        found = axe.run(self.page, options=options).response["violations"]
        return [_told(each) for each in found if each["impact"] in GRAVE]

    def is_wider_than_the_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def _told(violation: dict[str, Any]) -> str:
    return f"{violation['id']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"


@contextmanager
def visiting(browser: Browser, origin: str, **options: Any) -> Iterator[Visitor]:
    """Opens a visitor; the test fails if its page asked another origin or had an error."""
    settings = {"locale": "en", "viewport": {"width": DESK, "height": 800}, **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(context.new_page(), origin)
    visitor.page.on("request", lambda request: visitor.requests.append(request))
    visitor.page.on("pageerror", lambda error: visitor.faults.append(str(error)))
    try:
        yield visitor
    finally:
        context.close()
    assert visitor.foreign() == []
    assert visitor.faults == []
