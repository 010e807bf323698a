"""An order for the gala of the fake site, as a page gets it."""

from core.schema.records import OrderView

SOLD_ORDER = OrderView(
    order="0123456789abcdef" * 2,
    event="gala",
    type="front",
    quantity=2,
    buyer="王小明",
    status="sold",
    created_at="2026-05-01T12:00:00.000Z",
    zxid=1,
    price=120000,
    total=240000,
    currency="TWD",
)
