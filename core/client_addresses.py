"""Parses addresses of clients, and the networks in an instance's settings."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# An owner of one IPv6 address has at least the whole network of this prefix.
CLIENT_PREFIX = 64


def parse_address(text: str) -> Address | None:
    """Parses an address; an IPv4 address from an IPv6 socket becomes plain IPv4."""
    try:
        found = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parses addresses and networks (CIDR) between commas. Raises `ValueError`."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return tuple(ip_network(word, strict=False) for word in words)


def client_network(text: str) -> str:
    """Returns what counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    address = parse_address(text)
    if address is None:
        return text
    if address.version == 4:
        return str(address)
    return str(ip_network((address, CLIENT_PREFIX), strict=False))
