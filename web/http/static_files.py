"""The static files, read once and served from memory under a name that changes with them."""

import hashlib
import re
from pathlib import Path

from web.http.replies import Reply, content

FOLDER = Path(__file__).parents[1] / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The file in an import of a script.
IMPORT = re.compile(r'(?<=from ")\./([\w.-]+)(?=";)')
YEAR_S = 365 * 24 * 3600


class Assets:
    """Every file in `static/`. An address carries a digest, so it may be kept for a year.

    Scripts import each other by such addresses, so a new one never meets an old one.
    """

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}
        self._versions: dict[str, str] = {}
        for path in FOLDER.iterdir():
            if path.suffix in TYPES:
                self._add(path.name)

    def address(self, name: str) -> str:
        return f"/static/{name}?v={self._versions[name]}"

    def find(self, name: str) -> Reply | None:
        return self._replies.get(name)

    def _add(self, name: str) -> None:
        if name in self._replies:
            return
        path = FOLDER / name
        body = path.read_bytes()
        if path.suffix == ".js":
            body = IMPORT.sub(self._imported, body.decode()).encode()
        self._versions[name] = hashlib.sha256(body).hexdigest()[:12]
        cache = ("cache-control", f"public, max-age={YEAR_S}, immutable")
        headers = content(TYPES[path.suffix], cache)
        self._replies[name] = Reply(200, headers, body)

    def _imported(self, found: re.Match[str]) -> str:
        self._add(found[1])
        return self.address(found[1])
