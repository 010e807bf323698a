"""Granian has the private parts that we use; if a new version lacks some, this names them."""

import inspect
import re
import socket
import tomllib
from collections.abc import Callable
from importlib.metadata import version

import pytest
from granian import _granian
from granian.server.mp import MPServer

from tests.support.instance import ROOT
from web.server.granian_adapter import PublicSocket


def holds_a_descriptor_of_ours() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        held = PublicSocket(listener).holder
        assert isinstance(held, _granian.SocketHolder)
        with socket.socket(fileno=held.get_fd()) as same:
            assert same.getsockname() == listener.getsockname()


def opens_its_socket_in_one_place() -> None:
    """Expects that one method, which we override, sets all that a child is given."""
    assert "self._init_shared_socket()" in inspect.getsource(MPServer.startup)
    opened = inspect.getsource(MPServer._init_shared_socket)
    opened += inspect.getsource(super(MPServer, MPServer)._init_shared_socket)
    for part in ("_ssp", "_sso", "_shd"):
        assert f"self.{part} = " in opened


def gives_a_child_what_it_opened() -> None:
    assert "((self._ssp, self._shd), self._sso)" in inspect.getsource(MPServer._spawn_worker)


PARTS: dict[str, Callable[[], object]] = {
    "_granian.SocketHolder of a descriptor": holds_a_descriptor_of_ours,
    "MPServer._init_shared_socket, by which it opens its socket": opens_its_socket_in_one_place,
    "MPServer._shd, ._ssp and ._sso, which its child is given": gives_a_child_what_it_opened,
}


@pytest.mark.parametrize("part", PARTS)
def test_granian_has_still(part: str) -> None:
    try:
        PARTS[part]()
    except Exception as error:
        pytest.fail(
            f"granian {version('granian')} lacks {part}: {error!r}; "
            "mend web/server/granian_adapter.py, or bind granian to an earlier version"
        )


def test_granian_is_bound_to_the_version_that_is_installed() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [bound] = [each for each in wanted if each.startswith("granian")]
    locked = re.search(r"^granian==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    assert bound == f"granian~={locked.group(1)}"
    assert version("granian") == locked.group(1)
