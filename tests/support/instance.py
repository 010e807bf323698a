"""A whole instance as users run it: `zkticket.py up` on free ports, in a directory of its own."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
ENTRYPOINT = ROOT / "zkticket.py"
START_S = 60.0
# Rarely, a server waits initLimit, 30 s, for a voter that has changed its vote; the other two
# servers sell meanwhile.
HEALTHY_S = 45.0
STOP_S = 40.0
# The web closes a connection after five idle seconds.
IDLE_S = 3.0
# They lie below the kernel's ports for outgoing connections: such a connection could take the port
# of a server that has just been killed, and keep it from coming back.
# Each process of a test run has a part of them to itself.
PORTS = (10_000, 30_000)
SINGLE_PORTS = 3000
# All buyers of a test have one address. These limits are off unless a test's options name them.
UNBOUNDED = ("--holds-per-address", "--held-per-address", "--connections-per-address")
# The ensemble's quorum and election ports have these distances from the client ports.
PORT_OFFSETS = (0, 707, 1707)


def unbounded(options: tuple[str, ...]) -> list[str]:
    """Returns options that take the limits off an address, except those that are named."""
    return [word for name in UNBOUNDED if name not in options for word in (name, "0")]


def free_port() -> int:
    """Returns a port that no ensemble of this process takes, from the top of its part."""
    end = _own_ports()[1]
    while True:
        port = random.randrange(end - SINGLE_PORTS, end)
        if _is_free(port):
            return port


def free_ensemble_port(servers: int = 3) -> int:
    """Returns the first of `servers` client ports in a row whose quorum ports are free as well."""
    first, end = _own_ports()
    while True:
        port = random.randrange(first, end - SINGLE_PORTS - max(PORT_OFFSETS) - servers)
        ports = [port + offset + n for offset in PORT_OFFSETS for n in range(servers)]
        if all(_is_free(each) for each in ports):
            return port


def _own_ports() -> tuple[int, int]:
    """Returns this process's part of `PORTS`, by its number among pytest-xdist's."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    each = (PORTS[1] - PORTS[0]) // processes
    return PORTS[0] + number * each, PORTS[0] + (number + 1) * each


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def eventually(what: str, holds: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Polls until `holds()` is truthy and returns that; fails with `what` after the deadline."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {what}")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `took_s` is from the request's first byte to the answer's last."""

    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json.get("code", ""))


class Buyer:
    """A client with one connection, which it opens again when it has to."""

    def __init__(self, port: int, timeout_s: float = 10.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        self._used_at = 0.0

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        started = time.monotonic()
        if started - self._used_at > IDLE_S:
            self._connection.close()
        try:
            self._connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = self._connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise
        self._used_at = time.monotonic()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, content, time.monotonic() - started)

    def buy(self, type_: str = "A", *, key: str | None = None, **fields: Any) -> Reply:
        body = json.dumps({"type": type_, "buyer": "Ann", **fields}).encode()
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.request("POST", "/api/orders", body, headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.request("GET", path, headers=headers)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Instance:
    """One `up`; its processes are found by `status --json`, as an operator would find them."""

    data_dir: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    zookeeper_port: int = field(default_factory=free_ensemble_port)
    process: subprocess.Popen[bytes] | None = None
    started_in_s: float = 0.0
    start_s: float = START_S
    entrypoint: Path = ENTRYPOINT
    _buyers: list[Buyer] = field(default_factory=list)

    def up(self) -> "Instance":
        started = time.monotonic()
        with self._file("out").open("w") as output, self._file("err").open("w") as messages:
            self.launch(output.fileno(), messages.fileno())
        eventually("tickets can be bought", self._is_open_or_dead, self.start_s)
        assert f"http://127.0.0.1:{self.port}" in self._file("out").read_text(), self.messages()
        self.started_in_s = time.monotonic() - started
        return self

    def launch(self, stdout: int, stderr: int) -> None:
        """Starts `up` without waiting."""
        ports = ("--port", str(self.port), "--zookeeper-port", str(self.zookeeper_port))
        self.process = subprocess.Popen(
            self._command("up", *ports, *unbounded(self.options), *self.options),
            stdout=stdout,
            stderr=stderr,
            env=environment(),
            start_new_session=True,
        )

    def messages(self) -> str:
        """Returns what `up` has written to stderr."""
        return self._file("err").read_text()

    def _is_open_or_dead(self) -> bool:
        assert self.process is not None
        return bool(self._file("out").read_text()) or self.process.poll() is not None

    def _file(self, kind: str) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}.{kind}"

    def run(self, *arguments: str, input_: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command of zkticket.py on this instance."""
        return subprocess.run(
            self._command(*arguments),
            capture_output=True,
            text=True,
            timeout=60,
            input=input_,
            env=environment(),
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def expect_health(self) -> None:
        """Waits until `status` finds nothing wrong; fails with what it finds."""
        try:
            eventually("healthy", lambda: self.run("status").returncode == 0, HEALTHY_S)
        except AssertionError as error:
            log = self.run("admin", "log", "--source", "supervisor").stdout
            raise AssertionError(f"{error}\n{self.run('status').stdout}\n{log}") from None

    def types(self, event: str = "default") -> dict[str, dict[str, Any]]:
        events = self.status()["events"]
        types = next(found for found in events if found["name"] == event)["types"]
        return {found["name"]: found for found in types}

    def worker(self, name: str = "worker-1") -> dict[str, Any]:
        workers: list[dict[str, Any]] = self.status()["workers"]
        return next(found for found in workers if found["name"] == name)

    def servers(self, role: str) -> list[dict[str, Any]]:
        servers: list[dict[str, Any]] = self.status()["ensemble"]["servers"]
        return [found for found in servers if found["role"] == role]

    def buyer(self, timeout_s: float = 10.0) -> Buyer:
        buyer = Buyer(self.port, timeout_s)
        self._buyers.append(buyer)
        return buyer

    def verify(self) -> None:
        done = self.run("verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def down(self) -> None:
        """Stops it as Ctrl-C would, and checks that nothing is left."""
        if self.process is None:
            return
        tree = _tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)
        self.process = None
        left = [process for process in tree if process.is_running() and not _is_zombie(process)]
        assert not left, left

    def clean_up(self) -> None:
        """Ends everything that a test has left, whatever happened."""
        for buyer in self._buyers:
            buyer.close()
        if self.process is not None and self.process.poll() is None:
            for process in _tree(self.process.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.data_dir) in word for word in process.info["cmdline"] or ()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def _command(self, *arguments: str) -> list[str]:
        options = ["--data-dir", str(self.data_dir)]
        words = list(arguments)
        # Options come after the command's name: `admin log` has two words.
        place = 2 if words[0] in ("admin", "event", "order") else 1
        place += words[:2] == ["admin", "token"]
        return [sys.executable, str(self.entrypoint), *words[:place], *options, *words[place:]]


def environment() -> dict[str, str]:
    """Returns the environment without settings of zkticket, and wide enough for any table."""
    kept = {name: value for name, value in os.environ.items() if "ZKTICKET" not in name}
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1"}


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def running(data_dir: Path, *options: str) -> Iterator[Instance]:
    """Runs an instance inside the block; nothing of it is left afterwards."""
    instance = Instance(data_dir, options)
    try:
        yield instance.up()
    finally:
        instance.clean_up()


def freeze(pid: int) -> None:
    """Stops a process, and returns when all of its threads stand still."""
    os.kill(pid, signal.SIGSTOP)
    threads = Path(f"/proc/{pid}/task")
    eventually("it stands still", lambda: all(map(_stands_still, threads.glob("*/stat"))))


def _stands_still(stat: Path) -> bool:
    return stat.read_text().rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Freezes those processes inside the block."""
    for pid in pids:
        freeze(pid)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
