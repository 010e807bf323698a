"""`verify` and `repair`, once their options are read."""

import os

import typer

from admin.confirm import confirmer
from admin.recovery.audit import ReceiptsProof, audit
from admin.recovery.recount import recount
from admin.recovery.repair import Choice, RepairPlan
from admin.recovery.repair import repair as put_back
from admin.screen import output, proof_tables
from admin.zookeeper_session import with_session
from core.cluster_secret import load_secret
from core.errors import ZkticketError
from core.receipts.format import FOLDER
from core.settings import Settings

# A recount can wait; the sale on the same machine can't.
POLITE = 10


def verify(settings: Settings, as_json: bool) -> None:
    """Recounts everything. Raises `ZkticketError` at a breach, and where nothing is proved."""
    os.nice(POLITE)
    found = with_session(settings, recount)
    output.put(found, proof_tables.proof(found), as_json=as_json)
    if found.breach is not None:
        raise ZkticketError(f"breach at znode {found.breach.znode}: {found.breach.text}")
    if not found.ok:
        raise ZkticketError("nothing is proved: there is no event in the tree")


def verify_receipts(settings: Settings, as_json: bool) -> None:
    """Looks for every confirmed order. Raises `ZkticketError` unless that proves something."""
    os.nice(POLITE)
    found = with_session(settings, lambda zk: audit(zk, settings.data_dir))
    output.put(found, proof_tables.receipts(found), as_json=as_json)
    if found.missing:
        raise ZkticketError(f"{found.missing} confirmed orders are missing; `repair` mends that")
    if found.damaged:
        raise ZkticketError(f"{len(found.damaged)} places in the receipts are unreadable")
    if not found.ok:
        raise ZkticketError(_no_proof(settings, found))


def _no_proof(settings: Settings, found: ReceiptsProof) -> str:
    folder = settings.data_dir / FOLDER
    if found.orders:
        return f"nothing is proved: the receipts in {folder} are of none of the tree's orders"
    return (
        f"nothing is proved: there are no receipts in {folder}; they are on the machines "
        "whose workers sell, in the data directories of these"
    )


def repair(
    settings: Settings, *, oversell: bool, leave_out: bool, yes: bool, as_json: bool
) -> None:
    data_dir, choice, confirm = settings.data_dir, Choice(oversell, leave_out), confirmer(yes)
    order_key = load_secret(data_dir).order_key

    def show(plan: RepairPlan) -> None:
        output.put(plan, proof_tables.plan(plan), as_json=as_json)

    plan = with_session(
        settings, lambda zk: put_back(zk, data_dir, order_key, choice, show, confirm)
    )
    if not plan.empty:
        typer.echo("the tree is whole; selling goes on", err=True)
