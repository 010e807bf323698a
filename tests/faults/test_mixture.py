"""A short mix of faults on a whole shop; `make soak` runs a long one."""

from itertools import islice
from pathlib import Path

import pytest

from tests.faults.nemeses.disk import disk_of
from tests.faults.nemeses.mixture import Tally, inflict, menu, plan
from tests.faults.shop import open_shop
from tests.support.buyers.crowd import PATIENT, Crowd

SEED = 4
MIXTURES = 5


@pytest.mark.timeout(400)
def test_a_mix_of_faults_loses_doubles_oversells_and_strands_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    tally = Tally()
    with disk_of(data_dir) as disk, open_shop(data_dir, SEED) as shop:
        faults = menu(disk)
        with Crowd(shop.instance.buyer, PATIENT, seed=SEED) as crowd:
            for mixture in islice(plan(faults, SEED), MIXTURES):
                inflict(shop, crowd, faults, mixture, tally)
        shop.audit(crowd)
    assert tally.faults >= MIXTURES
    assert crowd.answers["201"] > 100
