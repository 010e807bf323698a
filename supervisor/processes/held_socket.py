"""Holds the page's listening socket between one web server and the next.

It stays open while a web server is to come: buyers who connect meanwhile wait in its queue. Where
none will come it is shut, since a queue that nobody serves is worse than a refusal.
"""

import socket
from collections.abc import Callable
from contextlib import suppress


class ListenSocket:
    """The socket. `listen` opens it anew, or raises `StartupError` where the port is taken."""

    def __init__(self, listener: socket.socket, listen: Callable[[], socket.socket]) -> None:
        self._listener: socket.socket | None = listener
        self._listen = listen

    def fileno(self) -> int:
        """Returns its descriptor for a web server; opens a shut one. Raises `StartupError`."""
        if self._listener is None:
            self._listener = self._listen()
        return self._listener.fileno()

    def give_away(self) -> int | None:
        """Returns its descriptor for a new owner; None for a shut one."""
        listener, self._listener = self._listener, None
        return listener.detach() if listener is not None else None

    def shut(self) -> bool:
        """Refuses all connections, waiting ones too. Returns False where it was shut already."""
        if self._listener is None:
            return False
        # Closing alone is not enough: a web server with its last buyers has it open, too.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        return True
