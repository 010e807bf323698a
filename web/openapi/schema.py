"""What all schemas of the interface's data are put together from."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from core.schema.records import NAME
from core.store.orders import ORDER_ID
from web.operator.board import MINUTES
from web.requests.purchase import KEY

Schema: TypeAlias = dict[str, Any]

HERE = "#/components/schemas/"

NAME_SCHEMA: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
ORDER_SCHEMA: Schema = {"type": "string", "pattern": f"^{ORDER_ID.pattern}$"}
KEY_SCHEMA: Schema = {"type": "string", "pattern": f"^{KEY.pattern}$"}
MINUTES_SCHEMA: Schema = {"type": "integer", "enum": list(MINUTES), "default": MINUTES[-1]}


def reference(name: str) -> Schema:
    """A schema that is the one of that name."""
    return {"$ref": HERE + name}


def thing(properties: Mapping[str, Schema], *optional: str, **more: Any) -> Schema:
    """An object with all of these properties, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, **more}
