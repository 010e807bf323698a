"""The adapter to kazoo: makes clients, translates errors, and uses its private parts.

The private parts, which no documentation promises, are used here and nowhere else: a new kazoo
that lacks one of them is named by `tests/core/zookeeper/test_kazoo_adapter.py`. `pyproject.toml`
binds kazoo to the versions that are known to have them.
"""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Any

from kazoo import exceptions as kz
from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import ACL, make_digest_acl

from core.errors import (
    AccessDenied,
    Ambiguous,
    BadVersion,
    NodeExists,
    NoNode,
    NotEmpty,
    Unavailable,
    ZooKeeperError,
)
from core.schema.paths import IDENTITY
from core.zookeeper.kazoo_handler import PollingHandler

# After these nobody knows whether it has happened.
LOST = (kz.ConnectionLoss, kz.SessionExpiredError, kz.SessionMovedError, kz.ConnectionClosedError)
# What kazoo raises on purpose.
ERRORS = (kz.KazooException, KazooTimeoutError)


def make_client(hosts: str, password: str, session_s: float, **options: Any) -> KazooClient:
    """Makes a client that keeps trying to connect, for the holder of the secret."""
    return KazooClient(
        hosts=hosts,
        timeout=session_s,
        auth_data=[("digest", f"{IDENTITY}:{password}")],
        connection_retry=patient(),
        handler=PollingHandler(),
        logger=quiet_logger(),
        **options,
    )


def patient() -> dict[str, Any]:
    return {"max_tries": -1, "delay": 0.05, "backoff": 1.5, "max_delay": 0.2}


def owner_acl(password: str) -> list[ACL]:
    """Grants all rights to the holder of the secret, and none to anybody else."""
    return [make_digest_acl(IDENTITY, password, all=True)]


def quiet_logger() -> logging.Logger:
    """Returns kazoo's own log, without DEBUG, where it would print the credentials."""
    logger = logging.getLogger("kazoo")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        # A process that keeps no log, like an operator's command, prints nothing of it.
        logger.addHandler(logging.NullHandler())
    return logger


# --- private parts -------------------------------------------------------------------


def send(client: KazooClient, request: Any, answer: Any) -> None:
    """Sends our own request: kazoo takes anything with `type`, `serialize` and `deserialize`.

    `answer` has the methods `set` and `set_exception`, which kazoo's threads call.
    """
    client._call(request, answer)


def is_alive(client: KazooClient) -> bool:
    """Whether the thread that keeps the connection runs."""
    thread = client._connection._connection_routine
    return thread is not None and bool(thread.is_alive())


def cut(client: KazooClient) -> None:
    """Drops the connection, so that kazoo looks for another server."""
    connection = client._connection._socket
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class Landing:
    """Hands an answer from kazoo's threads to the loop. Stands in for an `AsyncResult`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def set(self, value: Any) -> None:
        self._hand_over(value, None)

    def set_exception(self, error: Exception) -> None:
        self._hand_over(None, error)

    def take(self, result: Any) -> None:
        self._hand_over(result.value, result.exception)

    def _hand_over(self, value: Any, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._settle, value, error)

    def _settle(self, value: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


# --- errors --------------------------------------------------------------------------


def error_of(code: int) -> Exception:
    """Returns kazoo's exception for a server's code."""
    return kz.EXCEPTIONS[code]() if code in kz.EXCEPTIONS else Exception(f"error {code}")


_MEANINGS: dict[type[Exception], type[ZooKeeperError]] = {
    kz.NoNodeError: NoNode,
    kz.NodeExistsError: NodeExists,
    kz.BadVersionError: BadVersion,
    kz.NotEmptyError: NotEmpty,
    **dict.fromkeys((kz.NoAuthError, kz.AuthFailedError, kz.InvalidACLError), AccessDenied),
    **dict.fromkeys(LOST, Ambiguous),
}


def translated(error: Exception) -> ZooKeeperError:
    """Returns our error for one of kazoo's; an unknown one keeps its text."""
    if isinstance(error, ZooKeeperError):
        return error
    for theirs, ours in _MEANINGS.items():
        if isinstance(error, theirs):
            return ours(_MESSAGES.get(ours, str(error) or type(error).__name__))
    if isinstance(error, KazooTimeoutError):
        return Unavailable("ZooKeeper does not answer; is the ensemble running?")
    return ZooKeeperError(f"ZooKeeper: {type(error).__name__} {error}".strip())


_MESSAGES: dict[type[ZooKeeperError], str] = {
    AccessDenied: "the secret does not open this tree; is it another instance's --data-dir?",
    Ambiguous: "the connection to ZooKeeper broke before the answer came",
}
