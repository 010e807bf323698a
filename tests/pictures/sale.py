"""Takes the sale page and the operators' board, in the middle of a sale."""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.pictures.camera import Camera
from tests.support.instance import Instance, running

# The plots show the last five minutes; half of that is enough to see something.
SALE_S = 150.0
BUYERS = 12
PAUSE_S = 0.3
# The last one is gone before the picture is taken.
TYPES = ("Stalls:6000:48.50:#b3261e", "Circle:4000:36:#1f5fbf", "Balcony:40:24:#2e7d32")


def take(camera: Camera) -> Iterator[Path]:
    """Takes both pictures, of one sale."""
    with (
        tempfile.TemporaryDirectory(prefix="zkticket-pictures-") as home,
        running(Path(home) / "data") as shop,
    ):
        _make_event(shop)
        with _buyers(shop):
            time.sleep(SALE_S / 2)
            yield _sale(camera, shop)
            shop.run("restart", "worker-2")
            time.sleep(SALE_S / 2)
            yield _board(camera, shop)
        shop.down()


def _make_event(shop: Instance) -> None:
    starts = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    types = [word for each in TYPES for word in ("--type", each)]
    words = ["--title", "New Year’s Gala", "--place", "Opera House"]
    words += ["--starts", (starts + timedelta(days=30)).isoformat(), *types]
    made = shop.run("event", "create", "gala", "--publish", *words)
    assert made.returncode == 0, made.stderr
    gone = shop.run("admin", "delete-tree", "/events/default", "--yes")
    assert gone.returncode == 0, gone.stderr


@contextmanager
def _buyers(shop: Instance) -> Iterator[None]:
    """Runs buyers for the block; each buys now and then."""
    stop = threading.Event()
    threads = [threading.Thread(target=_buy, args=(shop, stop, seed)) for seed in range(BUYERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _buy(shop: Instance, stop: threading.Event, seed: int) -> None:
    rng = random.Random(seed)
    names = [each.partition(":")[0] for each in TYPES]
    buyer = shop.buyer()
    while not stop.wait(rng.expovariate(1 / PAUSE_S)):
        [type_] = rng.choices(names, (6, 3, 1))
        buyer.buy(type_, event="gala", buyer=f"Buyer {seed}")


def _sale(camera: Camera, shop: Instance) -> Path:
    with camera.page(880, 600) as page:
        page.goto(f"http://127.0.0.1:{shop.port}/")
        page.locator('input[value="Circle"]').check()
        page.locator("#buyer").fill("Ada Lovelace")
        return camera.take("sale", page.locator("body"))


def _board(camera: Camera, shop: Instance) -> Path:
    token = shop.run("admin", "credentials").stdout.split()[-1]
    with camera.page(1180, 800) as page:
        page.goto(f"http://127.0.0.1:{shop.port}/operator")
        page.locator("#token").fill(token)
        page.locator("button.main").click()
        expect(page.locator(".plot .line").first).to_be_attached()
        page.locator(".sale dd a").wait_for()  # takings are added up while somebody looks
        return camera.take("board", page.locator("body"))
