"""The static files, read once and served from memory under a name that changes with them."""

import hashlib
from pathlib import Path

from web.replies import Reply

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
YEAR_S = 365 * 24 * 3600


class Assets:
    """Every file in `static/`. An address carries a digest, so it may be kept for a year."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}
        self._versions: dict[str, str] = {}
        for path in FOLDER.iterdir():
            if path.suffix in TYPES:
                self._add(path)

    def address(self, name: str) -> str:
        return f"/static/{name}?v={self._versions[name]}"

    def find(self, name: str) -> Reply | None:
        return self._replies.get(name)

    def _add(self, path: Path) -> None:
        content = path.read_bytes()
        self._versions[path.name] = hashlib.sha256(content).hexdigest()[:12]
        headers = [
            ("content-type", TYPES[path.suffix]),
            ("cache-control", f"public, max-age={YEAR_S}, immutable"),
            ("x-content-type-options", "nosniff"),
        ]
        self._replies[path.name] = Reply(200, headers, content)
