"""Several documents as one object: a line of JSON that says where each begins, then each gzipped by itself.

Whoever wants one document reads one object and takes its bytes as they are, already packed.
"""

import json
from collections.abc import Mapping

from chalicelib.web.documents import CSV, HTML, JSON, Document, pack

_MEDIA_TYPES = {"json": JSON, "csv": CSV, "html": HTML}


def media_type_of(name: str) -> str:
    """Of a document, by its name (`daily.json`)."""
    return _MEDIA_TYPES[name.rpartition(".")[2]]


def pack_bundle(documents: Mapping[str, bytes], *, level: int = 6) -> bytes:
    """The same documents always give the same bytes."""
    places, pieces, at = {}, [], 0
    for name, plain in documents.items():
        packed = pack(plain, level=level)
        places[name] = [at, len(packed)]
        pieces.append(packed)
        at += len(packed)
    head = json.dumps(places, separators=(",", ":")).encode()
    return b"".join([head, b"\n", *pieces])


def open_bundle(bundle: bytes) -> dict[str, Document]:
    """Name -> document."""
    head, _, rest = bundle.partition(b"\n")
    return {
        name: Document(media_type_of(name), packed=rest[at : at + size])
        for name, (at, size) in json.loads(head).items()
    }
