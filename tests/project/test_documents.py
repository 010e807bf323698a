"""Everything that documents name exists: files, headings, commands and their options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.pictures.drill import end_of
from tests.support.instance import ROOT
from zkticket import app

PAGES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Fenced blocks that name no language also show output, below a prompt.
CODE = re.compile(r"^```sh\n(.*?)^```|^(\$ [^\n]*)|(?<!`)`([^`]+)`", re.MULTILINE | re.DOTALL)
# A command ends with its line or code span, or where the shell goes on.
COMMAND = re.compile(
    r"(?:(?<![\w./])|(?<=bin/))zkticket(?:\.py)? ((?:[a-z]|--)(?:(?! #)[^|;>\n])*)"
)
# OPERATORS.md's table names commands without the program.
ROW = re.compile(r"^\| `([a-z][^`]*)`", re.MULTILINE)
OPTION = re.compile(r"--[a-z][a-z-]*")
PICTURE_BYTES = 200_000
FOLDERS = ("core", "web", "workers", "supervisor", "admin", "tests")
SOURCES = [
    ROOT / "zkticket.py",
    *(path for name in FOLDERS for path in (ROOT / name).rglob("*.py")),
]
# `web/dispatch/retry_budget.py`, `retry_budget.py`, `core.text.money`, `web/pages`
PLACE = re.compile(
    rf"`((?:{'|'.join(FOLDERS)})[./][\w./-]*\w/?|[\w-]+\.(?:py|md|tpl|js|css|sh|toml|xml|sha256|lua))`"
)
# These files are made, fetched or written by readers.
NOT_OURS = {"gala.toml"}
FILES = [
    path
    for path in ROOT.rglob("*")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """Returns the headings as GitHub turns them into fragments."""
    titles = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(text: str) -> Iterator[str]:
    """Returns every command line of zkticket in a page, without the program's name."""
    for code in CODE.findall(text.replace("\\\n", " ")):
        yield from (found.strip() for found in COMMAND.findall("".join(code)))


def shown() -> Iterator[tuple[str, Any]]:
    """Returns what `--help` lists."""
    command: Any = typer.main.get_command(app)
    yield from command.commands.items()


def faults(line: str) -> list[str]:
    """Returns the parts of a command line that `--help` does not know."""
    command: Any = typer.main.get_command(app)
    words = line.split()
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        return [f"{line!r}: no command {words[0]!r}"]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    unknown = set(OPTION.findall(line)) - known - {"--help"}
    return [f"{line!r}: no option {option}" for option in sorted(unknown)]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        target, _, fragment = link.partition("#")
        if "://" in link:
            continue
        found = (page.parent / target).resolve() if target else page
        assert found.is_file(), link
        assert not fragment or fragment in anchors(found), link


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    assert [fault for line in commands(text_of(page)) for fault in faults(line)] == []


def is_there(place: str, page: Path) -> bool:
    """Whether it is a file or folder, seen from the top or the page or by name, or a module."""
    if any((base / place).exists() for base in (ROOT, page.parent)):
        return True
    if "/" not in place and place.partition(".")[0] not in FOLDERS:
        return any(path.name == place for path in FILES)
    parts = place.split(".")
    if (ROOT / Path(*parts)).is_dir():
        return True
    return any(
        (ROOT / Path(*parts[:length])).with_suffix(".py").is_file()
        for length in range(2, len(parts) + 1)
    )


@pytest.mark.parametrize("page", [*PAGES, *SOURCES], ids=names)
def test_what_a_page_or_a_source_names_is_there(page: Path) -> None:
    if page.name != "CHANGELOG.md":  # it tells of the past
        named = set(PLACE.findall(text_of(page))) - NOT_OURS
        assert sorted(place for place in named if not is_there(place, page)) == []


def test_the_operators_table_leaves_out_no_command_and_has_no_other() -> None:
    table = text_of(ROOT / "admin" / "OPERATORS.md").partition("## The pages")[0]
    rows = ROW.findall(table)
    assert [fault for row in rows for fault in faults(row)] == []
    assert {row.split()[0] for row in rows} == {name for name, each in shown() if not each.hidden}


def test_commands_are_found_in_code_and_nowhere_else() -> None:
    page = """zkticket sells `zkticket status --json`, and in two
```sh
sudo -u zkticket .venv/bin/zkticket verify  # a remark
useradd --home-dir /var/lib/zkticket --system
make up; zkticket order cancel \\
ORDER --yes > file
```
```
$ zkticket down
zkticket stops everything
```
"""
    assert list(commands(page)) == ["status --json", "verify", "order cancel  ORDER --yes", "down"]


def test_a_command_or_option_that_is_not_there_is_found() -> None:
    assert faults("event creat gala") == ["'event creat gala': no command 'creat'"]
    assert faults("order export --xml") == ["'order export --xml': no option --xml"]
    assert faults("admin log --since 10m --help") == []


def test_the_pictures_are_small() -> None:
    shots = list((ROOT / "tests" / "pictures" / "shots").glob("*.png"))
    assert shots
    assert [shot.name for shot in shots if shot.stat().st_size > PICTURE_BYTES] == []


def test_a_drills_picture_shows_the_sale_at_its_end_and_the_verdict() -> None:
    erased = "\r\x1b[2K\x1b[1A\x1b[2K"
    screens = ["all is well\r\nsold/s 1", "killed it\r\nsold/s 2", "recounting\r\nsold/s 0"]
    output = erased.join([*screens, "every promise held\r\n"])
    assert end_of(output) == "killed it\nsold/s 2\n\nevery promise held"


def test_a_file_or_module_that_is_not_there_is_found() -> None:
    here = ROOT / "README.md"
    assert is_there("core.text.money.amount", here)
    assert is_there("order_lifecycle.py", here)
    for gone in ("core.zk", "core/zk.py", "zk.py", "web.dispatch.nothing.at_all", "web/nothing"):
        assert not is_there(gone, here), gone
