from shared.scrubbing import scrub, scrub_address


def test_addresses_names_and_secrets_are_masked_and_the_rest_stays() -> None:
    assert {text: scrub(text) for text in EXAMPLES} == EXAMPLES


EXAMPLES = {
    "HTTP 404 from https://host.example/a/us.csv": "HTTP 404 from https://host.example/a/us.csv",
    "from https://host/us.csv?token=s3cret&x=1 again": "from https://host/us.csv?... again",
    "'https://me:pass@host/' is odd": "'https://host/' is odd",  # checkov:skip=CKV_SECRET_4
    "seen is {'by': 'arn:aws:iam::123456789012:user/ann'}": "seen is {'by': 'arn:aws:iam::123456789012:...'}",
    "arn:aws:sts::123456789012:assumed-role/Admin/ann@example.org": "arn:aws:sts::123456789012:...",
    "mail to ann.lee+covid@example.org failed": "mail to (address) failed",
    "arn:aws:dynamodb:us-east-1:123456789012:table/runs": "arn:aws:dynamodb:us-east-1:123456789012:table/runs",
    "run 2020-10-25T17:00:00Z, line 3: '12@' is not allowed": "run 2020-10-25T17:00:00Z, line 3: '12@' is not allowed",
    "": "",
}


def test_addresses_are_told_apart_without_what_is_secret_in_them() -> None:
    open_one, *secret = [f"https://host/us.csv{query}" for query in ("", "?token=s3cret", "?token=another")]
    shown = [scrub_address(url) for url in secret]
    assert scrub_address(open_one) == open_one
    assert [text.rpartition(" ")[0] for text in shown] == ["https://host/us.csv?..."] * 2
    assert len(set(shown)) == 2
