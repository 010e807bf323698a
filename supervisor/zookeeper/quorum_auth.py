"""Authenticates ZooKeeper servers to each other, by a password of the cluster, over SASL.

Without it the quorum port believes whoever connects, and lets a stranger follow the leader,
read the whole tree, and write into it as anybody. The password travels as DIGEST-MD5's
responses only, and stands in one file that its owner alone may read.
"""

from pathlib import Path

CONFIG = """\
quorum.auth.enableSasl=true
quorum.auth.learnerRequireSasl=true
quorum.auth.serverRequireSasl=true
"""
USER = "zkticket"
MODULE = "org.apache.zookeeper.server.auth.DigestLoginModule required"


def jvm(file: Path) -> tuple[str, ...]:
    """Returns the options of a server's JVM. ZooKeeper counts DIGEST-MD5 as unfit for FIPS."""
    return (f"-Djava.security.auth.login.config={file}", "-Dzookeeper.fips-mode=false")


def credentials(password: str) -> bytes:
    """Returns that file's content. `password` is of letters and digits."""
    lines = (
        f'QuorumServer {{ {MODULE} user_{USER}="{password}"; }};',
        f'QuorumLearner {{ {MODULE} username="{USER}" password="{password}"; }};',
    )
    return "".join(f"{line}\n" for line in lines).encode()
