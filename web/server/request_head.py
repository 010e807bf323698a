"""Checks a request's head, and makes a `Request` of it.

Every length that costs time or memory has a bound, well above what browsers, proxies and programs
send.
"""

import logging
from collections.abc import Mapping, Sequence

import msgspec
from granian.rsgi import Scope

from core.client_addresses import Network, parse_address
from core.errors import BadRequest
from web.http.replies import Reply
from web.http.request import Gone, Request
from web.server.forwarded import HOST, Asker, Proxies, is_forwarding

# RFC 9110 (4.1) asks for 8,000 octets at the least.
TARGET_CHARACTERS = 8192
MOST_PARAMETERS = 64
MOST_HEADERS = 64
HEADER_CHARACTERS = 8192
HEADERS_CHARACTERS = 16 * 1024
# The part of a refused address that is read.
SHOWN_CHARACTERS = 64
# Stands for a header's value that is not ASCII: no field of ours accepts it.
UNREADABLE = "\x80"

STRICT = ("strict-transport-security", "max-age=31536000")
# What Granian calls HTTP/1.0.
HTTP_1_0 = "1"
LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


Fields = Sequence[tuple[str, str]]


def checked_headers(scope: Scope) -> dict[str, str]:
    """All headers by lower-case names. Raises `BadRequest` for a head that is too large."""
    # Granian's `items` lack values that are not ASCII; its `keys` lack none.
    headers = scope.headers
    fields, names = headers.items(), headers.keys()
    _check_target(scope.path, scope.query_string)
    _check_sizes([len(name) + len(value) for name, value in fields])
    if max(len(fields), len(names)) > MOST_HEADERS:
        raise BadRequest("headers-too-large", "detail.headers", most=MOST_HEADERS)
    return _by_name(fields, names)


def _check_target(path: str, query: str) -> None:
    if len(path) + len(query) > TARGET_CHARACTERS:
        raise BadRequest("target-too-long", "problem.target-too-long", most=TARGET_CHARACTERS)
    if query.count("&") >= MOST_PARAMETERS:
        raise BadRequest("malformed", "detail.parameters", most=MOST_PARAMETERS)


def _check_sizes(sizes: Sequence[int]) -> None:
    together = sum(sizes)
    # If all together are short, each of them is.
    if together > HEADER_CHARACTERS and (
        together > HEADERS_CHARACTERS or max(sizes) > HEADER_CHARACTERS
    ):
        raise BadRequest("headers-too-large", "problem.headers-too-large")


def bare_request(scope: Scope) -> Request:
    """The part of a refused head that its reply needs."""
    return Request(method=scope.method, path=scope.path[:SHOWN_CHARACTERS])


class Front(Proxies):
    """The trusted proxies, and the address under which clients know the web.

    `public_url` has no slash at its end; it is empty if none is set.
    """

    def __init__(self, trusted: Sequence[Network], public_url: str) -> None:
        super().__init__(trusted)
        self.public_url = public_url
        self._has_warned = False

    def speaks_for_many(self, address: str) -> bool:
        """Whether it may be the address of many clients: a trusted proxy's, or this machine's."""
        return self.trusts(address) or _is_loopback(address)

    def request(self, scope: Scope, began: float, gone: Gone) -> Request:
        """The request without its body.

        Raises `BadRequest` for a head that is too large, or that names no host, or more than one.
        """
        headers = checked_headers(scope)
        told = {name: headers.pop(name) for name in [*headers] if is_forwarding(name)}
        peer = scope.client.rpartition(":")[0].strip("[]")
        asker = Asker(peer, scope.scheme, _host(headers, scope))
        if told:
            self._warn_of(peer)
            asker = self.asker(asker, told)
        return Request(
            method=scope.method,
            path=scope.path,
            query_string=scope.query_string,
            headers=headers,
            client=asker.address,
            peer=peer,
            scheme=asker.scheme,
            host=asker.host,
            base=self.public_url or f"{asker.scheme}://{asker.host}",
            is_forwarded=bool(told),
            is_http_1_0=scope.http_version == HTTP_1_0,
            began=began,
            gone=gone,
        )

    def secured(self, request: Request, reply: Reply) -> Reply:
        """The reply; over HTTPS it tells browsers to use nothing else (RFC 6797).

        It does so only if the public address is an HTTPS one, for browsers keep to it for a year,
        and for all that the host serves.
        """
        if not self.public_url.startswith("https:") or request.scheme != "https":
            return reply
        return msgspec.structs.replace(reply, headers=[*reply.headers, STRICT])

    def _warn_of(self, peer: str) -> None:
        """Warns once of an untrusted address that forwards requests: its clients share bounds."""
        if self._has_warned or self.trusts(peer):
            return
        self._has_warned = True
        logging.getLogger("zkticket.web").warning(
            "%s forwards requests and is no trusted proxy: all its clients count as one; "
            "if it is yours, name it with --trusted-proxy %s",
            peer,
            peer,
        )

    def is_local(self, request: Request) -> bool:
        """Whether the request is a local program's own, and no proxy passes it on.

        A proxy that adds no header sends the public host name, or speaks HTTP/1.0, as nginx does
        by default.
        """
        return (
            _is_loopback(request.peer)
            and _is_loopback(_without_port(request.host))
            and not request.is_forwarded
            and not self.trusts(request.peer)
            and not request.is_http_1_0
        )


def _by_name(fields: Fields, names: Sequence[str]) -> dict[str, str]:
    """The headers by name; the values of one name are joined."""
    found = dict(fields)
    if len(found) < len(fields):
        found = _joined(fields)
    if len(found) < len(names):
        found = dict.fromkeys(names, UNREADABLE) | found
    return found


def _joined(fields: Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields:
        separator = "; " if name == "cookie" else ", "
        found[name] = found[name] + separator + value if name in found else value
    return found


def _host(headers: Mapping[str, str], scope: Scope) -> str:
    """The host that was asked; two of them are joined by now, and no host any more."""
    host = headers.get("host")
    if host is None and scope.http_version == HTTP_1_0:
        return scope.server
    if host is None or not HOST.fullmatch(host):
        raise BadRequest("malformed", "detail.host")
    return host


def _without_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _is_loopback(host: str) -> bool:
    address = parse_address(host)
    return host.lower() in LOOPBACK_NAMES if address is None else address.is_loopback
