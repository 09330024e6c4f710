"""Static files: served under names that carry the hash of their content, so that they may be kept for ever."""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

from chalicelib.web.documents import Document, pack

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class Assets:
    """The files of a folder; one that ends in `.gz` is served as it lies there.

    A style sheet names other files by their plain names (`url("serif.woff2")`); as served, it names them as served.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name(self, plain_name: str) -> str:
        """The name under which a file is served: `page.js` as `page.0123456789ab.js`. Raises KeyError."""
        return self._names[plain_name]

    def find(self, name: str) -> Document | None:
        """The file served under this name; None where there is none."""
        return self._documents.get(name)

    def style_within_a_page(self, plain_name: str) -> str:
        """A style sheet for a page's own HTML, which lies beside `static/`."""
        return self._contents[plain_name].decode().replace('url("', 'url("static/')

    def script_within_a_page(self, plain_name: str) -> str:
        """A script for a page's own HTML."""
        return self._contents[plain_name].decode()

    def all(self) -> Mapping[str, Document]:
        return self._documents

    @functools.cached_property
    def _contents(self) -> Mapping[str, bytes]:
        """Plain name -> bytes as they lie there, style sheets last, with the names in them as served."""
        paths = {path.name.removesuffix(".gz"): path for path in sorted(self._folder.iterdir())}
        known = {name: path.read_bytes() for name, path in paths.items() if Path(name).suffix in _MEDIA_TYPES}
        contents = {name: body for name, body in known.items() if not name.endswith(".css")}
        for name in known.keys() - contents.keys():
            style = known[name].decode()
            for other, body in contents.items():
                style = style.replace(f'url("{other}")', f'url("{_hashed(other, body)}")')
            contents[name] = style.encode()
        return contents

    @functools.cached_property
    def _names(self) -> Mapping[str, str]:
        return {name: _hashed(name, body) for name, body in self._contents.items()}

    @functools.cached_property
    def _documents(self) -> Mapping[str, Document]:
        return {self._names[name]: asset_document(name, body) for name, body in self._contents.items()}


def media_type(name: str) -> str:
    """Of a static file, by its name. Raises KeyError for a kind that is not served."""
    return _MEDIA_TYPES[Path(name).suffix]


def asset_document(name: str, body: bytes) -> Document:
    """A file by its plain or served name; its bytes may be gzipped already."""
    kind = media_type(name)
    if kind.startswith("font/"):
        return Document(kind, plain=body)
    return Document(kind, packed=body if body[:2] == b"\x1f\x8b" else pack(body))


def _hashed(name: str, body: bytes) -> str:
    stem, suffix = name.rsplit(".", 1)
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"
