"""Orders as a person reads them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from rich.table import Table
from rich.text import Text

from admin.screen.output import lines_of
from admin.screen.tables import new_table, terms_table
from core.schema.records import OrderView, PaymentView
from core.store.order_history import Moment, Timeline
from core.text.money import amount


def order(found: OrderView) -> Table:
    """A table of all that the buyer knows."""
    table = terms_table()
    for name, value in msgspec.to_builtins(found).items():
        if name != "payments":
            table.add_row(name.replace("_", " "), str(value))
    for payment in found.payments:
        table.add_row("payment", _payment(found, payment))
    return table


def _payment(order: OrderView, payment: PaymentView) -> str:
    sum_ = "" if payment.amount is None else f"{amount(payment.amount, order.decimals)} "
    end = "counts" if payment.counts else f"counts for nothing: {payment.refused}"
    return f"{payment.id}  {sum_}{payment.currency}  {payment.at}  {end}"


def orders(found: Iterable[OrderView]) -> Table:
    """A table with a line for each order."""
    table = new_table("number", "order", "event", "tickets", "buyer", "status")
    table.columns[4].no_wrap, table.columns[4].overflow = False, "fold"
    for each in found:
        tickets = f"{each.quantity} {each.type}"
        table.add_row(each.number, each.order, each.event, tickets, each.buyer, each.status)
    return table


def timeline(found: Timeline) -> Text:
    """An order's life, a line for each moment."""
    return lines_of(map(_moment, found.moments))


def _moment(moment: Moment) -> str:
    when = datetime.fromtimestamp(moment.at).isoformat(" ", "milliseconds")
    return f"{when} {moment.who:<12} {moment.what:<9} {moment.text}"
