"""Reads what proxies tell of a client: its address, and the scheme and host that it asked for.

They tell it in `Forwarded` (RFC 7239) or in the older `X-Forwarded-…`. Anybody can send these
headers, so they are believed only from proxies that the operator trusts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from core.client_addresses import Network, parse_address

# Headers that proxies add. Handlers don't see them, only what `Proxies` makes of them.
PREFIX = "x-forwarded-"
OTHERS = frozenset(
    {
        "cdn-loop",
        "cf-connecting-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "forwarded",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-forwarded-for",
        "x-original-host",
        "x-real-ip",
    }
)

# A host as a URL may have it (RFC 3986, 3.2.2), in the characters that are in use.
HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
SCHEMES = frozenset({"http", "https"})
# A chain of more proxies than this is not followed.
MOST_HOPS = 16

# An address with a port, or without; an IPv6 address with a port stands in brackets.
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[0-9.]+)(?::[0-9]{1,5})?")


class Asker(msgspec.Struct, frozen=True):
    """The address of a client, and the scheme and host that it asked for."""

    address: str
    scheme: str
    host: str


def is_forwarding(name: str) -> bool:
    """Whether proxies add the header of that lower-case name."""
    return name in OTHERS or name.startswith(PREFIX)


class Proxies:
    """The proxies that are trusted."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    def trusts(self, address: str) -> bool:
        """Whether a trusted proxy has this address."""
        if not self._networks:
            return False
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def asker(self, seen: Asker, fields: Mapping[str, str]) -> Asker:
        """The client, where the connection shows `seen` and the proxies' headers are `fields`."""
        if not fields or not self.trusts(seen.address):
            return seen
        elements = _elements(fields.get("forwarded", ""))
        last = elements[0] if elements else {}
        scheme = _agreed(last.get("proto", ""), _last(fields.get("x-forwarded-proto", "")))
        host = _agreed(last.get("host", ""), _last(fields.get("x-forwarded-host", "")))
        return Asker(
            address=self._address(seen.address, elements, fields.get("x-forwarded-for", "")),
            scheme=scheme if scheme in SCHEMES else seen.scheme,
            host=host if HOST.fullmatch(host) else seen.host,
        )

    def _address(self, peer: str, elements: Sequence[Mapping[str, str]], chain: str) -> str:
        """The client's address; `peer` where the two headers disagree.

        A proxy that writes one of them may pass on what a client wrote into the other.
        """
        told = {
            self._nearest(peer, hops)
            for hops in ([element.get("for", "") for element in elements], _backwards(chain))
            if hops and hops[0]
        }
        return told.pop() if len(told) == 1 else peer

    def _nearest(self, peer: str, hops: Iterable[str]) -> str:
        """The nearest address that is no trusted proxy's; those before it may be invented."""
        for hop in hops:
            found = _WITH_PORT.fullmatch(hop)
            address = parse_address(found[1] if found else hop)
            if address is None:
                break
            peer = str(address)
            if not self.trusts(peer):
                break
        return peer


def _elements(forwarded: str) -> list[dict[str, str]]:
    """The elements of `Forwarded`, the last one first.

    Cut at every comma: by a quote that never ends, a client could swallow what a proxy added.
    """
    return [dict(map(_pair, element.split(";"))) for element in _backwards(forwarded)]


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _backwards(listed: str) -> list[str]:
    words = listed.rsplit(",", MOST_HOPS)[-MOST_HOPS:]
    return [word.strip() for word in reversed(words)] if listed else []


def _last(listed: str) -> str:
    return listed.rpartition(",")[2].strip()


def _agreed(one: str, other: str) -> str:
    """What both say, or what the only one says; "" where they differ."""
    return one or other if not (one and other) or one == other else ""
