"""Every command that fails writes nothing to stdout, and one line to stderr, with its exit code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from core.errors import NotRunning
from tests.support.instance import Instance
from tests.support.zookeeper_server import SECRET
from zkticket import app

NOBODY = "f" * 32
# These need a running instance.
AT_WORK = (
    *("down", "restart", "scale 2", "status", "status --json", "verify", "verify --json"),
    *("verify --receipts", "verify --receipts --json", "repair", "repair --json --yes"),
    *("event create gala --type A:1", "event edit gala --limit 1", "event list"),
    *("event list --json", "event show gala", "event show gala --json", "event open gala"),
    *("event close gala --yes", "event delete gala --yes"),
    *(f"order show {NOBODY}", f"order show {NOBODY} --json", f"order explain {NOBODY}"),
    *(f"order explain {NOBODY} --json", f"order cancel {NOBODY} --yes"),
    *("order find --buyer Ann", "order find --buyer Ann --json", "order export"),
    *("order export --json", "order export --csv", "order export --event gala"),
    *("admin reset --quantity 1 --yes", "admin tree", "admin tree --data", "admin zkcli"),
    *("admin token create --role door --name North", "admin token list"),
    *("admin token list --json", "admin token revoke North"),
    *("admin delete-tree --yes", "admin log", "admin log --json", "admin log --tail 1"),
)
# These start something, or need no more than what is on this machine.
BY_THEMSELVES = {"up", "drill", "licences", "admin credentials", "admin payment-secret"}
UNKNOWN = (
    ("restart nobody", "there are: supervisor, web, web-1, worker-1"),
    ("admin log --source nobody", "it has: "),
    ("admin log --source nobody --json", "it has: "),
    ("admin reset nothing --quantity 1 --yes", "its types are: A, B, C"),
    ("admin reset --event ball --quantity 1 --yes", "the events are: "),
    ("admin token revoke nobody", "there are: none"),
    ("admin token create --role door --name North --event ball", "the events are: "),
    ("admin tree /nothing", "`admin tree` lists them"),
    ("admin delete-tree /nothing --yes", "`admin tree` lists them"),
    *(
        (f"{command} {order} {more}", "`order find --buyer NAME` looks orders up")
        for command, more in (("order show", "--json"), ("order explain", ""))
        for order in ("nobody", NOBODY)
    ),
    ("order cancel nobody --yes", "`order find --buyer NAME` looks orders up"),
    (f"order cancel {NOBODY} --yes", "`order find --buyer NAME` looks orders up"),
    *(
        (f"{command} --event ball", "the events are: ")
        for command in ("order find --buyer Ann --json", "order export", "order export --json")
    ),
    *(
        (f"event {command}", "the events are: ")
        for command in (
            *("show ball", "show ball --json", "show ..", "show a/b", "show default/x"),
            *("edit ball --limit 1", "edit .. --limit 1", "open ball", "close ball --yes"),
            "delete ball --yes",
        )
    ),
)


def commands(app: Typer, above: str = "") -> Iterator[str]:
    """Returns every command for people, by its words."""
    for each in app.registered_commands:
        if not each.hidden:
            assert each.callback is not None
            yield above + (each.name or each.callback.__name__)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{above}{group.name} ")


def test_every_command_is_looked_at_here() -> None:
    for name in commands(app):
        looked_at = any(f"{line} ".startswith(f"{name} ") for line in AT_WORK)
        assert looked_at != (name in BY_THEMSELVES), name


@pytest.mark.parametrize("line", AT_WORK)
def test_where_nothing_runs_a_command_says_so_and_prints_nothing(line: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET.value.hex())
    done = CliRunner().invoke(app, [*line.split(), "--data-dir", str(tmp_path)])
    assert isinstance(done.exception, NotRunning), (done.output, done.exception)
    assert done.stdout == ""


@pytest.mark.parametrize(("line", "says"), UNKNOWN)
def test_an_unknown_name_is_told_with_what_there_is(shop: Instance, line: str, says: str) -> None:
    done = shop.run(*line.split())
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    [told] = done.stderr.splitlines()
    assert told.startswith("error: ")
    assert says in told
