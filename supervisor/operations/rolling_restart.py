"""Restarts processes one at a time while the sale goes on; each must work before the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from core.errors import ZkticketError
from core.schema.records import OperatorRequest
from core.zookeeper.probe import ServerState, probe_all
from supervisor.operations.request_executor import Tell
from supervisor.processes.child import Child, ChildState
from supervisor.processes.fleet import Fleet
from supervisor.processes.spawned_process import Role

POLL_S = 0.05
REASON = "restart by operator"
Probe = Callable[[str], Awaitable[list[ServerState]]]


class RollingRestart(msgspec.Struct, frozen=True):
    """Restarts and scales a fleet that the supervisor advances; `_wake` hurries it."""

    _fleet: Fleet
    _clock: Callable[[], float]
    _drain_s: float
    _wake: Callable[[], None]
    _probe: Probe = probe_all

    async def restart(self, request: OperatorRequest, tell: Tell) -> str:
        """Restarts one after the other; each must work first. Raises `ZkticketError`."""
        chosen = self._chosen(request.names)
        began, done = self._clock(), list[str]()
        while left := [child for child in chosen if child.plan.name not in done]:
            child = await self._next(left)
            place = f" ({len(done) + 1} of {len(chosen)})" if len(chosen) > 1 else ""
            await self._await_others(child, tell)
            await self._restart(child, child.plan.name + place, tell)
            done.append(child.plan.name)
        return f"{', '.join(done)} restarted in {self._clock() - began:.1f} s"

    async def scale(self, _request: OperatorRequest, tell: Tell) -> str:
        """Waits until as many workers work as are wanted. Raises `ZkticketError`."""
        while busy := self._fleet.unsettled(Role.WORKER):
            _require_hope(*busy)
            tell(", ".join(f"{child.plan.name} {_phase(child)}" for child in busy))
            await asyncio.sleep(POLL_S)
        count = len(self._fleet.of(Role.WORKER))
        return f"{count} worker{'s' if count > 1 else ''} at work"

    def _chosen(self, names: Sequence[str]) -> list[Child]:
        if not names:
            return self._fleet.of(Role.WORKER)
        children = {child.plan.name: child for child in self._fleet.children}
        for name in names:
            if name not in children:
                raise ZkticketError(f"there is no process {name!r}; `status` lists them")
        return [children[name] for name in names]

    async def _next(self, left: Sequence[Child]) -> Child:
        """Returns the next one; ZooKeeper's leader comes last, so that there is one election."""
        if left[0].plan.role is Role.ZOOKEEPER:
            for child, state in zip(left, await self._states(left), strict=True):
                if state.role != "leader":
                    return child
        return left[0]

    async def _states(self, servers: Sequence[Child]) -> list[ServerState]:
        hosts = ",".join(child.plan.address for child in servers)
        return await self._probe(hosts) if hosts else []

    async def _await_others(self, child: Child, tell: Tell) -> None:
        """Waits until all others of its kind work."""
        if child.state is not ChildState.RUNNING:
            return  # nothing is lost with it
        if child.plan.role is Role.ZOOKEEPER:
            await self._await_quorum(child, tell)
            return
        while busy := [
            each for each in self._fleet.unsettled(child.plan.role) if each is not child
        ]:
            _require_hope(*busy)
            tell(f"{child.plan.name} waits: {busy[0].plan.name} {_phase(busy[0])}")
            await asyncio.sleep(POLL_S)

    async def _await_quorum(self, child: Child, tell: Tell) -> None:
        """Waits until the other servers serve, and are a majority where they can be one."""
        servers = self._fleet.of(Role.ZOOKEEPER)
        others = [each for each in servers if each is not child]
        wanted = min(len(servers) // 2 + 1, len(others))
        while sum(state.serves for state in await self._states(others)) < wanted:
            _require_hope(*others)
            tell(f"{child.plan.name} waits: the others have no quorum without it")
            await asyncio.sleep(POLL_S)

    async def _restart(self, child: Child, label: str, tell: Tell) -> None:
        before = child.process
        child.restart(REASON, self._clock() + self._drain_s, asked=True)
        self._wake()
        while child.process is before or child.state is not ChildState.RUNNING:
            if child not in self._fleet.children:
                return  # scaled away meanwhile
            _require_hope(child)
            if child.setback:
                raise ZkticketError(f"{child.plan.name}: {child.setback}; see {child.plan.log}")
            tell(f"{label} {_phase(child)}")
            await asyncio.sleep(POLL_S)


def _require_hope(*children: Child) -> None:
    """Raises `ZkticketError` where one of them was given up."""
    for child in children:
        if child.state is ChildState.FATAL:
            raise ZkticketError(
                f"{child.plan.name} does not start: {child.reason}; its last words are in "
                f"{child.plan.log}, and `restart {child.plan.name}` tries again"
            )


def _phase(child: Child) -> str:
    return {ChildState.RUNNING: "is to drain", ChildState.DRAINING: "drains"}.get(
        child.state, "starts"
    )
