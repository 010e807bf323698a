"""`/metrics` as Prometheus reads it, and the alerts and the dashboard that use it."""

import asyncio
import json
import re
import socket
import subprocess
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from msgspec.structs import replace

from core.cluster.status import Status
from core.errors import NotRunning
from core.receipts import format
from core.version import VERSION
from tests.support.fakes import fake_board
from tests.support.fakes.fake_site import GALA
from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.instance import ROOT
from tests.support.programs import find_program
from web.metrics import host_metrics, instance_metrics
from web.metrics.host_metrics import Machine
from web.metrics.prometheus_text import Family, MetricSample, one, summed, text
from web.metrics.scrape import FRESH_S, STALE_S, InstanceVitals
from web.server.connections import ESTABLISHED, read_table

FOLDER = ROOT / "supervisor" / "monitoring"
SERIES = re.compile(r"\bzkticket_[a-z_]+\b")
SUFFIXES = ("_bucket", "_sum", "_count")
# Some exist only while something is wrong.
STRING = {"type": "string", "minLength": 1}
TARGET = {
    "type": "object",
    "required": ["refId", "expr", "legendFormat", "datasource"],
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": STRING, "legendFormat": STRING},
}
PLACE = {
    "type": "object",
    "required": ["x", "y", "w", "h"],
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": 23},
        "y": {"type": "integer", "minimum": 0},
        "w": {"type": "integer", "minimum": 1, "maximum": 24},
        "h": {"type": "integer", "minimum": 1},
    },
}
PANEL = {
    "type": "object",
    "required": ["id", "title", "type", "gridPos", "datasource", "fieldConfig", "targets"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "title": STRING,
        "type": {"enum": ["timeseries", "stat"]},
        "gridPos": PLACE,
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
        "targets": {"type": "array", "minItems": 1, "items": TARGET},
    },
}
# Grafana needs these parts of a dashboard's JSON model to import it.
DASHBOARD = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "version", "time", "templating", "panels"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": STRING,
        "schemaVersion": {"type": "integer", "minimum": 36},
        "time": {"type": "object", "required": ["from", "to"]},
        "templating": {"type": "object", "required": ["list"]},
        "panels": {"type": "array", "minItems": 1, "items": PANEL},
    },
}


@pytest.fixture(scope="module")
def site() -> Iterator[FakeWeb]:
    with running("open") as web:
        web.buy({"type": "A", "buyer": "Ann"})
        yield web


@pytest.fixture(scope="module")
def scraped(site: FakeWeb) -> str:
    return site.get("/metrics").text


def promtool(*arguments: str, stdin: str = "") -> None:
    program = find_program("promtool")
    if program is None:
        pytest.skip("there is no promtool here; Debian has it in the package prometheus")
    done = subprocess.run((program, *arguments), input=stdin, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def exported(exposition: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", exposition, re.MULTILINE))


def used_in(expressions: str) -> set[str]:
    names = set(SERIES.findall(expressions))
    return {next((n.removesuffix(s) for s in SUFFIXES if n.endswith(s)), n) for n in names}


# --- the text ------------------------------------------------------------------------


def test_promtool_finds_nothing_to_complain_of(scraped: str) -> None:
    promtool("check", "metrics", stdin=scraped)


def test_each_series_is_there_once_with_its_help_and_its_type(scraped: str) -> None:
    lines = scraped.splitlines()
    series = Counter(line.rpartition(" ")[0] for line in lines if not line.startswith("#"))
    assert series
    assert {name: count for name, count in series.items() if count > 1} == {}
    helped = set(re.findall(r"^# HELP (\S+) \S", scraped, re.MULTILINE))
    assert exported(scraped) == helped
    assert used_in(" ".join(series)) == exported(scraped)


def test_counters_and_no_others_end_in_total_and_only_summaries_have_quantiles(
    scraped: str,
) -> None:
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)", scraped, re.MULTILINE))
    assert {name for name, kind in kinds.items() if kind == "counter"} == {
        name for name in kinds if name.endswith("_total")
    }
    with_quantile = set(re.findall(r"^(\S+)\{[^}]*quantile=", scraped, re.MULTILINE))
    assert {kinds[name] for name in with_quantile} == {"summary"}


def test_several_hosts_workers_of_one_name_are_told_apart(scraped: str) -> None:
    assert 'zkticket_worker_ready{host="here",worker="w-1"} 1' in scraped


def test_two_samples_with_the_same_labels_become_one() -> None:
    """A worker has two registrations while it restarts."""
    twice = [
        MetricSample(1, {"worker": "w-1"}),
        MetricSample(2, {"worker": "w-1"}),
        MetricSample(4, {"worker": "b"}),
    ]
    assert [sample.value for sample in summed(twice)] == [3, 4]


def test_labels_and_numbers_are_written_as_the_format_wants_them() -> None:
    odd = Family("x", "gauge", "A\nB\\", (MetricSample(0.5, {"l": 'a"b\\c\nd'}),))
    assert text([odd]) == (
        '# HELP zkticket_x A\\nB\\\\\n# TYPE zkticket_x gauge\nzkticket_x{l="a\\"b\\\\c\\nd"} 0.5\n'
    )
    assert text([one("y", "Y.", 10.0**17)]).endswith("zkticket_y 100000000000000000\n")


def test_what_is_not_known_is_left_out() -> None:
    assert text([one("y", "Y.", None)]) == ""


def test_it_says_what_runs_here(scraped: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert f'zkticket_build_info{{version="{VERSION}",python="3.' in scraped
    assert 'zookeeper="3.9.5"} 1' in scraped


def test_stock_servers_processes_disks_and_receipts_are_there(scraped: str) -> None:
    for line in (
        'zkticket_tickets_capacity{event="gala",type="front"} 40',
        'zkticket_tickets_remaining{event="gala",type="front"} 37',
        "zkticket_zookeeper_quorum 1",
        'zkticket_zookeeper_server_role{server="127.0.0.1:2181",role="leader"} 1',
        'zkticket_zookeeper_server_role{server="127.0.0.1:2183",role="down"} 1',
        'zkticket_workers{state="ready"} 2',
        'zkticket_process_restarts_total{host="box",process="worker-1",cause="died"} 2',
        'zkticket_process_restarts_total{host="box",process="worker-1",cause="hung"} 0',
        'zkticket_process_cpu_ratio{host="box",process="worker-1"} 0.61',
        "zkticket_supervisor_up",
        "zkticket_disk_free_bytes",
        "zkticket_receipts_written_timestamp_seconds",
        "zkticket_connections",
    ):
        assert line in scraped, line


def test_without_zookeeper_no_stock_is_told_and_no_worker_is_called_ready() -> None:
    with running("away") as web:
        told = web.get("/metrics").text
    assert "zkticket_stale 1" in told
    assert "zkticket_tickets" not in told
    assert "zkticket_workers" not in told
    assert "zkticket_zookeeper_quorum 0" in told
    assert "zkticket_disk_free_bytes" in told
    promtool("check", "metrics", stdin=told)


def test_many_types_are_cut_off_and_counted() -> None:
    types = tuple(GALA.types) * instance_metrics.MOST_TYPES
    [event] = [GALA]
    many = type(event)(**{**_fields(event), "types": types})
    families = {family.name: family for family in instance_metrics.tickets([many])}
    assert len(families["tickets_sold"].samples) == instance_metrics.MOST_TYPES
    assert families["types_unlisted"].samples[0].value == len(types) - instance_metrics.MOST_TYPES


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


# --- how often it asks ---------------------------------------------------------------


class Asked:
    """A status that counts its readers, and can fail."""

    def __init__(self) -> None:
        self.now, self.times, self.fails = 0.0, 0, False

    async def status(self) -> Status:
        self.times += 1
        await asyncio.sleep(0)
        if self.fails:
            raise NotRunning("nothing is running")
        return fake_board.status("open", GALA)

    def vitals(self) -> InstanceVitals:
        return InstanceVitals(self.status, lambda: fake_board.machine(0.0), lambda: self.now)


async def test_however_many_scrape_the_instance_is_asked_once_in_a_while() -> None:
    asked = Asked()
    latest = asked.vitals()
    found = await asyncio.gather(*(latest.latest() for _ in range(50)))
    assert all(reading is not None for reading in found)
    assert asked.times == 1
    asked.now += FRESH_S + 0.1
    await latest.latest()
    assert asked.times == 2


async def test_an_instance_that_tells_nothing_has_no_series_of_it() -> None:
    asked = Asked()
    asked.fails = True
    reading = await asked.vitals().latest()
    assert reading is not None
    assert reading.status is None


async def test_an_old_reading_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()

    async def hang() -> Status:
        await asyncio.sleep(60)
        raise AssertionError

    latest = asked.vitals()
    assert await latest.latest() is not None
    monkeypatch.setattr("web.metrics.scrape.WAIT_S", 0.01)
    latest._status = hang
    asked.now += STALE_S - 1
    assert await latest.latest() is not None
    asked.now += 2
    assert await latest.latest() is None
    await latest.close()


# --- the machine ---------------------------------------------------------------------


def test_open_connections_to_the_pages_port_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert len(read_table(port, [ESTABLISHED])) == 0
        with socket.create_connection(("127.0.0.1", port)):
            assert len(read_table(port, [ESTABLISHED])) == 1


def test_the_age_and_the_number_of_receipts_are_those_of_the_journal(tmp_path: Path) -> None:
    folder = format.folder(tmp_path, "worker-2")
    folder.mkdir(parents=True)
    for number, size in ((3, 100), (4, 50), (5, 0)):
        format.segment(folder, number).path.write_bytes(bytes(size))
    [journal] = host_metrics.look(tmp_path, 1, time.time()).journals
    assert (journal.worker, journal.size_bytes, journal.files, journal.dropped) == (
        "worker-2",
        150,
        2,
        2,
    )
    assert abs(journal.written_at - time.time()) < 60.0


def test_a_table_that_nobody_writes_any_more_says_nothing(tmp_path: Path) -> None:
    found = host_metrics.look(tmp_path, 1, 0.0)
    assert (found.table, found.supervised) == (None, False)
    names = {family.name for family in instance_metrics.machine(found, "h")}
    assert "processes" not in names


def test_the_machine_of_nobody_has_no_series_of_processes() -> None:
    lost = Machine(table=None, supervised=False, disks=(), journals=(), connections=0)
    assert "zkticket_supervisor_up" in text(instance_metrics.machine(lost, "h"))
    assert "zkticket_process" not in text(instance_metrics.machine(lost, "h"))


# --- alerts, dashboard, documents ----------------------------------------------------


def test_the_alerts_are_well_formed() -> None:
    promtool("check", "rules", str(FOLDER / "alerts.yml"))


def test_each_alert_fires_where_it_should_and_only_there() -> None:
    promtool("test", "rules", str(FOLDER / "alerts_test.yml"))


def test_the_alerts_are_all_tried() -> None:
    alerts = set(re.findall(r"alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
    assert alerts
    assert set(re.findall(r"alertname: (\w+)", (FOLDER / "alerts_test.yml").read_text())) == alerts


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_only_series_are_used_that_are_exported(name: str, scraped: str) -> None:
    assert used_in((FOLDER / name).read_text(encoding="utf-8")) <= exported(scraped)


def test_grafana_can_import_the_dashboard() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    jsonschema_rs.validate(DASHBOARD, dashboard)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        cells = set(_cells(**panel["gridPos"]))
        assert not cells & taken, panel["title"]
        taken |= cells


def _cells(x: int, y: int, w: int, h: int) -> Iterator[tuple[int, int]]:
    assert x + w <= 24
    return ((x + dx, y + dy) for dx in range(w) for dy in range(h))


def documented() -> set[str]:
    page = (FOLDER / "METRICS.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(zkticket_[a-z_]+)`", page, re.MULTILINE))


def test_every_series_is_in_the_documents_table_and_no_other(scraped: str) -> None:
    assert documented() == exported(scraped)


def test_of_a_tree_that_was_not_read_no_worker_is_counted() -> None:
    whole = fake_board.status("open", GALA)
    blind = replace(whole, unread="ZooKeeper did not answer in time")
    assert "zkticket_workers" in text(instance_metrics.instance(whole))
    assert "zkticket_workers" not in text(instance_metrics.instance(blind))
