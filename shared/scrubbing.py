"""What is logged, traced, mailed or shown must name no person and hold no secret: messages quote what others sent.

Of a web address only what is known to be harmless is shown: its scheme, its host and port where they are well formed,
and its file's name. Credentials, the path and the query may hold a secret wherever they stand. Masked as well are
e-mail addresses, and the names in IAM and STS ARNs.
"""

import hashlib
import re
from urllib.parse import urlsplit

HIDDEN = "..."
"""Stands for what is not shown."""

_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,19}://\S*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}")
_ARN = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::\d*:)[^\s'\",}]+")
_MAIL = re.compile(r"[^\s@'\"(<]{1,200}@[^\s@]*[^\s@'\").,;:>\]}]")
_ENDS = "'\"`,;:!?)>]}."
"""What follows an address in a sentence or a printed value."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL}){{0,20}}\.?|\[[0-9a-f:.]{{2,45}}\])(?::\d{{1,5}})?")
_FILE = re.compile(r"[A-Za-z]{1,24}(?:[-_][A-Za-z]{1,24}|[-_]\d{1,4}){0,8}\.(?:csv|tsv|txt|json|zip|gz|csv\.gz)")
"""The name of a data file in plain words."""


def scrub(text: str) -> str:
    """The text without what may name a person or be a secret."""
    if "://" in text:
        text = _ADDRESS.sub(lambda found: _in_text(found[0]), text)
    if "arn:" in text:
        text = _ARN.sub(r"\1...", text)
    return _MAIL.sub(_without_person, text) if "@" in text else text


def scrub_address(url: str, *, declared: str = "", file_name: str = "") -> str:
    """What is harmless of a feed's address; where something is hidden, a digest of the whole tells it from others.

    `declared` is the address that the feed's public declaration gives, and `file_name` the file's name there: they
    are shown as they are, but for credentials and query. Elsewhere a path is hidden.
    """
    bare, known = url.partition("#")[0].partition("?")[0], declared.partition("#")[0].partition("?")[0]
    if bare == known and _is_plain(bare):
        shown = bare if bare == url else f"{bare}?{HIDDEN}"
    else:
        shown = _harmless(url, file_names=frozenset({file_name}) if file_name else frozenset())
    return shown if shown == url else f"{shown} ({hashlib.sha256(url.encode(errors='replace')).hexdigest()[:8]})"


def _in_text(found: str) -> str:
    address = found.rstrip(_ENDS)
    ended = found[len(address) :]
    if address.endswith("/") and ended.startswith(HIDDEN):  # shown before, as it is shown here
        return _harmless(address + HIDDEN) + ended[len(HIDDEN) :]
    return _harmless(address) + ended


def _harmless(url: str, *, file_names: frozenset[str] | None = None) -> str:
    """Scheme, host and file name, where each is what it should be. Without `file_names` plain words are taken."""
    scheme, _, rest = url.partition("://")
    if not _SCHEME.fullmatch(scheme):
        return HIDDEN
    start = re.search(r"[/?#\\]", rest)
    authority, behind = (rest[: start.start()], rest[start.start() :]) if start else (rest, "")
    host = authority.rpartition("@")[2].lower()
    if "@" in behind or not _HOST.fullmatch(host):
        return f"{scheme.lower()}://{HIDDEN}"
    path = behind.partition("#")[0].partition("?")[0]
    return f"{scheme.lower()}://{host}{_harmless_path(path, file_names)}" + (f"?{HIDDEN}" if path != behind else "")


def _harmless_path(path: str, file_names: frozenset[str] | None) -> str:
    folder, _, name = path.rpartition("/")
    if path in ("", "/"):
        return path
    if name not in file_names if file_names is not None else not _FILE.fullmatch(name):
        return f"/{HIDDEN}"
    return f"/{HIDDEN}/{name}" if folder else f"/{name}"


def _is_plain(url: str) -> bool:
    """Whether it holds neither credentials nor anything that is no part of an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(_HOST.fullmatch(parts.netloc.lower()))
        and url.isascii()
        and url.isprintable()
        and "@" not in url
        and " " not in url
        and len(url) <= 500
    )


def _without_person(found: re.Match[str]) -> str:
    name, _, host = found[0].partition("@")
    return "(address)" if "." in host or ":" in name else found[0]
