"""The log's ring in ZooKeeper, and how entries are found."""

import itertools
import json
import logging
import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from admin.actions import log as lookup
from admin.actions.log import Reader
from admin.printable import printable
from core.errors import WrongUsage, ZkticketError
from core.eventlog import ring
from core.eventlog.query import LogMatches, Query, latest, pattern
from core.eventlog.query import seconds as seconds_of
from core.eventlog.ring import EventLog, Owner, SourcedEntry
from core.schema import paths
from core.schema.records import LogEntry
from core.zookeeper.client import ZooKeeper
from core.zookeeper.multi import Create
from tests.support.zookeeper_server import Server


async def texts(zk: ZooKeeper, source: str = "worker-1") -> list[str]:
    slots = await ring.read(zk, source)
    return [found.entry.text for slot in slots for found in slot.entries]


async def loaded(zk: ZooKeeper, source: str = "worker-1") -> EventLog:
    log = EventLog(source, time.time)
    await log.load(zk)
    return log


# --- the ring ------------------------------------------------------------------------


async def test_entries_share_a_znode_until_it_is_full(zk: ZooKeeper) -> None:
    log = await loaded(zk)
    for number in range(100):
        log.info("test", f"{number} {'x' * 100}")
        await log.flush(zk)
    slots = await zk.children(paths.log_source("worker-1"))
    assert 2 < len(slots) < 10
    assert [text.split()[0] for text in await texts(zk)] == [str(n) for n in range(100)]


async def test_the_ring_is_bounded_and_keeps_the_newest(
    zk: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "SLOTS", 4)
    log = await loaded(zk)
    for number in range(20):
        log.info("test", f"{number} {'x' * ring.SLOT_BYTES}")
        await log.flush(zk)
    assert len(await zk.children(paths.log_source("worker-1"))) == 4
    assert [text.split()[0] for text in await texts(zk)] == ["16", "17", "18", "19"]


async def test_a_process_goes_on_where_its_predecessor_ended(zk: ZooKeeper) -> None:
    for text in ("first life", "second life"):
        log = await loaded(zk)
        log.info("start", text)
        await log.flush(zk)
    assert await texts(zk) == ["first life", "second life"]


def test_a_ring_that_was_deleted_is_made_anew(server: Server) -> None:
    log = EventLog("worker-1", time.time)

    async def write(zk: ZooKeeper) -> None:
        await log.load(zk)
        log.info("test", "before")
        await log.flush(zk)

    async def write_again(zk: ZooKeeper) -> None:
        log.info("test", "after")
        await log.flush(zk)
        await log.flush(zk)
        assert await texts(zk) == ["after"]

    server.session(write)
    server.remove(paths.log_source("worker-1"))
    server.session(write_again)


async def test_entries_that_were_dropped_are_confessed(zk: ZooKeeper) -> None:
    log = await loaded(zk)
    for number in range(ring.MOST_WAITING + 5):
        log.info("test", str(number))
    await log.flush(zk)
    found = await texts(zk)
    assert "5 older entries were dropped" in found[0]
    assert found[1:] == [str(number) for number in range(5, ring.MOST_WAITING + 5)]
    assert not log.waiting


def test_many_waiting_entries_do_not_make_one_great_transaction() -> None:
    log = EventLog("worker-1", time.time)
    for _ in range(ring.MOST_WAITING):
        log.info("sold", "x", ["f" * 32] * 200)
    (operation,) = log.plan()
    assert isinstance(operation, Create)
    assert len(operation.data) < 900_000


async def test_an_entry_that_waits_for_its_transaction_is_not_written_twice(zk: ZooKeeper) -> None:
    log = await loaded(zk)
    log.info("test", "waited")
    await zk.multi(log.plan([log.entry(logging.INFO, "sold", "with a batch")]))
    log.applied()
    assert log.plan() == []
    log.applied()
    log.info("test", "later")
    await log.flush(zk)
    assert await texts(zk) == ["waited", "with a batch", "later"]


# --- the look-up ---------------------------------------------------------------------


def entry(text: str = "text", at: float = 100.0, **fields: str) -> SourcedEntry:
    level, event = fields.get("level", "info"), fields.get("event", "event")
    return SourcedEntry(
        fields.get("source", "web"), LogEntry(at=at, level=level, event=event, text=text)
    )


def test_a_query_wants_what_fits_all_of_it() -> None:
    assert Query().wants(entry())
    assert Query(sources=frozenset({"web"})).wants(entry())
    assert not Query(sources=frozenset({"worker-1"})).wants(entry())
    assert Query(level=logging.WARNING).wants(entry(level="error"))
    assert not Query(level=logging.WARNING).wants(entry(level="info"))
    assert not Query(since=101.0).wants(entry())
    assert Query(pattern=pattern("^event: te")).wants(entry())
    assert not Query(pattern=pattern("other")).wants(entry())
    assert Query(order="3a").wants(entry("about 3a"))
    assert not Query(order="3b").wants(entry("about 3a"))


def test_an_entry_is_found_by_its_order() -> None:
    found = SourcedEntry(
        "worker-1", LogEntry(at=1, level="info", event="sold", text="", orders=("3a", "3b"))
    )
    assert Query(order="3b").wants(found)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "10 m", "1w", "9" * 20 + "s"])
def test_a_bad_duration_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match="--since"):
        seconds_of(text)


def test_a_bad_regular_expression_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="--grep"):
        pattern("(")


def test_a_line_is_in_local_time_and_safe_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    at = datetime.fromisoformat("2026-11-22T12:03:04.123+00:00").timestamp()
    found = printable(lookup.line(entry("to \x1b[31mred\nand\u202e", at, source="worker-1")))
    assert found == (
        "2026-11-22 12:03:04.123 worker-1     info    event: to \\x1b[31mred\\nand\\u202e"
    )
    monkeypatch.undo()
    time.tzset()


async def test_entries_of_all_processes_come_in_the_order_of_time(zk: ZooKeeper) -> None:
    clock = iter(range(100))
    writers = []
    for source in ("web", "worker-1"):
        writers.append(EventLog(source, lambda: float(next(clock))))
        await writers[-1].load(zk)
    for number in range(6):
        writers[number % 2].info("test", str(number))
        await writers[number % 2].flush(zk)
    found = await Reader(zk).news(Query())
    assert [each.entry.text for each in found] == [str(number) for number in range(6)]


async def test_a_reader_returns_each_entry_once(zk: ZooKeeper) -> None:
    log, reader, seen = await loaded(zk), Reader(zk), []
    for number in range(80):
        log.info("test", f"{number} {'x' * 200}")
        await log.flush(zk)
        seen += [found.entry.text.split()[0] for found in await reader.news(Query())]
    assert seen == [str(number) for number in range(80)]
    assert len(await zk.children(paths.log_source("worker-1"))) > 2


async def test_a_reader_outlives_the_deletion_of_the_log(zk: ZooKeeper) -> None:
    reader = Reader(zk)
    for text in ("first", "second"):
        log = await loaded(zk)
        log.info("test", text)
        await log.flush(zk)
        assert [found.entry.text for found in await reader.news(Query())] == [text]
        for slot in await zk.children(paths.log_source("worker-1")):
            await zk.delete(f"{paths.log_source('worker-1')}/{slot}")
        assert await reader.news(Query()) == []


async def test_an_unreadable_entry_is_named_and_skipped(zk: ZooKeeper) -> None:
    log = await loaded(zk)
    log.info("test", "good")
    await log.flush(zk)
    slot = paths.log_slot("worker-1", 0)
    await zk.set(slot, b"\xffrubbish\n" + (await zk.get(slot)).data)
    reader = Reader(zk)
    assert [found.entry.text for found in await reader.news(Query())] == ["good"]
    assert list(reader.damage) == [slot]


def test_an_export_writes_a_file_for_each_source(tmp_path: Path) -> None:
    found = [entry("one", source="web"), entry("two", source="worker-1"), entry("three")]
    written = lookup.export(found, tmp_path / "out")
    assert [path.name for path in written] == ["web.log", "worker-1.log"]
    assert [line.split()[-1] for line in written[0].read_text().splitlines()] == ["one", "three"]


def test_an_export_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ZkticketError, match="cannot write"):
        lookup.export([entry()], tmp_path / "file")


def test_an_entry_as_json_names_its_source() -> None:
    assert json.loads(ring.as_json(entry()))["source"] == "web"


def test_local_files_are_named(tmp_path: Path) -> None:
    assert "none yet" in lookup.local_files(tmp_path)
    (tmp_path / "web.log").write_text("")
    assert lookup.local_files(tmp_path) == f"{tmp_path}: web.log"


async def test_the_latest_entries_are_found_from_the_end_of_every_log(zk: ZooKeeper) -> None:
    for source in ("worker-1", "worker-2"):
        log = EventLog(source, itertools.count(1000.0).__next__)
        await log.load(zk)
        for number in range(400):
            log.info("sold", f"{number} {'x' * 300}")
            if number % 40 == 39:
                await log.flush(zk)
    found = await latest(zk, Query(), 5)
    assert [each.entry.text.split()[0] for each in found.entries[:4]] == ["399"] * 2 + ["398"] * 2
    assert (len(found.entries), found.whole) == (5, False)
    rare = await latest(zk, Query(pattern=re.compile("^sold: 7 ")), 5)
    assert [each.source for each in rare.entries] == ["worker-1", "worker-2"]
    assert rare.whole
    late = await latest(zk, Query(since=1398.0), 5)
    assert (len(late.entries), late.whole) == (4, True)
    assert await latest(zk, Query(sources=frozenset({"nobody"})), 5) == LogMatches((), whole=True)


@pytest.mark.parametrize("host", ["beta", "alpha"], ids=["another host", "a host of that name"])
def test_two_machines_with_a_process_of_one_name_have_a_log_each(server: Server, host: str) -> None:
    one, two = Owner("1" * 16, "alpha"), Owner("2" * 16, host)

    async def work(zk: ZooKeeper) -> dict[str, list[str]]:
        for lives in range(2):
            for owner in (one, two):
                log = EventLog("worker-1", time.time, owner)
                await log.load(zk)
                log.info("started", f"{owner.instance[0]}, life {lives}")
                await log.flush(zk)
        return {
            source: [
                each.entry.text for slot in await ring.read(zk, source) for each in slot.entries
            ]
            for source in await ring.sources(zk)
        }

    found = server.session(work)
    assert found["worker-1"] == ["1, life 0", "1, life 1"]
    others = f"worker-1@{host}"
    assert found[others] == ["2, life 0", "2, life 1"]


def test_a_third_machine_of_the_same_name_has_its_own_log_too(server: Server) -> None:
    owners = [Owner(number * 16, "box") for number in "123"]

    async def work(zk: ZooKeeper) -> list[str]:
        for owner in owners:
            await EventLog("web-1", time.time, owner).load(zk)
        return await ring.sources(zk)

    assert server.session(work) == ["web-1", "web-1@box", "web-1@box-33333333"]


def test_a_ring_that_an_earlier_version_began_is_gone_on_with(server: Server) -> None:
    async def work(zk: ZooKeeper) -> list[str]:
        old = EventLog("worker-1", time.time)
        await old.load(zk)
        old.info("started", "old")
        await old.flush(zk)
        new = EventLog("worker-1", time.time, Owner("1" * 16, "alpha"))
        await new.load(zk)
        new.info("started", "new")
        await new.flush(zk)
        found = await ring.read(zk, "worker-1")
        return [each.entry.text for slot in found for each in slot.entries]

    assert server.session(work) == ["old", "new"]
