"""The supervisor: brings an instance up, keeps it up, takes it down."""

import asyncio
import logging
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from msgspec import structs

from core import runfile
from core.desired import instance_of
from core.errors import StartupError, ZkticketError
from core.logs import EventLog
from core.models import Desired, ProcessRecord, SupervisorRecord
from core.secret import Secret, load_or_create_secret
from core.settings import Settings
from supervisor import commands, groundwork, lock, opening, readiness, wishes
from supervisor.child import Child, State
from supervisor.ensemble import local_ensemble
from supervisor.fleet import Fleet
from supervisor.groundwork import Groundwork
from supervisor.health import Limits
from supervisor.leftovers import STOP_ORDER
from supervisor.membership import Membership
from supervisor.process import Plan, Role, spawner
from supervisor.relay import Relay
from supervisor.requests import Requests
from supervisor.rolling import Rolling

TICK_S = 1.0
POLL_S = 0.05
# How often those that are starting are asked whether they work.
GREET_S = 0.2
READY_S = 60.0
ENSEMBLE_STOP_S = 5.0


class Supervisor:
    """One instance's processes, from the first to the last. The data dir's lock is held."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        secret: Secret,
        script: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """The data dir is an absolute path; `script` is the entrypoint of workers and web."""
        self._settings = settings
        self._environ = environ
        self._secret = secret
        self._script = script
        self._clock = clock
        self._now = now
        servers = settings.servers if settings.owns_ensemble else 0
        self._ensemble = local_ensemble(settings.data_dir, settings.zookeeper_port, servers)
        limits = Limits(settings.worker_hung_s, settings.worker_memory_mb << 20)
        self._fleet = Fleet(secret.link_key, settings.data_dir, limits, settings.drain_s, clock)
        self._door: socket.socket | None = None
        self._log = EventLog("supervisor", now)
        self._membership: Membership | None = None
        self._instance = instance_of(socket.gethostname(), settings.data_dir)
        self._desired = wishes.load(settings.data_dir)
        rolling = Rolling(self._fleet, clock, settings.drain_s, self._wake_up)
        self._requests = Requests(
            {"restart": rolling.restart, "scale": rolling.scale},
            now=now,
            changed=self._wake_up,
            log=self._note_request,
        )
        self._me = psutil.Process()
        self._ready = False
        self._published: SupervisorRecord | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stop_asked = asyncio.Event()
        self._stop_signals = 0

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises `StartupError` where it cannot start."""
        self._hear_signals()
        try:
            before = _table_before(self._settings.data_dir)
            ground = await groundwork.lay(
                self._settings,
                self._environ,
                self._ensemble,
                [*self._worker_plans(), commands.web_plan(self._settings, self._script)],
                self._log.warning,
            )
            self._door = ground.door
            self._spawn = self._ensemble.guarded(spawner(self._environ, ground.door))
            self._staff(ground, before)
            await self._until_stopped(self._supervise(), self._listen(), self._open())
        finally:
            await self._take_down()

    def _worker_plans(self) -> list[Plan]:
        count = self._desired.workers_of(self._settings.workers)
        return commands.worker_plans(self._settings, count, self._script)

    def _staff(self, ground: Groundwork, before: Mapping[str, ProcessRecord]) -> None:
        """Hires for every plan; what a killed supervisor left keeps its process and its past."""
        for plan in ground.plans:
            child = self._hire(plan)
            self._fleet.children.append(child)
            if ground.kept and plan.name in before:
                child.remember(before[plan.name].restarts, before[plan.name].last_restart_reason)
            if plan.name in ground.kept:
                child.adopt(ground.kept[plan.name].process)

    def _hire(self, plan: Plan) -> Child:
        kind = Relay if plan.role is Role.WEB else Child
        child = kind(plan, self._spawn, self._clock, _jitter, self._heard)
        child.start()
        return child

    # --- signals ---------------------------------------------------------------------

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                loop.add_signal_handler(number, self._note_stop)
        loop.add_signal_handler(signal.SIGCHLD, self._wake_up)

    def _note_stop(self) -> None:
        self._stop_signals += 1
        self._stop_asked.set()
        self._wake.set()

    async def _until_stopped(self, *work: Coroutine[Any, Any, None]) -> None:
        """Until a stop is asked for, or some of the work fails, or all of it is done."""
        stop: asyncio.Task[Any] = asyncio.create_task(self._stop_asked.wait())
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(each) for each in work]
        pending = set(tasks)
        try:
            while pending and not stop.done():
                done, _ = await asyncio.wait({stop, *pending}, return_when=asyncio.FIRST_COMPLETED)
                pending -= done
                for task in done:
                    task.result()
        finally:
            for task in (stop, *tasks):
                task.cancel()
            await asyncio.gather(stop, *tasks, return_exceptions=True)

    # --- opening ---------------------------------------------------------------------

    async def _open(self) -> None:
        """From processes that have been spawned to tickets that can be bought, and on."""
        states = await opening.await_ensemble(self._settings, self._ensemble, _say)
        serving = {state.address for state in states if state.serves}
        servers = self._ensemble.servers
        self._note_served([server.id for server in servers if server.address in serving])
        await opening.make_tree(self._settings, self._secret)
        zk = await opening.join(self._settings, self._secret)
        membership = self._membership = Membership(zk, self._log, self._instance)
        self._announce(await self._await_web(membership))
        async with asyncio.TaskGroup() as tasks:
            fleet = self._fleet
            work = membership.keep(self._record, fleet.learn_addresses, self._hear_desired)
            tasks.create_task(work)
            tasks.create_task(self._requests.serve(membership.forget))

    def _note_served(self, ids: Sequence[int]) -> None:
        try:
            self._ensemble.note_served(ids)
        except (OSError, StartupError) as error:
            # What runs goes on: a full disk is no reason to stop selling.
            self._log.warning("disk", f"cannot note which servers have served: {error}")

    async def _await_web(self, membership: Membership) -> str:
        """Until tickets can be bought, or an alarm stands that only an operator ends: its text."""
        _say("waiting for workers and web")
        deadline = self._clock() + READY_S
        [web] = self._fleet.of(Role.WEB)
        while not await readiness.web_sells(web.plan.address):
            if alarm := await membership.alarm():
                return alarm
            if self._clock() > deadline:
                raise StartupError(f"the web is not ready to sell; see {web.plan.log}")
            await asyncio.sleep(POLL_S)
        return ""

    def _announce(self, alarm: str) -> None:
        self._ready = True
        self._publish()
        sells = "sells nothing" if alarm else "sells"
        self._log.info("start", f"{sells} at {self._url}")
        print(f"zkticket {sells} at {self._url}", flush=True)
        if alarm:
            _say(f"nothing is sold: {alarm}; `verify --receipts` says more, `repair` mends it")
        _say("stop it with Ctrl-C here, or with `down` from elsewhere")

    @property
    def _url(self) -> str:
        return readiness.url(self._settings.host, self._settings.port)

    # --- keeping ---------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Reaps and starts at once when a child ends; looks everybody over each second."""
        next_look = self._clock()
        while True:
            self._wake.clear()
            self._fleet.advance()
            if self._clock() >= next_look:
                next_look = self._clock() + TICK_S
                self._look_over()
            self._require_life()
            self._publish()
            await self._sleep_until(min(next_look, self._fleet.due))

    def _look_over(self) -> None:
        self._fleet.sample(self._now())
        done = self._fleet.judge()
        if done:
            self._log.warning("restart", done)
            self._wake.set()

    def _require_life(self) -> None:
        """A child that cannot live at all ends a start; later the others carry on without it."""
        for child in self._fleet.children:
            if child.state is State.FATAL and not self._ready:
                raise StartupError(f"{child.plan.name} does not start: {child.reason}")

    async def _listen(self) -> None:
        """Hears everybody each second, and more often while somebody starts."""
        while True:
            pause = asyncio.sleep(TICK_S if self._fleet.settled else GREET_S)
            _, news = await asyncio.gather(pause, self._fleet.hear())
            for child in news:
                self._greet(child)

    def _greet(self, child: Child) -> None:
        self._wake.set()
        server = self._ensemble.named(child.plan.name)
        if server is not None:
            self._note_served([server.id])

    async def _sleep_until(self, due: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - self._clock())):
                await self._wake.wait()

    def _heard(self, child: Child, text: str) -> None:
        """A child has ended: said, logged, and a worker's registration taken away at once."""
        levels = {State.FATAL: logging.ERROR, State.STOPPED: logging.INFO}
        level = levels.get(child.state, logging.WARNING)
        self._log.add(level, child.state.value, f"{child.plan.name} {text}")
        if child.plan.role is Role.WORKER and child.pid and self._membership:
            self._run_errand(self._membership.expel(child.plan.name, child.pid))

    def _run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _wake_up(self) -> None:
        self._wake.set()

    # --- what operators want ---------------------------------------------------------

    def _hear_desired(self, desired: Desired) -> None:
        """The desired state has changed, or was read again."""
        wish = structs.replace(desired, requests=())
        if wish != self._desired:
            self._keep_in_mind(wish)
        changed = self._fleet.resize(self._worker_plans(), self._hire)
        if changed:
            count = len(self._worker_plans())
            self._log.info("scale", f"{count} workers wanted: {', '.join(changed)} to come or go")
        self._requests.note(desired.requests)
        self._wake_up()

    def _keep_in_mind(self, wish: Desired) -> None:
        self._desired = wish
        try:
            wishes.save(self._settings.data_dir, wish)
        except OSError as error:
            self._log.warning("disk", f"cannot note how many workers are wanted: {error.strerror}")

    def _note_request(self, well: bool, text: str) -> None:
        self._log.add(logging.INFO if well else logging.WARNING, "request", text)

    # --- publishing ------------------------------------------------------------------

    def _publish(self) -> None:
        """Writes the run file, each second with new figures and at each change."""
        record = self._record()
        if record == self._published:
            return
        try:
            runfile.write(self._settings.data_dir, record)
        except OSError as error:
            self._log.warning("disk", f"cannot write the run file: {error.strerror}")
        self._published = record
        if self._membership:
            self._membership.changed()

    def _record(self) -> SupervisorRecord:
        return SupervisorRecord(
            host=socket.gethostname(),
            pid=self._me.pid,
            created=self._me.create_time(),
            url=self._url,
            zookeeper=self._settings.hosts,
            ready=self._ready,
            instance=self._instance,
            workers=self._settings.workers,
            processes=self._fleet.records(),
            requests=self._requests.progress,
            at=float(int(self._now())),
        )

    # --- taking down -----------------------------------------------------------------

    async def _take_down(self) -> None:
        """Web, workers, then ZooKeeper, within one deadline; a second signal hurries."""
        if not self._fleet.children:
            return
        self._ready = False
        self._log.info("stop", "stopping")
        _say("stopping")
        deadline = self._clock() + self._settings.drain_s
        for role in STOP_ORDER:
            if role is Role.ZOOKEEPER:
                await self._leave()
                deadline = self._clock() + ENSEMBLE_STOP_S
            await self._stop(self._fleet.of(role), deadline)
            if role is Role.WEB and self._door is not None:
                self._door.close()

    async def _stop(self, group: Sequence[Child], deadline: float) -> None:
        for child in group:
            child.stop(deadline)
        while True:
            self._wake.clear()
            self._fleet.advance()
            self._publish()
            living = [process for child in group for process in child.processes]
            if not living:
                return
            if self._stop_signals > 1:
                for process in living:
                    process.kill()
            await self._sleep_until(self._clock() + POLL_S)

    async def _leave(self) -> None:
        if self._membership is not None:
            await asyncio.gather(*self._errands, return_exceptions=True)
            await self._membership.leave()


def _table_before(data_dir: Path) -> Mapping[str, ProcessRecord]:
    """The process table of a supervisor that was killed: one that was stopped leaves none."""
    try:
        return {process.name: process for process in runfile.read(data_dir).processes}
    except ZkticketError:
        return {}


def _make_directories(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.logs_dir.mkdir(exist_ok=True)
    except OSError as error:
        raise StartupError(lock.unwritable(settings.data_dir, error)) from None


def _jitter() -> float:
    return secrets.SystemRandom().random()


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads any more
        print(text, file=sys.stderr, flush=True)


async def supervise(
    settings: Settings, environ: Mapping[str, str], script: Path = commands.SCRIPT
) -> None:
    """`run`, for those who have an event loop."""
    settings = replace(settings, data_dir=settings.data_dir.resolve())
    _make_directories(settings)
    with lock.hold(settings.data_dir):
        secret = load_or_create_secret(settings.data_dir)
        try:
            await Supervisor(settings, environ, secret, script).run()
        finally:
            runfile.remove(settings.data_dir)


def run(settings: Settings, environ: Mapping[str, str]) -> int:
    """`up` in the foreground, until it is stopped: 0. Raises `StartupError`."""
    asyncio.run(supervise(settings, environ))
    return 0
