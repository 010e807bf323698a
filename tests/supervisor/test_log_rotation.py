"""A process's own log stays small while it is written to, however long an outage lasts."""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

import pytest

from core.machine.diagnostics import MOST, MOST_KINDS, PERIOD_S, Repeats
from supervisor.log_rotation import CHUNK_BYTES, LOG_BYTES, aside, keep_small, rotate
from supervisor.processes.spawned_process import ProcessPlan, Role, spawner
from supervisor.zookeeper.disk_faults import SEVERE, ServerLog
from tests.support.instance import Instance, eventually

MOST_BYTES = 10_000
LINES = 20_000
# Writes some 400 KB in 2 s, as numbered lines, and does not end by itself.
NOISY = f"""
import sys, time
for number in range({LINES}):
    print(f"line {{number:012d}}", flush=True)
    if not number % 100:
        time.sleep(0.01)
print("the end", flush=True)
sys.stdin.read()
time.sleep(60)
"""


def test_a_large_log_is_put_aside_in_the_place_of_the_one_before_it(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    assert not rotate(log)
    log.write_bytes(b"x" * 100)
    assert not rotate(log, most_bytes=100)
    assert rotate(log, most_bytes=99)
    assert log.read_bytes() == b""
    assert aside(log).read_bytes() == b"x" * 99
    log.write_bytes(b"y" * 200)
    rotate(log, most_bytes=99)
    assert aside(log).read_bytes() == b"y" * 99


async def test_a_noisy_child_goes_on_writing_into_a_log_that_stays_small(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"

    process = spawner(os.environ)(
        ProcessPlan("worker-1", Role.WORKER, (sys.executable, "-c", NOISY), log)
    )
    keeper = asyncio.create_task(keep_small(tmp_path, MOST_BYTES, look_s=0.01))
    largest, deadline = 0, time.monotonic() + 30
    try:
        while b"the end" not in log.read_bytes() + _read(aside(log)):
            assert time.monotonic() < deadline
            assert process.ended() is None
            largest = max(largest, log.stat().st_size, len(_read(aside(log))))
            await asyncio.sleep(0.005)
    finally:
        keeper.cancel()
        process.kill()
        while process.ended() is None:
            await asyncio.sleep(0.01)
    # A busy machine writes more between two looks.
    assert largest < LINES * len("line 000000000000\n") / 3
    text = (_read(aside(log)) + log.read_bytes()).decode()
    assert "\0" not in text  # it continues at the new end, not at the old position
    assert text.rstrip().endswith("the end")


def test_the_logs_of_all_that_runs_stay_small_those_of_zookeeper_too(shop: Instance) -> None:
    logs = sorted((shop.data_dir / "logs").glob("*.log"))
    assert {"zookeeper-1.log", "worker-1.log", "web-1.log"} <= {log.name for log in logs}
    for log in logs:
        with log.open("ab") as file:
            file.write(b"the same line again and again\n" * (LOG_BYTES // 25))
    eventually("all logs are small", lambda: all(log.stat().st_size < LOG_BYTES for log in logs))
    for log in logs:
        assert aside(log).stat().st_size <= LOG_BYTES + CHUNK_BYTES
        aside(log).unlink()
    before = (shop.data_dir / "logs" / "web-1.log").stat().st_size
    assert shop.run("restart", "web").returncode == 0
    assert (shop.data_dir / "logs" / "web-1.log").stat().st_size > before
    shop.expect_health()


def test_a_log_that_has_grown_for_days_leaves_its_latest_lines(tmp_path: Path) -> None:
    log = tmp_path / "web-1.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    rotate(log, MOST_BYTES)
    assert aside(log).stat().st_size == MOST_BYTES
    assert aside(log).read_text().endswith("line 99999\n")


def test_on_a_full_disk_a_log_is_cut_off_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "web-1.log"
    log.write_bytes(b"x" * 100)
    monkeypatch.setattr("supervisor.log_rotation.aside", lambda _log: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", lambda _path, missing_ok: None)
    monkeypatch.setattr(
        "core.machine.private_files.append", lambda path: os.open(path, os.O_WRONLY)
    )
    assert rotate(log, most_bytes=99)
    assert log.stat().st_size == 0


async def test_a_log_that_is_another_file_by_a_link_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"x" * 2 * MOST_BYTES)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").symlink_to(victim)
    (logs / "b.log").write_bytes(b"x" * 2 * MOST_BYTES)

    keeper = asyncio.create_task(keep_small(logs, MOST_BYTES, look_s=0.01))
    deadline = time.monotonic() + 10
    while (logs / "b.log").stat().st_size:
        assert time.monotonic() < deadline, "nobody looks at the log after it"
        await asyncio.sleep(0.01)
    keeper.cancel()
    assert victim.stat().st_size == 2 * MOST_BYTES


def test_what_a_server_said_last_before_its_log_was_put_aside_is_read(tmp_path: Path) -> None:
    path = tmp_path / "zookeeper-1.log"
    path.write_text("2026-11-22T12:00:00.000+0000 INFO starts\n" * 10)
    log = ServerLog(path)
    assert log.severe_news() == []
    with path.open("ab") as file:
        file.write(b"2026-11-22T12:00:05.000+0000 ERROR " + SEVERE + b"\n")
    rotate(path, most_bytes=200)
    with path.open("ab") as file:
        file.write(b"2026-11-22T12:00:06.000+0000 INFO ends\n")
    assert len(log.severe_news()) == 1
    assert log.severe_news() == []


# --- at the source -------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record(text: str, *args: object, name: str = "kazoo.client") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, text, args, None)


def test_a_line_that_comes_again_and_again_is_told_now_and_then_with_its_count() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    passed = 0
    for second in range(600):
        clock.now = float(second)
        for port in (2181, 2182, 2183):
            line = record("Connection dropped: %s:%s refused", "127.0.0.1", port)
            passed += repeats.filter(line)
    assert passed == MOST * 600 / PERIOD_S
    clock.now = 600.0
    line = record("Connection dropped: %s:%s refused", "127.0.0.1", 2181)
    assert repeats.filter(line)
    assert line.getMessage() == (
        "Connection dropped: 127.0.0.1:2181 refused (and 170 more like this before)"
    )


def test_other_lines_and_our_own_pass_whatever_repeats() -> None:
    repeats = Repeats(Clock())
    for _ in range(1000):
        repeats.filter(record("Connection dropped"))
    assert repeats.filter(record("Session has expired"))
    ours = [record("sold: order %s", number, name="zkticket.worker-1") for number in range(1000)]
    assert all(repeats.filter(line) for line in ours)


def test_the_kinds_that_are_remembered_are_bounded() -> None:
    repeats = Repeats(Clock())
    for number in range(26**3):
        letters = "".join(chr(103 + number // 20**place % 20) for place in range(4))
        repeats.filter(record(letters))
    assert len(repeats._kinds) <= MOST_KINDS


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
