"""The configurations for proxies that we ship, tried with nginx and Caddy, over TLS."""

import http.client
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.fakes.fake_web import running
from tests.support.instance import ROOT, eventually, free_port
from tests.support.programs import find_program

FOLDER = ROOT / "supervisor" / "production"
PURCHASE = b'{"type": "A", "buyer": "Ann"}'


@dataclass
class Upstream:
    """Stands for zkticket; notes the requests that reach it, and counts the connections."""

    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    port: int = 0


@contextmanager
def upstream() -> Iterator[Upstream]:
    found = Upstream()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            found.connections.add(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.port = server.server_port
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a directory with fullchain.pem and privkey.pem."""
    home = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=tickets.example"]
    command += ["-addext", "subjectAltName=DNS:tickets.example"]
    command += ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
    subprocess.run(command, cwd=home, check=True, capture_output=True)
    return home


class Connection(http.client.HTTPSConnection):
    """A connection to this machine under another name."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
        trusting: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = trusting.wrap_socket(plain, server_hostname=self.host)


@dataclass(frozen=True)
class Proxy:
    port: int
    certificate: Path

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        trusting = ssl.create_default_context(cafile=str(self.certificate / "fullchain.pem"))
        connection = Connection("tickets.example", self.port, context=trusting, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {"Host": "tickets.example", **names})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def nginx(home: Path, port: int, upstream_port: int, certificate: Path) -> list[str]:
    site = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream_port}")
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    site = site.replace("/etc/letsencrypt/live/tickets.example", str(certificate))
    # Debian's nginx.conf has this around it.
    config = home / "nginx.conf"
    paths = "".join(
        f"{kind}_temp_path {home}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; pid {home}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths}\n{site}\n}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-e", "stderr", "-p", str(home), "-c", str(config)]


def caddy(home: Path, port: int, upstream_port: int, certificate: Path) -> list[str]:
    site = (FOLDER / "Caddyfile").read_text(encoding="utf-8")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{upstream_port}")
    tls = f"tls {certificate}/fullchain.pem {certificate}/privkey.pem"
    site = site.replace("tickets.example {", f"https://tickets.example:{port} {{\n\t{tls}", 1)
    config = home / "Caddyfile"
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    config.write_text(options + site, encoding="utf-8")
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


Command = Callable[[Path, int, int, Path], list[str]]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def command(request: pytest.FixtureRequest) -> Command:
    made: Command = request.param
    if find_program(made.__name__) is None:
        pytest.skip(f"there is no {made.__name__} here; Debian has it in a package of that name")
    return made


@contextmanager
def in_front_of(port: int, command: Command, home: Path, certificate: Path) -> Iterator[Proxy]:
    proxy = Proxy(free_port(), certificate)
    name, *options = command(home, proxy.port, port, certificate)
    environ = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/bin", "XDG_DATA_HOME": str(home)}
    with (home / "out").open("wb") as out:
        process = subprocess.Popen(
            [str(find_program(name)), *options], stdout=out, stderr=out, env=environ
        )
    try:
        eventually(f"it listens; see {home}/out", lambda: _listens(proxy))
        yield proxy
    finally:
        process.terminate()
        process.wait(10)


def _listens(proxy: Proxy) -> bool:
    try:
        return proxy.ask("GET", "/metrics")[0] == 403
    except OSError:
        return False


def test_a_proxy_names_the_client_whatever_the_client_itself_writes(
    command: Command, tmp_path: Path, certificate: Path
) -> None:
    with upstream() as site, in_front_of(site.port, command, tmp_path, certificate) as proxy:
        lies = {
            "X_Forwarded_For": "203.0.113.9",
            "Forwarded": "for=203.0.113.9;host=evil.example",
            "X_Forwarded_Host": "evil.example",
            "X_Forwarded_Proto": "http",
        }
        assert proxy.ask("GET", "/", None, **lies) == (200, b"ok")
        [(_, headers)] = site.requests
        assert headers["host"] == "tickets.example"
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "https"
        assert headers["x-forwarded-host"] == "tickets.example"
        assert not headers.get("forwarded")


def test_a_proxy_keeps_its_connections_the_metrics_and_large_bodies_to_itself(
    command: Command, tmp_path: Path, certificate: Path
) -> None:
    with upstream() as site, in_front_of(site.port, command, tmp_path, certificate) as proxy:
        for _ in range(5):
            assert proxy.ask("GET", "/")[0] == 200
        assert len(site.connections) == 1
        assert proxy.ask("GET", "/metrics")[0] == 403
        assert [path for path, _ in site.requests] == ["/"] * 5


def test_a_ticket_is_bought_through_a_proxy_and_what_is_too_large_is_refused(
    command: Command, tmp_path: Path, certificate: Path
) -> None:
    with (
        running("open") as site,
        in_front_of(site.port, command, tmp_path, certificate) as proxy,
    ):
        json = "application/json"
        assert proxy.ask("POST", "/api/orders", PURCHASE, Content_Type=json)[0] == 201
        large = proxy.ask("POST", "/api/orders", b" " * 70_000, Content_Type=json)
        assert large[0] == 413
        assert proxy.ask("GET", "/")[0] == 200


def test_a_proxy_without_a_site_behind_it_says_so_at_once(
    command: Command, tmp_path: Path, certificate: Path
) -> None:
    with in_front_of(free_port(), command, tmp_path, certificate) as proxy:
        assert proxy.ask("GET", "/")[0] == 502
