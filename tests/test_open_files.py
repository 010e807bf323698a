"""A web server with few open files takes fewer visitors, says so, and never turns in circles."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from core.open_files import CONNECTIONS, RESERVE, connections, shortage
from tests.fakeweb import FakeWeb, running

LIMIT = 256
SILENT = 300
LOOK_S = 2.0


@pytest.fixture(scope="module")
def narrow() -> Iterator[FakeWeb]:
    """A site whose processes may have few files open."""
    with running("open", "sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh") as web:
        yield web


def _processor_s(web: FakeWeb) -> float:
    root = psutil.Process(web.process.pid)
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    return sum(each.user + each.system for each in times)


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        (resource.RLIM_INFINITY, CONNECTIONS),
        (1_048_576, CONNECTIONS),
        (CONNECTIONS + RESERVE, CONNECTIONS),
        (CONNECTIONS + RESERVE - 1, CONNECTIONS - 1),
        (1024, 1024 - RESERVE),
        (LIMIT, LIMIT - RESERVE),
        (64, 16),
    ],
)
def test_so_many_visitors_leave_room_for_the_rest(limit: int, most: int) -> None:
    assert connections(limit) == most
    assert bool(shortage(limit)) == (most < CONNECTIONS)


def test_a_shortage_says_what_it_means_and_what_is_needed() -> None:
    text = shortage(LIMIT)
    assert "128 connections at once" in text
    assert f"ulimit -Hn {CONNECTIONS + RESERVE}" in text
    assert "\n" not in text


def test_silent_connections_beyond_the_limit_cost_no_processor_time(narrow: FakeWeb) -> None:
    with ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(narrow.connect())
        before, began = _processor_s(narrow), time.monotonic()
        while time.monotonic() - began < LOOK_S:
            time.sleep(0.1)  # it is their idleness that is measured
        assert _processor_s(narrow) - before < 0.2 * LOOK_S
    answer = narrow.get("/healthz")
    assert answer.status == 200
