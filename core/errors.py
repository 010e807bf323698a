"""Every error that zkticket raises on purpose: one tree, on one screen.

The message is one line that says what is wrong and what to do. The entrypoint prints
it and exits with `exit_code`; no traceback reaches a user.
"""

from collections.abc import Sequence


class ZkticketError(Exception):
    """Something that a person can do something about."""

    exit_code = 1


class WrongUsage(ZkticketError):
    """The command line makes no sense."""

    exit_code = 2


class WrongTerm(WrongUsage):
    """A term of an event that can't be: its `field`, and the name of the `rule` that it breaks.

    `values` go into the text that the web has for the rule.
    """

    def __init__(self, field: str, rule: str, why: str, **values: str | int) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.rule = rule
        self.values = values


class WrongTerms(WrongUsage):
    """Everything that is wrong with an event's terms, one fault for each field."""

    def __init__(self, faults: Sequence[WrongTerm]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class CannotWrite(ZkticketError):
    """Stdout takes nothing: the output can't be delivered."""


class NotRunning(ZkticketError):
    """The command needs a running instance and there is none."""

    exit_code = 3


class StartupError(ZkticketError):
    """`up` cannot start: a port, a directory, Java or ZooKeeper is missing or taken."""


class Untrusted(StartupError):
    """A file or directory that somebody else may have put there, or could change."""


# --- ZooKeeper -----------------------------------------------------------------------


class ZooKeeperError(ZkticketError):
    """ZooKeeper did not do what was asked."""


class Unavailable(ZooKeeperError):
    """No connection, or no answer in time. For a read this means: nothing happened."""


class AccessDenied(ZooKeeperError):
    """The secret does not open this tree."""


class Ambiguous(ZooKeeperError):
    """The answer to a write is lost: it may have happened, or may yet happen."""


class NoNode(ZooKeeperError):
    """The znode is not there."""


class NodeExists(ZooKeeperError):
    """The znode is there already."""


class BadVersion(ZooKeeperError):
    """The znode has changed since it was read."""


class NotEmpty(ZooKeeperError):
    """The znode has children."""


# --- the tree's content --------------------------------------------------------------


class BadZnode(ZkticketError):
    """A znode holds what no zkticket wrote. It is named, never overwritten by guess."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"znode {path} is unreadable: {why}; restore it or delete it by hand")
        self.path = path
        self.why = why


class Breach(ZkticketError):
    """The books do not balance: a promise about stock and orders does not hold at a znode."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"znode {path}: {why}")
        self.path = path
        self.why = why


class NoSuchEvent(ZkticketError):
    """No event of that name."""


class EventExists(ZkticketError):
    """There is an event of that name already."""


class NoSuchType(ZkticketError):
    """The event has no ticket type of that name; `path` is the znode that is missing."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.path = path


class NoSuchOrder(ZkticketError):
    """No order of that id."""


class AmbiguousNumber(ZkticketError):
    """Several orders have that number; a ticket's code or an order's id tells which is meant."""


class NoSuchToken(ZkticketError):
    """Nobody of that name has a token."""


class TokenExists(ZkticketError):
    """Somebody of that name has a token already."""


class NoSuchProcess(ZkticketError):
    """No process of that name."""


# --- receipts ------------------------------------------------------------------------


class Halted(ZkticketError):
    """This worker may not sell now: its receipts can't be written, or an alarm stands."""


class Unconfirmed(ZkticketError):
    """It has happened, but its receipt is not on disk: nobody may be told so yet."""


# --- the web–worker link -------------------------------------------------------------


class LinkLost(ZkticketError):
    """The link to a worker broke; what was sent over it may have been done."""


class LinkRefused(ZkticketError):
    """The other end of a link does not know the cluster's secret."""


# --- the web -------------------------------------------------------------------------


class BadRequest(ZkticketError):
    """A request that can't be meant.

    `code` is that of the HTTP interface, `text` names the web's text that says what is wrong,
    with what goes into it; `field` is the culprit.
    """

    def __init__(self, code: str, text: str, field: str | None = None, **values: str | int) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field = field
        self.values = values
