"""A Flask shop on Redis: one script takes the tickets and makes the order.

Redis runs a script alone, without interruption. `SHOP_REDIS` is the path of the server's socket.
"""

import os
import threading
import uuid
from datetime import UTC, datetime

import msgspec
import redis
from flask import Flask, Response, request

from tests.bench.contestants.apps.orders import Purchase, created, purchase_in, refused

# Keys: stock and orders. Arguments: type, quantity, key, order. Returns the number of the order, 0
# where too few tickets are left.
BUY = """
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
local wanted = tonumber(ARGV[2])
if not left or left < wanted then return 0 end
if redis.call('HSETNX', KEYS[2], ARGV[3], ARGV[4]) == 0 then
  return redis.error_reply('KEYUSED this key has bought already')
end
redis.call('HINCRBY', KEYS[1], ARGV[1], -wanted)
return redis.call('HLEN', KEYS[2])
"""


class Counter(threading.local):
    """One of the server's threads, with a connection of its own: a pool would need a lock."""

    def __init__(self) -> None:
        client = redis.Redis(
            unix_socket_path=os.environ["SHOP_REDIS"], single_connection_client=True
        )
        self._buy = client.register_script(BUY)

    def sell(self, purchase: Purchase, key: str, at: datetime) -> int:
        """Returns the number of the sale; 0 where too few tickets are left."""
        record = msgspec.json.encode(
            {
                "type": purchase.type,
                "quantity": purchase.quantity,
                "buyer": purchase.buyer,
                "at": at.timestamp(),
            }
        )
        number = self._buy(["stock", "orders"], [purchase.type, purchase.quantity, key, record])
        assert isinstance(number, int)
        return number


app = Flask("shop")
counter = Counter()


@app.post("/api/orders")
def post_order() -> Response:
    try:
        purchase = purchase_in(request.get_data(cache=False))
    except msgspec.DecodeError as error:
        return refused(422, str(error))
    key, now = uuid.uuid4().hex, datetime.now(UTC)
    number = counter.sell(purchase, key, now)
    if number == 0:
        return refused(409, "sold-out")
    return created(purchase, key, now, number)
