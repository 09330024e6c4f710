"""The api's own application, without a cloud: the real `app.py`, driven by events as API Gateway makes them.

`ApiApp` makes the events; `serve_http` puts a plain HTTP server before it, under a stage prefix, as API Gateway would.
"""

import base64
import contextlib
import gzip
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/covid-stats-test-runs/stream/2020-09-01T00:00:00.000"
ENVIRONMENT = {"RUNS_STREAM_ARN": STREAM, "VIEWS_TTL_MS": "0"}
"""What the api has on top of `tests.shared.in_memory.ENVIRONMENT`: here, a request asks for the pointer each time."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a client gets."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


@dataclass(frozen=True, kw_only=True)
class ApiApp:
    """The application behind a gateway."""

    module: ModuleType
    stage: str = "test"

    def refresh(self, *records: Mapping[str, Any]) -> dict[str, Any]:
        """What the stream handler answers to a batch."""
        context = SimpleNamespace(aws_request_id="request-2")
        answer: dict[str, Any] = self.module.refresh_views({"Records": list(records)}, context)
        return answer

    def get(self, target: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", target, headers=headers)

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        event = self.event(method, target, headers=headers or {"Accept": "*/*"}, body=body)
        context = SimpleNamespace(aws_request_id="request-1", function_name="api", memory_limit_in_mb=512)
        reply = self.module.app(event, context)
        raw = base64.b64decode(reply["body"]) if reply.get("isBase64Encoded") else reply["body"].encode()
        sent = {name.lower(): value for name, value in reply["headers"].items()}
        return Answer(status=reply["statusCode"], headers=sent, body=raw)

    def event(self, method: str, target: str, *, headers: Mapping[str, str], body: str | None) -> dict[str, Any]:
        path, _, query = target.partition("?")
        route, values = self._match(path, method)
        many = urllib.parse.parse_qs(query, keep_blank_values=True)
        return {
            "resource": route,
            "path": urllib.parse.unquote(path),
            "httpMethod": method,
            "headers": dict(headers),
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
            "multiValueQueryStringParameters": many or None,
            "pathParameters": values or None,
            "stageVariables": None,
            "requestContext": {
                "resourcePath": route,
                "httpMethod": method,
                "path": f"/{self.stage}{path}",
                "stage": self.stage,
                "requestId": "request-1",
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "body": body,
            "isBase64Encoded": False,
        }

    def _match(self, path: str, method: str) -> tuple[str, dict[str, str]]:
        """As API Gateway resolves it: literal parts win over parameters, and those over `{proxy+}`."""
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        routes = sorted(self.module.app.routes, key=lambda route: route.count("{"))
        for route in routes:
            wanted = route.strip("/").split("/")
            if route == "/{proxy+}" or len(wanted) != len(parts) or method not in self.module.app.routes[route]:
                continue
            if all(want.startswith("{") or want == part for want, part in zip(wanted, parts, strict=True)):
                values = {w[1:-1]: part for w, part in zip(wanted, parts, strict=True) if w.startswith("{")}
                return route, values
        return "/{proxy+}", {"proxy": "/".join(parts)}


class Answering(Protocol):
    """What answers requests: the app, or the stand-in for CloudFront before it."""

    @property
    def stage(self) -> str: ...

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer: ...


@contextlib.contextmanager
def serve_http(api: Answering, *, port: int = 0) -> Iterator[str]:
    """The address of the dashboard, with the stage prefix and a slash at the end."""

    one_at_a_time = threading.Lock()  # as Lambda has it: the current request is an attribute of Chalice's app

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            prefix = f"/{api.stage}"
            target = self.path.removeprefix(prefix) or "/"
            if not self.path.startswith(prefix):
                self.send_error(403)
                return
            with one_at_a_time:
                got = api.ask(self.command, target, headers=dict(self.headers.items()), body=body)
            self.send_response(got.status)
            for name, value in got.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(got.body)))
            self.end_headers()
            self.wfile.write(got.body)

        def log_message(self, *_: Any) -> None:
            """Quiet: the application's own lines tell what was asked."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{api.stage}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
