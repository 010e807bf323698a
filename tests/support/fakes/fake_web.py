"""Starts `tests.support.fakes.fake_site` in a process of its own, and talks to it."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.instance import free_port

START_S = 15.0


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class FakeWeb:
    port: int
    process: subprocess.Popen[bytes]

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Response:
        """Sends a request; `content_type="…"` stands for the header `Content-Type`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            answer = connection.getresponse()
            pairs = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, pairs, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Response:
        return self.request("GET", path, None, **headers)

    def buy(self, body: Any = None, **headers: str) -> Response:
        """Sends a purchase in JSON; bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request(
            "POST", "/api/orders", content, **({"content_type": "application/json"} | headers)
        )

    def submit(self, form: str, **headers: str) -> Response:
        """Submits the page's form."""
        content_type = "application/x-www-form-urlencoded"
        return self.request(
            "POST", "/orders", form.encode(), **{"content_type": content_type, **headers}
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextmanager
def running(state: str, *prefix: str, **settings: str) -> Iterator[FakeWeb]:
    """Runs a site inside the block; `prefix` stands before its command."""
    port = free_port()
    options = [f"{name}={value}" for name, value in settings.items()]
    command = [
        *prefix,
        sys.executable,
        "-m",
        "tests.support.fakes.fake_site",
        str(port),
        state,
        *options,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        web = FakeWeb(port, process)
        try:
            _wait_until_alive(web)
            yield web
        finally:
            process.terminate()
            process.communicate(timeout=START_S)


def _wait_until_alive(web: FakeWeb) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            assert web.get("/healthz").status == 200
            return
        except OSError:
            assert time.monotonic() < deadline, "the site does not come up"
            assert web.process.poll() is None, "the site has ended"
            time.sleep(0.02)
