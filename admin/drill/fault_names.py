"""The names of faults, without what it takes to bring them about: `--help` is quick."""

import enum


class FaultName(enum.StrEnum):
    """The faults as a command line names them, in the order of a drill of all."""

    WORKER = "worker"
    ZOMBIE = "zombie"
    WEB = "web"
    FOLLOWER = "follower"
    LEADER = "leader"
    PAUSE = "pause"
    QUORUM = "quorum"
    ENSEMBLE = "ensemble"
    SUPERVISOR = "supervisor"
    ALL = "all"
