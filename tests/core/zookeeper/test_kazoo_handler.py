"""kazoo's wait works like `select.select`, without its limits."""

import socket
import time
from collections.abc import Iterator

import pytest

from core.zookeeper.kazoo_handler import PollingHandler
from tests.support.silent_host import silent_host

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_socket_with_something_to_read_is_ready_to_be_read(pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    assert PollingHandler().select([ours, theirs], [], [], 5) == ([ours], [], [])


def test_a_socket_with_room_is_ready_to_be_written(pair: Pair) -> None:
    ours, _ = pair
    assert PollingHandler().select([], [ours], [], 5) == ([], [ours], [])


def test_a_socket_whose_peer_has_gone_is_ready_so_that_its_end_is_read(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert PollingHandler().select([ours], [], [], 5) == ([ours], [], [])


def test_nothing_is_ready_when_the_time_is_over(pair: Pair) -> None:
    ours, _ = pair
    began = time.monotonic()
    assert PollingHandler().select([ours], [], [], 0.02) == ([], [], [])
    assert time.monotonic() - began >= 0.02


def test_a_closed_socket_is_refused() -> None:
    closed = socket.socket()
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        PollingHandler().select([closed], [], [], 1)


def test_a_host_that_has_vanished_costs_half_a_second_whatever_a_session_lasts() -> None:
    handler = PollingHandler()
    with silent_host() as address:
        began = time.monotonic()
        with pytest.raises((OSError, handler.timeout_exception)):
            handler.create_connection(address=address, timeout=6.0)
        assert 0.4 < time.monotonic() - began < 2.0


def test_a_shorter_deadline_for_a_connect_stays_as_it_is() -> None:
    handler = PollingHandler()
    with silent_host() as address:
        began = time.monotonic()
        with pytest.raises((OSError, handler.timeout_exception)):
            handler.create_connection(address=address, timeout=0.05)
        assert time.monotonic() - began < 0.4
