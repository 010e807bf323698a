"""The children of one supervisor: their health, and what is done about it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.cluster import registry
from core.cluster.registry import LiveWorker
from core.schema.records import ProcessRecord
from supervisor.processes import health_verdict
from supervisor.processes.child import Child, ChildState
from supervisor.processes.health_verdict import (
    Ailment,
    HealthLimits,
    ProcessSample,
    ProcessTree,
    RestartReason,
    Usage,
)
from supervisor.processes.heartbeat import (
    BEAT_S,
    Heartbeat,
    ServerHeartbeat,
    WebHeartbeat,
    WorkerHeartbeat,
)
from supervisor.processes.spawned_process import ProcessPlan, Role

# An ill worker that still works is restarted only while so many others are well.
HEALTHY_PEERS = 2
# A hung process does not drain: it gets a moment, then it is killed.
HUNG_GRACE_S = 1.0


@dataclass
class ProcessHealth:
    """The health of one of a child's processes."""

    heart: Heartbeat
    usage: Usage = field(default_factory=Usage)
    samples: deque[ProcessSample] = field(
        default_factory=lambda: deque(maxlen=int(health_verdict.WINDOW_S) + 1)
    )
    # How long a ZooKeeper server has served nobody while most others did.
    mute_s: float = 0.0


@dataclass(eq=False)
class Fleet:
    """All children, in the order in which they are started."""

    _link_key: bytes
    _data_dir: Path
    _limits: HealthLimits
    _drain_s: float
    _clock: Callable[[], float]
    children: list[Child] = field(default_factory=list)
    # The children that leave for good, one after the other, the first of them now.
    _leaving: list[Child] = field(default_factory=list)
    # By pid: a new life begins with new vitals.
    _vitals: dict[int, ProcessHealth] = field(default_factory=dict)

    def of(self, role: Role) -> list[Child]:
        return [child for child in self.children if child.plan.role is role]

    @property
    def due(self) -> float:
        """The time at which `advance` has something to do that no signal tells; or infinity."""
        times = [child.due for child in self.children if child.due is not None]
        return min(times, default=float("inf"))

    def advance(self) -> None:
        for child in self.children:
            child.advance()
        self._part()
        self._meet_newcomers()

    def unsettled(self, role: Role) -> list[Child]:
        """Children of a role that do not work yet, or are to leave for good."""
        return [
            child
            for child in self.of(role)
            if child.state is not ChildState.RUNNING or child in self._leaving
        ]

    @property
    def moving(self) -> list[Child]:
        """Children that drain, have a second process, or are to leave for good."""
        return [
            child
            for child in self.children
            if child.state is ChildState.DRAINING
            or len(child.processes) > 1
            or child in self._leaving
        ]

    def resize(
        self, plans: Sequence[ProcessPlan], hire: Callable[[ProcessPlan], Child]
    ) -> list[str]:
        """Makes these the workers; returns the names of those that come or go now."""
        wanted = {plan.name: plan for plan in plans}
        staff = {child.plan.name: child for child in self.of(Role.WORKER)}
        changed = [name for name in wanted if name not in staff]
        self.children += [hire(wanted[name]) for name in changed]
        for name, child in reversed(staff.items()):
            if name in wanted and child in self._leaving:
                self._leaving.remove(child)
                child.start()
                changed.append(name)
            elif name not in wanted and child not in self._leaving:
                self._leaving.append(child)
                changed.append(name)
        return changed

    def _part(self) -> None:
        """Drops the children that have gone, and stops the next one: never several at a time."""
        gone = [
            each for each in self._leaving if each.state in (ChildState.STOPPED, ChildState.FATAL)
        ]
        self._leaving = [child for child in self._leaving if child not in gone]
        self.children = [child for child in self.children if child not in gone]
        if self._leaving and self._leaving[0].wanted:
            self._leaving[0].stop(self._clock() + self._drain_s)

    def _meet_newcomers(self) -> None:
        living = {child.pid: child for child in self.children if child.pid is not None}
        for pid in self._vitals.keys() - living.keys():
            self._vitals.pop(pid).heart.close()
        for pid in living.keys() - self._vitals.keys():
            self._vitals[pid] = ProcessHealth(self._heart(living[pid].plan, pid))

    def _heart(self, plan: ProcessPlan, pid: int) -> Heartbeat:
        match plan.role:
            case Role.WORKER:
                return WorkerHeartbeat(self._link_key)
            case Role.WEB:
                return WebHeartbeat(self._data_dir, pid)
            case Role.ZOOKEEPER:
                return ServerHeartbeat(plan.address)

    # --- health ----------------------------------------------------------------------

    def sample(self, at: float) -> None:
        """Measures all processes; `at` is the same for all, so that peers can be compared."""
        tree = ProcessTree()
        for pid, vitals in self._vitals.items():
            usage = vitals.usage = tree.usage(pid)
            heart = vitals.heart
            vitals.samples.append(
                ProcessSample(
                    at=at,
                    silent_s=heart.silent_s,
                    cpu_percent=usage.cpu_percent,
                    rss_bytes=usage.rss_bytes,
                    sold_per_second=heart.load.sold_per_second,
                )
            )

    def judge(self) -> str | None:
        """Restarts one process that is ill in a way that load shedding can't cure.

        Returns the act, for people; `None` when all is well.
        """
        for child in self.of(Role.WEB) + self.of(Role.WORKER) + self.of(Role.ZOOKEEPER):
            found = self._verdict(child)
            if found is not None and self._may_restart(child, found):
                grace_s = HUNG_GRACE_S if found.ailment is Ailment.HUNG else self._drain_s
                child.restart(found.text, self._clock() + grace_s)
                return f"{child.plan.name} is restarted: {found.text}"
        return None

    def _verdict(self, child: Child) -> RestartReason | None:
        role, samples = child.plan.role, self._samples(child)
        match child.state:
            case ChildState.STARTING if role is not Role.ZOOKEEPER and self._sells_elsewhere(child):
                return health_verdict.stuck(child.age_s, self._limits)
            case ChildState.RUNNING if role is Role.ZOOKEEPER:
                vitals = self._vitals_of(child)
                return health_verdict.mute(vitals.mute_s) if vitals else None
            case ChildState.RUNNING if role is Role.WEB:
                return health_verdict.hung(samples, self._limits)
            case ChildState.RUNNING:
                peers = [self._samples(peer) for peer in self._peers(child)]
                return health_verdict.verdict(samples, peers, self._limits)
        return None

    def _sells_elsewhere(self, child: Child) -> bool:
        """Whether another worker sells: then a newcomer has all that it needs."""
        others = [vitals.heart for pid, vitals in self._vitals.items() if pid != child.pid]
        return any(isinstance(heart, WorkerHeartbeat) and heart.sells for heart in others)

    def _answers(self, child: Child) -> bool:
        vitals = self._vitals_of(child)
        return vitals is not None and vitals.heart.answers

    def _may_restart(self, child: Child, found: RestartReason) -> bool:
        """Whether all others are settled and enough are well; a hung one does no work anyhow."""
        others = [each for each in self.of(child.plan.role) if each is not child]
        if not all(other.state in (ChildState.RUNNING, ChildState.FATAL) for other in others):
            return False
        well = sum(self._is_well(peer) for peer in self._peers(child))
        return found.ailment is Ailment.HUNG or well >= HEALTHY_PEERS

    def _peers(self, child: Child) -> list[Child]:
        """Lists the others of its kind that work."""
        return [
            each
            for each in self.of(child.plan.role)
            if each is not child and each.state is ChildState.RUNNING
        ]

    def _is_well(self, child: Child) -> bool:
        samples = self._samples(child)
        return bool(samples) and samples[-1].silent_s == 0.0

    def _samples(self, child: Child) -> list[ProcessSample]:
        vitals = self._vitals_of(child)
        return list(vitals.samples) if vitals else []

    def _vitals_of(self, child: Child) -> ProcessHealth | None:
        return self._vitals.get(child.pid or 0)

    # --- hearing from them -----------------------------------------------------------

    async def hear(self) -> None:
        """Takes a beat of all processes that have started; call it every `BEAT_S`."""
        children = [child for child in self.children if child.state is not ChildState.STARTING]
        await asyncio.gather(*(self._works(child) for child in children))
        self._listen_for_the_mute()

    def _listen_for_the_mute(self) -> None:
        """Counts how long a ZooKeeper server is silent while a majority of the others serves."""
        servers = self.of(Role.ZOOKEEPER)
        for server in servers:
            vitals = self._vitals_of(server)
            if vitals is None:
                continue
            others = sum(self._answers(peer) for peer in servers if peer is not server)
            is_mute = vitals.heart.known and not vitals.heart.answers and others > len(servers) // 2
            vitals.mute_s = vitals.mute_s + BEAT_S if is_mute else 0.0

    async def greet(self) -> list[Child]:
        """Asks starting processes; returns the children that work by now."""
        newcomers = {
            child: child.pid for child in self.children if child.state is ChildState.STARTING
        }
        at_work = await asyncio.gather(*(self._works(child) for child in newcomers))
        ready = [
            child
            for (child, pid), works in zip(newcomers.items(), at_work, strict=True)
            if works and child.pid == pid  # it may have died meanwhile, and have a successor
        ]
        for child in ready:
            child.ready()
        return ready

    async def _works(self, child: Child) -> bool:
        vitals = self._vitals_of(child)
        if vitals is None:
            return False
        await vitals.heart.beat()
        if isinstance(vitals.heart, WebHeartbeat) and not vitals.heart.sells:
            # Where nobody sells, it does as well as it can.
            return vitals.heart.answers and not self._sells_elsewhere(child)
        return vitals.heart.answers

    def learn_addresses(self, instance: str, live: Sequence[LiveWorker]) -> None:
        """Takes the addresses of this instance's workers from the registry."""
        for process in [child.process for child in self.of(Role.WORKER) if child.process]:
            vitals = self._vitals.get(process.pid)
            for worker in live:
                if vitals is not None and registry.is_of(worker.record, instance, process):
                    vitals.heart.address = worker.record.address

    # --- telling of them -------------------------------------------------------------

    def records(self) -> tuple[ProcessRecord, ...]:
        return tuple(self._record(child) for child in self.children)

    def _record(self, child: Child) -> ProcessRecord:
        vitals = self._vitals_of(child)
        usage = vitals.usage if vitals else Usage()
        heart = vitals.heart if vitals else None
        return ProcessRecord(
            name=child.plan.name,
            role=child.plan.role.value,
            state=child.state.value,
            pid=child.pid,
            created=child.process.created if child.process else 0.0,
            birth=child.process.birth if child.process else "",
            restarts=child.restarts,
            last_restart_reason=child.reason,
            restart_causes=dict(child.causes),
            cpu_percent=usage.cpu_percent,
            rss_bytes=usage.rss_bytes,
            threads=usage.threads,
            open_files=usage.open_files,
            address=child.plan.address or (heart.address if heart else ""),
        )
