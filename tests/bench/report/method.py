"""How the figures were measured, in the page's own words."""

from tests.bench.plan import Plan

TEXT = """\
## How it is measured

Everybody is started afresh for each round, warmed up for {warm_up_s} s with 64 connections,
measured for {measure_s} s at each number of connections, from the most down to one
({single_s} s), has its books checked, and is stopped. The load comes from wrk on the same
machine: a closed loop of JSON purchases of one ticket each, without an idempotency key. Only
an answer of 201 counts. zkticket's tree has to pass `verify`, the others' stock and orders
have to add up, and all must have sold what their buyers were told.

- **zkticket**: one `up`, with three ZooKeeper servers, three workers, fsync on. *One type* is
  one hot ticket type; *three* and *eight types* are bought in turns.
- **Flask + PostgreSQL**: one server, fsync on. One prepared statement takes the ticket where
  enough are left and makes the order under a unique key. The stock lies in 64 rows, one for
  each connection, because the lock of a single hot row is held until the commit is on disk;
  *one row* is that plain way. Unix socket, a connection for each thread; Granian with 2
  processes of 16 threads.
- **Flask + Redis**: one server, `appendfsync always`. One Lua script takes the ticket and makes
  the order. hiredis, Unix socket, a connection for each thread; the same Granian.
- **Bottle, answering only**: zkticket's own server with a Bottle route that parses the purchase
  and answers with an order at once. It sells nothing; it is the limit of this framework here.
- **zkticket's workers, no HTTP**: 256 purchases under way over the links of the three workers.
- **multi for each ticket**: kazoo, one transaction for one ticket, with the same operations as
  in zkticket's. Alone, and by 16 buyers in four processes, each with a session and a counter
  of his own.
- **multi, pipelined**: three processes, each with three transactions under way, by the number
  of orders in one transaction. What ZooKeeper and kazoo can do at most.
- **kazoo Lock**: the seed program's way, for 16 buyers: lock, read, write, note in a znode,
  unlock, one ticket at a time.
- **kazoo Counter**: its recipe, for 16 buyers, with its pause after a lost race cut to
  milliseconds, and without orders.

wrk, the servers and the shop share the same cores. The ensemble's three servers flush each
purchase three times, once each; the others' one server flushes it once.
"""


def method(plan: Plan) -> str:
    return TEXT.format(warm_up_s=plan.warm_up_s, measure_s=plan.measure_s, single_s=plan.single_s)
