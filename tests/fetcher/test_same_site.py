"""A redirect may lead within what one owner has registered, and a guess errs to the strict side."""

import pytest

from chalicelib.same_site import is_same_site, registered_name


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("example.org", "example.org", True),
        ("example.org", "www.example.org", True),
        ("data.example.org", "files.cdn.example.org", True),
        ("example.org", "example.com", False),
        ("example.org", "evilexample.org", False),
        ("example.org", "example.org.evil.net", False),
        ("coronavirus.data.gov.uk", "api.coronavirus.data.gov.uk", True),
        ("data.gov.uk", "evil.gov.uk", False),
        ("health.gov.au", "evil.gov.au", False),
        ("mhlw.go.jp", "evil.go.jp", False),
        ("a.co.uk", "b.co.uk", False),
        ("opendata.ecdc.europa.eu", "www.ecdc.europa.eu", True),
        ("a.github.io", "b.github.io", False),
        ("raw.githubusercontent.com", "evil.githubusercontent.com", False),
        ("mine.s3.amazonaws.com", "evil.s3.amazonaws.com", False),
        ("d1.cloudfront.net", "d2.cloudfront.net", False),
        ("com", "org", False),
        ("localhost", "example.org", False),
    ],
)
def test_hosts_are_of_one_site_where_one_owner_registered_them(host: str, other: str, same: bool) -> None:
    assert is_same_site(host, other) is same
    assert is_same_site(other, host) is same


@pytest.mark.parametrize(("host", "name"), [("gov.uk", ""), ("uk", ""), ("a..org", ".org"), ("www.cdc.gov", "cdc.gov")])
def test_a_suffix_was_registered_by_nobody(host: str, name: str) -> None:
    assert registered_name(host) in (name, "")
