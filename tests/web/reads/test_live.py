"""The answers to watching pages: the same for all, seldom made, seldom asked for."""

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock as core_clock
from core.eventlog.ring import EventLog
from core.schema.sale_window import sale_state
from core.store.availability import EventAvailability, TypeAvailability
from tests.support.fakes.fake_web import running
from web.reads.catalog import Catalog, Snapshot
from web.reads.live_availability import Live, is_watched
from web.reads.poll_interval import POLLS_PER_S, STEPS_S, PollInterval

PATH = "/api/events/default/availability"


class Clock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


class Shelf:
    """One event with tickets that are sold now and then."""

    def __init__(self) -> None:
        self.remaining = 10
        self.opens_at: float | None = None
        self.closes_at: float | None = None
        self.names = ["default"]

    async def event_names(self) -> list[str]:
        return self.names

    async def availability(self, name: str) -> EventAvailability:
        a = TypeAvailability(
            name="A",
            price=0,
            capacity=10,
            sold=10 - self.remaining,
            held=0,
            remaining=self.remaining,
        )
        return EventAvailability(
            name=name,
            title="Opening night",
            currency="EUR",
            opens_at=self.opens_at,
            closes_at=self.closes_at,
            types=(a,),
        )


class World:
    def __init__(self) -> None:
        self.clock, self.shelf, self.connected = Clock(), Shelf(), True
        self.catalog = Catalog(
            self.shelf,
            EventLog("web-1", self.clock),
            connected=lambda: self.connected,
            clock=core_clock.Clock(self.clock, self.clock),
        )
        self.live = Live(self.catalog, core_clock.Clock(self.clock, self.clock))

    async def reads(self) -> Snapshot:
        """Returns a reading that is newer than all before."""
        self.clock.time += 0.6
        self.catalog.sold()
        return await self.catalog.snapshot()


async def test_an_answer_is_made_once_and_its_etag_spares_the_body() -> None:
    world = World()
    await world.reads()
    first = world.live.find(PATH, None)
    assert first is not None
    assert first.status == 200
    assert b'"remaining":10' in first.body
    assert world.live.find(PATH, None) is first
    etag = dict(first.headers)["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}"):
        again = world.live.find(PATH, known)
        assert again is not None
        assert (again.status, again.body, dict(again.headers)["etag"]) == (304, b"", etag)
    await world.reads()  # nothing changed
    same = world.live.find(PATH, etag)
    assert same is not None
    assert same.status == 304
    world.shelf.remaining = 9
    await world.reads()
    changed = world.live.find(PATH, etag)
    assert changed is not None
    assert b'"remaining":9' in changed.body


async def test_nothing_is_kept_of_events_that_are_gone() -> None:
    world = World()
    for number in range(50):
        world.shelf.names = [f"event-{number}"]
        await world.reads()
        assert world.live.find(PATH.replace("default", f"event-{number}"), None) is not None
    assert len(world.live._rendered) == 1


async def test_without_zookeeper_the_answer_says_of_when_it_is() -> None:
    world = World()
    await world.reads()
    world.connected = False
    found = world.live.find(PATH, None)
    assert found is not None
    assert b'"stale":true,"as_of":"1970-01-01T00:16:40.600Z"' in found.body


async def test_what_is_not_in_memory_is_left_to_the_slower_path() -> None:
    world = World()
    assert world.live.find(PATH, None) is None  # nothing has been read yet
    await world.reads()
    assert world.live.find("/api/events/nope/availability", None) is None
    assert world.live.find("/availability", None) is None
    world.clock.time += 60
    assert world.live.find(PATH, None) is None  # nobody has asked for a minute
    await world.catalog.close()


async def test_before_the_sale_the_time_until_then_is_the_servers() -> None:
    world = World()
    world.shelf.opens_at = world.clock.time + 10
    snapshot = await world.reads()
    first = world.live.answer(snapshot, "default", None)
    world.clock.time += 1.0
    later = world.live.answer(snapshot, "default", None)
    world.clock.time += 9.0
    open_ = world.live.answer(snapshot, "default", None)
    assert first is not None
    assert later is not None
    assert open_ is not None
    assert b'"sale":"before","opens_in_ms":9400' in first.body
    assert b'"sale":"before","opens_in_ms":8400' in later.body
    assert b'"sale":"open","stale"' in open_.body


async def test_a_sale_closes_on_its_own() -> None:
    world = World()
    world.shelf.closes_at = world.clock.time + 10
    snapshot = await world.reads()
    before = world.live.answer(snapshot, "default", None)
    world.clock.time += 10
    after = world.live.answer(snapshot, "default", None)
    assert before is not None
    assert after is not None
    assert b'"sale":"open"' in before.body
    assert b'"sale":"closed"' in after.body


@given(st.none() | st.floats(0, 100), st.none() | st.floats(0, 100), st.floats(0, 100))
def test_a_sale_is_open_between_its_times(
    opens_at: float | None, closes_at: float | None, now: float
) -> None:
    event = EventAvailability(
        name="e", title="", currency="EUR", opens_at=opens_at, closes_at=closes_at, types=()
    )
    too_early = opens_at is not None and now < opens_at
    too_late = closes_at is not None and now >= closes_at
    assert (sale_state(event, now) == "open") == (not too_early and not too_late)


def test_only_that_address_is_watched() -> None:
    assert is_watched(PATH)
    assert not is_watched("/api/orders")


@pytest.mark.parametrize(("watchers", "most_s"), [(1, 2), (700, 3), (2_000, 8), (10_000, 48)])
def test_watchers_are_asked_to_come_the_more_seldom_the_more_they_are(
    watchers: int, most_s: int
) -> None:
    """Each comes when it was told to, within a quarter; in the end all keep to the budget."""
    clock, rng = Clock(), random.Random(1)
    pace = PollInterval(clock)
    coming = sorted((rng.uniform(0, STEPS_S[0]), each) for each in range(watchers))
    begin, asked = clock.time, 0
    while coming[0][0] < 150:
        at, each = heapq.heappop(coming)
        clock.time = begin + at
        pace.note()
        asked += at >= 100
        heapq.heappush(coming, (at + pace.step_s * rng.uniform(0.75, 1.25), each))
    assert pace.step_s <= most_s
    assert asked / 50 <= 1.25 * POLLS_PER_S


def test_when_most_have_gone_the_few_that_stay_may_ask_often() -> None:
    clock = Clock()
    pace = PollInterval(clock)
    for _ in range(50_000):
        clock.time += 1 / 5_000
        pace.note()
    assert pace.step_s > STEPS_S[0]
    for _ in range(60):
        clock.time += 1.0
        pace.note()
    assert pace.step_s == STEPS_S[0]


def test_over_the_web_the_answer_may_be_kept_for_a_second() -> None:
    with running("open") as site:
        found = site.get(PATH)
        assert found.status == 200
        assert found.headers["cache-control"] == "public, max-age=1"
        assert found.json["event"] == "default"
        assert found.json["stale"] is False
        assert found.json["types"][0] == {"name": "A", "remaining": 412, "capacity": 1000}
        assert found.json["poll_after_ms"] >= 1000
        again = site.get(PATH, if_none_match=found.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert site.request("HEAD", PATH).status == 200
        missing = site.get("/api/events/nope/availability")
        assert (missing.status, missing.json["code"]) == (404, "no-such-event")
        assert site.get("/api/events/broken/availability").json["code"] == "damaged"
        assert 'route="GET /api/events/<name>/availability",status="304"} 1' in (
            site.get("/metrics").text
        )


def test_before_the_first_reading_there_is_nothing_to_watch() -> None:
    with running("new") as site:
        assert site.get(PATH).json["code"] == "no-quorum"


def test_without_zookeeper_the_watchers_are_told() -> None:
    with running("away") as site:
        found = site.get(PATH)
        assert (found.status, found.json["stale"]) == (200, True)
        assert found.json["as_of"].endswith("Z")
