"""The page's listening socket: handed over, got back, and left to a successor."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StartupError
from core.transport.listen_socket import BELL, Bell, BellAnswer, listen, ring
from tests.support.instance import ROOT, free_port
from web.server.granian_adapter import PublicSocket

INHERIT = """
from core.transport.listen_socket import inherited
found = inherited()
print(found.getsockname()[1] if found else "none")
"""


def opened() -> socket.socket:
    return listen("127.0.0.1", free_port(), "--port")


def rung(data_dir: Path, *bells: Bell) -> BellAnswer | None:
    """Returns what a ring brings after those bells were hung, one after the other."""

    async def scene() -> BellAnswer | None:
        loop = asyncio.get_running_loop()
        for bell in bells:
            bell.hang(loop)
        answer = await ring(data_dir, 5.0)
        for bell in bells:
            bell.close(loop)
        return answer

    return asyncio.run(scene())


def deep(tmp_path: Path) -> Path:
    """A directory with a name that is longer than a Unix socket's address may be."""
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    directory.mkdir(parents=True)
    return directory


def test_a_ring_brings_the_very_same_socket(tmp_path: Path) -> None:
    data_dir = deep(tmp_path)
    with opened() as listener:
        answer = rung(data_dir, Bell(data_dir, listener, 7, lambda: True))
        assert answer is not None
        assert (answer.pid, answer.sells) == (7, True)
        with answer.listener, socket.create_connection(listener.getsockname()):
            accepted, _ = answer.listener.accept()
            accepted.close()
    assert (data_dir / BELL).stat().st_mode & 0o777 == 0o600


def test_a_successors_bell_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    with opened() as listener:
        old = Bell(tmp_path, listener, 1, lambda: True)
        new = Bell(tmp_path, listener, 2, lambda: False)
        answer = rung(tmp_path, old, new)
        assert answer is not None
        assert (answer.pid, answer.sells) == (2, False)
        answer.listener.close()


def test_nobody_answers_where_nobody_is(tmp_path: Path) -> None:
    assert rung(tmp_path) is None
    with opened() as listener:
        rung(tmp_path, Bell(tmp_path, listener, 1, lambda: True)).listener.close()  # type: ignore[union-attr]
    assert (tmp_path / BELL).exists()
    assert rung(tmp_path) is None


async def test_a_bell_that_does_not_answer_is_waited_for_no_longer_than_told(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        here = os.open(tmp_path, os.O_PATH)
        mute.bind(f"/proc/self/fd/{here}/{BELL}")
        os.close(here)
        mute.listen()
        assert await ring(tmp_path, 0.1) is None


def test_standard_input_is_taken_only_where_it_listens() -> None:
    def said(stdin: int) -> str:
        command = [sys.executable, "-c", INHERIT]
        return subprocess.run(
            command, stdin=stdin, capture_output=True, text=True, cwd=ROOT, timeout=30
        ).stdout.strip()

    with opened() as listener:
        assert said(listener.fileno()) == str(listener.getsockname()[1])
    assert said(subprocess.DEVNULL) == "none"
    one, other = socket.socketpair()
    with one, other:
        assert said(one.fileno()) == "none"


def test_a_socket_that_was_shut_leaves_new_connections_to_the_others() -> None:
    with opened() as listener:
        old, new = PublicSocket(listener), PublicSocket(listener)
        old.shut()
        with socket.create_connection(listener.getsockname(), timeout=5):
            with socket.socket(fileno=os.dup(old._descriptor)) as shut:
                shut.setblocking(False)
                with pytest.raises(BlockingIOError):
                    shut.accept()
            with socket.socket(fileno=os.dup(new._descriptor)) as still_open:
                still_open.setblocking(True)
                still_open.settimeout(5)
                still_open.accept()[0].close()
        for public in (old, new):
            os.close(public._descriptor)


def test_a_port_in_use_is_named_with_its_option() -> None:
    with opened() as taken, pytest.raises(StartupError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1], "--port")
