"""Orders that receipts prove and the tree has lost are named, and put back."""

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from admin.confirm import confirmer
from admin.recovery.audit import ReceiptsProof, audit
from admin.recovery.receipt_coverage import Coverage, Receipted
from admin.recovery.recount import recount
from admin.recovery.repair import Choice, RepairPlan, repair
from admin.screen import proof_tables
from core.cluster import alarms
from core.errors import ZkticketError
from core.events.deletion import delete_tree
from core.events.edit import EventManager
from core.receipts import format
from core.receipts.format import Receipt, ReceiptLine, framed
from core.schema import paths
from core.schema.records import Alarm, Change, Order, Status, encode
from core.store.batch import Sale
from core.store.orders import StoredOrder
from core.store.store import Store
from core.zookeeper.client import ZooKeeper
from tests.support.instance import Instance, eventually, running
from tests.support.zookeeper_server import SECRET, Server, ref_of, sell

NEITHER = Choice(oversell=False, leave_out=False)
OVERSELL = Choice(oversell=True, leave_out=False)
LEAVE_OUT = Choice(oversell=False, leave_out=True)


@pytest.fixture
def server(zookeeper: Server) -> Server:
    """Ten tickets of each type, none of them sold."""

    async def stock_up(zk: ZooKeeper) -> None:
        await EventManager(zk).create_default_event(10)

    zookeeper.wipe()
    zookeeper.session(stock_up)
    return zookeeper


def receipt_of(sale: Sale, zxid: int = 1) -> Receipt:
    order = sale.order
    line = ReceiptLine(sale.order_id, 0, order)
    return Receipt(zxid, order.batch, order.at, (sale.ref,), (), (line,))


def write(data_dir: Path, *sales: Sale, worker: str = "worker-1", number: int = 1) -> Path:
    folder = format.folder(data_dir, worker)
    folder.mkdir(parents=True, exist_ok=True)
    path = format.segment(folder, number).path
    with path.open("ab") as file:
        file.write(b"".join(framed(receipt_of(sale)) for sale in sales))
    return path


def lost_sale(server: Server, number: int, quantity: int = 1, buyer: str = "Bob") -> Sale:
    """Makes a sale that was confirmed and that the tree does not have."""

    async def make(zk: ZooKeeper) -> Sale:
        order = Order(
            type="A",
            quantity=quantity,
            buyer=buyer,
            status="sold",
            at=100.0 + number,
            batch=f"x{number}",
        )
        return Sale(await ref_of(Store(zk)), f"{number:032x}", order)

    return server.session(make)


def sold(server: Server, number: int, quantity: int = 1) -> Sale:
    async def work(zk: ZooKeeper) -> Sale:
        return await sell(zk, number, quantity)

    return server.session(work)


def audited(server: Server, data_dir: Path) -> ReceiptsProof:
    async def work(zk: ZooKeeper) -> ReceiptsProof:
        return await audit(zk, data_dir)

    return server.session(work)


def repaired(server: Server, data_dir: Path, choice: Choice) -> list[RepairPlan]:
    """Repairs, and returns the plans that were shown; then proves sums and receipts."""
    shown: list[RepairPlan] = []

    async def work(zk: ZooKeeper) -> None:
        await repair(zk, data_dir, SECRET.order_key, choice, shown.append, confirmer(yes=True))
        assert (await recount(zk)).ok
        assert (await audit(zk, data_dir)).ok

    server.session(work)
    return shown


def found(server: Server, *sales: Sale) -> Sequence[object]:
    async def work(zk: ZooKeeper) -> Sequence[object]:
        there = await Store(zk).orders.find_sales(sales)
        return [each.order if isinstance(each, StoredOrder) else each for each in there]

    return server.session(work)


def test_confirmed_orders_that_are_there_are_proved(server: Server, tmp_path: Path) -> None:
    write(tmp_path, *(sold(server, number) for number in range(3)))
    proof = audited(server, tmp_path)
    assert proof.ok
    assert (proof.files, proof.orders, proof.missing) == (1, 3, 0)


def covering(proof: ReceiptsProof) -> tuple[bool, int, int, int]:
    return proof.ok, proof.in_tree, proof.covered, proof.older


def said(proof: ReceiptsProof) -> str:
    return str(proof_tables.receipts(proof))


def test_without_receipts_nothing_is_proved(server: Server, tmp_path: Path) -> None:
    assert covering(audited(server, tmp_path)) == (False, 0, 0, 0)
    sold(server, 1)
    proof = audited(server, tmp_path)
    assert covering(proof)[:3] == (False, 1, 0)
    assert "0 of 1 orders have receipts" in said(proof)
    assert "every" not in said(proof)


def test_it_says_how_many_orders_the_receipts_cover(server: Server, tmp_path: Path) -> None:
    first, second, third = (sold(server, number) for number in (1, 2, 3))
    write(tmp_path, second)
    write(tmp_path, second, worker="worker-2")
    proof = audited(server, tmp_path)
    assert covering(proof) == (True, 3, 1, 0)
    assert "1 of 3 orders have receipts" in said(proof)
    assert "of the others nothing is proved" in said(proof)
    write(tmp_path, first, third)
    proof = audited(server, tmp_path)
    assert covering(proof) == (True, 3, 3, 0)
    assert "every confirmed order is in the tree" in said(proof)


def test_orders_older_than_the_oldest_receipt_are_told_from_those_that_have_none(
    server: Server, tmp_path: Path
) -> None:
    """The oldest journals were deleted; another machine's are elsewhere."""
    older, there, newer = (sold(server, number) for number in (1, 2, 3))
    for sale, at in ((older, 50.0), (there, 100.0), (newer, 150.0)):
        server.plant(sale.path, encode(replace(sale.order, at=at)))
    write(tmp_path, replace(there, order=replace(there.order, at=100.0)))
    proof = audited(server, tmp_path)
    assert covering(proof) == (True, 3, 1, 1)
    assert "1 are older than the oldest receipt; 1 others have none" in said(proof)


def test_receipts_of_other_orders_than_the_trees_prove_nothing(
    server: Server, tmp_path: Path
) -> None:
    gone = sold(server, 1)
    write(tmp_path, gone)

    async def delete(zk: ZooKeeper) -> None:
        await delete_tree(zk, "/events/default", confirmer(yes=True))
        await EventManager(zk).create_default_event(10)

    server.session(delete)
    assert covering(audited(server, tmp_path))[:3] == (True, 0, 0)
    sold(server, 2)
    assert covering(audited(server, tmp_path))[:3] == (False, 1, 0)


def test_a_receipt_that_comes_a_moment_after_its_order_covers_it(
    server: Server, tmp_path: Path
) -> None:
    """The sale goes on while the journals are read."""
    first, late = (sold(server, number) for number in (1, 2))
    receipted = Receipted()
    receipted.add([first])
    flushed: list[Sale] = []

    def newest() -> list[Sale]:
        flushed.append(late)
        return flushed[1:]  # it exists from the second look on

    async def work(zk: ZooKeeper) -> Coverage:
        coverage = Coverage(zk, receipted, since=0.0, began=2.0)
        await coverage.count(newest)
        return coverage

    found = server.session(work)
    assert (found.orders, found.covered, found.older) == (2, 2, 0)


def test_repair_says_nothing_of_what_it_has_not_read(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ZkticketError, match="no readable receipts in"):
        repaired(server, tmp_path, NEITHER)


def test_without_receipts_an_alarm_ends_only_where_the_loss_is_given_up(
    server: Server, tmp_path: Path
) -> None:
    async def ring(zk: ZooKeeper) -> None:
        await alarms.sound(zk, Alarm(source="worker-1", text="lost", at=1.0))

    async def standing(zk: ZooKeeper) -> int:
        return len(await alarms.standing(zk))

    async def give_up(zk: ZooKeeper) -> None:
        await repair(zk, tmp_path, SECRET.order_key, LEAVE_OUT, lambda _: None, confirmer(yes=True))

    server.session(ring)
    with pytest.raises(ZkticketError, match="--leave-out"):
        repaired(server, tmp_path, NEITHER)
    assert server.session(standing) == 1
    server.session(give_up)
    assert server.session(standing) == 0


def test_a_missing_order_is_named(server: Server, tmp_path: Path) -> None:
    lost = lost_sale(server, 1, 2)
    write(tmp_path, sold(server, 1), lost)
    proof = audited(server, tmp_path)
    assert not proof.ok
    [named] = proof.lost
    assert (named.znode, named.quantity, named.buyer) == (paths.CHROOT + lost.path, 2, "Bob")


def test_an_order_with_two_receipts_is_missing_once(server: Server, tmp_path: Path) -> None:
    lost = lost_sale(server, 1)
    write(tmp_path, lost, lost_sale(server, 2))
    write(tmp_path, lost, worker="worker-2")  # a replay, which keeps a receipt of its own
    proof = audited(server, tmp_path)
    assert (proof.missing, len(proof.lost)) == (2, 2)


def test_orders_with_two_receipts_are_given_up_once(server: Server, tmp_path: Path) -> None:
    lost = lost_sale(server, 1, 11)
    for worker in ("worker-1", "worker-2"):
        write(tmp_path, lost, worker=worker)
    repaired(server, tmp_path, Choice(oversell=False, leave_out=True))
    proof = audited(server, tmp_path)
    assert (proof.ok, proof.left_out) == (True, 1)


def test_a_flipped_byte_in_a_journal_is_reported(server: Server, tmp_path: Path) -> None:
    path = write(tmp_path, sold(server, 1), sold(server, 2))
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)
    proof = audited(server, tmp_path)
    assert (proof.ok, proof.missing, proof.orders) == (False, 0, 1)
    assert str(path) in proof.damaged[0]


def test_a_torn_tail_and_a_journal_without_its_beginning_are_noted(
    server: Server, tmp_path: Path
) -> None:
    path = write(tmp_path, sold(server, 1), number=3)
    path.write_bytes(path.read_bytes() + b"\xff\xc0\xc1\xfe\x00\x00")
    proof = audited(server, tmp_path)
    assert proof.ok
    assert [note for note in proof.notes if "never finished" in note]
    assert [note for note in proof.notes if "first 2 files" in note]


def test_orders_that_were_deleted_with_their_event_are_not_missing(
    server: Server, tmp_path: Path
) -> None:
    write(tmp_path, sold(server, 1))

    async def delete(zk: ZooKeeper) -> None:
        await delete_tree(zk, "/events/default", confirmer(yes=True))
        await delete_tree(zk, "/", confirmer(yes=True))

    server.session(delete)
    proof = audited(server, tmp_path)
    assert (proof.ok, proof.missing, proof.retired) == (True, 0, 1)


def test_an_event_that_vanished_is_missing(server: Server, tmp_path: Path) -> None:
    write(tmp_path, sold(server, 1))
    server.remove("/events/default")
    assert audited(server, tmp_path).missing == 1


def test_lost_orders_are_put_back_as_they_were(server: Server, tmp_path: Path) -> None:
    lost = [lost_sale(server, number, 2) for number in range(3)]
    write(tmp_path, sold(server, 7), *lost)
    write(tmp_path, lost[0], worker="worker-2")  # a repeat was confirmed there as well
    [plan] = repaired(server, tmp_path, NEITHER)
    [row] = plan.rows
    assert (row.orders, row.lost, row.remaining, row.restored, row.open) == (3, 6, 9, 6, 0)
    assert found(server, *lost) == [sale.order for sale in lost]


@pytest.mark.parametrize(("act", "status"), [("confirm", "sold"), ("cancel", "cancelled")])
def test_lost_orders_that_were_changed_are_put_back_as_they_were_at_last(
    act: str, status: Status, server: Server, tmp_path: Path
) -> None:
    """The counters that counted the change have gone back, too."""
    lost = lost_sale(server, 1)
    change = Change(act=act, at=102.0, batch="y", stripe=3, version=57)
    until = 110.0 if act == "confirm" else None
    order = replace(lost.order, status=status, until=until, changes=(change,))
    changed = replace(lost, order=order)
    write(tmp_path, changed)
    repaired(server, tmp_path, NEITHER)
    [there] = found(server, changed)
    assert isinstance(there, Order)
    assert (there.status, [each.act for each in there.changes]) == (status, [act])


def test_more_orders_than_one_transaction_holds_are_put_back(
    server: Server, tmp_path: Path
) -> None:
    async def stock_up(zk: ZooKeeper) -> None:
        await EventManager(zk).resize(await ref_of(Store(zk)), lambda stock: stock.taken + 1000)

    server.session(stock_up)
    lost = [lost_sale(server, number) for number in range(350)]
    write(tmp_path, *lost)
    repaired(server, tmp_path, NEITHER)
    assert found(server, *lost) == [sale.order for sale in lost]


def test_the_earliest_buyers_get_what_is_left_and_nothing_is_oversold_silently(
    server: Server, tmp_path: Path
) -> None:
    first, second, third = (lost_sale(server, number, 3) for number in (1, 2, 3))
    write(tmp_path, second, first, third, sold(server, 9, 4))
    with pytest.raises(ZkticketError, match=r"--oversell.*--leave-out"):
        repaired(server, tmp_path, NEITHER)
    assert found(server, first, second, third) == [None, None, None]
    [plan] = repaired(server, tmp_path, LEAVE_OUT)
    assert (plan.rows[0].restored, plan.rows[0].left_out) == (6, 3)
    assert [conflict.znode for conflict in plan.conflicts] == [paths.CHROOT + third.path]
    assert found(server, first, second, third) == [first.order, second.order, None]
    assert audited(server, tmp_path).left_out == 1


def test_overselling_is_said_and_grows_the_capacity(server: Server, tmp_path: Path) -> None:
    lost = [lost_sale(server, number, 3) for number in (1, 2, 3)]
    write(tmp_path, sold(server, 9, 4), *lost)
    [plan] = repaired(server, tmp_path, OVERSELL)
    assert (plan.rows[0].restored, plan.rows[0].oversold) == (9, 3)
    assert found(server, *lost) == [sale.order for sale in lost]

    async def stock(zk: ZooKeeper) -> tuple[int, int, int]:
        shelf = await Store(zk).type_stock(await ref_of(Store(zk)))
        return shelf.type.capacity, shelf.stock.sold, shelf.stock.remaining

    assert server.session(stock) == (13, 13, 0)


def test_tickets_that_were_given_back_stay_with_their_next_buyer(
    server: Server, tmp_path: Path
) -> None:
    """One buyer cancels, another buys the returned ticket, and ZooKeeper forgets both."""
    first = sold(server, 1, 10)
    change = Change(act="cancel", at=102.0, batch="y", stripe=3, version=57)
    cancelled = replace(
        first, order=replace(first.order, status="cancelled", changes=(change,), at=200.0)
    )
    second = lost_sale(server, 2, 10)
    write(tmp_path, first, cancelled, second)
    [plan] = repaired(server, tmp_path, NEITHER)
    [row] = plan.rows
    assert (row.orders, row.restored, row.oversold, row.open) == (2, 20, 0, 0)
    statuses = [each.status for each in found(server, first, second) if isinstance(each, Order)]
    assert statuses == ["cancelled", "sold"]


def test_overselling_counts_what_lacks_only(server: Server, tmp_path: Path) -> None:
    write(tmp_path, sold(server, 9, 8), lost_sale(server, 1, 3))
    [plan] = repaired(server, tmp_path, OVERSELL)
    [row] = plan.rows
    assert (row.remaining, row.restored, row.oversold) == (2, 3, 1)


def test_what_is_confirmed_after_an_order_was_given_up_counts_again(
    server: Server, tmp_path: Path
) -> None:
    hold = lost_sale(server, 1, 3)
    hold = replace(hold, order=replace(hold.order, status="held", until=9e9))
    write(tmp_path, hold)
    repaired(server, tmp_path, LEAVE_OUT)
    assert audited(server, tmp_path).left_out == 1
    # The same key buys, and ZooKeeper forgets this as well.
    again = replace(hold, order=replace(hold.order, status="sold", until=None, at=9e9, batch="z"))
    write(tmp_path, again)
    assert audited(server, tmp_path).missing == 1
    repaired(server, tmp_path, NEITHER)
    assert found(server, again) == [again.order]


@pytest.mark.parametrize(
    ("now", "stands"),
    [("held", False), ("expired", False), ("released", False), ("sold", True), ("cancelled", True)],
)
def test_a_sale_is_not_proved_by_a_hold_of_the_same_key(now: Status, stands: bool) -> None:
    direct = Order(type="A", quantity=1, buyer="Ann", status="sold", at=1.0, batch="b1")
    hold = replace(direct, status=now, until=60.0, batch="b2")
    assert format.is_preserved(direct, StoredOrder("o", "e", hold, 7)) == stands


def test_a_key_that_bought_again_keeps_what_it_bought(server: Server, tmp_path: Path) -> None:
    again = sold(server, 1)
    same = Sale(again.ref, again.order_id, again.order)
    write(tmp_path, same)
    assert audited(server, tmp_path).ok
    other = lost_sale(server, 2, 2, "Eve")
    write(tmp_path, Sale(again.ref, again.order_id, other.order))
    with pytest.raises(ZkticketError, match="--leave-out"):
        repaired(server, tmp_path, OVERSELL)
    repaired(server, tmp_path, LEAVE_OUT)
    assert found(server, again) == [again.order]


def test_without_a_terminal_it_shows_its_plan_and_changes_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lost_sale(server, 1)
    write(tmp_path, lost)
    shown: list[RepairPlan] = []

    async def work(zk: ZooKeeper) -> None:
        await repair(zk, tmp_path, SECRET.order_key, NEITHER, shown.append, confirmer(yes=False))

    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(ZkticketError, match="--yes"):
        server.session(work)
    assert shown[0].rows[0].restored == 1
    assert found(server, lost) == [None]


def test_the_alarm_ends_only_when_the_tree_is_whole(server: Server, tmp_path: Path) -> None:
    write(tmp_path, lost_sale(server, 1))
    generation = lost_sale(server, 1).ref.generation

    async def standing(zk: ZooKeeper) -> int:
        return len(await alarms.standing(zk))

    async def ring(zk: ZooKeeper) -> None:
        await alarms.sound(zk, Alarm(source="worker-1", text="lost", at=1.0))

    server.session(ring)
    stray = paths.order("default", generation, "ff" + "0" * 30)
    server.plant(stray, encode(lost_sale(server, 5).order))
    with pytest.raises(ZkticketError, match=r"never counted|add up"):
        repaired(server, tmp_path, NEITHER)
    assert server.session(standing) == 1
    server.remove(stray)
    repaired(server, tmp_path, NEITHER)
    assert server.session(standing) == 0


# --- a whole instance ----------------------------------------------------------------


def test_an_ensemble_set_back_to_older_data_is_noticed_and_mended(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--quantity", "100") as shop:
        _buy(shop, "before", 10)
        held = _post(shop, "/api/holds", {"type": "A", "quantity": 2, "buyer": "Ann"})
        shop.down()
        servers = shop.data_dir / "zookeeper"
        shutil.copytree(servers, tmp_path / "backup")
        shop.up()
        confirmed = _buy(shop, "after", 19)
        confirmed.append(_post(shop, f"/api/holds/{held['order']}/confirm", {})["order"])
        shop.down()
        shutil.rmtree(servers)
        shutil.copytree(tmp_path / "backup", servers)
        shop.up()
        _is_alarmed(shop)
        named = shop.run("verify", "--receipts")
        assert named.returncode == 1
        assert all(order in named.stdout for order in confirmed)
        assert shop.run("repair").returncode == 1  # there is no terminal, and no --yes
        done = shop.run("repair", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        eventually("it sells again", lambda: shop.buyer().buy().status == 201)
        assert set(_buy(shop, "after", 19, status=200)) == set(confirmed[:-1])
        assert shop.buyer().get(f"/api/orders/{held['order']}").json["status"] == "sold"
        proved = shop.run("verify", "--receipts")
        assert proved.returncode == 0, proved.stdout + proved.stderr
        assert "31 of 31 orders have receipts" in proved.stdout
        shop.verify()
        shop.expect_health()
        _prove_nothing(shop)


def _prove_nothing(shop: Instance) -> None:
    """Expects that without receipts, or without an event, nobody is told that all is well."""
    (shop.data_dir / format.FOLDER).rename(shop.data_dir / "elsewhere")
    done = shop.run("verify", "--receipts")
    assert (done.returncode, "there are no receipts in" in done.stderr) == (1, True)
    assert "is in the tree" not in done.stdout
    found = json.loads(shop.run("verify", "--receipts", "--json").stdout)
    assert (found["ok"], found["covered"], found["in_tree"]) == (False, 0, 31)
    assert shop.run("repair", "--yes").returncode == 1
    assert shop.run("admin", "delete-tree", "/events", "--yes").returncode == 0
    done = shop.run("verify")
    assert (done.returncode, "nothing is proved" in done.stderr) == (1, True)


def _buy(shop: Instance, key: str, count: int, status: int = 201) -> list[str]:
    """Buys with that many keys; returns the ids of the orders."""
    buyer = shop.buyer()
    replies = [buyer.buy(key=f"{key}-{number}") for number in range(count)]
    assert {reply.status for reply in replies} == {status}, replies
    return [reply.json["order"] for reply in replies]


def _post(shop: Instance, path: str, body: Mapping[str, object]) -> Any:
    content = json.dumps(body).encode()
    reply = shop.buyer().request("POST", path, content, {"Content-Type": "application/json"})
    assert reply.status in (200, 201), reply
    return reply.json


def _is_alarmed(shop: Instance) -> None:
    eventually("every worker is halted", lambda: _states(shop) == {"halted"})
    refused = shop.buyer().buy()
    assert (refused.status, refused.code) == (503, "halted")
    assert int(refused.headers["retry-after"]) >= 1
    found = shop.run("status")
    assert found.returncode == 1
    assert "ZooKeeper has lost sales" in found.stdout
    assert shop.status()["alarms"]
    eventually("the metrics show it", lambda: _alarms_metric(shop) > 0)


def _alarms_metric(shop: Instance) -> float:
    lines = shop.buyer().get("/metrics").body.decode().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("zkticket_alarms ")]
    return float(value)


def _states(shop: Instance) -> set[str]:
    return {worker["state"] for worker in shop.status()["workers"]}
