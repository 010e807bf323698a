"""The shop of PAYMENT.md, run as it stands: it takes payments for a real instance's holds."""

import html
import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.instance import ROOT, Instance, Reply, eventually, free_port
from tests.web.requests.test_changes import Box

LINK = re.compile(r'class="button first" href="([^"]+)"')


@pytest.fixture(scope="module")
def till(shop: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address where the document's shop takes payments."""
    [code] = re.findall(r"```python\n(.+?)```", (ROOT / "web" / "PAYMENT.md").read_text(), re.S)
    script: Path = tmp_path_factory.mktemp("shop") / "shop.py"
    script.write_text(code)
    secret = shop.run("admin", "payment-secret").stdout.strip()
    port = free_port()
    command = [sys.executable, str(script), f"http://127.0.0.1:{shop.port}", secret, str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            eventually("the shop is open", lambda: asked(f"http://127.0.0.1:{port}/pay"))
            yield f"http://127.0.0.1:{port}/pay"
        finally:
            process.kill()


def asked(address: str, method: str = "GET") -> tuple[int, str, str] | None:
    """Returns the status, where it leads and the text of an answer; None for no answer."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    with suppress(OSError):
        connection.request(method, f"{where.path}?{where.query}")
        answer = connection.getresponse()
        return answer.status, answer.getheader("location", ""), answer.read().decode()
    return None


def held(box: Box) -> tuple[str, str]:
    """Holds two tickets; returns the order and its link to the shop."""
    order = box.hold(2).json["order"]
    page: Reply = box.buyer.get(f"/orders/{order}")
    assert "/confirm" not in page.body.decode()
    [link] = LINK.findall(page.body.decode())
    return order, html.unescape(link)


def test_the_documents_shop_sells_what_was_held_and_only_once(shop: Instance, till: str) -> None:
    box = Box(shop, "--payment", "required", "--payment-url", till)
    bought = box.buyer.buy("A", event=box.name)
    assert (bought.status, bought.code) == (402, "payment-required")
    order, link = held(box)
    refused = box.post(f"/api/holds/{order}/confirm")
    assert (refused.status, refused.code) == (402, "payment-required")
    assert (refused.json["order"]["status"], refused.json["order"]["owed"]) == ("held", 2000)
    assert box.counts() == (18, 2, 0)
    status, _, text = asked(link) or (0, "", "")
    assert (status, "2000 EUR" in text) == (200, True)
    assert (asked(link.replace("amount=2000", "amount=1")) or (0,))[0] == 403
    for _ in range(2):  # the second is a doubled notification
        status, back, _ = asked(link, "POST") or (0, "", "")
        assert (status, back) == (303, f"http://127.0.0.1:{shop.port}/orders/{order}")
    ticket = box.buyer.get(f"/orders/{order}").body.decode()
    assert "Paid" in ticket
    assert "€20.00" in ticket
    found = box.buyer.get(f"/api/orders/{order}").json
    assert [each["counts"] for each in found["payments"]] == [True]
    assert "owed" not in found
    assert box.counts() == (18, 0, 2)
    shop.verify()


def test_the_documents_shop_refunds_what_comes_too_late(shop: Instance, till: str) -> None:
    hasty = ("--hold-minutes", str(1 / 60), "--extensions", "0")
    box = Box(shop, "--payment", "required", "--payment-url", till, *hasty)
    order, link = held(box)
    eventually("its time is up", lambda: box.counts() == (20, 0, 0), 60)
    status, _, text = asked(link, "POST") or (0, "", "")
    assert (status, "refunded" in text) == (200, True)
    [late] = box.buyer.get(f"/api/orders/{order}").json["payments"]
    assert (late["counts"], late["refused"]) == (False, "hold-expired")


def test_a_sale_page_offers_what_its_event_allows(shop: Instance) -> None:
    first, door = Box(shop, "--payment", "required"), Box(shop, "--payment", "door")
    page = first.buyer.get(f"/?event={first.name}").body.decode()
    assert "/api/orders" not in page
    assert page.count('formaction="/holds"') == 1
    order = first.hold().json
    how = first.buyer.get(f"/orders/{order['order']}").body.decode()
    assert f"Pay €10.00 to the organiser and quote order {order['number']}" in how
    page = door.buyer.get(f"/?event={door.name}").body.decode()
    assert "You pay at the door" in page
    bought = door.buyer.buy("A", quantity=2, event=door.name).json
    assert (bought["status"], bought["payment"], bought["owed"]) == ("sold", "door", 2000)
    ticket = door.buyer.get(f"/orders/{bought['order']}").body.decode()
    assert "Pay €20.00 at the door" in ticket
    admitted = door.check_in(bought["order"], "North", buyer=door.buyer)
    assert (admitted.status, admitted.json["owed"]) == (200, 2000)
