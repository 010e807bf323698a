"""`event …` on a real tree: organisers' input is kept whole, or refused."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from admin.actions import event_options
from admin.recovery.recount import recount
from core.errors import WrongUsage, ZkticketError
from core.events import event_manager
from core.events.terms import Terms
from core.schema import paths
from core.schema.records import Event, TicketType
from core.store.store import Store
from core.zookeeper.client import ZooKeeper
from tests.support.commands import Run, commands_on
from tests.support.zookeeper_server import Server

GALA = """
name = "gala"
title = "新年音樂會"
place = "Opera House"
starts = 2027-03-01T20:00:00+01:00
ends = "2027-03-01T22:30:00+01:00"
opens = 2027-01-01T12:00:00Z
limit = 4
hold_minutes = 10
cancellable = true

[types.Stalls]
label = "Stalls, left"
capacity = 120
price = 48.50
colour = "#CC0000"

[types.Balcony]
capacity = 80
"""


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Run:
    return commands_on(server, tmp_path, "event")


@pytest.fixture
def gala(tmp_path: Path) -> Path:
    path = tmp_path / "gala.toml"
    path.write_text(GALA, encoding="utf-8")
    return path


def event_of(server: Server, name: str = "gala") -> Event:
    async def read(zk: ZooKeeper) -> Event:
        await zk.sync()
        return await Store(zk).event(name)

    return server.session(read)


def refusal(result: Result) -> str:
    assert result.exit_code != 0, result.output
    assert isinstance(result.exception, ZkticketError), result.exception
    return str(result.exception)


def test_an_event_is_made_with_all_that_its_file_says(run: Run, server: Server, gala: Path) -> None:
    done = run("create", "--from", str(gala))
    assert done.exit_code == 0, done.exception
    event = event_of(server)
    assert (event.title, event.place, event.limit) == ("新年音樂會", "Opera House", 4)
    assert (event.hold_s, event.cancellable, event.unfinished) == (600.0, True, False)
    assert event.starts_at == 1803927600.0
    assert event.ends_at == event.starts_at + 9000
    assert event.opens_at == 1798804800.0
    [found] = json.loads(run("list", "--json").stdout)
    stalls, balcony = sorted(found["types"], key=lambda each: -each["capacity"])
    assert (stalls["name"], stalls["label"], stalls["price"]) == ("Stalls", "Stalls, left", 4850)
    assert (stalls["colour"], stalls["remaining"]) == ("#cc0000", 120)
    assert (balcony["name"], balcony["price"], balcony["remaining"]) == ("Balcony", 0, 80)

    async def books(zk: ZooKeeper) -> bool:
        return (await recount(zk)).ok

    assert server.session(books)


def test_an_option_goes_before_what_the_file_says(run: Run, server: Server, gala: Path) -> None:
    told = ("--title", "Gala", "--limit", "0", "--type", "Stalls:7:10:#00ff00", "--opens", "none")
    assert run("create", "ball", "--from", str(gala), *told).exit_code == 0
    event = event_of(server, "ball")
    assert (event.title, event.limit, event.place) == ("Gala", 0, "Opera House")
    assert event.opens_at is None
    types = {
        each["name"]: each for each in json.loads(run("show", "ball", "--json").stdout)["types"]
    }
    assert (types["Stalls"]["capacity"], types["Stalls"]["price"]) == (7, 1000)
    assert types["Balcony"]["capacity"] == 80


def test_an_event_that_exists_is_not_made_again(run: Run, gala: Path) -> None:
    assert run("create", "--from", str(gala)).exit_code == 0
    assert "exists" in refusal(run("create", "--from", str(gala)))


def test_an_edit_changes_what_is_named_and_nothing_else(
    run: Run, server: Server, gala: Path
) -> None:
    run("create", "--from", str(gala))
    before = event_of(server)
    assert run("edit", "gala", "--place", "Town Hall", "--not-cancellable").exit_code == 0
    after = event_of(server)
    assert (after.place, after.cancellable) == ("Town Hall", False)
    assert (after.title, after.starts_at, after.limit, after.generation) == (
        before.title,
        before.starts_at,
        before.limit,
        before.generation,
    )


def test_two_edits_at_once_both_count(server: Server) -> None:
    async def work(zk: ZooKeeper) -> None:
        await event_manager.create(zk, "gala", Terms(), {"A": TicketType(capacity=5)})
        fields = [Terms(title="Gala"), Terms(place="Here"), Terms(limit=3), Terms(hold_s=60.0)]
        await asyncio.gather(*(event_manager.edit(zk, "gala", each) for each in fields))

    server.session(work)
    event = event_of(server)
    assert (event.title, event.place, event.limit, event.hold_s) == ("Gala", "Here", 3, 60.0)


def test_a_limit_that_is_set_later_has_room_for_the_buyers(run: Run, server: Server) -> None:
    assert run("create", "gala", "--type", "A:5").exit_code == 0
    assert run("edit", "gala", "--limit", "2").exit_code == 0
    generation = event_of(server).generation

    async def room(zk: ZooKeeper) -> int:
        return len(await zk.children(paths.tabs("gala", generation)))

    assert server.session(room) == len(paths.BUCKETS)


def test_a_sale_is_closed_and_opened_again_at_once(run: Run, server: Server) -> None:
    assert run("create", "gala", "--type", "A:5", "--opens", "2099-01-01T00:00Z").exit_code == 0
    assert " draft" in run("list").stdout
    assert "--publish` puts it on sale" in refusal(run("open", "gala"))
    assert run("edit", "gala", "--publish").exit_code == 0
    assert "opens 2099-01-01 00:00 UTC" in run("list").stdout
    assert run("close", "gala").exit_code == 1
    assert event_of(server).closes_at is None
    assert run("close", "gala", "--yes").exit_code == 0
    assert " closed" in run("list").stdout
    assert run("edit", "gala", "--title", "Closed early").exit_code == 0
    assert run("open", "gala").exit_code == 0
    event = event_of(server)
    assert (event.closes_at, event.on_sale(event.opens_at or 0.0)) == (None, True)
    assert run("open", "gala").exit_code == 0
    assert event_of(server) == event


def test_a_sale_that_is_opened_again_closes_when_that_was_planned(run: Run, server: Server) -> None:
    planned = "2099-01-01T20:00"
    options = ("--type", "A:5", "--timezone", "Europe/Berlin", "--closes", planned, "--publish")
    assert run("create", "gala", *options).exit_code == 0
    closes_at = event_of(server).closes_at
    for command in (("close", "gala", "--yes"), ("close", "gala", "--yes"), ("open", "gala")):
        assert run(*command).exit_code == 0
    event = event_of(server)
    assert (event.closes_at, event.on_sale(0.0)) == (closes_at, True)
    run("close", "gala", "--yes")
    assert run("edit", "gala", "--closes", "none").exit_code == 0
    assert event_of(server).planned_closes_at is None


def test_times_are_by_the_clocks_of_the_venue(run: Run, server: Server) -> None:
    told = ("--timezone", "Europe/Berlin", "--starts", "2027-01-01T20:00")
    assert run("create", "gala", "--type", "A:5", *told).exit_code == 0
    assert run("edit", "gala", "--doors", "2027-01-01T19:00").exit_code == 0
    event = event_of(server)
    assert (event.starts_at, event.doors_at) == (1798830000.0, 1798826400.0)
    skipped = run("edit", "gala", "--starts", "2027-03-28T02:30", "--doors", "2027-10-31T02:30")
    assert "starts: the clocks skip 02:30" in refusal(skipped)
    assert "doors: the clocks show 02:30 twice" in refusal(skipped)
    moved = run(
        "edit", "gala", "--language", "zh-TW", "--title", "晚會", "--timezone", "Asia/Taipei"
    )
    assert moved.exit_code == 0
    event = event_of(server)
    assert (event.title, event.translations["zh-TW"].title) == ("gala", "晚會")
    assert (event.timezone, event.starts_at) == ("Asia/Taipei", 1798830000.0)


def test_an_event_keeps_the_order_of_its_types(run: Run) -> None:
    types = [each for name in ("Stalls", "Balcony", "Aisle") for each in ("--type", f"{name}:5")]
    assert run("create", "gala", *types, "--publish").exit_code == 0
    [shown] = json.loads(run("list", "--json").stdout)
    assert [each["name"] for each in shown["types"]] == ["Stalls", "Balcony", "Aisle"]
    assert (shown["status"], shown["timezone"], shown["payment"]) == ("published", "UTC", "none")


def test_tables_are_plain_and_fit_80_columns(run: Run, gala: Path) -> None:
    run("create", "--from", str(gala))
    for shown in (run("list").stdout, run("show", "gala").stdout):
        assert "\x1b" not in shown
        assert "新年音樂會" in shown
    assert "price EUR" in run("show", "gala").stdout
    assert " 48.50 " in run("show", "gala").stdout


def test_an_unknown_event_is_named_with_those_that_exist(run: Run) -> None:
    run("create", "gala", "--type", "A:5")
    for command in ("open", "edit"):
        more = ["--limit", "1"] if command == "edit" else []
        assert refusal(run(command, "ball", *more)) == (
            "there is no event 'ball'; the events are: gala"
        )
    assert "there is no event 'ball'" in refusal(run("show", "ball"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("limit = -1", "limit: expected `int` >= 0"),
        ("limt = 1", "unknown field `limt`"),
        ("starts = 2027-03-01T20:00:00", "starts: it has no offset, and no timezone is named"),
        ('title = ""', "title: it is empty"),
        ('currency = "euro"', "currency: 'euro' is no code like EUR"),
        ("hold_minutes = 0", "hold_s: expected `float` >= 1.0"),
        ("types.A.capacity = 'x'", "types.A.capacity: expected `int`, got `str`"),
        ("types.A = {capacity = -1}", "types.A.capacity: expected `int` >= 0"),
        ("types.A = {capacity = 5, price = 0.001}", "types.A.price: '0.001' is no price"),
        ("types.A = {capacity = 5, price = nan}", "types.A.price: 'nan' is no price"),
        ("types.A = {capacity = 5, colour = 'red'}", "types.A.colour: expected `str` matching"),
        ("types.'a b' = {capacity = 5}", "'a b' is no name"),
        ("types = {}", "an event has from 1 to 10,000 types, not 0"),
        ("title = ", "Invalid value"),
        ("a." * 20_000 + "a = 1", "a name in it has more than 8 parts"),
        ('"a" . ' * 9 + "a = 1", "a name in it has more than 8 parts"),
        ("a = " + "[" * 20_000, "its brackets are nested deeper than 8"),
        ("a = " + "{a=" * 20_000, "its brackets are nested deeper than 8"),
        ('a = ["""x"""", ' + "[" * 20_000, "its brackets are nested deeper than 8"),
        ("limit = " + "9" * 20_000, "a number in it is out of range"),
        ("limit = 0x" + "f" * 20_000, "limit: the number is out of range"),
        ("types.A.capacity = 0x" + "f" * 20_000, "types.A.capacity: the number is out of range"),
        ("types.A.price = 99999999999999999999", "types.A.price: the number is out of range"),
        ("hold_minutes = nan", "hold_s: "),
        ("hold_minutes = inf", "hold_s: "),
        ("hold_minutes = 1e400", "hold_s: "),
        ("opens = 9999-12-31T23:59:59-23:59", "opens: it must be in the years 1971 to 9000"),
        ("starts = 0001-01-01T00:00:00+14:00", "starts: it must be in the years 1971 to 9000"),
        ('"a\\nb" = 1', "unknown field `a\\nb`"),
        ("x" * 50_000 + " = 1", "unknown field `xxx"),
        ("types." + "x" * 50_000 + ".capacity = 1", "is no name"),
        ("#" * 2_200_000, "it has more than 2,097,152 characters"),
    ],
)
def test_a_file_that_cant_be_meant_is_refused_with_the_fields_name(
    run: Run, tmp_path: Path, line: str, says: str
) -> None:
    path = tmp_path / "event.toml"
    rest = "" if "types" in line else "\n[types.A]\ncapacity = 5"
    path.write_text(f'name = "gala"\n{line}{rest}\n')
    began = time.process_time()
    text = refusal(run("create", "--from", str(path)))
    assert time.process_time() - began < 2
    assert says in text
    assert "\n" not in text
    assert len(text) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--type", "A"], "--type 'A'"),
        (["--type", "A:x"], "--type 'A:x'"),
        (["--type", "A:5:cheap"], "'cheap' is no price"),
        (["--type", "A:5", "--starts", "tomorrow"], "--starts: 'tomorrow' is no time"),
        (["--type", "A:5", "--starts", "2027-03-01T20:00"], "no timezone is named"),
        (
            ["--type", "A:5", "--opens", "2027-03-01T20:00Z", "--closes", "2027-03-01T19:00Z"],
            "closes: it is not after the opening of the sale",
        ),
        (["--type", "A:5", "--hold-minutes", "nan"], "hold_s"),
        (["--type", "A:5", "--hold-minutes", "1e308"], "hold_s"),
        (["--type", "A:5", "--limit", "9" * 30], "limit"),
        (["--type", f"A:{'9' * 5000}"], "types.A.capacity"),
        (["--type", "A:5", "--opens", "9999-12-31T23:59:59-23:59"], "opens: it must be in the"),
        (["--type", "A:5", "--ends", "0001-01-01T00:00:00+14:00"], "ends: it must be in the"),
    ],
)
def test_options_that_cant_be_meant_are_refused(run: Run, options: list[str], says: str) -> None:
    assert says in refusal(run("create", "gala", *options))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_of_windows_is_read(run: Run, server: Server, tmp_path: Path, ends: str) -> None:
    (path := tmp_path / "gala.toml").write_bytes(
        b"\xef\xbb\xbf" + GALA.lstrip().replace("\n", ends).encode()
    )
    assert run("create", "--from", str(path)).exit_code == 0
    assert event_of(server).title == "新年音樂會"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (GALA.encode("utf-16"), "it is UTF-16, or no text at all; save it as UTF-8"),
        (GALA.encode("utf-16-be"), "it is UTF-16, or no text at all; save it as UTF-8"),
        (GALA.encode("big5"), "is no UTF-8; save it as UTF-8"),
        (b"\x00\x01", "no text at all"),
    ],
)
def test_a_file_in_another_encoding_says_what_to_do(
    run: Run, tmp_path: Path, data: bytes, says: str
) -> None:
    (path := tmp_path / "gala.toml").write_bytes(data)
    text = refusal(run("create", "--from", str(path)))
    assert text.startswith(f"{path}: ")
    assert says in text


def test_a_file_without_an_end_is_not_read_to_it(run: Run) -> None:
    assert "no text at all" in refusal(run("create", "--from", "/dev/zero"))


def test_a_file_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert refusal(run("create", "--from", str(path))) == f"{path}: No such file or directory"


def test_a_ticket_types_price_is_exact() -> None:
    assert event_options.ticket_types(["A:1:0.29"])["A"].priced("EUR").price == 29
    with pytest.raises(WrongUsage):
        event_options.ticket_types(["A:1:-1"])["A"].priced("EUR")


def test_prices_have_the_decimals_of_the_events_currency(run: Run, tmp_path: Path) -> None:
    """The currency may stand before the price, behind it, or in an option."""
    text = "[types.A]\ncapacity = 5\nprice = 1500.50\n"
    (path := tmp_path / "event.toml").write_text(text)
    refused = run("create", "tokyo", "--from", str(path), "--currency", "JPY")
    assert refusal(refused).endswith(
        "types.A.price: '1500.5' is no price in JPY; write it like 1500"
    )
    assert refusal(run("create", "tokyo", "--type", "A:5:1500.50", "--currency", "JPY")) == (
        "--type 'A:5:1500.50' price: '1500.50' is no price in JPY; write it like 1500"
    )
    assert run("create", "tokyo", "--type", "A:5:1500", "--currency", "JPY").exit_code == 0
    assert run("create", "kuwait", "--type", "A:5:1.234", "--currency", "KWD").exit_code == 0
    found = {each["name"]: each for each in json.loads(run("list", "--json").stdout)}
    assert (found["tokyo"]["decimals"], found["tokyo"]["types"][0]["price"]) == (0, 1500)
    assert (found["kuwait"]["decimals"], found["kuwait"]["types"][0]["price"]) == (3, 1234)
    assert " 1,500 " in run("show", "tokyo").stdout
    assert " 1.234 " in run("show", "kuwait").stdout
    assert "currency: JPY has other decimals" in refusal(run("edit", "kuwait", "--currency", "JPY"))


# --- types and events that come and go -----------------------------------------------


def types_of(run: Run) -> dict[str, dict[str, Any]]:
    return {
        each["name"]: each for each in json.loads(run("show", "gala", "--json").stdout)["types"]
    }


def test_labels_are_corrected_and_types_come_and_go(run: Run, server: Server) -> None:
    assert run("create", "gala", "--type", "B:5:10", "--type", "A:5", "--publish").exit_code == 0
    told = ("--label", "B=Balkony", "--add-type", "C:7:3.50", "--remove-type", "A")
    assert run("edit", "gala", *told).exit_code == 0
    assert run("edit", "gala", "--label", "B=Balcony").exit_code == 0
    assert run("edit", "gala", "--language", "zh-TW", "--label", "B=二樓").exit_code == 0
    found = types_of(run)
    assert list(found) == ["B", "C"]
    assert (found["B"]["label"], found["B"]["labels"]) == ("Balcony", {"zh-TW": "二樓"})
    assert (found["C"]["price"], found["C"]["remaining"]) == (350, 7)
    assert "has a type C already" in refusal(run("edit", "gala", "--add-type", "C:1"))
    both = ("--remove-type", "B", "--remove-type", "C")
    assert "needs at least one type" in refusal(run("edit", "gala", *both))
    assert "its types are: B, C" in refusal(run("edit", "gala", "--remove-type", "X"))
    assert run("delete", "gala", "--yes").exit_code == 0
    assert "there is no event 'gala'" in refusal(run("show", "gala"))
