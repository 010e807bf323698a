"""Stock in stripes: where there are enough, no two workers share one."""

import pytest

from core.store.stripes import MOST_STRIPES, changing_stripe, selling_stripe, stripes_for


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 16, 32])
def test_with_the_stripes_that_are_for_them_no_two_move_the_same_counter(workers: int) -> None:
    names = [f"worker-{number}" for number in range(1, workers + 1)]
    stripes = stripes_for(workers)
    selling = {selling_stripe(name, stripes) for name in names}
    changing = {changing_stripe(name, stripes) for name in names}
    assert len(selling) == len(changing) == workers
    assert not selling & changing


@pytest.mark.parametrize("stripes", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("name", ["worker-1", "worker-4", "worker-100", "operator"])
def test_everybody_has_a_stripe_however_few_there_are(name: str, stripes: int) -> None:
    assert 0 <= selling_stripe(name, stripes) < stripes
    assert 0 <= changing_stripe(name, stripes) < stripes


def test_an_operator_works_on_the_last_stripe_where_workers_sell_last() -> None:
    assert changing_stripe("operator", 6) == 5


def test_a_type_never_has_more_stripes_than_its_record_allows() -> None:
    assert stripes_for(1000) == MOST_STRIPES
