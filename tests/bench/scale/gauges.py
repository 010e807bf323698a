"""The size of an instance: its processes, its servers' heaps, its files."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.scale.jvm import live_bytes
from tests.bench.scale.results import Size
from tests.support.instance import Instance

MB = 2**20


def size(instance: Instance, orders: int, *, heap: bool) -> Size:
    """Measures the sizes; with `heap`, every server pauses for a full collection."""
    status = instance.status()
    servers = [server["pid"] for server in status["ensemble"]["servers"]]
    return Size(
        orders=orders,
        rss_mb={name: round(rss, 1) for name, rss in _own_rss_mb(status)},
        live_mb=tuple(round(live_bytes(pid) / MB, 1) for pid in servers) if heap else (),
        server_rss_mb=tuple(_rss_mb(pid) for pid in servers),
        log_mb=tuple(_all_mb(folder, "log.*") for folder in _folders(instance)),
    )


def snapshot_mb(instance: Instance) -> float:
    """Returns the size of the newest snapshot, at the server where it is largest."""
    return max(_newest_mb(folder, "snapshot.*") for folder in _folders(instance))


def _folders(instance: Instance) -> list[Path]:
    """Returns each server's folder of logs and snapshots."""
    return sorted((instance.data_dir / "zookeeper").glob("*/data/version-2"))


def _own_rss_mb(status: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Returns the memory of zkticket's own processes, each with its descendants but the others."""
    named = {
        "supervisor": status["supervisor"]["pid"],
        **{each["name"]: each["pid"] for each in (*status["workers"], *status["web"])},
    }
    servers = {server["pid"] for server in status["ensemble"]["servers"]}
    apart = {*named.values(), *servers}
    for name, pid in named.items():
        yield name, sum(_rss_mb(each) for each in _tree(pid, apart - {pid}))


@dataclass(frozen=True)
class Clocks:
    """Processor seconds so far: ours by kind, and the whole machine's."""

    ours: dict[str, float]
    machine_s: float

    def since(self, before: "Clocks", tickets: int) -> dict[str, float]:
        """Returns microseconds for each ticket, with those of strangers as `others`."""
        spent = {name: each - before.ours[name] for name, each in self.ours.items()}
        spent["others"] = max(0.0, self.machine_s - before.machine_s - sum(spent.values()))
        return {name: round(each / tickets * 1e6, 1) for name, each in spent.items()}


class Processes:
    """An instance's present processes; a new one is made after a restart."""

    def __init__(self, instance: Instance) -> None:
        status = instance.status()
        servers = {server["pid"] for server in status["ensemble"]["servers"]}
        roots = [status["supervisor"]["pid"]]
        roots += [each["pid"] for each in (*status["workers"], *status["web"])]
        self._pids = {
            "servers": servers,
            "own": {pid for root in roots for pid in _tree(root, servers)},
            "buyers": {psutil.Process().pid},
        }

    def clocks(self) -> Clocks:
        whole = psutil.cpu_times()
        busy_s = whole.user + whole.nice + whole.system + whole.irq + whole.softirq + whole.steal
        return Clocks(
            {name: sum(map(_cpu_s, pids)) for name, pids in self._pids.items()}, float(busy_s)
        )


def _cpu_s(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _tree(pid: int, apart: set[int]) -> Iterator[int]:
    """Returns the process and its descendants, without other roots."""
    if pid in apart:
        return
    yield pid
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children():
            yield from _tree(child.pid, apart)


def _rss_mb(pid: int) -> float:
    try:
        return round(float(psutil.Process(pid).memory_info().rss) / MB, 1)
    except psutil.NoSuchProcess:
        return 0.0


def _newest_mb(folder: Path, pattern: str) -> float:
    files = sorted(folder.glob(pattern), key=lambda file: file.stat().st_mtime)
    return round(files[-1].stat().st_size / MB, 1) if files else 0.0


def _all_mb(folder: Path, pattern: str) -> float:
    # Blocks count, not bytes: ZooKeeper makes its log larger than its contents, ahead of time.
    return round(sum(file.stat().st_blocks for file in folder.glob(pattern)) * 512 / MB, 1)
