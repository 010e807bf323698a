"""Measures where a purchase's time goes, from the request to the reply."""

from collections.abc import Mapping

from core.quantiles import Recent
from core.schema.records import Quantiles
from core.transport.link import Answer

# In the order in which a purchase passes through them.
STAGES = ("web", "link", "queue", "commit", "answer")


class Stages:
    """The stages of the latest sales for which one worker was asked.

    `web`: until the purchase is on its way to a worker; `link`: there and back, with the waits
    in the sockets; `queue`: until the worker's batch is sent; `commit`: until ZooKeeper has it;
    `answer`: until the answer is ready for the buyer.
    """

    def __init__(self) -> None:
        # By stage, in their order.
        self.recent = {stage: Recent() for stage in STAGES}

    def note(
        self, answer: Answer, *, began: float, sent: float, heard: float, ended: float
    ) -> None:
        """Adds a sale; all times are in seconds of one monotonic clock."""
        queue_s, commit_s = answer.queue_us / 1e6, answer.commit_us / 1e6
        recent = self.recent
        recent["web"].add(sent - began)
        recent["link"].add(max(0.0, heard - sent - queue_s - commit_s))
        recent["queue"].add(queue_s)
        recent["commit"].add(commit_s)
        recent["answer"].add(ended - heard)

    def quantiles(self) -> Mapping[str, Quantiles]:
        """The quantiles by stage, in their order."""
        return {stage: recent.quantiles() for stage, recent in self.recent.items()}
