"""How a route that programs call is described: beside its handler, where it is mounted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import bottle
import msgspec

Method = TypeVar("Method", bound=Callable[..., Any])

# Where the description has the schemas of data.
SCHEMAS = "#/components/schemas/"

JSON = "application/json"
TEXT = "text/plain"

# What any request may run into, and what any post.
ANY = ("malformed", "too-slow", "too-large", "target-too-long", "headers-too-large", "internal")
ANY_POST = ("cross-site",)
# Nothing was sold, or nobody knows yet: the same request with the same key may be sent again.
WAIT = ("overloaded", "no-worker", "no-quorum", "halted", "outcome-unknown")
READ = ("no-quorum", "damaged")
JSON_BODY = ("unsupported-media-type", "invalid")
OPERATOR = ("unauthorized", "too-many-attempts")

# What a request has to bring to be let in: schemes of security, all of them.
Credentials: TypeAlias = Mapping[str, list[str]]
OPERATOR_TOKEN: Credentials = {"operatorToken": []}
SIGNED: Credentials = {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}


@dataclass(frozen=True)
class Parameter:
    """`where` is path, query or header; `type` has its schema, text and example."""

    where: str
    name: str
    type: Any


@dataclass(frozen=True)
class Response:
    """An answer that is no problem; `content` is the type of its JSON, or another media type.

    `follows` are operations that can be asked about the order in it.
    """

    status: int
    text: str
    content: type[msgspec.Struct] | str = ""
    headers: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @property
    def media(self) -> str:
        """The type of its body, without parameters; "" for none."""
        return self.content.partition(";")[0] if isinstance(self.content, str) else JSON


@dataclass(frozen=True)
class Route:
    """Marks a handler, and describes what programs can ask of it. `path` is Bottle's rule.

    `codes` are its problems, but for those of any request. `keys` are ways to be let in, each
    enough alone; an empty one is no key at all. Examples take the first.
    """

    method: str
    path: str
    name: str
    group: str
    summary: str
    text: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: type[msgspec.Struct] | None = None
    answers: tuple[Response, ...] = ()
    codes: tuple[str, ...] = ()
    keys: tuple[Credentials, ...] = ()

    def __call__(self, handler: Method) -> Method:
        vars(handler)["route"] = self
        return handler


def routes_of(owner: type) -> dict[str, Route]:
    """The routes of a class by the names of their handlers, in the order in which they stand."""
    return {name: member.route for name, member in vars(owner).items() if hasattr(member, "route")}


def mount(app: bottle.Bottle, owner: object) -> None:
    """Routes requests to the handlers that are marked."""
    for name, route in routes_of(type(owner)).items():
        app.route(route.path, route.method, getattr(owner, name))
