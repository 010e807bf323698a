"""Commands of zkticket.py in this process, on a throw-away server; there is no terminal."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from tests.support.zookeeper_server import SECRET, Server
from zkticket import app

Run = Callable[..., Result]


def commands_on(server: Server, data_dir: Path, *group: str) -> Run:
    """Runs the commands of that group, or all; the server's secret is put into `data_dir`."""
    (data_dir / "secret").write_text(SECRET.value.hex())

    def run(*arguments: str) -> Result:
        options = ["--data-dir", str(data_dir), "--zookeeper", server.hosts]
        return CliRunner().invoke(app, [*group, *arguments, *options], env={"COLUMNS": "100"})

    return run
