"""What is shown holds no secret and names no person, wherever in a text or an address it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scrubbing import scrub, scrub_address

SECRETS = ["s3cr3t", "opensesame", "OPEN-sesame_more", "123456"]
"""One with digits, and such as file names, words and numbers look like."""
DECLARED, FILE = "https://host.example/data/a/us.csv", "us.csv"


def test_addresses_names_and_secrets_are_masked_and_the_rest_stays() -> None:
    assert {text: scrub(text) for text in EXAMPLES} == EXAMPLES


EXAMPLES = {
    "HTTP 404 from https://host.example/us.csv": "HTTP 404 from https://host.example/...",
    "HTTP 404 from https://host.example/a/us.csv, again": "HTTP 404 from https://host.example/..., again",
    "from https://host/us.csv?token=s3cret&x=1 again": "from https://host/...?... again",
    "from https://host/.../us.csv (12345678)": "from https://host/... (12345678)",
    "token://host.example/x is no scheme": "... is no scheme",
    "'https://me:pass@host/' is odd": "'https://host/' is odd",  # checkov:skip=CKV_SECRET_4
    "'HTTPS://me:pass@host/x' is odd": "'https://host/...' is odd",
    "see ftp://host/x?token=1.": "see ftp://host/...?....",
    "at http://127.0.0.1:8000/ and http://[::1]:80": "at http://127.0.0.1:8000/ and http://[::1]:80",
    "seen is {'by': 'arn:aws:iam::123456789012:user/ann'}": "seen is {'by': 'arn:aws:iam::123456789012:...'}",
    "arn:aws:sts::123456789012:assumed-role/Admin/ann@example.org": "arn:aws:sts::123456789012:...",
    "mail to ann.lee+covid@example.org failed": "mail to (address) failed",
    "arn:aws:dynamodb:us-east-1:123456789012:table/runs": "arn:aws:dynamodb:us-east-1:123456789012:table/runs",
    "run 2020-10-25T17:00:00Z, line 3: '12@' is not allowed": "run 2020-10-25T17:00:00Z, line 3: '12@' is not allowed",
    "": "",
}

FORMS = [
    "HTTPS://user:{}@host.example/us.csv",
    "https://{}:pw@host.example/us.csv",
    "https://user:p@{}@host.example/us.csv",
    "https://user:p/{}@host.example/us.csv",
    "https://user:p?{}@host.example/us.csv",
    "https://user:p#{}@host.example/us.csv",
    "https://user:p'{}@host.example/us.csv",
    'https://user:p"{}@host.example/us.csv',
    "https://user:p {}@host.example/us.csv",
    "https://user:p\\{}@host.example/us.csv",
    "https://user:12/{}@host.example/us.csv",
    "ftp://host.example/x?token={}",
    "s3+x://host.example/{}",
    "https://host.example/{}/us.csv",
    "https://host.example/feeds/{}",
    "https://host.example/{}.csv",
    "https://host.example/us.csv;{}",
    "https://host.example/us.csv#{}",
    "https://host.example/us.csv?a=b&key={}",
    "https://host.example/https://user:{}@other.example/",
    "https://host.example\\{}\\us.csv",
    "{}://host.example/us.csv",
    "user:{}@host.example",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("around", ["{}", "'{}'", "HTTP 404 from {}: no", "({})", "{},https://x/", '{{"url":"{}"}}'])
def test_a_secret_in_an_address_is_not_shown_in_whatever_form(form: str, around: str, secret: str) -> None:
    url = form.format(secret)
    assert secret not in scrub(around.format(url))
    assert secret not in scrub_address(url, declared=DECLARED, file_name=FILE)
    assert secret not in scrub_address(url)


def test_a_port_that_cannot_be_one_is_not_shown() -> None:
    assert scrub("https://host.example:s3cr3t/us.csv") == "https://..."


@given(st.text())
def test_what_was_scrubbed_once_stays_as_it_is(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


_PARTS = st.text(st.sampled_from("abz09:@/?#[]%&=.-_~'\"\\\u00e9"), max_size=12)


@given(_PARTS, _PARTS, _PARTS)
def test_no_password_path_or_query_is_left_of_any_address(before: str, behind: str, ahead: str) -> None:
    """The secret is in capitals, which hosts and plain file names made here never have."""
    for url in (
        f"https://u:{before}SECRET{behind}@{ahead}",
        f"http://h.example/{before}SECRET{behind}",
        f"x://{before}",
    ):
        assert "SECRET" not in scrub(f"{ahead} {url}")
        assert "SECRET" not in scrub_address(url, declared=DECLARED, file_name=FILE)


def test_of_a_declared_address_all_is_shown_but_credentials_and_query() -> None:
    assert scrub_address(DECLARED, declared=DECLARED, file_name=FILE) == DECLARED
    assert scrub_address(f"{DECLARED}?key=1", declared=f"{DECLARED}?key=1", file_name=FILE).startswith(
        f"{DECLARED}?... ("
    )
    assert scrub_address("https://u:p@h/us.csv", declared="https://u:p@h/us.csv", file_name=FILE).startswith(
        "https://h/us.csv ("
    )


def test_of_another_address_host_and_declared_file_are_shown() -> None:
    assert scrub_address("http://127.0.0.1:8000/us.csv", declared=DECLARED, file_name=FILE) == (
        "http://127.0.0.1:8000/us.csv"
    )
    assert scrub_address("http://h/t0ken/us.csv", declared=DECLARED, file_name=FILE).startswith("http://h/.../us.csv (")
    assert scrub_address("http://h/other.csv", declared=DECLARED, file_name=FILE).startswith("http://h/... (")


def test_addresses_are_told_apart_without_what_is_secret_in_them() -> None:
    shown = [scrub_address(f"{DECLARED}?token={token}", declared=DECLARED) for token in ("s3cret", "another")]
    assert [text.rpartition(" ")[0] for text in shown] == [f"{DECLARED}?..."] * 2
    assert len(set(shown)) == 2
