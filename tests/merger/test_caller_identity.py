"""Who the ledger names is who signed the command: STS says so, and nobody else."""

import datetime as dt
import json
from random import Random
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.credentials import Credentials

from chalicelib.runs.caller_identity import SignedRequest, StsResponse, Where, who_commands
from infra.operating.signing import signed_request
from shared.errors import CovidStatsError, EventMalformed, NotAllowed, SettingInvalid
from shared.runs import State
from tests.proof.small_feeds import pair
from tests.proof.stories import a_day, carry
from tests.shared.sts import FakeSts
from tests.world import world

ADA = "arn:aws:sts::123456789012:assumed-role/Operator/ada"
PROD = Where(stage="prod", region="eu-central-1", local=False)
COMMAND = {"command": "approve", "run_id": "2026-03-01T17:00:00Z", "time": "2026-03-01T20:00:00Z"}
HOST = "https://sts.eu-central-1.amazonaws.com/"


def session(token: str | None = None) -> Any:
    return boto3.session.Session(
        aws_access_key_id="AKIAADA",
        aws_secret_access_key="hers",  # nobody's
        aws_session_token=token,
        region_name=PROD.region,
    )


def sts(*, secret: str = "hers", token: str | None = None) -> FakeSts:
    return FakeSts(credentials=Credentials("AKIAADA", secret, token), arn=ADA, region=PROD.region)


def now_ms(**later: float) -> int:
    return int((dt.datetime.now(dt.UTC) + dt.timedelta(**later)).timestamp() * 1000)


def command(**changed: Any) -> dict[str, Any]:
    """The command as `make approve` sends it."""
    return {**COMMAND, "signed": signed_request(COMMAND, stage="prod", session=session())} | changed


def who(event: Any, *, where: Where = PROD, clock_ms: int | None = None, send: Any = None) -> str:
    return who_commands(event, where=where, clock_ms=now_ms() if clock_ms is None else clock_ms, send=send or sts())


def test_who_signed_the_command_is_who_gives_it() -> None:
    fake = sts()
    assert who(command(), send=fake) == ADA
    [request] = fake.requests
    assert request.host == "sts.eu-central-1.amazonaws.com"
    assert request.headers == {
        "x-covid-stats-command": '["prod","","approve","2026-03-01T17:00:00Z","2026-03-01T20:00:00Z"]',
        "Accept": "application/json",
    }


def test_temporary_credentials_sign_as_well() -> None:
    signed = signed_request(COMMAND, stage="prod", session=session("a/session+token=="))
    assert who(command(signed=signed), send=sts(token="a/session+token==")) == ADA


def test_a_name_that_comes_along_is_not_believed() -> None:
    assert who(command(by="arn:aws:iam::123456789012:user/the-director")) == ADA
    with pytest.raises(EventMalformed, match="the event has no `signed`"):
        who(COMMAND | {"by": ADA})


@pytest.mark.parametrize(
    "changed",
    [
        {"command": "redrive"},
        {"run_id": "2026-03-02T17:00:00Z"},
        {"time": "2026-03-01T20:00:01Z"},
        {"dataset": "regions"},
    ],
)
def test_a_signature_is_good_for_one_command_alone(changed: dict[str, str]) -> None:
    with pytest.raises(NotAllowed, match="STS does not confirm who gives the command: HTTP 403, SignatureDoesNotMatch"):
        who(command(**changed))


def test_a_signature_is_good_for_one_stage_alone() -> None:
    with pytest.raises(NotAllowed, match="HTTP 403, SignatureDoesNotMatch"):
        who(command(), where=Where(stage="dev", region=PROD.region, local=False))


def test_anothers_secret_signs_nothing() -> None:
    with pytest.raises(NotAllowed, match="HTTP 403, SignatureDoesNotMatch"):
        who(command(), send=sts(secret="another"))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_is_good_for_minutes(minutes: float) -> None:
    fake = sts()
    with pytest.raises(NotAllowed, match="not more than 5 minutes may lie between"):
        who(command(), clock_ms=now_ms(minutes=minutes), send=fake)
    assert who(command(), clock_ms=now_ms(minutes=minutes / 1.5)) == ADA
    assert fake.requests == []


GOOD = {
    "Action": "GetCallerIdentity",
    "Version": "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "AKIAADA/20260301/eu-central-1/sts/aws4_request",
    "X-Amz-Date": "20260301T200000Z",
    "X-Amz-Expires": "300",
    "X-Amz-SignedHeaders": "host;x-covid-stats-command",
    "X-Amz-Signature": "0" * 64,
}
AT = int(dt.datetime(2026, 3, 1, 20, tzinfo=dt.UTC).timestamp() * 1000)


def address(begins: str = HOST, /, **changed: str | None) -> str:
    values = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return begins + "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())


OTHER_ADDRESSES = [
    address("http://sts.eu-central-1.amazonaws.com/"),
    address("https://sts.us-east-1.amazonaws.com/"),
    address("https://sts.amazonaws.com/"),
    address("https://sts.eu-central-1.amazonaws.com.example.org/"),
    address("https://sts.eu-central-1.amazonaws.com@example.org/"),
    address("https://sts.eu-central-1.amazonaws.com:8443/"),
    address("https://user@sts.eu-central-1.amazonaws.com/"),
    address("https://STS.eu-central-1.amazonaws.com/"),
    address("https://sts.eu-central-1.amazonaws.com/other"),
    address("https://169.254.169.254/"),
    address() + "#x",
    address().replace("?", "", 1),
    HOST,
]


@pytest.mark.parametrize("signed", OTHER_ADDRESSES)
def test_nothing_but_the_regions_sts_is_asked(signed: str) -> None:
    fake = sts()
    with pytest.raises(EventMalformed, match=f"`signed` is not the address of a request to {HOST}"):
        who(command(signed=signed), clock_ms=AT, send=fake)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (address(Action="AssumeRole"), "does not ask for GetCallerIdentity"),
        (address(Version="2010-01-01"), "does not ask for GetCallerIdentity"),
        (address() + "&Action=AssumeRole", "has other parameters"),
        (address() + "&A%63tion=AssumeRole", "has other parameters"),
        (address() + "&RoleArn=x", "has other parameters"),
        (address() + "&x", "has other parameters"),
        (address(**{"X-Amz-Signature": None}), "has other parameters"),
        (address(**{"X-Amz-Date": "yesterday"}), "is not of the form"),
        (address(**{"X-Amz-Date": "20261301T200000Z"}), "is no time"),
        (address() + "\r\nHost: example.org", "the event has no `signed`"),
        (address() + "x" * 9000, "the event has no `signed`"),
        ("", "the event has no `signed`"),
        (7, "the event has no `signed`"),
    ],
)
def test_another_request_is_refused_before_it_is_sent(signed: Any, why: str) -> None:
    fake = sts()
    with pytest.raises(EventMalformed, match=why):
        who(command(signed=signed), clock_ms=AT, send=fake)
    assert fake.requests == []


@pytest.mark.parametrize("names", ["host", "host;x-k8s-aws-id", "host;x-covid-stats-command;x-other", ""])
def test_a_request_that_was_signed_for_something_else_is_refused(names: str) -> None:
    with pytest.raises(NotAllowed, match="`signed` is bound to no command"):
        who(command(signed=address(**{"X-Amz-SignedHeaders": names})), clock_ms=AT)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, b"", "its answer has no ARN"),
        (200, b"<html>", "its answer has no ARN"),
        (200, b"[1]", "its answer has no ARN"),
        (200, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Arn": "ada"}}}, "its answer has no ARN"),
        (200, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Arn": ADA + "\n"}}}, "has no ARN"),
        (200, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Arn": ADA * 99}}}, "has no ARN"),
        (500, b"oops", "HTTP 500; it was signed"),
        (403, {"Error": {"Code": "Expired\x1b[31mToken"}}, r"HTTP 403, Expired\?\[31mToken;"),
        (302, {"Error": []}, "HTTP 302; it was signed"),
    ],
)
def test_an_answer_that_names_nobody_is_no_name(status: int, body: Any, why: str) -> None:
    reply = StsResponse(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())
    with pytest.raises(NotAllowed, match=why):
        who(command(), send=lambda _: reply)


def test_any_damage_to_the_address_is_refused_in_words() -> None:
    """One to three characters of a good one are others, missing or doubled: STS or we say no, in a declared error."""
    random, good = Random("damage"), command()
    for _ in range(2_000):
        letters = list(good["signed"])
        for _ in range(random.randint(1, 3)):
            place = random.randrange(len(letters))
            letters[place] = random.choice(["", letters[place] * 2, chr(random.randrange(0x250)), "&", "%", "?", "/"])
        damaged = "".join(letters)
        if damaged == good["signed"]:
            continue
        fake = sts()
        try:
            assert who(good | {"signed": damaged}, send=_sent_as_bytes(fake)) == ADA
        except CovidStatsError:
            continue
        # A signature is over the decoded query: another spelling of the same is the same request.
        assert fake.requests[0].host == "sts.eu-central-1.amazonaws.com"


def _sent_as_bytes(fake: FakeSts) -> Any:
    def send(request: SignedRequest) -> StsResponse:
        request.target.encode("ascii")
        try:
            return fake(request)
        except Exception:  # a query that STS could not even read
            return StsResponse(status=400, body=b"")

    return send


# --- where it is --------------------------------------------------------------------------------------------------


def test_in_a_local_cloud_the_name_is_the_callers_and_said_to_be_unverified() -> None:
    for sign in ({"CLOUD": "local"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}):
        here = Where.read({"STAGE": "local"} | sign)
        assert who(COMMAND | {"by": "arn:ada"}, where=here) == "arn:ada (unverified)"
        with pytest.raises(EventMalformed, match="the event has no by"):
            who(COMMAND, where=here)
        for by in ("", "x" * 501, 7):
            with pytest.raises(EventMalformed, match="the ledger records who gives a command"):
                who(COMMAND | {"by": by}, where=here)


def test_on_aws_the_region_is_lambdas() -> None:
    assert Where.read({"STAGE": "prod", "AWS_REGION": "eu-central-1", "CLOUD": "aws"}) == PROD
    with pytest.raises(SettingInvalid, match="AWS_REGION is missing"):
        Where.read({"STAGE": "prod"})


def test_on_aws_the_ledger_names_who_signed_and_takes_up_nothing_for_anyone_else() -> None:
    with world({"CLOUD": "", "STAGE": "prod", "AWS_REGION": PROD.region}) as system:
        carry(system, a_day(1, {"nyt": pair(9)["nyt"]}))
        [run] = system.runs()
        system.schedule("watch", "2026-01-01T12:00:00Z")
        system.settle()
        assert system.run(run.run_id).state is State.INCOMPLETE
        system.platform.now_ms = now_ms()
        redrive = {"command": "redrive", "run_id": run.run_id, "time": system.now}
        with pytest.raises(EventMalformed, match="the event has no `signed`"):
            system.invoke("operate", redrive | {"by": ADA}, request_id="r1")
        assert system.run(run.run_id).state is State.INCOMPLETE
        system.apps["merger"].send_to_sts = sts()  # type: ignore[attr-defined]
        signed = signed_request(redrive, stage="prod", session=session())
        answer = system.invoke("operate", redrive | {"signed": signed, "by": "ann"}, request_id="r2")
        assert (answer["state"], answer["fetch"]) == ("COLLECTING", True)
        assert system.run(run.run_id).redriven_by == ADA
