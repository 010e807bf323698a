"""The parameters of requests beside their bodies."""

from typing import Annotated

from msgspec import Meta

from core.schema.paths import DEFAULT_EVENT
from core.schema.records import ORDER_ID as ID
from web.http.route_description import Parameter
from web.requests.field_types import Name, whole
from web.requests.purchase import KEY as KEY_PATTERN
from web.requests.purchase import KEY_HEADER

ORDER_ID = Parameter(
    "path",
    "order_id",
    Annotated[str, whole(ID), Meta(description="The order's id: 32 hexadecimal digits.")],
)
EVENT = Parameter(
    "path",
    "name",
    Annotated[Name, Meta(description="The event's name.", examples=[DEFAULT_EVENT])],
)
KEY = Parameter(
    "header",
    KEY_HEADER,
    Annotated[
        str,
        whole(KEY_PATTERN),
        Meta(
            description="1 to 128 visible ASCII characters of your choice. The same request with "
            "the same key may be sent again, to any server, at any time: it is done once. Without "
            "a key each request is new.",
            examples=["my-purchase-1"],
        ),
    ],
)
SEEN = Parameter(
    "header",
    "If-None-Match",
    Annotated[str, Meta(description="The `ETag` of the answer that you have.")],
)
