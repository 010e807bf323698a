"""How the figures were measured, in the page's own words."""

from tests.bench.plan import Plan

TEXT = """\
## How it is measured

Each contestant is started afresh for each round, warmed up for {warm_up_s} s with 64 connections,
and measured for {measure_s} s at each number of connections, from the largest down to one
({single_s} s). Then its books are checked, and it is stopped. The load comes from wrk on the same
machine: a closed loop of JSON purchases of one ticket each, without an idempotency key. Only
answers 201 count. zkticket's tree has to pass `verify`, the others' stock and orders have to add
up, and all must have sold what their buyers were told.

- **zkticket**: one `up`, with three ZooKeeper servers, three workers, fsync on. *One type* is
  one hot ticket type; *three* and *eight types* are bought in turns.
- **Flask + PostgreSQL**: one server, fsync on. One prepared statement takes the ticket where
  enough are left and makes the order under a unique key. The stock is in 64 rows, one for
  each connection, because the lock of a single hot row is held until the commit is on disk;
  *one row* is the plain way. Unix socket, a connection for each thread; Granian with 2
  processes of 16 threads.
- **Flask + Redis**: one server, `appendfsync always`. One Lua script takes the ticket and makes
  the order. hiredis, Unix socket, a connection for each thread; the same Granian.
- **Bottle, answering only**: zkticket's own server with a Bottle route that parses the purchase
  and answers with an order at once. It sells nothing; it is the limit of this framework here.
- **zkticket's workers, no HTTP**: 256 purchases under way, over the links to the three workers.
- **multi for each ticket**: kazoo, one transaction for one ticket, with the same operations as
  in zkticket's. It is measured alone, and with 16 buyers in four processes, each with a session
  and a counter of its own.
- **multi, pipelined**: three processes, each with three transactions under way, by the number
  of orders in one transaction. This is the most that ZooKeeper and kazoo can do.
- **kazoo Lock**: the seed program's way, for 16 buyers: lock, read, write, note in a znode,
  unlock, one ticket at a time.
- **kazoo Counter**: its recipe, for 16 buyers, with its pause after a lost race cut to
  milliseconds, and without orders.

wrk, the servers and the shop share the same cores. Each of the ensemble's three servers flushes
every purchase; the others' single server flushes it once.
"""


def method(plan: Plan) -> str:
    return TEXT.format(warm_up_s=plan.warm_up_s, measure_s=plan.measure_s, single_s=plan.single_s)
