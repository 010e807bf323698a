"""kazoo has the private parts that we use; if a new version lacks some, this names them."""

import inspect
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import version

import pytest
from kazoo.exceptions import EXCEPTIONS
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.handlers.utils import create_tcp_connection

from core.errors import NoNode
from core.zookeeper import kazoo_adapter
from core.zookeeper.multi import Multi
from core.zookeeper.multi_read import NO_NODE
from tests.support.instance import ROOT


def made() -> object:
    """Returns a client that has not begun to connect."""
    return kazoo_adapter.make_client("127.0.0.1:1", "secret", 6.0)


def has(*names: str) -> Callable[[], object]:
    """Whether each name is an attribute of the one before it."""

    def find() -> object:
        found = made()
        for name in names:
            found = getattr(found, name)
        return found

    return find


class Answered:
    """Stands in for a result of kazoo's."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def set_exception(self, error: Exception) -> None:
        self.error = error


def refuses_before_its_start() -> None:
    """Whether `_call` takes our request, and tells our result why it can't be sent."""
    answer = Answered()
    kazoo_adapter.send(made(), Multi([], "", b""), answer)
    assert answer.error is not None


def waits_by_its_handler() -> None:
    assert callable(SequentialThreadingHandler.select)
    assert "timeout" in inspect.signature(create_tcp_connection).parameters


def names_errors_by_their_codes() -> None:
    assert isinstance(kazoo_adapter.translated(EXCEPTIONS[NO_NODE]()), NoNode)
    assert isinstance(kazoo_adapter.translated(kazoo_adapter.error_of(NO_NODE)), NoNode)


PARTS: dict[str, Callable[[], object]] = {
    "KazooClient._call, which sends multi and multi-read": refuses_before_its_start,
    "KazooClient._connection, by which a session is watched and cut": has("_connection"),
    "ConnectionHandler._socket, which is shut to leave a frozen server": has(
        "_connection", "_socket"
    ),
    "ConnectionHandler._connection_routine, the thread that is watched": has(
        "_connection", "_connection_routine"
    ),
    "SequentialThreadingHandler.select and .create_connection": waits_by_its_handler,
    "exceptions.EXCEPTIONS, errors by their codes": names_errors_by_their_codes,
}


@pytest.mark.parametrize("part", PARTS)
def test_kazoo_has_still(part: str) -> None:
    try:
        PARTS[part]()
    except Exception as error:
        pytest.fail(
            f"kazoo {version('kazoo')} lacks {part}: {error!r}; "
            "mend core/zookeeper/kazoo_adapter.py, or bind kazoo to an earlier version"
        )


def test_a_client_that_has_not_begun_is_not_alive_and_can_be_cut() -> None:
    client = made()
    assert not kazoo_adapter.is_alive(client)
    kazoo_adapter.cut(client)


def test_kazoo_is_bound_to_the_version_that_is_installed() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [bound] = [each for each in wanted if each.startswith("kazoo")]
    locked = re.search(r"^kazoo==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    assert bound == f"kazoo~={locked.group(1)}"
    assert version("kazoo") == locked.group(1)
