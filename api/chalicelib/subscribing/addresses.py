"""What an e-mail address is: as browsers check a field of that type, and with a dot in its host."""

import hashlib
import re
from urllib.parse import parse_qs

from chalicelib.web.problems import BodyInvalid, ParameterInvalid, ParameterUnknown

FIELD = "email"
"""The one field of the form."""

_LONGEST_BODY = 2_000
_LONGEST = 254
"""Characters of an address that mail can be sent to (RFC 5321, with erratum 1690 of RFC 3696)."""
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_ADDRESS = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")
"""https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address"""


def read_address(body: str, *, route: str) -> str:
    """The address in the body of a form. Raises BodyInvalid, ParameterUnknown, ParameterInvalid."""
    if len(body) > _LONGEST_BODY:
        raise BodyInvalid(f"the body has {len(body):,} characters; allowed: {_LONGEST_BODY:,}")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=8, errors="strict")
    except ValueError:
        raise BodyInvalid(f"the body is no form; allowed: {FIELD}=an address, encoded as a form") from None
    for name, values in fields.items():
        if name != FIELD:
            raise ParameterUnknown(name, values[0], route=route, known=[FIELD])
    given = fields.get(FIELD, [""])
    address = given[0].strip()
    if len(given) > 1 or len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        raise ParameterInvalid(FIELD, " and ".join(given), allowed="one e-mail address, such as name@example.org")
    return address


def mailbox_digest(address: str, *, salt: str) -> str:
    """The same for all ways to write one mailbox: letters large or small, and with a tag behind a plus.

    It names a mailbox without holding its address.
    """
    local, _, host = address.lower().rpartition("@")
    return hashlib.sha256(f"{salt}\n{local.partition('+')[0]}@{host}".encode()).hexdigest()
