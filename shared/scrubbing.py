"""What is logged, traced, mailed or shown must name no person and hold no secret: messages quote what others sent.

Masked are e-mail addresses, the names in IAM and STS ARNs, and in web addresses the credentials and the query.
"""

import hashlib
import re

_PATTERNS = (
    (re.compile(r"(https?://)[^\s/@]+@"), r"\1"),
    (re.compile(r"(https?://[^\s?#'\"]+)[?#][^\s'\"]*"), r"\1?..."),
    (re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::\d*:)[^\s'\",}]+"), r"\1..."),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "(address)"),
)


def scrub(text: str) -> str:
    """The text without what may name a person or be a secret."""
    if "@" in text or "://" in text or "arn:" in text:
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
    return text


def scrub_address(url: str) -> str:
    """A web address without credentials and query; where it had any, a digest of the whole tells it from others."""
    shown = scrub(url)
    return shown if shown == url else f"{shown} ({hashlib.sha256(url.encode()).hexdigest()[:8]})"
