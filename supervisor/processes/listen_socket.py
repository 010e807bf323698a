"""The page's listening socket, as the supervisor holds it between one web server and the next.

It stays open while a web server is to come: who connects meanwhile waits in its queue. Where
none will come it is shut, since a queue that nobody serves is worse than a refusal.
"""

import socket
from collections.abc import Callable
from contextlib import suppress


class ListenSocket:
    """`listen` opens it anew; it raises `StartupError` where the port is somebody else's now."""

    def __init__(self, listener: socket.socket, listen: Callable[[], socket.socket]) -> None:
        self._listener: socket.socket | None = listener
        self._listen = listen

    def fileno(self) -> int:
        """The descriptor for who is to serve; a shut door is opened. Raises `StartupError`."""
        if self._listener is None:
            self._listener = self._listen()
        return self._listener.fileno()

    def give_away(self) -> int | None:
        """The descriptor for who is to hold it from now on; None for a shut door."""
        listener, self._listener = self._listener, None
        return listener.detach() if listener is not None else None

    def shut(self) -> bool:
        """Refuses who waits, and whoever comes from now on. False where it was shut already."""
        if self._listener is None:
            return False
        # Not only closed: a web server that sees its last buyers off has it as well.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        return True
