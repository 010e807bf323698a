"""An option that is given twice is refused: one of the values would be lost."""

import pytest
from typer.testing import CliRunner

from core.errors import NoSuchOrder, NotRunning, WrongUsage
from zkticket import app

NOWHERE = ("--data-dir", "/nowhere")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("event create x --type A:100:48 --type A:50:32", "--type is given twice for A"),
        ("event create x --type A:1 --type B:1 --type A:1", "--type A:1 is given 2 times"),
        ("event create x --type A:1 --title one --title two", "--title is given 2 times"),
        ("event create x --type A:1 --cancellable --not-cancellable", "is given 2 times"),
        ("event edit x --limit 1 --limit 2", "--limit is given 2 times"),
        ("event edit x --capacity A=1 --capacity A=2", "--capacity is given twice for A"),
        ("event edit x --price A=1 --price A=2", "--price is given twice for A"),
        ("order export --event gala --event ball --event gala", "--event gala is given 2 times"),
        ("order find --buyer Ann --buyer Bob", "--buyer is given 2 times"),
        ("admin log --source web-1 --source web-1", "--source web-1 is given 2 times"),
        ("admin log --level info --level error", "--level is given 2 times"),
        ("admin log --tail 1 --tail 2 --tail 3", "--tail is given 3 times"),
        ("admin reset --quantity 1 --quantity 2", "--quantity is given 2 times"),
        ("status --zookeeper a:1 --zookeeper b:1", "--zookeeper is given 2 times"),
        ("up --port 1 --port 2", "--port is given 2 times"),
        ("scale 2 --timeout 5 --timeout 6", "--timeout is given 2 times"),
    ],
)
def test_an_option_that_stands_twice_is_refused(line: str, says: str) -> None:
    done = CliRunner().invoke(app, [*line.split(), *NOWHERE])
    assert isinstance(done.exception, WrongUsage), (done.output, done.exception)
    assert says in str(done.exception)
    assert done.stdout == ""


def test_the_log_is_asked_about_an_order_that_can_be_one() -> None:
    done = CliRunner().invoke(app, ["admin", "log", "--order", "zz", *NOWHERE])
    assert isinstance(done.exception, NoSuchOrder), (done.output, done.exception)


@pytest.mark.parametrize(
    "line",
    [
        "admin reset --quantity 1 --yes --yes",
        "admin log --source web-1 --source worker-1 --json --json",
        "order export --event gala --event ball",
        "event create x --type A:1 --type B:1",
    ],
)
def test_several_values_and_a_switch_set_twice_are_taken(line: str) -> None:
    done = CliRunner().invoke(app, [*line.split(), *NOWHERE])
    assert isinstance(done.exception, NotRunning), (done.output, done.exception)
