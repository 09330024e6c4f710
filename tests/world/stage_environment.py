"""The names of the one stage there is, and the environment of its functions."""

from shared.operator_identity import UNVERIFIED

BUCKET, RUNS_TABLE, OBSERVATIONS = "covid-stats-test-data", "covid-stats-test-runs", "covid-stats-test-observations"
ENGINE_JOB = "covid-stats-test-engine"
TOPIC = "arn:aws:sns:us-east-1:123456789012:covid-stats-test-mails"

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "STAGE": "test",
    "CLOUD": "local",
    "BUCKET": BUCKET,
    "RUNS_TABLE": RUNS_TABLE,
    "OBSERVATIONS_TABLE": OBSERVATIONS,
    "TOPIC_ARN": TOPIC,
    "RUNS_STREAM_ARN": f"arn:aws:dynamodb:us-east-1:123456789012:table/{RUNS_TABLE}/stream/2020",
    "VIEWS_TTL_MS": "0",
    "LEASE_SECONDS": "960",
    "FETCH_ATTEMPTS": "1",
}

ANN = "arn:aws:iam::123456789012:user/ann"
"""Who operates, by their own account: nobody signs anything here."""
ANN_RECORDED = ANN + UNVERIFIED
"""The same, as the ledger has it."""
