"""Waits for the ZooKeeper servers, makes the tree, and joins it with something to sell."""

from collections.abc import Callable

from core.cluster_secret import Secret
from core.errors import AccessDenied, StartupError, ZooKeeperError
from core.events.edit import EventManager
from core.schema.records import Marker, encode
from core.settings import Settings
from core.store.store import Store
from core.store.stripes import stripes_for
from core.zookeeper.client import ZooKeeper, connect
from core.zookeeper.probe import ServerState
from core.zookeeper.tree_setup import prepare_tree
from supervisor.zookeeper.ensemble import Ensemble, wait_for_quorum

# Three servers that load a million orders on two busy cores take 30 to 110 s.
QUORUM_S = 300.0
OPEN_ROOT = (
    "anybody who reaches this ZooKeeper may create znodes beside ours and fill its disks: others "
    "use it as well, so its root was left open; close / and /zookeeper there with setAcl, or keep "
    "strangers from its ports"
)
# How long a ZooKeeper that should be there may take to answer.
ANSWER_S = 10.0


async def await_ensemble(
    settings: Settings, ensemble: Ensemble, say: Callable[[str], None]
) -> list[ServerState]:
    """Waits for a quorum of our own servers; returns their states. Raises `StartupError`."""
    if not ensemble.servers:
        say(f"waiting for ZooKeeper at {settings.hosts}")
        return []
    return list(await wait_for_quorum(ensemble.hosts, QUORUM_S, say))


async def make_tree(settings: Settings, secret: Secret, warn: Callable[[str], None]) -> None:
    """Makes the tree; `warn` hears what strangers may do to an ensemble that runs elsewhere.

    Raises `StartupError`, `AccessDenied` where the tree belongs to another secret.
    """
    try:
        is_closed = await prepare_tree(
            settings.hosts,
            secret.zookeeper_password,
            encode(Marker()),
            close_root=settings.owns_ensemble,
            timeout_s=ANSWER_S,
        )
    except AccessDenied:
        raise
    except ZooKeeperError as error:
        raise StartupError(_no_zookeeper(settings, error)) from None
    if not is_closed:
        warn(OPEN_ROOT)


async def join(settings: Settings, secret: Secret) -> ZooKeeper:
    """Opens a session, and makes the first event where there is none. Raises `ZooKeeperError`."""
    zk = await connect(
        settings.hosts,
        secret.zookeeper_password,
        timeout_s=ANSWER_S,
        session_s=settings.session_s,
    )
    if not await Store(zk).event_names():
        await EventManager(zk).create_default_event(
            settings.quantity, stripes_for(settings.workers)
        )
    return zk


def _no_zookeeper(settings: Settings, error: ZooKeeperError) -> str:
    if settings.owns_ensemble:
        return f"{error} (see {settings.logs_dir}/zookeeper-*.log)"
    return f"no ZooKeeper answers at {settings.hosts}; start it, or correct --zookeeper"
