"""Runs the site with all that it needs on one event loop: ZooKeeper, the links, the log."""

import asyncio
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from granian.rsgi import Scope

from core import gc_tuning
from core.client_addresses import parse_networks
from core.clock import Clock
from core.cluster import access_tokens, alarms, ended_sessions, instance_id, run_file, status
from core.cluster.node import Identity, Node, make_session
from core.cluster_secret import Secret
from core.errors import BadZnode, ZkticketError, ZooKeeperError
from core.eventlog.ring import EventLog
from core.machine import open_files
from core.schema import paths
from core.schema.records import ProcessRecord, WebRecord
from core.settings import Settings
from core.store.store import Store
from core.transport.listen_socket import Bell
from web.app import Site
from web.auth.ended_sessions import Ended
from web.auth.known_tokens import KnownTokens
from web.checkout import Checkout
from web.dispatch.dispatcher import Dispatcher
from web.handler_context import Context
from web.load_shedding import LoadShedder
from web.metrics.counters import Metrics
from web.metrics.history import SAMPLE_S, SampleHistory, sample
from web.metrics.host_metrics import Machine, look
from web.metrics.scrape import InstanceVitals
from web.operator_actions import Operations
from web.reads.catalog import Catalog
from web.reads.order_lookup import CodedOrders
from web.requests.hold_quota import OpenHolds
from web.server.adapter import Adapter, HttpProtocol
from web.server.connections import Connections
from web.server.granian_adapter import HEADERS_S, PublicSocket
from web.server.request_head import Front

# Asks a web server to leave its socket to a successor, and to end when its clients have gone.
RETIRE = signal.SIGUSR1
ORPHAN_S = 0.5
ALARMS_S = 1.0
# A successor connects within this; the first web server starts before ZooKeeper does.
ENDED_S = 1.0
CONNECTED_S = 0.1
# Connections that are left after this share of the drain time are closed.
SEE_OFF_SHARE = 0.7


class Service:
    """The RSGI application: starts and stops with the event loop that serves it.

    `parent` is the pid of Granian's first process, `public` is the socket that buyers connect to.
    """

    def __init__(
        self, settings: Settings, name: str, secret: Secret, parent: int, public: PublicSocket
    ) -> None:
        self._settings = settings
        self._name = name
        self._instance = instance_id.load(settings.data_dir)
        self._clock = Clock()
        self._secret = secret
        self._parent = parent
        self._public = public
        self._tasks: list[asyncio.Task[None]] = []

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._start())
        self._bell.hang(loop)
        loop.add_signal_handler(RETIRE, self._retire)

    def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> Coroutine[Any, Any, None]:
        return self._adapter(scope, protocol)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._bell.close(loop)
        loop.run_until_complete(self._stop())

    async def _start(self) -> None:
        self._identity = Identity.from_instance(self._name, self._instance)
        self._zk = make_session(self._settings, self._secret)
        self._log = self._identity.make_log(self._clock.now)
        self._node = Node(self._zk, self._log, self._name, paths.web)
        self._context = self._make_context()
        self._adapter = adapt(Site(self._context), self._context)
        self._bell = Bell(self._settings.data_dir, self._public.listener, self._parent, self._sells)
        self._zk.start()
        self._log.info("started", f"pid {os.getpid()}, port {self._settings.port}")
        if shortage := open_files.shortage_reason(open_files.allowed()):
            self._log.warning("limit", shortage)
        await self._hear_of_ended_sessions()
        spared = self._context.front.speaks_for_many
        watched = connections_of(self._settings, self._public.listener, spared, self._log)
        for work in (
            self._context.dispatcher.follow(self._zk),
            self._context.ended.follow(),
            self._context.known_tokens.follow(self._zk),
            self._node.keep(self._record),
            self._keep_counting_alarms(),
            self._keep_sampling(),
            end_with_parent(self._parent),
            watched.keep_looking(),
            self._zk.watch_over(),
        ):
            self._run(work)
        gc_tuning.settle()

    async def _hear_of_ended_sessions(self) -> None:
        """Reads ended sessions before the first request: until then no earlier session is valid.

        Reads people's tokens as well, for the same reason.
        """
        with suppress(ZooKeeperError, BadZnode):
            await self._zk.wait_connected(ENDED_S)
            await self._context.ended.renew()
            self._context.known_tokens.note(await access_tokens.load(self._zk))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._end_with)
        self._tasks.append(task)

    def _sells(self) -> bool:
        return self._zk.connected and self._context.dispatcher.ready > 0

    def _make_context(self) -> Context:
        store = Store(self._zk)
        rng = random.Random()  # noqa: S311 - jitter
        connected = partial(getattr, self._zk, "connected")
        monotonic = self._clock.monotonic
        dispatcher = Dispatcher(
            self._secret.link_key, self._log, connected=connected, clock=monotonic, rng=rng
        )
        catalog = Catalog(store, self._log, connected=connected, clock=self._clock)
        metrics, gather = Metrics(monotonic), partial(status.gather, self._settings, self._zk)
        open_holds = open_holds_of(self._settings, self._clock.now)
        return Context(
            checkout=Checkout(
                dispatcher, catalog, open_holds, metrics, monotonic, self._secret.ticket_key
            ),
            dispatcher=dispatcher,
            catalog=catalog,
            orders=CodedOrders(store, self._secret.ticket_key),
            status=gather,
            connected=connected,
            operator_token=self._secret.operator_token,
            payment_key=self._secret.payment_key,
            operations=Operations(self._zk, self._settings, self._secret.ticket_key),
            ended=Ended(ended_sessions.EndedSessionsZnode(self._zk), self._clock.now),
            known_tokens=KnownTokens(monotonic),
            history=SampleHistory(),
            metrics=metrics,
            front=front_of(self._settings),
            vitals=InstanceVitals(gather, self._machine, monotonic),
            clock=self._clock,
            rng=rng,
        )

    def _machine(self) -> Machine:
        settings = self._settings
        return look(settings.data_dir.resolve(), settings.port, self._clock.now())

    async def _keep_counting_alarms(self) -> None:
        """Counts alarms each second, for the metrics; None while ZooKeeper is away."""
        while True:
            try:
                self._context.metrics.alarms = len(await alarms.standing(self._zk))
            except ZooKeeperError:
                self._context.metrics.alarms = None
            await asyncio.sleep(ALARMS_S)

    async def _keep_sampling(self) -> None:
        """Adds a sample to the history each second, for the operators' plots."""
        context = self._context
        while True:
            lap, peers = context.metrics.laps.take(), context.dispatcher.peers
            context.history.add(sample(lap, peers, self._processes(), self._clock.now()))
            await asyncio.sleep(SAMPLE_S)

    def _processes(self) -> Sequence[ProcessRecord]:
        """The supervisor's table, from its file, which is there while ZooKeeper is away too."""
        with suppress(ZkticketError):
            return run_file.read(self._settings.data_dir).processes
        return ()

    def _record(self) -> WebRecord:
        return WebRecord(
            name=self._identity.name,
            host=self._identity.host,
            pid=self._identity.pid,
            instance=self._identity.instance,
            stages=dict(self._context.dispatcher.stages.quantiles()),
            at=round(self._clock.now(), 3),
        )

    async def _stop(self) -> None:
        self._log.info("stopped", f"pid {os.getpid()}")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._context.dispatcher.close()
        await self._context.catalog.close()
        await self._context.vitals.close()
        await self._node.leave()
        await self._zk.close()

    def _retire(self) -> None:
        """Leaves new connections to a successor, and ends when the last one here is closed."""
        self._public.shut()
        self._adapter.dismiss()
        self._log.info("retires", f"pid {os.getpid()}, {self._public.connected()} connections left")
        self._run(self._see_off())

    async def _see_off(self) -> None:
        """Waits until connections close: idle ones after `HEADERS_S`, others with an answer."""
        patience_s = min(2 * HEADERS_S, SEE_OFF_SHARE * self._settings.drain_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._public.connected():  # noqa: ASYNC110 - nothing tells of a connection's end
                    await asyncio.sleep(CONNECTED_S)
        os.kill(self._parent, signal.SIGTERM)

    def _end_with(self, task: asyncio.Task[None]) -> None:
        """Ends the process when a task breaks that should never end; the supervisor restarts it."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger("zkticket.web").error("a part of the web broke", exc_info=error)
            end()


def front_of(settings: Settings) -> Front:
    """The proxies and the public address of this instance."""
    return Front(parse_networks(settings.trusted_proxy), settings.public_url)


def connections_of(
    settings: Settings, listener: socket.socket, spared: Callable[[str], bool], log: EventLog
) -> Connections:
    """The connections of that listening socket; `spared` addresses may have any number."""
    return Connections(
        listener.getsockname()[1],
        open_files.connections(open_files.allowed()),
        settings.connections_per_address,
        spared,
        log,
        time.monotonic,
        random.Random(),  # noqa: S311 - a sample
    )


def open_holds_of(settings: Settings, now: Callable[[], float]) -> OpenHolds:
    return OpenHolds(settings.holds_per_address, settings.held_per_address, now)


async def end_with_parent(parent: int) -> None:
    """Ends this process when `parent`, Granian's first one, has been killed."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of a parent's death
        await asyncio.sleep(ORPHAN_S)
    end()


def end() -> None:
    """Stops serving, in order."""
    os.kill(os.getpid(), signal.SIGTERM)


def adapt(site: Site, context: Context) -> Adapter:
    """The site behind the load shedder, as an RSGI application."""
    return Adapter(
        site,
        trouble=site.trouble,
        observe=context.metrics.request,
        clock=time.monotonic,
        turn_away=LoadShedder(
            context.dispatcher, context.metrics, site.languages, context.rng
        ).turns_away,
        live=site.live.find,
        most_bytes=site.most_bytes,
        front=context.front,
    )
