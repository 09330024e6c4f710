"""What goes into logs and traces must name no person and hold no secret: messages quote what others sent.

Masked are e-mail addresses, the names in IAM and STS ARNs, and in web addresses the credentials and the query.
"""

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
