"""A request that has arrived at a worker, and what it was answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from core.transport.link import Answer, ChangeRequest, Code, Purchase
from tests.simulation.border import Machine

RequestT = TypeVar("RequestT", Purchase, ChangeRequest)


@dataclass(eq=False)
class Attempt(Generic[RequestT]):
    """`request` at `machine`, which came at zxid `asked`, when all servers knew that of `since`."""

    request: RequestT
    order_id: str
    machine: Machine
    asked: int
    since: int
    judge: "Callable[[Attempt[RequestT], Answer], None]"
    answers: list[Code] = field(default_factory=list)
    # The worker was told that nobody waits: it need not answer.
    forgotten: bool = False

    @property
    def life(self) -> str:
        return self.machine.name

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer.code)
        self.judge(self, answer)


# Who hears of a request as it arrives.
Witness: TypeAlias = Callable[[RequestT, Machine], Attempt[RequestT]]
