"""The parts that routes work with, made once at the start and passed to them."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from core.clock import Clock
from web.auth.ended_sessions import Ended
from web.auth.known_tokens import KnownTokens
from web.checkout import Checkout
from web.dispatch.dispatcher import Dispatcher
from web.metrics.counters import Metrics
from web.metrics.history import SampleHistory
from web.metrics.scrape import InstanceVitals
from web.operator_actions import Operations
from web.reads.catalog import Catalog
from web.reads.order_lookup import TicketReader
from web.server.request_head import Front


class Context(msgspec.Struct, frozen=True):
    """`status` gathers the body of `/api/status`; `connected` is of our own ZooKeeper session."""

    checkout: Checkout
    dispatcher: Dispatcher
    catalog: Catalog
    orders: TicketReader
    status: Callable[[], Awaitable[Any]]
    connected: Callable[[], bool]
    operator_token: str
    payment_key: bytes
    operations: Operations
    ended: Ended
    known_tokens: KnownTokens
    history: SampleHistory
    metrics: Metrics
    front: Front
    vitals: InstanceVitals
    clock: Clock
    rng: random.Random
