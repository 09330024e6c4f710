from shared.scrubbing import scrub


def test_addresses_names_and_secrets_are_masked_and_the_rest_stays() -> None:
    assert {said: scrub(said) for said in SAID} == SAID


SAID = {
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
