"""Orders as a person reads them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from rich.table import Table
from rich.text import Text

from admin.printable import printable
from admin.screen.tables import new_table
from core.schema.records import OrderView, PaymentView
from core.store.order_history import Moment, Timeline
from core.text.money import amount


def order(found: OrderView) -> Table:
    """All that is known to the buyer."""
    table = new_table("", "")
    table.show_header = False
    for name, value in msgspec.to_builtins(found).items():
        if name != "payments":
            table.add_row(name.replace("_", " "), printable(str(value)))
    for payment in found.payments:
        table.add_row("payment", printable(_payment(found, payment)))
    return table


def _payment(order: OrderView, payment: PaymentView) -> str:
    sum_ = "" if payment.amount is None else f"{amount(payment.amount, order.decimals)} "
    end = "counts" if payment.counts else f"counts for nothing: {payment.refused}"
    return f"{payment.id}  {sum_}{payment.currency}  {payment.at}  {end}"


def orders(found: Iterable[OrderView]) -> Table:
    """A line an order."""
    table = new_table("order", "event", "tickets", "buyer", "status")
    table.columns[3].no_wrap = False
    for each in found:
        cells = (each.event, f"{each.quantity} {each.type}", each.buyer, each.status)
        table.add_row(each.order, *map(printable, cells))
    return table


def timeline(found: Timeline) -> Text:
    """A line a moment."""
    return Text("\n".join(_moment(each) for each in found.moments))


def _moment(moment: Moment) -> str:
    when = datetime.fromtimestamp(moment.at).isoformat(" ", "milliseconds")
    return f"{when} {printable(moment.who):<12} {moment.what:<9} {printable(moment.text)}"
