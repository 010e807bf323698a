"""Connections that take more than their share are ended, and others get in."""

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator, Sequence

import psutil
import pytest

from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.instance import eventually
from web.server import connections
from web.server.connections import Flow, read_table

GET_DOCS = b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"
GREEDY = 20
# The web's patience with a client that reads nothing; it is longer outside tests.
SLOW_S = 5.0
# TCP_USER_TIMEOUT, that patience, and one or two looks.
ENDED_S = 45.0
CAP = 20
FILES = 256
# That many files leave some 128 connections.
ROOM = 128
BUYS_S = 30.0


@pytest.fixture(scope="module")
def web() -> Iterator[FakeWeb]:
    with running("open", "env", f"SLOW_S={SLOW_S}", connections_per_address="0") as site:
        assert site.get("/docs").status == 200
        yield site


def rss(web: FakeWeb) -> int:
    return int(psutil.Process(web.process.pid).children()[0].memory_info().rss)


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed; reads nothing of what it has sent."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def stuff(connection: socket.socket, request: bytes, times: int) -> None:
    """Sends that many requests, or as many as are accepted."""
    connection.settimeout(0.5)
    with contextlib.suppress(OSError):
        connection.sendall(request * times)


# --- who does not read ---------------------------------------------------------------


def test_a_client_that_asks_for_much_and_reads_next_to_nothing_is_cut_off(web: FakeWeb) -> None:
    """Some of each kind: pages, heads, small answers; one client reads a byte now and then."""
    before = rss(web)
    requests = (GET_DOCS, b"HEAD" + GET_DOCS[3:], b"GET /api/events" + GET_DOCS[9:])
    with contextlib.ExitStack() as stack:
        mute = [stack.enter_context(web.connect()) for _ in range(GREEDY)]
        for number, connection in enumerate(mute):
            stuff(connection, requests[number % 3], 3000)
        slow = stack.enter_context(web.connect())
        stuff(slow, GET_DOCS, 60)
        slow.setblocking(False)

        def ended() -> bool:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                slow.recv(10)
            return not any(each.inode for each in read_table(web.port))

        # The memory for each is bounded: it was 0.4 MB here and 4 MB in the kernel.
        assert (rss(web) - before) / GREEDY < 350_000
        assert sum(each.unsent for each in read_table(web.port)) / GREEDY < 300_000
        eventually("they are cut off", ended, ENDED_S)
    assert web.get("/healthz").status == 200


def test_a_client_that_reads_slowly_gets_all_of_it(web: FakeWeb) -> None:
    """It reads some 20 KB a second, for longer than a client may that reads nothing."""
    answers = 2
    with web.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.sendall(GET_DOCS * answers)
        got, began = b"", time.monotonic()
        while got.count(b"</html>") < answers:
            received = connection.recv(4096)
            assert received, "cut off"
            got += received
            ahead_s = len(got) / 20_000 - (time.monotonic() - began)
            time.sleep(max(0.0, ahead_s))  # this sets how fast the client reads
    assert time.monotonic() - began > SLOW_S + 2


def test_pipelined_requests_are_answered_in_order(web: FakeWeb) -> None:
    with web.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        got = b""
        while got.count(b"alive\n") < 200:
            received = connection.recv(65536)
            assert received
            got += received


# --- who has too many ----------------------------------------------------------------


@pytest.fixture(scope="module")
def capped() -> Iterator[FakeWeb]:
    with running("open", connections_per_address=str(CAP)) as site:
        yield site


def test_one_address_keeps_as_many_connections_as_it_may_and_the_oldest_stay(
    capped: FakeWeb,
) -> None:
    """All of them are in use: idle ones would end by themselves."""
    with contextlib.ExitStack() as stack:
        # One too many: once it has ended, whichever it was, the rest have been seen.
        begun = [stack.enter_context(capped.connect()) for _ in range(CAP + 1)]

        def one_has_ended() -> bool:
            use(begun)
            return any(map(has_ended, begun))

        eventually("one is too many", one_has_ended)
        first = [each for each in begun if not has_ended(each)]
        assert len(first) == CAP
        others = [stack.enter_context(capped.connect()) for _ in range(3 * CAP)]

        def only_the_first_are_left() -> bool:
            use([*first, *others])
            return all(map(has_ended, others))

        eventually("the others end", only_the_first_are_left)
        assert not any(map(has_ended, first))
        # Another client gets in, and even this one before the next look.
        neighbour = socket.create_connection(
            ("127.0.0.1", capped.port), 5, source_address=("127.0.0.9", 0)
        )
        with neighbour:
            assert use([neighbour])
        assert capped.get("/healthz").status == 200


def use(kept: Sequence[socket.socket]) -> bool:
    """Asks over each connection that is still there; returns whether all were."""
    there = [connection for connection in kept if not has_ended(connection)]
    with contextlib.suppress(ConnectionError):
        for connection in there:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(4096)
    return len(there) == len(kept)


def test_a_trusted_proxy_has_as_many_as_it_likes() -> None:
    options = {"connections_per_address": "5", "trusted_proxy": "127.0.0.0/8"}
    with running("open", **options) as web, contextlib.ExitStack() as stack:
        opened = [stack.enter_context(web.connect()) for _ in range(20)]
        looked_at = time.monotonic() + 3 * connections.LOOK_S
        eventually("they were seen", lambda: use(opened) and time.monotonic() > looked_at)


# --- where there is no room ----------------------------------------------------------


@pytest.fixture(scope="module")
def narrow() -> Iterator[FakeWeb]:
    prefix = ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh")
    with running("open", *prefix, connections_per_address="0") as site:
        yield site


def test_at_the_limit_idle_connections_make_room_for_new_buyers(
    narrow: FakeWeb,
) -> None:
    """Each would end after five seconds by itself, and the next one get in: that took 35 s."""
    with contextlib.ExitStack() as stack:
        for number in range(7 * ROOM):
            connection = stack.enter_context(narrow.connect())
            if number < ROOM // 2:
                assert use([connection])
        began = time.monotonic()
        buyer = stack.enter_context(narrow.connect())
        buyer.settimeout(BUYS_S)
        buyer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert buyer.recv(4096).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < BUYS_S


# --- the parts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_the_kernels_table_is_read_for_both_families(
    family: socket.AddressFamily, host: str
) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((host, port)) as client, listener.accept()[0] as server:
            server.sendall(b"x" * 10)
            client.sendall(b"y" * 7)
            (found,) = read_table(port)
            assert (found.client, found.inode) == (host, server_inode(server))
            eventually("all is sent", lambda: not read_table(port)[0].unsent)
            eventually("it is counted", lambda: connections.flow_of(server).taken == 10)
            assert connections.flow_of(server).received == 7


def server_inode(server: socket.socket) -> int:
    return os.fstat(server.fileno()).st_ino


def test_a_descriptor_that_has_become_another_socket_is_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        found = dict(connections.own_sockets({server_inode(one)}))
        assert found.keys() == {server_inode(one)}
        with (
            pytest.raises(OSError, match="another"),
            connections._duplicate(other.fileno(), server_inode(one)),
        ):
            pass


@pytest.mark.parametrize(
    ("flow", "age_s", "idle_s"),
    [
        # It has been silent from the start.
        (Flow(9.0, 9.0, 0, 0), 4.0, 4.0),
        # It was answered a second ago.
        (Flow(1.0, 1.1, 500, 80), 60.0, 1.0),
        # Its request has just come, or is being answered: it is not idle for a while.
        (Flow(9.0, 0.1, 0, 80), 0.2, -3.3),
        (Flow(30.0, 2.0, 500, 160), 60.0, 26.5),
    ],
)
def test_a_connection_that_waits_for_an_answer_is_not_idle(
    flow: Flow, age_s: float, idle_s: float
) -> None:
    assert connections._idle_s(flow, age_s) == pytest.approx(idle_s)
