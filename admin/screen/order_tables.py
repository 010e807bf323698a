"""Orders as a person reads them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec
from rich.table import Table
from rich.text import Text

from admin.screen.tables import new_table
from core.schema.records import OrderView, PaymentView
from core.store.order_history import Moment, Timeline
from core.text.money import amount

Escape: TypeAlias = Callable[[str], str]


def order(found: OrderView, escape: Escape) -> Table:
    """A table of all that the buyer knows."""
    table = new_table("", "")
    table.show_header = False
    for name, value in msgspec.to_builtins(found).items():
        if name != "payments":
            table.add_row(name.replace("_", " "), escape(str(value)))
    for payment in found.payments:
        table.add_row("payment", escape(_payment(found, payment)))
    return table


def _payment(order: OrderView, payment: PaymentView) -> str:
    sum_ = "" if payment.amount is None else f"{amount(payment.amount, order.decimals)} "
    end = "counts" if payment.counts else f"counts for nothing: {payment.refused}"
    return f"{payment.id}  {sum_}{payment.currency}  {payment.at}  {end}"


def orders(found: Iterable[OrderView], escape: Escape) -> Table:
    """A table with a line for each order."""
    table = new_table("order", "event", "tickets", "buyer", "status")
    table.columns[3].no_wrap, table.columns[3].overflow = False, "fold"
    for each in found:
        cells = (each.event, f"{each.quantity} {each.type}", each.buyer, each.status)
        table.add_row(each.order, *map(escape, cells))
    return table


def timeline(found: Timeline, escape: Escape) -> Text:
    """An order's life, a line for each moment."""
    return Text("\n".join(_moment(each, escape) for each in found.moments))


def _moment(moment: Moment, escape: Escape) -> str:
    when = datetime.fromtimestamp(moment.at).isoformat(" ", "milliseconds")
    return f"{when} {escape(moment.who):<12} {moment.what:<9} {escape(moment.text)}"
