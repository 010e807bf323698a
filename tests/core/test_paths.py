"""Paths that operators type stay inside the chroot."""

import pytest

from core.errors import WrongUsage
from core.schema import paths


@pytest.mark.parametrize(
    ("typed", "inside"),
    [
        ("/", "/"),
        ("/zkticket", "/"),
        ("/zkticket/", "/"),
        ("/events", "/events"),
        ("/events/", "/events"),
        ("/zkticket/events/default", "/events/default"),
        ("/events/zookeeper", "/events/zookeeper"),
    ],
)
def test_a_path_is_taken_with_and_without_the_chroot(typed: str, inside: str) -> None:
    assert paths.inside_chroot(typed) == inside


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "..",
        "/..",
        ".",
        "events",
        "/events/..",
        "/events/../../zookeeper",
        "/./events",
        "//",
        "//events",
        "/events//default",
        "/zookeeper",
        "/zookeeper/quota",
        "/zookeeper/",
        "/zkticket/../zookeeper",
        "/zkticket/zookeeper/..",
        "/events/\0",
        "/events/\n",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(typed: str) -> None:
    with pytest.raises(WrongUsage):
        paths.inside_chroot(typed)


def test_orders_lie_in_the_bucket_of_their_first_two_digits() -> None:
    assert paths.order("e", "g", "3a" + "0" * 30) == "/events/e/g/orders/3a/3a" + "0" * 30
    assert len(set(paths.BUCKETS)) == 256


def test_only_buckets_and_log_sources_hold_leaves() -> None:
    assert paths.has_leaves(paths.bucket("e", "g", "3a"))
    assert paths.has_leaves(paths.log_source("worker-1"))
    assert not paths.has_leaves(paths.orders("e", "g"))
    assert not paths.has_leaves(paths.event("e"))


def test_a_parent_of_a_top_level_znode_is_the_root() -> None:
    assert paths.parent("/events") == "/"
    assert paths.parent("/events/default") == "/events"
