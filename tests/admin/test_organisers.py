"""Every command of ORGANISERS.md, in its order, on an instance of its own."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.instance import ROOT, Instance, environment, eventually, running

PAGE = (ROOT / "admin" / "ORGANISERS.md").read_text()
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
TERMS = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The start and the drill bring up instances of their own; other tests run both.
ELSEWHERE = ("make ", "export PATH", "zkticket drill")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, Instance]]:
    """A folder with an instance in `.zkticket`, as the page's first part leaves it."""
    with running(tmp_path / ".zkticket") as shop:
        yield tmp_path, shop


def test_every_command_works_as_it_is_written(folder: tuple[Path, Instance]) -> None:
    home, shop = folder
    [terms] = TERMS.findall(_in_time(PAGE))
    (home / "gala.toml").write_text(terms)
    keys = count()
    order = "ORDER"
    for block in COMMANDS.findall(_in_time(PAGE)):
        if block.startswith(ELSEWHERE):
            continue
        if "order find" in block:  # the sale is open by now
            order = _bought(shop, next(keys))
        here = block.replace("ORDER", order).replace(":8000/", f":{shop.port}/")
        done = _run(here, home, shop)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        if "order cancel ORDER" in block:  # somebody else comes to the door
            order = _bought(shop, next(keys))
    assert shop.process is not None
    assert shop.process.wait(30) == 0


def _in_time(page: str) -> str:
    """The page with its years moved, so that what it plans is ahead."""
    first = time.gmtime().tm_year + 1
    return page.replace("2027-", f"{first + 1}-").replace("2026-", f"{first}-")


def _bought(shop: Instance, key: int) -> str:
    buyer = shop.buyer()

    def buy() -> str:
        reply = buyer.buy("Stalls", event="gala", buyer=f"Ann {key}", key=f"key-{key}")
        return str(reply.json["order"]) if reply.status in (200, 201) else ""

    return str(eventually("a ticket is sold", buy))


def _run(block: str, home: Path, shop: Instance) -> subprocess.CompletedProcess[str]:
    """Runs a block as the reader's shell would, at a terminal where every question gets a yes."""
    path = f"{ROOT / '.venv' / 'bin'}:{environment()['PATH']}"
    reader, terminal = os.openpty()
    try:
        os.write(reader, b"y\n" * 8)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=home,
            env={**environment(), "PATH": path},
            capture_output=True,
            text=True,
            stdin=terminal,
            timeout=60,
        )
    finally:
        os.close(reader)
        os.close(terminal)
