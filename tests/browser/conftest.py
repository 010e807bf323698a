"""One browser, one instance and one site of every state for all tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.visitor import PATIENCE_MS, Visitor, browser_path, visiting
from tests.support.fakes.fake_web import running as fake_running
from tests.support.instance import Instance
from tests.support.instance import running as shop_running

Enter = Callable[..., Visitor]


# Only for this folder: its event loop runs on this thread as long as it lives.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A real instance, with fifty tickets of each type."""
    with shop_running(tmp_path_factory.mktemp("browser") / "data", "--quantity", "50") as instance:
        yield instance


@pytest.fixture(scope="package")
def states() -> Iterator[str]:
    """The address of a site with events in every state."""
    with fake_running("open") as site:
        yield f"http://127.0.0.1:{site.port}"


@pytest.fixture(scope="package")
def away() -> Iterator[str]:
    """The address of a site that has lost ZooKeeper."""
    with fake_running("away") as site:
        yield f"http://127.0.0.1:{site.port}"


@pytest.fixture
def enter(browser: Browser) -> Iterator[Enter]:
    """Lets visitors in, each with a browser profile of their own."""
    with ExitStack() as stack:

        def let_in(origin: str, **options: Any) -> Visitor:
            return stack.enter_context(visiting(browser, origin, **options))

        yield let_in
