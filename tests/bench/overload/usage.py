"""Processor time of a shop's processes, by role, and of the load generator."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.support.instance import Instance


class Usage:
    """Processor time of an instance's present processes."""

    def __init__(self, shop: Instance) -> None:
        status = shop.status()
        webs = [psutil.Process(web["pid"]) for web in status["web"]]
        servers = [server["pid"] for server in status["ensemble"]["servers"]]
        self._roles = {
            "web": [process for web in webs for process in (web, *web.children(recursive=True))],
            "workers": [psutil.Process(worker["pid"]) for worker in status["workers"]],
            "servers": [psutil.Process(pid) for pid in servers if pid],
        }

    @contextmanager
    def counted(self) -> Iterator[dict[str, float]]:
        """Counts seconds by role, until the block ends; `wrk` are the children that ended."""
        before, used = self._read(), dict[str, float]()
        yield used
        used.update({role: seconds - before[role] for role, seconds in self._read().items()})

    def _read(self) -> dict[str, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = {
            role: sum(sum(process.cpu_times()[:2]) for process in processes)
            for role, processes in self._roles.items()
        }
        return {**own, "wrk": children.ru_utime + children.ru_stime}
