"""zkticket as users run it, over HTTP: three workers, three servers, one `up`."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.cluster_secret import load_secret
from core.events.edit import EventManager
from core.schema.records import TicketType
from core.store.stripes import STRIPES
from core.zookeeper.client import connect
from tests.bench.contestants.shop import STOCK, Shop
from tests.bench.load import BenchError, Wares
from tests.support.instance import ENTRYPOINT, Instance, running

EVENT = "bench"
VERIFY_S = 300.0


@dataclass(frozen=True)
class OurShop:
    """Sells some types of an event, which is made first unless it is the default event."""

    name: str
    wares: Wares

    @contextmanager
    def open(self, scratch: Path) -> Iterator[Shop]:
        with running(scratch / "data", "--quantity", str(STOCK)) as instance:
            if self.wares.event != "default":
                asyncio.run(_create_event(instance, self.wares))
            url = f"http://127.0.0.1:{instance.port}/api/orders"
            yield Shop(url, lambda: tickets(instance, self.wares))
            instance.down()


def hosts_of(instance: Instance) -> str:
    """Returns the ensemble's `host:port,…`."""
    return ",".join(f"127.0.0.1:{instance.zookeeper_port + number}" for number in range(3))


def tickets(instance: Instance, wares: Wares) -> int:
    """Counts the sold tickets by `verify`. Raises `BenchError` where that finds a breach."""
    command = [sys.executable, str(ENTRYPOINT), "verify", "--json"]
    command += ["--data-dir", str(instance.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_S, check=False)
    if done.returncode != 0:
        raise BenchError(f"verify failed: {(done.stderr or done.stdout).strip()}")
    event = next(
        found for found in json.loads(done.stdout)["events"] if found["name"] == wares.event
    )
    return sum(type_["sold"] for type_ in event["types"])


async def _create_event(instance: Instance, wares: Wares) -> None:
    password = load_secret(instance.data_dir).zookeeper_password
    zk = await connect(hosts_of(instance), password)
    try:
        types = {name: TicketType(capacity=STOCK, price=0, stripes=STRIPES) for name in wares.types}
        await EventManager(zk).create_event(wares.event, "Bench", types)
    finally:
        await zk.close()
