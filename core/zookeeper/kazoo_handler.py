"""Makes kazoo's thread wait by one `poll`, not by a selector that is made each time.

kazoo waits five times for one transaction: to be woken, to send, for an answer, its head and
its rest. Each time its own handler makes an epoll, fills it, and closes it again.

A connect has its own deadline. kazoo would wait as long as a session lasts when a host has
vanished, because nobody there refuses the connection.
"""

import select
import socket
from collections.abc import Sequence
from typing import Any, TypeAlias

from kazoo.handlers.threading import SequentialThreadingHandler

Sockets: TypeAlias = Sequence[socket.socket]
Ready: TypeAlias = tuple[list[socket.socket], list[socket.socket], list[socket.socket]]

# Within a building a connect takes a millisecond, over a continent a tenth of a second.
CONNECT_S = 0.5


class PollingHandler(SequentialThreadingHandler):  # type: ignore[misc]
    """kazoo's threads, with a cheaper wait, and a shorter one for hosts that are away."""

    def create_connection(
        self, *args: Any, timeout: float | None = None, **options: Any
    ) -> socket.socket:
        """Connects within `CONNECT_S`. Raises `OSError` or kazoo's `timeout_exception`."""
        capped = CONNECT_S if timeout is None else min(timeout, CONNECT_S)
        connected: socket.socket = super().create_connection(*args, timeout=capped, **options)
        return connected

    def select(
        self, readers: Sockets, writers: Sockets, _errors: Sockets, timeout_s: float | None = None
    ) -> Ready:
        """Waits like `select.select`, for any number of descriptors. A broken socket is readable.

        Raises `ValueError` for a socket that has been closed meanwhile.
        """
        poll = select.poll()
        for reader in readers:
            poll.register(_descriptor(reader), select.POLLIN)
        for writer in writers:
            poll.register(_descriptor(writer), select.POLLOUT)
        found = poll.poll(None if timeout_s is None else timeout_s * 1000)
        ready = {descriptor for descriptor, _ in found}
        return (
            [reader for reader in readers if reader.fileno() in ready],
            [writer for writer in writers if writer.fileno() in ready],
            [],
        )


def _descriptor(waited_for: socket.socket) -> int:
    descriptor = waited_for.fileno()
    if descriptor < 0:
        raise ValueError("the socket is closed")
    return descriptor
