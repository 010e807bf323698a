"""Three ZooKeeper servers, set up like zkticket's own, for sellers without zkticket."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from supervisor.zookeeper.ensemble import local_ensemble, wait_for_quorum
from supervisor.zookeeper.java import find_class_path, find_java
from tests.bench.contestants.children import child
from tests.support.instance import free_ensemble_port
from tests.support.zookeeper_server import SECRET

QUORUM_S = 30.0


@contextmanager
def three_servers(home: Path) -> Iterator[str]:
    """Runs an ensemble for the block; yields its `host:port,…` once it has a quorum."""
    ensemble = local_ensemble(home, free_ensemble_port(), 3, SECRET.quorum_password)
    ensemble.configure()
    java, class_path = find_java(os.environ), find_class_path(os.environ).text
    with ExitStack() as servers:
        for server in ensemble.servers:
            plan = ensemble.plan(server, java, class_path, ensemble.home)
            servers.enter_context(child(plan.argv, plan.log, lambda: True))
        asyncio.run(wait_for_quorum(ensemble.hosts, QUORUM_S, lambda _: None))
        yield ensemble.hosts
