"""A request's head: bounded before anything is made of it, then a WSGI environment (PEP 3333).

What costs time or memory by its length is refused by a bound that is well above what browsers,
proxies and programs send.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from core.errors import BadRequest
from core.networks import Network, parse_address
from web.http.replies import BASE, Reply
from web.server.forwarded import HOST, Asker, Proxies, is_forwarding

# RFC 9110 (4.1) asks for 8,000 octets at the least.
TARGET_CHARACTERS = 8192
MOST_PARAMETERS = 64
MOST_HEADERS = 64
HEADER_CHARACTERS = 8192
HEADERS_CHARACTERS = 16 * 1024
# Longer names are none that anybody looks for: they are not remembered.
NAME_CHARACTERS = 40
# So much of a refused address is looked at.
SHOWN_CHARACTERS = 64
# Stands for a header's value that is no ASCII: no field of ours takes it.
UNREADABLE = "\x80"

# In the environment: what the connection shows.
PEER = "zkticket.peer"
FORWARDED = "zkticket.forwarded"
SCHEME = "wsgi.url_scheme"
STRICT = ("strict-transport-security", "max-age=31536000")
LOOPBACK_NAMES = frozenset({"localhost", "localhost."})

# The part of the environment that all requests have in common.
UNCHANGING = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class HttpHeaders(Protocol):
    """Granian's headers: lower-case names; values that are no ASCII are left out of `items`."""

    def items(self) -> list[tuple[str, str]]: ...
    def keys(self) -> list[str]: ...
    def get(self, key: str, default: str | None = None) -> str | None: ...
    def __contains__(self, key: str) -> bool: ...


class Scope(Protocol):
    """A request's head. `path` is percent-decoded, `client` and `server` are `host:port`."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: HttpHeaders


Fields = Sequence[tuple[str, str]]


def checked(scope: Scope) -> Fields:
    """The headers. Raises `BadRequest` for a head that is too large."""
    fields = scope.headers.items()
    _check_target(scope.path, scope.query_string)
    _check_sizes([len(name) + len(value) for name, value in fields])
    _check_number(max(len(fields), len(scope.headers.keys())))
    return fields


def _check_target(path: str, query: str) -> None:
    if len(path) + len(query) > TARGET_CHARACTERS:
        raise BadRequest("target-too-long", "problem.target-too-long", most=TARGET_CHARACTERS)
    if query.count("&") >= MOST_PARAMETERS:
        raise BadRequest("malformed", "detail.parameters", most=MOST_PARAMETERS)


def _check_sizes(sizes: Sequence[int]) -> None:
    together = sum(sizes)
    # Where all of them are short, each one is.
    if together > HEADER_CHARACTERS and (
        together > HEADERS_CHARACTERS or max(sizes) > HEADER_CHARACTERS
    ):
        raise BadRequest("headers-too-large", "problem.headers-too-large")


def _check_number(headers: int) -> None:
    if headers > MOST_HEADERS:
        raise BadRequest("headers-too-large", "detail.headers", most=MOST_HEADERS)


def bare_environment(scope: Scope) -> dict[str, Any]:
    """As much of a refused head as an answer needs."""
    return {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path[:SHOWN_CHARACTERS].encode().decode("latin-1"),
    }


class Front:
    """What stands before the web: the proxies that are trusted, and the address that all know.

    `public_url` has no slash at its end; it is empty where nobody has said one.
    """

    def __init__(self, trusted: Sequence[Network], public_url: str) -> None:
        self._proxies = Proxies(trusted)
        self.public_url = public_url
        self._has_warned = False

    def trusts(self, address: str) -> bool:
        """Whether a trusted proxy has this address."""
        return self._proxies.trusts(address)

    def speaks_for_many(self, address: str) -> bool:
        """Whether many clients may come from there: a trusted proxy, or one on this machine."""
        return self.trusts(address) or _is_loopback(address)

    def environment(self, scope: Scope, fields: Fields) -> dict[str, Any]:
        """The WSGI environment of a request, all but its input.

        Its address, scheme and host are the asker's. Raises `BadRequest` where it names no host,
        or more than one.
        """
        path = scope.path
        server, _, port = scope.server.rpartition(":")
        peer = scope.client.rpartition(":")[0].strip("[]")
        environ: dict[str, Any] = {
            **UNCHANGING,
            "REQUEST_METHOD": scope.method,
            "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
            "QUERY_STRING": scope.query_string,
            "SERVER_NAME": server,
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else "HTTP/1.1",
            PEER: peer,
        }
        told = _add_headers(environ, scope.headers, fields)
        address, scheme, host = peer, scope.scheme, _host(environ, scope)
        if told:
            asker = self._asker(Asker(address, scheme, host), told)
            address, scheme, host = asker.address, asker.scheme, asker.host
        environ[FORWARDED] = bool(told)
        environ["REMOTE_ADDR"] = address
        environ[SCHEME] = scheme
        environ["HTTP_HOST"] = host
        environ[BASE] = self.public_url or f"{scheme}://{host}"
        return environ

    def _asker(self, seen: Asker, told: Mapping[str, str]) -> Asker:
        if not self._has_warned and not self.trusts(seen.address):
            self._warn(seen.address)
        return self._proxies.asker(seen, told)

    def secured(self, environ: Mapping[str, Any], reply: Reply) -> Reply:
        """The answer; over HTTPS, browsers learn to come by nothing else (RFC 6797).

        Only where an operator has said so by the public address: it holds for a year, for all
        that the host serves.
        """
        if not self.public_url.startswith("https:") or environ.get(SCHEME) != "https":
            return reply
        return msgspec.structs.replace(reply, headers=[*reply.headers, STRICT])

    def _warn(self, peer: str) -> None:
        """Once: anybody may send such headers, and a proxy that is not named shares its bounds."""
        self._has_warned = True
        logging.getLogger("zkticket.web").warning(
            "%s forwards requests and is no trusted proxy: all its clients count as one; "
            "if it is yours, name it with --trusted-proxy %s",
            peer,
            peer,
        )

    def is_local(self, environ: Mapping[str, Any]) -> bool:
        """Whether a program on this machine asks for itself, and no proxy for somebody else.

        A proxy that says nothing of whom it asks for sends the host that the world knows, or
        speaks HTTP/1.0, as nginx does unless told otherwise.
        """
        return (
            _is_loopback(environ[PEER])
            and _is_loopback(_without_port(environ["HTTP_HOST"]))
            and not environ[FORWARDED]
            and not self._proxies.trusts(environ[PEER])
            and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        )


def _add_headers(environ: dict[str, Any], headers: HttpHeaders, fields: Fields) -> dict[str, str]:
    """Returns those of proxies, which are kept out of the environment, by lower-case names."""
    told: dict[str, str] = {}
    seen = 0
    for name, value in fields:
        variable = _variable(name)
        kept, key = (environ, variable) if variable else (told, name)
        if key not in kept:
            kept[key] = value
            seen += 1
        else:
            kept[key] += ("; " if name == "cookie" else ", ") + value
    names = headers.keys()
    if seen < len(names):
        for name in names:
            variable = _variable(name)
            if variable:
                environ.setdefault(variable, UNREADABLE)
            else:
                told.setdefault(name, UNREADABLE)
    return told


def _host(environ: Mapping[str, Any], scope: Scope) -> str:
    """The host that was asked; of two, an address that is none has been made."""
    host: str | None = environ.get("HTTP_HOST")
    if host is None and scope.http_version == "1":
        return scope.server
    if host is None or not HOST.fullmatch(host):
        raise BadRequest("malformed", "detail.host")
    return host


def _variable(name: str) -> str:
    return _short(name) if len(name) <= NAME_CHARACTERS else _spelled(name)


def _spelled(name: str) -> str:
    """The CGI name of a header; none of one that is a proxy's.

    One with an underscore could pass for another: it is set apart.
    """
    if is_forwarding(name):
        return ""
    if name in ("content-type", "content-length"):
        return name.upper().replace("-", "_")
    if "_" in name:
        return f"zkticket.header.{name}"
    return "HTTP_" + name.upper().replace("-", "_")


_short = lru_cache(maxsize=256)(_spelled)


def _without_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _is_loopback(host: str) -> bool:
    address = parse_address(host)
    return host.lower() in LOOPBACK_NAMES if address is None else address.is_loopback
