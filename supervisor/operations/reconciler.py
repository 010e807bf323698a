"""Makes an instance what operators want it to be: its number of workers, and their requests."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import structs

from core.clock import Clock
from core.cluster.operator_requests import SUPERVISOR
from core.eventlog.ring import EventLog
from core.schema.records import Desired, OperatorRequest, Progress
from core.settings import Settings
from supervisor.operations import desired_state_file
from supervisor.operations.request_executor import Act, Requests, Tell
from supervisor.operations.rolling_restart import RollingRestart
from supervisor.processes import commands
from supervisor.processes.child import Child
from supervisor.processes.fleet import Fleet
from supervisor.processes.spawned_process import ProcessPlan


class Reconciler:
    """Starts and stops workers until there are as many as desired, and serves requests.

    `hire` starts a child; `replace` brings a successor; `wake` is called when there is something to
    do or to tell. The previous supervisor has done the requests `over`.
    """

    def __init__(
        self,
        settings: Settings,
        script: Path,
        fleet: Fleet,
        log: EventLog,
        *,
        hire: Callable[[ProcessPlan], Child],
        replace: Act,
        wake: Callable[[], None],
        clock: Clock,
        over: Iterable[Progress] = (),
    ) -> None:
        self._settings = settings
        self._script = script
        self._fleet = fleet
        self._log = log
        self._hire = hire
        self._wake = wake
        # The desired state, as far as this instance has heard of it.
        self.wish = desired_state_file.load(settings.data_dir)
        self._rolling = RollingRestart(fleet, clock.monotonic, settings.drain_s, wake)
        self._replace = replace
        acts = {"restart": self._restart, "scale": self._rolling.scale}
        self.requests = Requests(acts, now=clock.now, changed=wake, log=self._note, over=over)

    @property
    def worker_plans(self) -> list[ProcessPlan]:
        """The plans of the desired workers, as far as that is known."""
        count = self.wish.workers_of(self._settings.workers)
        return commands.worker_plans(self._settings, count, self._script)

    def hear(self, desired: Desired) -> None:
        """Takes note of the desired state, at each change and each reading."""
        self._keep_in_mind(structs.replace(desired, requests=()))
        plans = self.worker_plans
        if changed := self._fleet.resize(plans, self._hire):
            text = f"{len(plans)} workers wanted: {', '.join(changed)} to come or go"
            self._log.info("scale", text)
        self.requests.note(desired.requests)
        self._wake()

    async def _restart(self, request: OperatorRequest, tell: Tell) -> str:
        if request.names == (SUPERVISOR,):
            return await self._replace(request, tell)
        return await self._rolling.restart(request, tell)

    def _keep_in_mind(self, wish: Desired) -> None:
        if wish == self.wish:
            return
        self.wish = wish
        try:
            desired_state_file.save(self._settings.data_dir, wish)
        except OSError as error:
            self._log.warning("disk", f"cannot note how many workers are wanted: {error.strerror}")

    def _note(self, well: bool, text: str) -> None:
        self._log.add(logging.INFO if well else logging.WARNING, "request", text)
