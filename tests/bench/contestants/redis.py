"""The Flask shop on Redis: one server, its log on disk before the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import redis

from tests.bench.contestants.children import child, flask_server
from tests.bench.contestants.shop import STOCK, Shop
from tests.bench.load import HOT_TYPE, BenchError, Wares
from tests.support.instance import free_port

APPLICATION = "tests.bench.contestants.apps.redis_app:app"
# Only an append-only log is kept, and not rewritten during the measurement.
OPTIONS = {
    "port": "0",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "auto-aof-rewrite-percentage": "0",
    "daemonize": "no",
}


@dataclass(frozen=True)
class Redis:
    """A fresh server below `home`, reached by a Unix socket there."""

    home: Path

    @property
    def socket(self) -> Path:
        return self.home / "socket"

    @property
    def command(self) -> list[str]:
        options = {**OPTIONS, "dir": str(self.home), "unixsocket": str(self.socket)}
        return [
            "redis-server",
            *(word for key, value in options.items() for word in (f"--{key}", value)),
        ]

    def is_ready(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stock_up(self) -> None:
        with self._client() as client:
            client.hset("stock", "A", str(STOCK))

    def tickets(self) -> int:
        """Counts the sold tickets. Raises `BenchError` where the books do not balance."""
        with self._client() as client:
            # Both are read at one moment: the last purchases may still be under way.
            remaining, orders = client.pipeline().hget("stock", "A").hvals("orders").execute()
        sold = sum(msgspec.json.decode(order)["quantity"] for order in orders)
        if int(remaining) + sold != STOCK:
            raise BenchError(f"Redis: {int(remaining)} left + {sold} sold is not {STOCK}")
        return int(sold)

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))


@dataclass(frozen=True)
class RedisShop:
    """Sells by one script; Granian runs 2 processes of 16 threads."""

    name: str = "Flask + Redis"
    wares: Wares = HOT_TYPE

    @contextmanager
    def open(self, scratch: Path) -> Iterator[Shop]:
        server = Redis(scratch / "redis")
        server.home.mkdir()
        with child(server.command, scratch / "redis.log", server.is_ready):
            server.stock_up()
            with flask_server(
                APPLICATION, free_port(), scratch / "web.log", {"SHOP_REDIS": str(server.socket)}
            ) as url:
                yield Shop(url, server.tickets)
