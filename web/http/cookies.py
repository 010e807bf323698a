"""Cookies of a request (RFC 6265)."""

import re
from collections.abc import Iterator


def values(header: str, name: str) -> Iterator[str]:
    """The value of each cookie of that name: another path or host may have set one as well."""
    for found in re.finditer(rf"(?:^|;)\s*{re.escape(name)}=([^;]*)", header):
        yield found[1].strip().strip('"')
