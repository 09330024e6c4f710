"""What is logged, traced, mailed or shown must name no person and hold no secret: messages quote what others sent.

Of a web address only what is known to be harmless is shown: a scheme that is one, and a host and port that are well
formed, as every resolver on the way learns them. Credentials, path and query may hold a secret wherever they stand, and
a secret of letters looks like a file's name: of a path only what a feed's public declaration has is shown. Masked as
well are e-mail addresses, and the names in IAM and STS ARNs.
"""

import hashlib
import re
from urllib.parse import urlsplit

HIDDEN = "..."
"""Stands for what is not shown."""

_ADDRESS = re.compile(r"(?<![\w+.-])[\w+.-]*://\S*")
_SCHEMES = frozenset({"http", "https", "ftp", "ftps", "sftp", "s3", "file", "ws", "wss"})
_ARN = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::\d*:)[^\s'\",}]+")
_MAIL = re.compile(r"[^\s@'\"(<]{1,200}@[^\s@]*[^\s@'\").,;:>\]}]")
_ENDS = "'\"`,;:!?)>]}."
"""What follows an address in a sentence or a printed value."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL}){{0,20}}\.?|\[[0-9a-f:.]{{2,45}}\])(?::\d{{1,5}})?")


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
        shown = _harmless(url, file_name=file_name)
    return shown if shown == url else f"{shown} ({hashlib.sha256(url.encode(errors='replace')).hexdigest()[:8]})"


def _in_text(found: str) -> str:
    address = found.rstrip(_ENDS)
    ended = found[len(address) :]
    if address.endswith("/") and ended.startswith(HIDDEN):  # shown before, as it is shown here
        return _harmless(address + HIDDEN) + ended[len(HIDDEN) :]
    return _harmless(address) + ended


def _harmless(url: str, *, file_name: str = "") -> str:
    """Scheme and host where they are what they should be, and the file's name where it is this one."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in _SCHEMES:
        return HIDDEN
    start = re.search(r"[/?#\\]", rest)
    authority, behind = (rest[: start.start()], rest[start.start() :]) if start else (rest, "")
    host = authority.rpartition("@")[2].lower()
    if "@" in behind or not _HOST.fullmatch(host):
        return f"{scheme.lower()}://{HIDDEN}"
    path = behind.partition("#")[0].partition("?")[0]
    return f"{scheme.lower()}://{host}{_harmless_path(path, file_name)}" + (f"?{HIDDEN}" if path != behind else "")


def _harmless_path(path: str, file_name: str) -> str:
    folder, _, name = path.rpartition("/")
    if path in ("", "/"):
        return path
    if not file_name or name != file_name:
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
