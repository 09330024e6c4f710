"""Feeds over TLS: certificates and names are checked, and a connection that breaks off ends no body."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.connecting import tls
from shared.errors import UpstreamUnavailable
from tests.fetcher.getting import get

UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndate,cases\n"
OF_A_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\ndate,cases\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself; the file holds the key too."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a feed server of the tests")])
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls.cache_clear()
    yield certificate
    tls.cache_clear()


@contextlib.contextmanager
def serving(certificate: Path, answer: bytes, *, says_goodbye: bool) -> Iterator[str]:
    """The address of a server that gives one answer and closes, with TLS's own goodbye or without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            with contextlib.suppress(OSError):
                secure = context.wrap_socket(connection, server_side=True)
                secure.recv(65_536)
                secure.sendall(answer)
                connection = secure.unwrap() if says_goodbye else secure
        finally:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/us.csv"
        thread.join()


@pytest.mark.parametrize(("answer", "says_goodbye"), [(UNTIL_CLOSED, True), (OF_A_LENGTH, True), (OF_A_LENGTH, False)])
def test_a_body_that_is_whole_is_received(trusted: Path, answer: bytes, says_goodbye: bool) -> None:
    with serving(trusted, answer, says_goodbye=says_goodbye) as url:
        assert get(url)[1] == b"date,cases\n"


def test_a_body_that_ends_with_a_connection_that_broke_off_is_no_feed(trusted: Path) -> None:
    with (
        serving(trusted, UNTIL_CLOSED, says_goodbye=False) as url,
        pytest.raises(UpstreamUnavailable, match=r"cannot be read: it broke off without TLS's end$"),
    ):
        get(url)


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(certificate: Path) -> None:
    with (
        serving(certificate, OF_A_LENGTH, says_goodbye=False) as url,
        pytest.raises(UpstreamUnavailable, match=r"cannot be read: its certificate is not accepted: self-signed"),
    ):
        get(url)


def test_a_certificate_of_another_name_is_not_accepted(trusted: Path) -> None:
    with (
        serving(trusted, OF_A_LENGTH, says_goodbye=False) as url,
        pytest.raises(UpstreamUnavailable, match=r"its certificate is not accepted: .*localhost"),
    ):
        get(url.replace("127.0.0.1", "localhost"))
