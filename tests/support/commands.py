"""Commands of zkticket.py, run in this process on a throw-away server, without a terminal."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from tests.support.zookeeper_server import SECRET, Server
from zkticket import app

Run = Callable[..., Result]


def commands_on(server: Server, data_dir: Path, *group: str) -> Run:
    """Runs commands, those of a group if one is named; puts the server's secret into `data_dir`."""
    (data_dir / "secret").write_text(SECRET.value.hex())

    def run(*arguments: str) -> Result:
        options = ["--data-dir", str(data_dir), "--zookeeper", server.hosts]
        return CliRunner().invoke(app, [*group, *arguments, *options], env={"COLUMNS": "100"})

    return run
