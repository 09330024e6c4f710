"""Static files: served under names that carry the hash of their content, so that they may be kept for ever."""

import functools
import hashlib
from pathlib import Path

from chalicelib.documents import Document, pack

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Assets:
    """The files of some folders; one that ends in `.gz` is served as it lies there."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._documents: dict[str, Document] = {}

    def name(self, plain_name: str) -> str:
        """The name under which a file is served: `page.js` as `page.0123456789ab.js`. Raises KeyError."""
        return next(name for name, path in self._served.items() if _plain_name(path) == plain_name)

    def find(self, name: str) -> Document | None:
        """The file served under this name; None where there is none."""
        if name not in self._documents and name in self._served:
            self._documents[name] = _document(self._served[name])
        return self._documents.get(name)

    @functools.cached_property
    def _served(self) -> dict[str, Path]:
        paths = [path for folder in self._folders for path in sorted(folder.iterdir())]
        return {_hashed_name(path): path for path in paths if _suffix(path) in _MEDIA_TYPES}


def media_type(name: str) -> str:
    return _MEDIA_TYPES[Path(name).suffix]


def _document(path: Path) -> Document:
    packed = path.read_bytes() if path.suffix == ".gz" else pack(path.read_bytes())
    return Document(media_type(_plain_name(path)), packed=packed)


def _hashed_name(path: Path) -> str:
    stem, suffix = _plain_name(path).rsplit(".", 1)
    return f"{stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.{suffix}"


def _plain_name(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _suffix(path: Path) -> str:
    return Path(_plain_name(path)).suffix
