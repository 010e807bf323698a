"""A request that has arrived at a worker, and the answers it was given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from core.transport.link import Answer, ChangeRequest, Code, Purchase
from tests.simulation.border import Machine

RequestT = TypeVar("RequestT", Purchase, ChangeRequest)


@dataclass(eq=False)
class Attempt(Generic[RequestT]):
    """A request that came to `machine` at zxid `asked`; all servers knew zxid `since` by then."""

    request: RequestT
    order_id: str
    machine: Machine
    asked: int
    since: int
    judge: "Callable[[Attempt[RequestT], Answer], None]"
    answers: list[Code] = field(default_factory=list)
    # Whether the worker was told that nobody waits: it need not answer.
    forgotten: bool = False

    @property
    def life(self) -> str:
        return self.machine.name

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer.code)
        self.judge(self, answer)


# Is told of a request as it arrives.
Witness: TypeAlias = Callable[[RequestT, Machine], Attempt[RequestT]]
