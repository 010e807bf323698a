"""Cookies (RFC 6265). `http.cookies` keeps one of each name; here all of them are tried."""

import re
from collections.abc import Iterator

YEAR_S = 365 * 24 * 3600


def values(header: str, name: str) -> Iterator[str]:
    """The value of each cookie of that name: other paths or hosts may have set some as well."""
    for found in re.finditer(rf"(?:^|;)\s*{re.escape(name)}=([^;]*)", header):
        yield found[1].strip().strip('"')


def set_cookie(
    name: str, value: str, *, path: str, lasts_s: int, same_site: str, secure: bool = False
) -> tuple[str, str]:
    """The header that sets a cookie which scripts can't read; 0 seconds delete it."""
    attributes = f"Path={path}; Max-Age={lasts_s}; HttpOnly; SameSite={same_site}"
    return ("set-cookie", f"{name}={value}; {attributes}" + ("; Secure" if secure else ""))
