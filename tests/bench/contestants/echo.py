"""Bottle on zkticket's own server, without any sale: the limit of both."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants.children import child, listens
from tests.bench.contestants.shop import Shop
from tests.bench.load import HOT_TYPE, Wares
from tests.support.instance import free_port

APPLICATION = "tests.bench.contestants.apps.echo_app"


@dataclass(frozen=True)
class EchoShop:
    """Answers every purchase at once, and keeps no books."""

    name: str = "Bottle, answering only"
    wares: Wares = HOT_TYPE

    @contextmanager
    def open(self, scratch: Path) -> Iterator[Shop]:
        port = free_port()
        command = [sys.executable, "-m", APPLICATION, str(port)]
        with child(command, scratch / "echo.log", lambda: listens(port)):
            yield Shop(f"http://127.0.0.1:{port}/api/orders", None)
