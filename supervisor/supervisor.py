"""The supervisor: brings an instance up, keeps it up, takes it down."""

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from core.clock import Clock
from core.cluster import instance_id, run_file
from core.cluster.node import Identity
from core.cluster_secret import Secret, load_or_create_secret
from core.errors import StartupError, ZooKeeperError
from core.machine import (
    diagnostics,
    open_files,
    private_directory,
    private_files,
    system_errors,
)
from core.machine.program import SCRIPT
from core.schema.records import OperatorRequest, ProcessRecord
from core.settings import Settings
from supervisor import (
    banner,
    bootstrap,
    lock,
    log_rotation,
    orphans,
    preflight,
    readiness,
    successor,
)
from supervisor.banner import say
from supervisor.operations import process_table
from supervisor.operations.membership import Membership
from supervisor.operations.process_table import ProcessTable
from supervisor.operations.reconciler import Reconciler
from supervisor.operations.request_executor import Tell
from supervisor.orphans import STOP_ORDER
from supervisor.preflight import Groundwork
from supervisor.processes import commands
from supervisor.processes.child import Child, ChildState
from supervisor.processes.fleet import Fleet
from supervisor.processes.handover import HandoverChild
from supervisor.processes.health_verdict import HealthLimits
from supervisor.processes.heartbeat import BEAT_S
from supervisor.processes.held_socket import ListenSocket
from supervisor.processes.spawned_process import ProcessPlan, Role, spawner
from supervisor.signals import Stop, dies_with_terminal
from supervisor.successor import Handover, Place
from supervisor.systemd_notify import Notifier
from supervisor.zookeeper.disk_faults import Disks
from supervisor.zookeeper.ensemble import local_ensemble

TICK_S = 1.0
POLL_S = 0.05
# How often starting processes are asked whether they work.
GREET_S = 0.2
# How often the servers' own logs are looked into.
DISK_S = 0.1
READY_S = 60.0
ENSEMBLE_STOP_S = 5.0


class Supervisor:
    """Runs one instance's processes, from the first to the last. Holds the data dir's lock."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        secret: Secret,
        script: Path,
        place: Place,
        clock: Clock,
    ) -> None:
        """The data dir is an absolute path; `script` is the entrypoint of workers and web."""
        self._place = place
        self._taken = place.taken
        self._settings = settings
        self._environ = environ
        self._secret = secret
        self._script = script
        self._clock = clock.monotonic
        servers = settings.servers if settings.owns_ensemble else 0
        self._ensemble = local_ensemble(
            settings.data_dir, settings.zookeeper_port, servers, secret.quorum_password
        )
        limits = HealthLimits(settings.worker_hung_s, settings.worker_memory_mb << 20)
        self._fleet = Fleet(
            secret.link_key, settings.data_dir, limits, settings.drain_s, clock.monotonic
        )
        self._door: ListenSocket | None = None
        self._notifier = Notifier(environ)
        self._disks = Disks(clock.monotonic)
        self._instance = instance_id.load_or_create(settings.data_dir)
        identity = Identity.from_instance("supervisor", self._instance)
        self._log = identity.make_log(clock.now)
        self._membership: Membership | None = None
        self._successor: OperatorRequest | None = None
        self._now = clock.now
        self._wake = asyncio.Event()
        self._reconciler = Reconciler(
            settings,
            script,
            self._fleet,
            self._log,
            hire=self._hire,
            replace=self._replace,
            wake=self._wake.set,
            clock=clock,
            over=self._taken.table.requests if self._taken else (),
        )
        self._table = ProcessTable(
            settings, identity, self._fleet, self._reconciler.requests, self._log, clock.now
        )
        self._errands: set[asyncio.Task[None]] = set()
        self._stop = Stop(self._wake.set)

    async def run(self) -> Handover | None:
        """Runs until SIGTERM or SIGINT, or until a successor takes over by the returned handover.

        Raises `StartupError` where it cannot start.
        """
        self._use_threads()
        self._stop.hear_signals()
        handover = None
        try:
            before = process_table.before(
                self._settings.data_dir, self._taken.table if self._taken else None
            )
            ground = await preflight.lay(
                self._settings,
                self._environ,
                self._ensemble,
                [*self._reconciler.worker_plans, commands.web_plan(self._settings, self._script)],
                self._log.warning,
                self._taken,
            )
            self._door = ground.door
            self._spawn = self._ensemble.guarded(spawner(self._environ, ground.door))
            self._staff(ground, before)
            await self._stop.stops(
                self._supervise(),
                self._listen(),
                self._greet(),
                self._mind_disks(),
                log_rotation.keep_small(self._settings.logs_dir),
                self._open(),
            )
            handover = await self._hand_over()
        finally:
            if handover is None:
                await self._take_down()
        return handover

    def _staff(self, ground: Groundwork, before: Mapping[str, ProcessRecord]) -> None:
        """Makes a child for every plan; kept processes keep their past."""
        for plan in ground.plans:
            child = self._hire(plan)
            self._fleet.children.append(child)
            kept = ground.kept.get(plan.name)
            if ground.kept and plan.name in before:
                child.remember(before[plan.name], lives=bool(kept))
            if kept:
                child.adopt(kept.process)

    def _hire(self, plan: ProcessPlan) -> Child:
        kind = HandoverChild if plan.role is Role.WEB else Child
        jitter = secrets.SystemRandom().random
        child = kind(plan, self._spawn, self._clock, jitter, self._heard)
        child.start()
        return child

    # --- opening ---------------------------------------------------------------------

    async def _open(self) -> None:
        """Opens the sale, once all processes have been spawned, and keeps it open."""
        membership = await self._join()
        async with asyncio.TaskGroup() as tasks:
            learn = partial(self._fleet.learn_addresses, self._instance)
            hear = (learn, self._reconciler.hear, lambda: self._reconciler.wish)
            tasks.create_task(membership.keep(self._table.record, *hear))
            tasks.create_task(self._reconciler.requests.serve(membership.forget))

    async def _join(self) -> Membership:
        """Joins the cluster; a successor tries again, because its shop sells already."""
        while True:
            try:
                return await self._enter()
            except (StartupError, ZooKeeperError) as error:
                if self._taken is None:
                    raise
                await self._leave()
                self._log.warning("start", f"{error}; trying again")
                await asyncio.sleep(TICK_S)

    async def _enter(self) -> Membership:
        states = await bootstrap.await_ensemble(self._settings, self._ensemble, self._tell)
        self._note_served([state.address for state in states if state.serves])
        await bootstrap.make_tree(self._settings, self._secret, partial(self._log.warning, "open"))
        zk = await bootstrap.join(self._settings, self._secret)
        membership = self._membership = Membership(zk, self._log, self._instance)
        await membership.require_alone()
        alarm = await self._await_web(membership)
        self._table.ready = True
        self._publish()
        if self._taken is None:
            self._announce(alarm)
        else:
            self._log.info("start", "took over from the previous supervisor")
            say("the supervisor has been replaced; the sale goes on")
        self._notifier.ready(self._summary())
        return membership

    def _tell(self, text: str) -> None:
        """Says what is waited for; a successor says nothing, because the sale goes on."""
        if self._taken is None:
            say(text)

    def _note_served(self, addresses: Sequence[str]) -> None:
        try:
            self._ensemble.note_served(addresses)
        except (OSError, StartupError) as error:
            # The sale goes on: a full disk is no reason to stop it.
            self._log.warning("disk", f"cannot note which servers have served: {error}")

    async def _await_web(self, membership: Membership) -> str:
        """Waits until tickets can be bought; returns the text of an alarm that stands, if any."""
        self._tell("waiting for workers and web")
        deadline = self._clock() + READY_S
        [web] = self._fleet.of(Role.WEB)
        while not await readiness.is_selling(web.plan.address):
            if alarm := await membership.alarm():
                return alarm
            if self._clock() > deadline:
                raise StartupError(f"the web is not ready to sell; see {web.plan.log}")
            await asyncio.sleep(POLL_S)
        return ""

    def _announce(self, alarm: str) -> None:
        sells = "sells nothing" if alarm else "sells"
        self._log.info("start", f"{sells} at {self._table.url}")
        address = banner.address(self._table.url, self._settings.public_url)
        print(f"zkticket {sells} at {address}", flush=True)
        if not banner.writes_to(self._settings.logs_dir / banner.LOG_NAME):
            url = self._settings.public_url or self._table.url
            print(banner.for_operators(url, self._secret), flush=True)
        if alarm:
            say(f"nothing is sold: {alarm}; `verify --receipts` says more, `repair` mends it")
        say("stop it with Ctrl-C here, or with `down` from elsewhere")
        if _has_terminal() and dies_with_terminal():
            say("closing this terminal stops the sale, too: `up --detach` outlives it")

    # --- keeping ---------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Restarts a child as soon as it ends; inspects all of them each second."""
        next_look = self._clock()
        while True:
            self._wake.clear()
            self._fleet.advance()
            if self._clock() >= next_look:
                next_look = self._clock() + TICK_S
                self._look_over()
            self._require_life()
            self._mind_door()
            self._publish()
            await self._sleep_until(min(next_look, self._fleet.due))

    def _look_over(self) -> None:
        self._notifier.alive()
        if self._table.ready:
            self._notifier.say(self._summary())
        self._fleet.sample(self._clock())
        done = self._fleet.judge()
        if done:
            self._log.warning("restart", done)
            self._wake.set()

    def _summary(self) -> str:
        """One line for a service manager."""
        ill = [child for child in self._fleet.children if child.state is not ChildState.RUNNING]
        states = ", ".join(f"{child.plan.name} {child.state}" for child in ill)
        return f"{self._table.url}: {states or 'all processes run'}"

    def _require_life(self) -> None:
        """Ends a start when a child cannot live; later the others carry on without it."""
        for child in self._fleet.children:
            if child.state is ChildState.FATAL and not self._table.ready and self._taken is None:
                raise StartupError(f"{child.plan.name} does not start: {child.reason}")

    def _mind_door(self) -> None:
        """Shuts the page's socket when no web server will come: buyers are refused at once."""
        given_up = all(child.state is ChildState.FATAL for child in self._fleet.of(Role.WEB))
        if given_up and self._door is not None and self._door.shut():
            self._log.error("shut", "no web server is left: buyers are refused until `restart web`")

    async def _listen(self) -> None:
        """Takes a beat of every process each second: missed beats are counted as seconds."""
        while True:
            await asyncio.gather(asyncio.sleep(BEAT_S), self._fleet.hear())

    async def _greet(self) -> None:
        """Asks starting processes several times a second whether they work."""
        while True:
            _, ready = await asyncio.gather(asyncio.sleep(GREET_S), self._fleet.greet())
            for child in ready:
                self._wake.set()
                self._note_served([child.plan.address])

    async def _mind_disks(self) -> None:
        """Watches the servers' disks most often: at any moment one may write behind a hole."""
        while True:
            await asyncio.sleep(DISK_S)
            if self._disks.restart(self._fleet.of(Role.ZOOKEEPER)):
                self._wake.set()

    async def _sleep_until(self, due: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - self._clock())):
                await self._wake.wait()

    def _heard(self, child: Child, text: str) -> None:
        """Logs a child's end, and deletes a worker's registration at once."""
        levels = {ChildState.FATAL: logging.ERROR, ChildState.STOPPED: logging.INFO}
        level = levels.get(child.state, logging.WARNING)
        self._log.add(level, child.state.value, f"{child.plan.name} {text}")
        if child.plan.role is Role.WORKER and child.process and self._membership:
            self._run_errand(self._membership.expel(child.process))

    def _run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _publish(self) -> None:
        if self._table.write() and self._membership:
            self._membership.changed()

    # --- handing over ----------------------------------------------------------------

    async def _replace(self, request: OperatorRequest, tell: Tell) -> str:
        """Makes way for the successor, which finds the same request and answers it.

        Returns only in that successor, or where the old supervisor had to go on.
        """
        if self._taken and self._taken.request == request.id:
            return successor.outcome(self._taken, self._now())
        tell("trying the new supervisor")
        await successor.rehearse(self._place.command, self._environ, self._handover(request))
        await successor.await_rest(self._fleet, tell)
        self._successor = request
        self._stop.end_work()
        return await asyncio.Future()

    def _use_threads(self) -> None:
        """Gives the loop an executor that can be replaced, should the successor not come."""
        self._threads = ThreadPoolExecutor()
        asyncio.get_running_loop().set_default_executor(self._threads)

    async def _hand_over(self) -> Handover | None:
        """Makes the handover; None without a successor, or where a stop was requested as well."""
        if self._successor is None:
            return None
        self._log.info("stop", "makes way for its successor")
        self._stop.defer_signals()
        await self._leave()
        # Another thread would take a signal that has to wait for the successor.
        self._threads.shutdown()
        self._use_threads()
        await asyncio.sleep(POLL_S)  # a thread that has taken one has noted it by now
        if self._stop.signalled:
            self._stop.hear_signals()
            return None
        door = self._door.give_away() if self._door is not None else None
        return self._handover(self._successor, door)

    def _handover(self, request: OperatorRequest, door: int | None = None) -> Handover:
        return Handover(
            data_dir=str(self._settings.data_dir),
            lock=self._place.lock,
            door=door,
            request=request.id,
            at=self._now(),
            table=self._table.record(),
        )

    # --- taking down -----------------------------------------------------------------

    async def _take_down(self) -> None:
        """Stops web, workers, then ZooKeeper, within one deadline; a second signal hurries."""
        if not self._fleet.children:
            return
        self._table.ready = False
        self._log.info("stop", "stopping")
        self._notifier.stopping()
        say("stopping")
        deadline = self._clock() + self._settings.drain_s
        for role in STOP_ORDER:
            if role is Role.ZOOKEEPER:
                await self._leave()
                deadline = self._clock() + ENSEMBLE_STOP_S
            await self._end(self._fleet.of(role), deadline)
            if role is Role.WEB and self._door is not None:
                self._door.shut()

    async def _end(self, group: Sequence[Child], deadline: float) -> None:
        for child in group:
            child.stop(deadline)
        while True:
            self._wake.clear()
            self._fleet.advance()
            self._publish()
            living = [process for child in group for process in child.processes]
            if not living:
                return
            if self._stop.urgent:
                for process in living:
                    process.kill()
            await self._sleep_until(self._clock() + POLL_S)

    async def _leave(self) -> None:
        membership, self._membership = self._membership, None
        if membership is not None:
            await asyncio.gather(*self._errands, return_exceptions=True)
            await membership.leave()


def _has_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


async def supervise(
    settings: Settings,
    environ: Mapping[str, str],
    script: Path = SCRIPT,
) -> None:
    """Does the work of `run` on an event loop."""
    taken = successor.inherited(environ)
    open_files.require()
    with system_errors.as_startup_errors(settings.data_dir):
        private_directory.claim(settings.data_dir, say)
        private_files.make_directory(settings.logs_dir)
    settings = replace(settings, data_dir=settings.data_dir.resolve())
    with lock.hold(settings.data_dir, taken.lock if taken else None) as descriptor:
        secret = load_or_create_secret(settings.data_dir)
        try:
            place = Place(successor.own_command(SCRIPT, environ), descriptor, taken)
            while left := await Supervisor(settings, environ, secret, script, place, Clock()).run():
                place = msgspec.structs.replace(
                    place, taken=successor.become(place.command, environ, left)
                )
        finally:
            # A supervisor that could not take over leaves all to be found by the next one.
            if not orphans.find(settings.data_dir):
                run_file.remove(settings.data_dir)


def run(settings: Settings, environ: Mapping[str, str]) -> None:
    """Runs `up` in the foreground until it is stopped. Raises `StartupError`."""
    diagnostics.begin_warnings(time.monotonic)
    if not successor.rehearsed(settings, environ):
        asyncio.run(supervise(settings, environ))
