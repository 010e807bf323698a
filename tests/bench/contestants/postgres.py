"""The Flask shop on PostgreSQL: one server, everything on disk before the answer."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.contestants.children import child, flask_server, is_root
from tests.bench.contestants.shop import STOCK, Shop
from tests.bench.load import HOT_TYPE, BenchError, Wares
from tests.support.instance import free_port

USER = "postgres"
APPLICATION = "tests.bench.contestants.apps.postgres_app:app"
# Settings of a careful owner of a small machine. fsync, synchronous_commit and full_page_writes
# stay on.
CONFIG = """\
listen_addresses = ''
unix_socket_directories = '{home}'
max_connections = 64
shared_buffers = 1GB
wal_buffers = 64MB
min_wal_size = 1GB
max_wal_size = 8GB
checkpoint_timeout = 30min
jit = off
wal_level = minimal
max_wal_senders = 0
"""
# The few rows of stock are updated over and over: free space keeps the new versions on their page
# (HOT). The sequence assigns the stripes to the connections.
STRIPES = 64
TABLES = """
CREATE TABLE stock (
    type text,
    stripe int,
    remaining int NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (type, stripe)
) WITH (fillfactor = 10);
CREATE SEQUENCE stripes MINVALUE 0;
CREATE TABLE orders (
    key uuid PRIMARY KEY,
    type text NOT NULL,
    quantity int NOT NULL,
    buyer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO stock
    SELECT 'A', stripe, {stock} / {stripes} FROM generate_series(0, {stripes} - 1) AS stripe;
"""
BOOKS = """
SELECT (SELECT sum(remaining) FROM stock), (SELECT sum(quantity) FROM orders)
"""


def programs() -> Path | None:
    """Returns the newest directory of PostgreSQL's programs on Debian."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[4]), default=None)
    return newest.parent if newest else None


@dataclass(frozen=True)
class Postgres:
    """A fresh cluster below `home`, reached by a Unix socket there."""

    home: Path
    programs: Path
    # PostgreSQL refuses to run as root.
    user: str | None

    @property
    def address(self) -> str:
        return f"host={self.home} user={USER} dbname={USER}"

    def prepare(self) -> None:
        """Makes the directory and the cluster."""
        self.home.mkdir()
        if self.user:
            shutil.chown(self.home, self.user, self.user)
        made = subprocess.run(
            [
                *(str(self.programs / "initdb"), "--no-sync", "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", f"--username={USER}", str(self.home / "data")),
            ],
            capture_output=True,
            text=True,
            cwd="/",
            user=self.user,
            group=self.user,
            extra_groups=() if self.user else None,
            check=False,
        )
        if made.returncode != 0:
            raise BenchError(f"initdb failed: {made.stderr.strip()}")
        with (self.home / "data" / "postgresql.conf").open("a") as config:
            config.write(CONFIG.format(home=self.home))

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.address).close()
        except psycopg.OperationalError:
            return False
        return True

    def stock_up(self, stripes: int) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(TABLES.format(stock=STOCK, stripes=stripes).encode())

    def tickets(self) -> int:
        """Counts the sold tickets. Raises `BenchError` where the books do not balance."""
        with psycopg.connect(self.address) as connection:
            found = connection.execute(BOOKS).fetchone()
        assert found is not None
        remaining, sold = found
        if remaining + sold != STOCK:
            raise BenchError(f"PostgreSQL: {remaining} left + {sold} sold is not {STOCK}")
        return int(sold)


@dataclass(frozen=True)
class PostgresShop:
    """Sells by one statement; Granian runs 2 processes of 16 threads."""

    name: str = "Flask + PostgreSQL"
    # The number of rows of the stock; 64 are one for each connection.
    stripes: int = STRIPES
    wares: Wares = HOT_TYPE

    @contextmanager
    def open(self, scratch: Path) -> Iterator[Shop]:
        found = programs()
        assert found is not None, "the packages were checked before"
        server = Postgres(scratch / "postgres", found, USER if is_root() else None)
        server.prepare()
        command = [str(server.programs / "postgres"), "-D", str(server.home / "data")]
        with child(
            command,
            scratch / "postgres.log",
            server.is_ready,
            user=server.user,
            stop=signal.SIGINT,
        ):
            server.stock_up(self.stripes)
            settings = {"SHOP_DATABASE": server.address, "SHOP_STRIPES": str(self.stripes)}
            with flask_server(APPLICATION, free_port(), scratch / "web.log", settings) as url:
                yield Shop(url, server.tickets)
