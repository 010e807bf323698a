"""The command lines of workers and web: subcommands of the one entrypoint."""

import sys
from pathlib import Path

from core.settings import Settings
from supervisor.process import Plan, Role

SCRIPT = Path(__file__).resolve().parent.parent / "zkticket.py"


def worker_plans(settings: Settings, count: int, script: Path = SCRIPT) -> list[Plan]:
    """So many workers of an instance, whose data dir is an absolute path."""
    return [
        _plan(settings, script, Role.WORKER, f"worker-{number}", ())
        for number in range(1, count + 1)
    ]


def web_plan(settings: Settings, script: Path = SCRIPT) -> Plan:
    listens = ("--host", settings.host, "--port", str(settings.port))
    return _plan(settings, script, Role.WEB, "web-1", listens)


def _plan(
    settings: Settings, script: Path, role: Role, name: str, options: tuple[str, ...]
) -> Plan:
    argv = (sys.executable, str(script), role.value, "--name", name, *options)
    argv += ("--data-dir", str(settings.data_dir), "--zookeeper", settings.hosts)
    address = f"{settings.host}:{settings.port}" if role is Role.WEB else ""
    return Plan(name, role, argv, settings.logs_dir / f"{name}.log", address)
