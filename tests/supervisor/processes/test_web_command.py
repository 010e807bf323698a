"""The options that the supervisor gives to the web server."""

from pathlib import Path

from typer.testing import CliRunner

from core.settings import Settings
from supervisor import banner
from supervisor.processes.commands import web_plan
from supervisor.processes.spawned_process import ProcessPlan
from zkticket import app


def plan(**settings: str | int) -> ProcessPlan:
    return web_plan(Settings(data_dir=Path("/data"), **settings), Path("/zkticket.py"))  # type: ignore[arg-type]


def test_the_web_is_told_what_stands_before_it_and_its_bounds() -> None:
    told = " ".join(
        plan(
            public_url="https://tickets.example",
            trusted_proxy="10.0.0.0/8,::1",
            holds_per_address=0,
            held_per_address=50,
            connections_per_address=9,
        ).argv
    )
    for option in (
        "--public-url https://tickets.example",
        "--trusted-proxy 10.0.0.0/8,::1",
        "--holds-per-address 0",
        "--held-per-address 50",
        "--connections-per-address 9",
    ):
        assert option in told


def test_what_nobody_has_said_is_not_handed_on() -> None:
    assert not {"--public-url", "--trusted-proxy"} & set(plan().argv)


def test_the_web_knows_each_option_that_it_is_told() -> None:
    help_ = CliRunner().invoke(app, ["web", "--help"], env={"COLUMNS": "200"}).output
    options = [
        word for word in plan(public_url="https://a", trusted_proxy="::1").argv if "--" in word
    ]
    assert options
    assert [option for option in options if option not in help_] == []


def test_operators_are_told_the_public_address_and_their_own() -> None:
    local = "http://127.0.0.1:8000/"
    assert banner.address(local, "") == local
    told = banner.address(local, "https://tickets.example")
    assert told == "https://tickets.example (http://127.0.0.1:8000/ here)"
