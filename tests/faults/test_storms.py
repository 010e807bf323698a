"""Ambiguous commits while links, clocks and servers fail as well."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.schema.records import Marker, encode
from core.zookeeper.tree_setup import prepare_tree
from supervisor.zookeeper.ensemble import wait_for_quorum
from tests.faults.ambiguity.clocks import JumpingClocks
from tests.faults.ambiguity.sale import Run, SaleReport
from tests.faults.ensemble.partition import Islands
from tests.faults.ensemble.servers import Servers, three_servers
from tests.faults.ensemble.storms import Partitions, deaths
from tests.support.zookeeper_server import PASSWORD

SEED = 20260730
QUORUM_S = 60.0


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with three_servers(tmp_path_factory.mktemp("ensemble")) as running:
        yield running


def expect_truth(doubts: SaleReport, resolved: int) -> None:
    """Expects that so many lost answers were resolved, and nobody was told anything untrue."""
    assert doubts.resolved >= resolved
    assert doubts.answers["sold"] > 0
    assert not doubts.findings, (SEED, doubts.findings[:5])


@pytest.mark.timeout(240)
async def test_links_to_the_web_that_are_cut_muted_or_slow_make_nobody_buy_twice(
    servers: Servers,
) -> None:
    run = Run(servers.hosts, SEED, web=True, event="linked")
    expect_truth(await run.until(80, 90.0), 80)


@pytest.mark.timeout(240)
async def test_clocks_that_jump_change_no_answer(servers: Servers) -> None:
    run = Run(servers.hosts, SEED, clocks=JumpingClocks, event="timeless")
    expect_truth(await run.until(100, 90.0), 100)


@pytest.mark.timeout(240)
async def test_doubts_are_resolved_while_servers_die(servers: Servers) -> None:
    run = Run(
        servers.hosts, SEED, event="mortal", storm=lambda: deaths(servers, random.Random(SEED))
    )
    expect_truth(await run.until(120, 90.0), 120)


@pytest.mark.timeout(240)
async def test_parted_servers_sell_nothing_twice(tmp_path: Path) -> None:
    islands = Islands(tmp_path, random.Random())
    with ExitStack() as stack:
        try:
            stack.enter_context(islands.afloat())
        except OSError as error:
            pytest.skip(f"no network namespaces here: {error}")
        await found(islands.hosts)
        partitions = Partitions(islands, random.Random(SEED))
        run = Run(islands.hosts, SEED, storm=partitions.storm)
        doubts = await run.until(10_000, 15.0)
    assert partitions.count >= 2
    expect_truth(doubts, 40)


async def found(hosts: str) -> None:
    await wait_for_quorum(hosts, QUORUM_S, lambda _: None)
    await prepare_tree(hosts, PASSWORD, encode(Marker()), close_root=True, timeout_s=QUORUM_S)
