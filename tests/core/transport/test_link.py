"""The link between web and worker, with nothing at its other end."""

import time

import pytest

from core.errors import LinkLost
from core.transport.link import Link
from tests.support.silent_host import silent_host


async def test_a_link_to_a_host_that_has_vanished_is_given_up_soon() -> None:
    with silent_host() as (host, port):
        began = time.monotonic()
        with pytest.raises(LinkLost, match="no answer"):
            await Link().open(f"{host}:{port}", b"key")
        assert time.monotonic() - began < 2.0
