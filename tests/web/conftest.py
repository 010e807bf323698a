"""A site without ZooKeeper for each file of tests, and a signed-in operator."""

from collections.abc import Iterator

import pytest

from tests.support.fakes.fake_web import FakeWeb, running
from tests.support.signed_in import Operator, enter


@pytest.fixture(scope="module")
def web() -> Iterator[FakeWeb]:
    with running("open") as site:
        yield site


@pytest.fixture(scope="module")
def operator(web: FakeWeb) -> Operator:
    return enter(web)
