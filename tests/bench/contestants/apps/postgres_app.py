"""A Flask shop on PostgreSQL: one statement takes the tickets and makes the order.

A row lock is held until the commit is on disk, so one hot row would sell one ticket for each
flush. The stock is therefore in stripes, one for each connection, and sales are flushed together.
The order's primary key prevents two orders for one key.

`SHOP_DATABASE` is the database, `SHOP_STRIPES` the number of stripes.
"""

import os
import threading
import uuid
from typing import Any

import msgspec
import psycopg
from flask import Flask, Response, request

from tests.bench.contestants.apps.orders import Purchase, created, purchase_in, refused

BUY = """
WITH taken AS (
    UPDATE stock SET remaining = remaining - %(quantity)s
    WHERE type = %(type)s AND stripe = {stripe} AND remaining >= %(quantity)s
    RETURNING type
)
INSERT INTO orders (key, type, quantity, buyer)
SELECT %(key)s, type, %(quantity)s, %(buyer)s FROM taken
RETURNING created_at, txid_current()
"""
BUY_OWN = BUY.format(stripe="%(stripe)s")
# The fullest stripe, for a thread whose own is empty.
BUY_ANY = BUY.format(
    stripe="(SELECT stripe FROM stock WHERE type = %(type)s ORDER BY remaining DESC LIMIT 1)"
)


class Counter(threading.local):
    """One of the server's threads: its connection and its stripe, which it keeps."""

    def __init__(self) -> None:
        connection = psycopg.connect(os.environ["SHOP_DATABASE"], autocommit=True)
        # Statements are prepared from their first use on.
        connection.prepare_threshold = 0
        self._cursor = connection.cursor(binary=True)
        found = self._cursor.execute("SELECT nextval('stripes')").fetchone()
        assert found is not None
        self._stripe = found[0] % int(os.environ["SHOP_STRIPES"])

    def sell(self, purchase: Purchase, key: uuid.UUID) -> tuple[Any, ...] | None:
        """Returns the time and transaction of the sale; None where too few tickets are left."""
        wanted = {
            "type": purchase.type,
            "quantity": purchase.quantity,
            "buyer": purchase.buyer,
            "key": key,
            "stripe": self._stripe,
        }
        sold = self._cursor.execute(BUY_OWN, wanted).fetchone()
        return sold or self._cursor.execute(BUY_ANY, wanted).fetchone()


app = Flask("shop")
counter = Counter()


@app.post("/api/orders")
def post_order() -> Response:
    try:
        purchase = purchase_in(request.get_data(cache=False))
    except msgspec.DecodeError as error:
        return refused(422, str(error))
    key = uuid.uuid4()
    sold = counter.sell(purchase, key)
    if sold is None:
        return refused(409, "sold-out")
    at, number = sold
    return created(purchase, key.hex, at, number)
