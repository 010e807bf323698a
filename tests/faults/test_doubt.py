"""Hundreds of ambiguous commits: each is resolved, and nobody is told anything untrue."""

from collections.abc import Iterator

import pytest

from admin.drill.proof.checker import Kind
from tests.faults.ambiguity import naive_sellers
from tests.faults.ambiguity.sale import Run
from tests.faults.ensemble.servers import Servers, three_servers
from workers.selling.seller import Seller

SEED = 20260729
RESOLVED = 500
# So many ambiguous commits catch a naive seller: most are lost replies.
FEW = 25


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with three_servers(tmp_path_factory.mktemp("ensemble")) as running:
        yield running


@pytest.mark.timeout(300)
async def test_five_hundred_ambiguous_commits_are_resolved_and_none_is_misreported(
    servers: Servers,
) -> None:
    doubts = await Run(servers.hosts, SEED).until(RESOLVED, 200.0)
    assert doubts.resolved >= RESOLVED
    assert doubts.events["unresolved"] == 0
    assert doubts.events["ambiguous"] == doubts.resolved
    assert doubts.answers["sold"] > RESOLVED
    assert not doubts.findings, (SEED, doubts.findings[:5])


@pytest.mark.parametrize(
    ("kind", "caught"),
    [
        (naive_sellers.CallsItFailed, Kind.MISREPORTED),
        (naive_sellers.MintsNewOrders, Kind.DOUBLED),
        (naive_sellers.TriesAgainWithFreshVersions, Kind.MISREPORTED),
    ],
)
async def test_a_naive_retry_is_caught(servers: Servers, kind: type[Seller], caught: Kind) -> None:
    # With two tickets of each type, a naive retry finds the last ones sold to its own first try.
    run = Run(servers.hosts, SEED, kind=kind, types=150, capacity=2, event=kind.__name__)
    doubts = await run.until(FEW, 60.0)
    assert doubts.resolved >= FEW
    assert caught in {finding.kind for finding in doubts.findings}, doubts.answers
