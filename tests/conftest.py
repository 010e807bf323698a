"""Fixtures that several test files share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instance import Instance, running


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance for tests that break nothing; each sells from what it sets up itself."""
    with running(tmp_path_factory.mktemp("shop") / "data", "--quantity", "1000") as instance:
        yield instance


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Instance]:
    """An instance that a test may break."""
    with running(tmp_path / "data", "--quantity", "100000") as instance:
        yield instance
