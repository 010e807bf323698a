"""Data is written whole, or the command fails in one line; no message ever stops anything."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.instance import ENTRYPOINT, ROOT, Instance, environment, eventually

NAMES = "Zoë 王小明 Ольга שרה 🎟"
MESSAGES = """\
import logging, sys
from core.machine import streams
streams.settle()
streams.expect_no_data()
logging.basicConfig()
for number in range(5000):
    print("sells at", number, flush=True)
    logging.error("a disk is full %d", number)
    print("so it is", file=sys.stderr)
open(sys.argv[1], "w").write("done")
"""
HELP = [sys.executable, str(ENTRYPOINT), "order", "export", "--help"]


@contextmanager
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@contextmanager
def stuck() -> Iterator[int]:
    """A full pipe whose reader reads nothing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (4096, 1):
        while True:
            try:
                os.write(writer, b"x" * size)
            except BlockingIOError:
                break
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


@contextmanager
def full() -> Iterator[int]:
    """A disk that is full."""
    writer = os.open("/dev/full", os.O_WRONLY)
    yield writer
    os.close(writer)


UNWRITABLE = [unread, stuck, full]


def closing(command: Sequence[str], *streams: int) -> list[str]:
    """Returns the command with those of its streams closed."""
    closed = " ".join(f"{number}>&-" for number in streams)
    return ["sh", "-c", f'exec "$@" {closed}', "sh", *command]


def run(command: Sequence[str], **streams: Any) -> subprocess.CompletedProcess[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        command, cwd=ROOT, env=environment(), text=True, encoding="utf-8", timeout=60, **streams
    )


# --- messages ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", UNWRITABLE)
def test_messages_that_cannot_be_written_are_lost(kind: Any, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with kind() as writer:
        found = run([sys.executable, "-c", MESSAGES, str(done)], stdout=writer, stderr=writer)
    assert (found.returncode, done.read_text()) == (0, "done")


def test_messages_to_streams_that_are_closed_are_lost_and_go_into_no_file(tmp_path: Path) -> None:
    done = tmp_path / "done"
    found = run(closing([sys.executable, "-c", MESSAGES, str(done)], 0, 1, 2))
    assert (found.returncode, done.read_text()) == (0, "done")


@pytest.mark.parametrize("kind", UNWRITABLE)
def test_a_shop_opens_and_goes_on_whatever_becomes_of_its_messages(
    kind: Any, tmp_path: Path
) -> None:
    shop = Instance(tmp_path / "data", ("--servers", "1", "--workers", "1"))
    with ExitStack() as stack:
        stack.callback(shop.clean_up)
        writer = stack.enter_context(kind())
        shop.launch(writer, writer)
        eventually("it sells", lambda: shop.run("status").returncode == 0, 60.0)
        assert shop.buyer().buy().status == 201
        shop.down()


# --- data ----------------------------------------------------------------------------


def test_data_that_finds_no_room_is_an_error_of_one_line() -> None:
    with full() as writer:
        found = run(HELP, stdout=writer)
    assert found.returncode == 1
    assert found.stderr == "error: cannot write what was asked for: No space left on device\n"


def test_data_for_a_closed_stream_is_an_error_of_one_line() -> None:
    found = run(closing(HELP, 1))
    assert found.returncode == 1
    assert found.stderr == "error: cannot write what was asked for: Bad file descriptor\n"


def test_data_that_nobody_reads_ends_the_command_without_a_word() -> None:
    with unread() as writer:
        found = run(HELP, stdout=writer)
    assert (found.returncode, found.stderr) == (1, "")


@pytest.mark.parametrize(
    "command", [("status",), ("order", "export"), ("admin", "log", "--json"), ("event", "list")]
)
def test_what_an_instance_has_to_tell_is_data(shop: Instance, command: tuple[str, ...]) -> None:
    words = [sys.executable, str(ENTRYPOINT), *command, "--data-dir", str(shop.data_dir)]
    with full() as writer:
        found = run(words, stdout=writer)
    assert found.returncode == 1
    assert found.stderr == "error: cannot write what was asked for: No space left on device\n"
    with unread() as writer:
        found = run(words, stdout=writer)
    assert (found.returncode, found.stderr) == (1, "")


@pytest.mark.parametrize("kind", [full, unread])
def test_what_an_act_says_is_a_message_and_the_act_is_done(
    shop: Instance, kind: Any, tmp_path: Path
) -> None:
    event, folder = f"e-{kind.__name__}", tmp_path / "log"
    order = shop.buyer().buy().json["order"]
    for words in (
        ("event", "create", event, "--type", "A:5", "--publish"),
        ("event", "edit", event, "--place", "Hall"),
        ("event", "close", event, "--yes"),
        ("event", "open", event),
        ("order", "cancel", order, "--yes"),
        ("admin", "reset", "--event", event, "--quantity", "3", "--yes"),
        ("scale", str(len(shop.status()["workers"]))),
        ("admin", "log", "--export", str(folder)),
        ("admin", "delete-tree", f"/events/{event}", "--yes"),
    ):
        command = [sys.executable, str(ENTRYPOINT), *words, "--data-dir", str(shop.data_dir)]
        with kind() as writer:
            found = run(command, stdout=writer)
        assert (found.returncode, "error" in found.stderr) == (0, False), (words, found.stderr)
    assert list(folder.iterdir())
    assert event not in shop.run("event", "list").stdout


def test_without_standard_input_a_question_is_not_asked(shop: Instance) -> None:
    words = ["admin", "reset", "--quantity", "5", "--data-dir", str(shop.data_dir)]
    found = run(closing([sys.executable, str(ENTRYPOINT), *words], 0))
    assert found.returncode == 1
    assert "without a terminal, add --yes" in found.stderr


# --- encodings -----------------------------------------------------------------------

LOCALES: list[dict[str, str]] = [
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "xx_YY.UTF-8", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-16"},
]


def put_on(locale: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in locale.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("locale", LOCALES)
def test_data_is_utf8_whatever_the_locale(
    shop: Instance, locale: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    order = shop.buyer().buy(buyer=NAMES).json["order"]
    put_on(locale, monkeypatch)
    folder = tmp_path / "журнал"
    for command in (
        ("order", "export"),
        ("order", "export", "--json"),
        ("order", "show", order),
        ("order", "show", order, "--json"),
        ("order", "find", "--buyer", "王小明"),
    ):
        done = shop.run(*command)
        assert done.returncode == 0, done.stderr
        assert NAMES.split()[1] in done.stdout, command
    for words in ("status", "admin log", "verify"):
        done = shop.run(*words.split())
        assert "unexpected" not in done.stderr
        assert done.stdout
    assert str(folder) in shop.run("admin", "log", "--export", str(folder)).stdout


def test_a_screen_is_shown_what_it_can_show(
    shop: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.buyer().buy(buyer=NAMES).json["order"]
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    words = [sys.executable, str(ENTRYPOINT), "order", "show", order]
    screen, terminal = os.openpty()
    done = run([*words, "--data-dir", str(shop.data_dir)], stdout=terminal)
    os.close(terminal)
    shown = os.read(screen, 65536).decode("latin-1")
    os.close(screen)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Zoë ???" in shown


def test_an_error_names_what_the_locale_cannot() -> None:
    words = [sys.executable, str(ENTRYPOINT), "status", "--data-dir", "/nowhere/zürich 東"]
    latin = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(words, capture_output=True, env={**environment(), **latin})
    assert done.returncode == 3
    assert b"/nowhere/z\xfcrich \\u6771" in done.stderr


def test_a_name_that_is_no_utf8_is_refused_at_once(tmp_path: Path) -> None:
    words: list[str | bytes] = [sys.executable, str(ENTRYPOINT), "status", "--data-dir"]
    done = subprocess.run([*words, b"/srv/z\xfcrich"], capture_output=True, env=environment())
    assert done.returncode == 2
    assert done.stderr == b"error: '/srv/z\\xfcrich' is not UTF-8; use another name\n"
    folder = os.fsencode(tmp_path) + b"/z\xfcrich"
    os.mkdir(folder)
    here = subprocess.run(words[:3], cwd=folder, capture_output=True, env=environment())
    assert here.returncode == 2
    assert here.stderr.endswith(b"is not UTF-8; use another name\n")


def test_a_shop_in_a_directory_with_an_umlaut_starts_again_in_any_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its servers, which are JVMs, used to look for their files in another place, and died."""
    put_on({"LC_ALL": "C", "PYTHONUTF8": "0"}, monkeypatch)
    home = tmp_path / "zürich 東京"
    home.mkdir()
    shop = Instance(home / "data", ("--workers", "1"))
    try:
        order = shop.up().buyer().buy(buyer=NAMES).json["order"]
        shop.down()
        shop.up()
        assert NAMES.split()[0] in shop.run("order", "show", order).stdout
        shop.verify()
        shop.down()
    finally:
        shop.clean_up()
