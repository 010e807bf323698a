"""The page's socket: while it is shut, new and waiting connections are refused."""

import os
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from core.errors import StartupError
from core.transport.listen_socket import listen
from supervisor.processes.held_socket import ListenSocket
from tests.support.instance import free_port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def door(port: int) -> Iterator[ListenSocket]:
    anew = partial(listen, "127.0.0.1", port, "--port")
    door = ListenSocket(anew(), anew)
    yield door
    door.shut()


def knock(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_shut_socket_refuses_new_and_waiting_connections(door: ListenSocket, port: int) -> None:
    with knock(port) as waiting:
        assert door.shut()
        assert not door.shut()
        with pytest.raises(ConnectionResetError):
            waiting.recv(1)
    with pytest.raises(ConnectionRefusedError):
        knock(port)


def test_it_is_shut_although_a_web_server_holds_it_still(door: ListenSocket, port: int) -> None:
    with socket.socket(fileno=os.dup(door.fileno())):
        door.shut()
        with pytest.raises(ConnectionRefusedError):
            knock(port)
        with socket.socket(fileno=os.dup(door.fileno())) as anew, knock(port):
            anew.accept()[0].close()


def test_a_guest_who_is_inside_is_not_turned_out(door: ListenSocket, port: int) -> None:
    with socket.socket(fileno=os.dup(door.fileno())) as web, knock(port) as guest:
        host, _ = web.accept()
        with host:
            door.shut()
            host.sendall(b"served")
            assert guest.recv(6) == b"served"


def test_it_is_the_same_while_it_is_open_and_opens_again_for_the_next(
    door: ListenSocket, port: int
) -> None:
    assert door.fileno() == door.fileno()
    door.shut()
    assert door.fileno() >= 0
    knock(port).close()


def test_a_port_that_was_taken_meanwhile_is_said(door: ListenSocket, port: int) -> None:
    door.shut()
    with listen("127.0.0.1", port, "--port"), pytest.raises(StartupError, match=str(port)):
        door.fileno()
