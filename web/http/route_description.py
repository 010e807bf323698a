"""The description of a route that programs call; it stands at the route's handler."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import bottle
import msgspec

Method = TypeVar("Method", bound=Callable[..., Any])

# Where the description has the schemas of data.
SCHEMAS = "#/components/schemas/"

JSON = "application/json"
TEXT = "text/plain"

# Problems of any request, and of any POST.
ANY = ("malformed", "too-slow", "too-large", "target-too-long", "headers-too-large", "internal")
ANY_POST = ("cross-site",)
# Problems after which the same request with the same key may be sent again.
WAIT = ("overloaded", "no-worker", "no-quorum", "halted", "outcome-unknown")
READ = ("no-quorum", "damaged")
JSON_BODY = ("unsupported-media-type", "invalid")
OPERATOR = ("unauthorized", "forbidden", "too-many-attempts")

# Security schemes that a request needs together.
Credentials: TypeAlias = Mapping[str, list[str]]
OPERATOR_TOKEN: Credentials = {"operatorToken": []}
SIGNED: Credentials = {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}


class Parameter(msgspec.Struct, frozen=True):
    """`where` is path, query or header; `type` has its schema, text and example."""

    where: str
    name: str
    type: Any


class Response(msgspec.Struct, frozen=True):
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


class Route(msgspec.Struct, frozen=True):
    """Marks a method as the handler of a route, and describes the route. `path` is Bottle's rule.

    `codes` are its problems, without those of any request. One of its `keys` has to be shown; an
    empty one means that none is needed. Examples show the first.
    """

    method: str
    path: str
    name: str
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


def routes_of(*owners: type) -> tuple[Route, ...]:
    """The routes of these classes, in the order of the source."""
    members = (member for owner in owners for member in vars(owner).values())
    return tuple(member.route for member in members if hasattr(member, "route"))


def mount(app: bottle.Bottle, owner: object) -> None:
    """Mounts the methods that a `Route` marks."""
    for name, member in vars(type(owner)).items():
        if hasattr(member, "route"):
            app.route(member.route.path, member.route.method, getattr(owner, name))
