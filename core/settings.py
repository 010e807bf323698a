"""An instance's settings: flag over environment over default, read once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from core.client_addresses import parse_networks
from core.errors import WrongUsage
from core.machine import streams

ENVIRONMENT_PREFIX = "ZKTICKET_"
MOST_WORKERS = 64
DAY_S = 86_400
PUBLIC_URL = re.compile(
    r"https?://(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.IGNORECASE
)
HOSTS = re.compile(r"[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*")


@dataclass(frozen=True)
class Settings:
    """One instance's settings. Times are in seconds, sizes in bytes unless named otherwise."""

    data_dir: Path = Path(".zkticket")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 3
    servers: int = 3
    zookeeper_port: int = 2181
    zookeeper: str = ""
    quantity: int = 100
    # The page's public address, for links from elsewhere.
    public_url: str = ""
    # Proxies whose word about their clients counts: addresses and networks.
    trusted_proxy: str = ""
    # Bounds for one client: an IPv4 address, or the /64 of an IPv6 one; 0 is no bound.
    connections_per_address: int = 256
    holds_per_address: int = 4
    held_per_address: int = 20
    # An overloaded worker: silent this long, or above this much memory, is restarted.
    worker_hung_s: float = 10.0
    worker_memory_mb: int = 512
    # Each worker's receipts, some three to six million orders; then the oldest file goes.
    receipts_mb: int = 16
    receipts_files: int = 64
    # How long a stopping process may take before it is killed.
    drain_s: float = 10.0
    # The session that a dead process leaves behind in ZooKeeper ends after this long.
    session_s: float = 6.0

    @property
    def hosts(self) -> str:
        """The ensemble's `host:port,…`, be it ours or one that runs elsewhere."""
        if self.zookeeper:
            return self.zookeeper
        ports = range(self.zookeeper_port, self.zookeeper_port + self.servers)
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    @property
    def owns_ensemble(self) -> bool:
        return not self.zookeeper

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"


def read_settings(environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Reads settings from flags (`None`: not given), environment (`ZKTICKET_PORT`) and defaults.

    Raises `WrongUsage` for a value that does not fit.
    """
    chosen: dict[str, Any] = {}
    for field in fields(Settings):
        flag = flags.get(field.name)
        name = ENVIRONMENT_PREFIX + field.name.upper()
        if isinstance(flag, list):
            flag = ",".join(flag) or None
        if text := environ.get(name, ""):
            # Checked even where a flag overrides it: our children read the environment, too.
            chosen[field.name] = _convert(name, text, type(field.default))
        if flag is not None:
            chosen[field.name] = flag
    settings = Settings(**chosen)
    return _checked(settings)


def current_settings(**flags: Any) -> Settings:
    """Reads settings from these flags and this process's environment."""
    return read_settings(os.environ, flags)


def foreign_environment() -> dict[str, str]:
    """Copies this process's environment without its settings, to start another instance."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)
    }


def _convert(name: str, text: str, kind: type[Any]) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise WrongUsage(f"{name} is {text!r}; expected {kind.__name__}") from None


def _checked(settings: Settings) -> Settings:
    ranges = (
        ("--port", settings.port, 1, 65535),
        ("--zookeeper-port", settings.zookeeper_port, 1, 62000),
        ("--workers", settings.workers, 1, MOST_WORKERS),
        ("--servers", settings.servers, 1, 7),
        ("--quantity", settings.quantity, 0, 100_000_000),
        ("--connections-per-address", settings.connections_per_address, 0, 1_000_000),
        ("--holds-per-address", settings.holds_per_address, 0, 1_000_000),
        ("--held-per-address", settings.held_per_address, 0, 10_000_000),
        ("--worker-hung-s", settings.worker_hung_s, 0.001, DAY_S),
        ("--worker-memory-mb", settings.worker_memory_mb, 1, 10_000_000),
        ("ZKTICKET_DRAIN_S", settings.drain_s, 0, DAY_S),
        ("ZKTICKET_SESSION_S", settings.session_s, 0.001, DAY_S),
        ("ZKTICKET_RECEIPTS_MB", settings.receipts_mb, 1, 1024),
        ("ZKTICKET_RECEIPTS_FILES", settings.receipts_files, 2, 100_000),
    )
    for name, value, least, most in ranges:
        if not least <= value <= most:
            raise WrongUsage(f"{name} is {value}; it must be from {least} to {most}")
    streams.require_text([str(settings.data_dir.absolute())])
    if settings.zookeeper and not _are_hosts(settings.zookeeper):
        raise WrongUsage(f"--zookeeper is {settings.zookeeper!r}; expected host:port,host:port,…")
    _check_networks("--trusted-proxy", settings.trusted_proxy)
    return replace(settings, public_url=_address("--public-url", settings.public_url))


def _are_hosts(text: str) -> bool:
    ports = [int(host.rpartition(":")[2]) for host in text.split(",") if HOSTS.fullmatch(text)]
    return bool(ports) and all(1 <= port <= 65535 for port in ports)


def _check_networks(name: str, text: str) -> None:
    try:
        parse_networks(text)
    except ValueError as error:
        raise WrongUsage(f"{name}: {error}") from None


def _address(name: str, text: str) -> str:
    """Normalises an address for comparison: lower case, no slash at its end."""
    address = text.rstrip("/").lower()
    if address and not PUBLIC_URL.fullmatch(address):
        raise WrongUsage(f"{name} is {text!r}; expected https://tickets.example, without a path")
    return address
