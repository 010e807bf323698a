"""Serves operators' requests from the desired state, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from core.errors import ZkticketError
from core.schema.records import OperatorRequest, Progress

Tell = Callable[[str], None]
Act = Callable[[OperatorRequest, Tell], Awaitable[str]]
Forget = Callable[[str], Awaitable[None]]

# The command of an older request has given up long ago; clocks of machines differ a little.
STALE_S = 60.0
MOST_REMEMBERED = 32
OVER = ("done", "failed")


class Requests:
    """A queue of requests. `acts` serve each kind: they return what was done, or raise
    `ZkticketError`. `changed` hears of every progress, `log` of each end and whether it was a
    success. Requests that are `over` already are not done again.
    """

    def __init__(
        self,
        acts: Mapping[str, Act],
        *,
        now: Callable[[], float],
        changed: Callable[[], None],
        log: Callable[[bool, str], None],
        over: Iterable[Progress] = (),
    ) -> None:
        self._acts = acts
        self._now = now
        self._changed = changed
        self._log = log
        self._known = {each.id: each for each in over if each.state in OVER}
        self._wanted: frozenset[str] = frozenset()
        self._queue: asyncio.Queue[OperatorRequest] = asyncio.Queue()

    @property
    def progress(self) -> tuple[Progress, ...]:
        """The latest requests, the oldest first."""
        return tuple(self._known.values())

    def note(self, requests: Sequence[OperatorRequest]) -> None:
        """Takes over the present requests; withdrawn ones are dropped."""
        self._wanted = frozenset(request.id for request in requests)
        for request in requests:
            if request.id not in self._known:
                self._set(request, "waiting", "waits for an earlier request")
                self._queue.put_nowait(request)
        self._clear_away()

    def _clear_away(self) -> None:
        """Forgets old requests, but none that is still asked for: it would be done again."""
        over = [
            name
            for name, progress in self._known.items()
            if progress.state in OVER and name not in self._wanted
        ]
        for name in over[: max(0, len(self._known) - MOST_REMEMBERED)]:
            del self._known[name]

    async def serve(self, forget: Forget) -> None:
        """Serves one after the other until it is cancelled; `forget` hears of each end."""
        while True:
            request = await self._queue.get()
            if request.id in self._wanted:
                await self._serve(request)
            await forget(request.id)

    async def _serve(self, request: OperatorRequest) -> None:
        act = self._acts.get(request.action)
        if act is None:
            self._end(request, False, f"this supervisor knows no {request.action!r}")
        elif self._now() > request.at + request.timeout_s + STALE_S:
            self._end(request, False, "nobody waits for it any more")
        else:
            await self._do(request, act)

    async def _do(self, request: OperatorRequest, act: Act) -> None:
        def tell(text: str) -> None:
            if self._known[request.id].text != text:
                self._set(request, "running", text)

        try:
            async with asyncio.timeout(request.timeout_s):
                done = await act(request, tell)
        except TimeoutError:
            text = self._known[request.id].text
            self._end(request, False, f"not done within {request.timeout_s:.0f} s: {text}")
        except ZkticketError as error:
            self._end(request, False, str(error))
        else:
            self._end(request, True, done)

    def _end(self, request: OperatorRequest, well: bool, text: str) -> None:
        self._set(request, "done" if well else "failed", text)
        self._log(well, f"{request.action}: {text}")

    def _set(self, request: OperatorRequest, state: str, text: str) -> None:
        self._known[request.id] = Progress(id=request.id, state=state, text=text)
        self._changed()
