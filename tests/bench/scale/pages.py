"""The time of the page, by the number of ticket types."""

import asyncio
import time
from pathlib import Path

from core.cluster_secret import load_secret
from core.events.edit import EventManager
from core.schema.records import TicketType
from core.zookeeper.client import connect
from tests.bench.results import percentile
from tests.bench.scale.crowd import hosts_of
from tests.bench.scale.results import Page
from tests.support.instance import Instance, Reply, running

TYPES = (1, 100, 1000)
STRIPES = 3
TICKETS = 1000
REQUESTS = 40
# This is longer than the web keeps a reading, so each request meets an old one.
PAUSE_S = 0.6
SETTLE_S = 3.0


def measure(scratch: Path) -> tuple[Page, ...]:
    """Measures on an instance of its own, with one event of each size at a time."""
    with running(scratch / "pages", "--quantity", str(TICKETS)) as instance:
        pages = [_page(instance, types) for types in TYPES]
        instance.down()
    return tuple(pages)


def _page(instance: Instance, types: int) -> Page:
    done = instance.run("admin", "delete-tree", "/events/default", "--yes")
    assert done.returncode == 0, done.stderr
    asyncio.run(_create(instance, types))
    time.sleep(SETTLE_S)
    pages = [_get(instance, "/") for _ in range(REQUESTS)]
    events = [_get(instance, "/api/events") for _ in range(REQUESTS)]
    [event] = events[-1].json["events"]
    assert len(event["types"]) == types
    return Page(
        types=types,
        page_p50_ms=_ms(pages, 50),
        page_most_ms=_ms(pages, 100),
        events_p50_ms=_ms(events, 50),
        events_most_ms=_ms(events, 100),
        page_kb=round(len(pages[-1].body) / 1024, 1),
    )


def _ms(replies: list[Reply], percent: float) -> float:
    return round(percentile((reply.took_s for reply in replies), percent) * 1000, 1)


def _get(instance: Instance, path: str) -> Reply:
    time.sleep(PAUSE_S)
    reply = instance.buyer().get(path)
    assert reply.status == 200, reply
    return reply


async def _create(instance: Instance, types: int) -> None:
    password = load_secret(instance.data_dir).zookeeper_password
    zk = await connect(hosts_of(instance, 3), password)
    try:
        kinds = {
            f"T{number:04d}": TicketType(capacity=TICKETS, stripes=STRIPES)
            for number in range(types)
        }
        assert await EventManager(zk).create_event("default", "Many types", kinds)
    finally:
        await zk.close()
