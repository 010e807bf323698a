"""The command lines of workers and web: subcommands of the one entrypoint."""

import sys
from itertools import chain
from pathlib import Path

from core.machine.program import SCRIPT
from core.settings import Settings
from supervisor.processes.spawned_process import ProcessPlan, Role

# Each is an option of the web's as well.
WEB_SETTINGS = (
    *("host", "port", "public_url", "trusted_proxy"),
    *("connections_per_address", "holds_per_address", "held_per_address"),
)


def worker_plans(settings: Settings, count: int, script: Path = SCRIPT) -> list[ProcessPlan]:
    """Plans so many workers of an instance, whose data dir is an absolute path."""
    return [
        _plan(settings, script, Role.WORKER, f"worker-{number}", ())
        for number in range(1, count + 1)
    ]


def web_plan(settings: Settings, script: Path = SCRIPT) -> ProcessPlan:
    told = [(name, str(getattr(settings, name))) for name in WEB_SETTINGS]
    options = [(f"--{name.replace('_', '-')}", value) for name, value in told if value]
    return _plan(settings, script, Role.WEB, "web-1", tuple(chain.from_iterable(options)))


def _plan(
    settings: Settings, script: Path, role: Role, name: str, options: tuple[str, ...]
) -> ProcessPlan:
    argv = (sys.executable, str(script), role.value, "--name", name, *options)
    argv += ("--data-dir", str(settings.data_dir), "--zookeeper", settings.hosts)
    address = f"{settings.host}:{settings.port}" if role is Role.WEB else ""
    return ProcessPlan(name, role, argv, settings.logs_dir / f"{name}.log", address)
