"""The page's listening socket: made once, and handed from process to process.

The supervisor holds it and gives it to each web server as standard input, as inetd does. So
connections wait in one queue that outlives every web server. A supervisor that is killed leaves
it with the web server. Its successor rings the web server's bell, a Unix socket, and gets the
listening socket back (as HAProxy's `expose-fd listeners`); it also learns that the web server
lives.
"""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from core.errors import StartupError

BACKLOG = 4096
UNTAKEN_S = 30.0
UNTAKEN_BYTES = 64 * 1024
BELL = "web.sock"
ANSWER_BYTES = 32


def listen(host: str, port: int, option: str) -> socket.socket:
    """Listens on `host:port`. Raises `StartupError`, which names `option`, where that fails."""
    try:
        return _listen(host, port)
    except socket.gaierror:
        raise StartupError(f"{host} is no address of this machine; choose another --host") from None
    except OSError as error:
        raise StartupError(_advice(error, host, port, option)) from None


def inherited() -> socket.socket | None:
    """Returns the listening socket that this process got as standard input, if any."""
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(0).st_mode):
            given = socket.socket(fileno=os.dup(0))
            if given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                _configure(given)  # a predecessor of another version may have made it
                return given
            given.close()
    return None


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # A port whose last connections are still winding down is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _configure(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _configure(listener: socket.socket) -> None:
    """Sets what all of its connections inherit."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A client that takes or confirms nothing for so long loses its connection.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNTAKEN_S * 1000))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(UNTAKEN_S))
    # By default the kernel would keep megabytes for a client that does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNTAKEN_BYTES)


def _advice(error: OSError, host: str, port: int, option: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use; choose another with {option}"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another --host"
        case errno.EACCES:
            return f"port {port} is for root only; choose one above 1023 with {option}"
    return f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}"


# --- the bell ------------------------------------------------------------------------


class Bell:
    """The web server's end: whoever rings learns its pid and whether it sells."""

    def __init__(
        self, data_dir: Path, listener: socket.socket, pid: int, sells: Callable[[], bool]
    ) -> None:
        self._data_dir = data_dir
        self._listener = listener
        self._pid = pid
        self._sells = sells
        self._bell = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def hang(self, loop: asyncio.AbstractEventLoop) -> None:
        """Opens the bell in place of a predecessor's. Raises `OSError`."""
        with _address(self._data_dir) as address:
            with suppress(FileNotFoundError):
                os.unlink(address)
            self._bell.bind(address)
            os.chmod(address, 0o600)
        self._bell.listen()
        self._bell.setblocking(False)
        loop.add_reader(self._bell.fileno(), self._answer)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._bell.fileno())
        self._bell.close()

    def _answer(self) -> None:
        with suppress(OSError):  # whoever rang has gone
            caller, _ = self._bell.accept()
            with caller:
                text = f"{self._pid} {'sells' if self._sells() else 'waits'}"
                socket.send_fds(caller, [text.encode()], [self._listener.fileno()])


class BellAnswer(msgspec.Struct, frozen=True):
    """The answer to a ring: the web server's pid, whether it sells, its listening socket."""

    pid: int
    sells: bool
    listener: socket.socket


async def ring(data_dir: Path, timeout_s: float) -> BellAnswer | None:
    """Rings; returns None where no web server answers in time."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            async with asyncio.timeout(timeout_s):
                with _address(data_dir) as address:
                    await loop.sock_connect(caller, address)
                await _readable(loop, caller)
            text, descriptors, *_ = socket.recv_fds(caller, ANSWER_BYTES, 1)
            pid, state = text.decode().split()
            return BellAnswer(int(pid), state == "sells", socket.socket(fileno=descriptors[0]))
        except (OSError, TimeoutError, ValueError):
            return None


async def _readable(loop: asyncio.AbstractEventLoop, link: socket.socket) -> None:
    ready = asyncio.Event()
    loop.add_reader(link.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(link.fileno())


@contextmanager
def _address(data_dir: Path) -> Iterator[str]:
    """Returns the bell's address, through an open directory: an address has 107 bytes at most."""
    directory = os.open(data_dir, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{BELL}"
    finally:
        os.close(directory)
