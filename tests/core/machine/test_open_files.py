"""A web server with few open files accepts fewer visitors, says so, and never spins."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from core.machine.open_files import (
    CONNECTIONS,
    RESERVE,
    STRANGERS,
    connections,
    shortage_reason,
    strangers,
)
from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.instance import eventually

LIMIT = 256
SILENT = 300
LOOK_S = 1.0


@pytest.fixture(scope="module")
def narrow() -> Iterator[FakeWeb]:
    """A site with processes that may open few files."""
    with running("open", "sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh") as web:
        yield web


def _most_open_files(web: FakeWeb) -> int:
    root = psutil.Process(web.process.pid)
    return max(each.num_fds() for each in (root, *root.children(recursive=True)))


@pytest.mark.parametrize(
    ("limit", "most", "unproven"),
    [
        (resource.RLIM_INFINITY, CONNECTIONS, STRANGERS),
        (1_048_576, CONNECTIONS, STRANGERS),
        (CONNECTIONS + RESERVE, CONNECTIONS, STRANGERS),
        (CONNECTIONS + RESERVE - 1, CONNECTIONS - 1, STRANGERS),
        (1024, 1024 - RESERVE, STRANGERS),
        (LIMIT, LIMIT - RESERVE, LIMIT // 4),
        (64, 16, 16),
    ],
)
def test_so_many_visitors_and_strangers_leave_room_for_the_rest(
    limit: int, most: int, unproven: int
) -> None:
    assert connections(limit) == most
    assert strangers(limit) == unproven
    assert bool(shortage_reason(limit)) == (most < CONNECTIONS)


def test_a_shortage_says_what_it_means_and_what_is_needed() -> None:
    text = shortage_reason(LIMIT)
    assert "128 connections at once" in text
    assert f"ulimit -Hn {CONNECTIONS + RESERVE}" in text
    assert "\n" not in text


def test_silent_connections_beyond_the_limit_leave_room_and_go_by_themselves(
    narrow: FakeWeb,
) -> None:
    """At the limit a server used to fail to accept, and to try again at once, on a whole core."""
    taken = connections(LIMIT)
    with ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(narrow.connect())
        eventually("all are taken that may be", lambda: _most_open_files(narrow) >= taken)
        deadline, most = time.monotonic() + LOOK_S, 0
        while time.monotonic() < deadline:
            most = max(most, _most_open_files(narrow))
        assert taken <= most < LIMIT - RESERVE // 2
        # New connections get in once the silent ones have had their time.
        eventually("a visitor is served", lambda: narrow.get("/healthz").status == 200, 30.0)
