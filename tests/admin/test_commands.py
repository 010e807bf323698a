"""The command line as scripts depend on it: exit codes, and one line for each mistake."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.instance import Instance, eventually, free_ensemble_port, running


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Expects one line on stderr with those words, and no traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def idle(tmp_path: Path, *options: str) -> Instance:
    return Instance(tmp_path / "data", options)


def test_up_names_a_port_in_use_and_the_option_to_change_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(idle(tmp_path).run("up", "--port", str(port)), 1, str(port), "--port")
        first = str(port - 1)
        refused(
            idle(tmp_path).run("up", "--port", "1", "--zookeeper-port", first),
            1,
        )


def test_up_names_a_zookeeper_port_in_use(tmp_path: Path) -> None:
    first = free_ensemble_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 1))
        taken.listen()
        done = idle(tmp_path).run("up", "--port", "18999", "--zookeeper-port", str(first))
        refused(done, 1, str(first + 1), "--zookeeper-port")


def test_up_refuses_a_data_dir_that_it_cannot_make(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(Instance(tmp_path / "file" / "data").run("up"), 1, "data")


def test_up_refuses_a_data_dir_in_use(shop: Instance) -> None:
    assert shop.process is not None
    refused(shop.run("up", "--port", "18998"), 1, str(shop.process.pid))


@pytest.mark.parametrize(
    "arguments",
    [("up", "--port", "0"), ("up", "--workers", "0"), ("up", "--nonsense"), ("up", "--port", "x")],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused(idle(tmp_path).run(*arguments), 2)


@pytest.mark.parametrize("command", ["status", "down", "order export", "admin log"])
def test_commands_say_that_nothing_is_running(tmp_path: Path, command: str) -> None:
    refused(idle(tmp_path).run(*command.split()), 3, "up")


def test_up_detached_returns_when_tickets_can_be_bought(tmp_path: Path) -> None:
    shop = Instance(tmp_path / "data")
    try:
        done = shop.run(
            "up", "--detach", "--port", str(shop.port), "--zookeeper-port", str(shop.zookeeper_port)
        )
        assert done.returncode == 0, done.stderr
        assert f"http://127.0.0.1:{shop.port}" in done.stdout
        assert shop.run("status").returncode == 0
        assert shop.buyer().buy().status == 201
        assert shop.run("down").returncode == 0
        refused(shop.run("status"), 3)
    finally:
        shop.clean_up()


def test_up_takes_over_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    with running(tmp_path / "data") as shop:
        assert shop.buyer().buy().status == 201
        assert shop.process is not None
        workers = [worker["pid"] for worker in shop.status()["workers"]]
        os.kill(shop.process.pid, signal.SIGKILL)
        shop.process.wait()
        assert shop.buyer().buy().status == 201
        shop.up()
        assert [worker["pid"] for worker in shop.status()["workers"]] == workers
        eventually("healthy", lambda: shop.run("status").returncode == 0)
        assert shop.types()["A"]["sold"] == 2
        shop.down()


def test_down_stops_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    with running(tmp_path / "data") as shop:
        assert shop.process is not None
        os.kill(shop.process.pid, signal.SIGKILL)
        shop.process.wait()
        assert shop.run("down").returncode == 0
        refused(shop.run("status"), 3)


def test_up_tells_operators_where_to_sign_in_and_its_log_does_not(tmp_path: Path) -> None:
    shop = Instance(tmp_path / "data")
    ports = ("--port", str(shop.port), "--zookeeper-port", str(shop.zookeeper_port))
    try:
        done = shop.run("up", "--detach", *ports)
        token = shop.run("admin", "credentials").stdout.split()[-1]
        where = f"http://127.0.0.1:{shop.port}/operator with the token\n{token}\n"
        assert where in done.stdout, done.stderr  # it has no line breaks, so it can be copied
        assert shop.run("down").returncode == 0
        logs = [path.read_bytes() for path in (shop.data_dir / "logs").iterdir()]
        assert logs
        assert not any(token.encode() in log for log in logs)
    finally:
        shop.clean_up()
