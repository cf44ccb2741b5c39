"""An OpenID provider that signs any token, and misbehaves as the test requires."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlsplit

from joserfc import jwk, jws

AUDIENCE = "appoint"
CLIENT_ID = "appoint-pages"
CLIENT_SECRET = "known to the provider"
CLIENT_AUTHORIZATION = "Basic " + base64.b64encode(f"{CLIENT_ID}:{quote_plus(CLIENT_SECRET)}".encode()).decode()


class Issued(NamedTuple):
    """An authorization code that the provider has issued."""

    redirect_uri: str
    challenge: str
    id_token: str


class OpenIdProvider:
    """`responses` replaces response bodies by path. A number is a status without a body."""

    def __init__(self) -> None:
        self.keys: dict[str, jwk.Key] = {}
        self.responses: dict[str, Any] = {}
        self.requests: list[str] = []
        self.codes: dict[str, Issued] = {}
        self.configuration: dict[str, Any] = {}
        self.down = False
        self.seconds = 0.0
        self.may_respond = threading.Event()
        self.may_respond.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests.append(self.path)
                if provider.down:
                    self.close_connection = True
                    return
                time.sleep(provider.seconds)
                provider.may_respond.wait(30)
                response = provider.responses.get(self.path, provider.own(self.path))
                status, body = (response, b"") if isinstance(response, int) else (200, response)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", provider.issuer + "/jwks")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError):  # a client that timed out has disconnected
                    self.wfile.write(body)

            def do_POST(self) -> None:
                provider.requests.append(self.path)
                if provider.down:
                    self.close_connection = True
                    return
                length = int(self.headers["Content-Length"])
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                status, body = provider.redeem(form, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}/realms/clinics"
        self.add("first", "RSA", 2048)
        self.first = self.keys["first"]

    @property
    def fetches(self) -> int:
        return sum(path.endswith("/jwks") for path in self.requests)

    def own(self, path: str) -> Any:
        if path == "/realms/clinics/.well-known/openid-configuration":
            endpoints = {
                "issuer": self.issuer,
                "jwks_uri": self.issuer + "/jwks",
                "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token",
            }
            return json.dumps(endpoints | self.configuration).encode()
        if path == "/realms/clinics/jwks":
            return json.dumps(
                {"keys": [key.as_dict(private=False, kid=kid) for kid, key in self.keys.items()]}
            ).encode()
        return 404

    def authorize(self, url: str, now: datetime, **claims: Any) -> dict[str, str]:
        """Sign a person in on the provider's page. Return the parameters that it sends back to Appoint."""
        assert url.startswith(self.issuer + "/authorize?")
        query = dict(parse_qsl(urlsplit(url).query))
        assert query["code_challenge_method"] == "S256"
        code = f"code {len(self.codes)}"
        defaults = {"aud": query["client_id"], "nonce": query["nonce"], "email": None, "roles": None}
        token = self.token(now, **(defaults | claims))
        self.codes[code] = Issued(query["redirect_uri"], query["code_challenge"], token)
        return {"code": code, "state": query["state"]}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        """Exchange a code for an ID token, once, if the client proves who it is and that it requested the code."""
        issued = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        is_client = authorization == CLIENT_AUTHORIZATION or form.get("client_secret") == CLIENT_SECRET
        if (
            issued is None
            or not is_client
            or form["redirect_uri"] != issued.redirect_uri
            or challenge.rstrip(b"=").decode() != issued.challenge
        ):
            return 400, b'{"error":"invalid_grant"}'
        return 200, json.dumps({"id_token": issued.id_token, "access_token": "x", "token_type": "Bearer"}).encode()

    def add(self, kid: str, type: Any, size: Any, **parameters: Any) -> None:
        self.keys[kid] = jwk.generate_key(type, size, parameters={"kid": kid, **parameters})

    def claims(self, now: datetime, **more: Any) -> dict[str, Any]:
        """Return the claims of a receptionist's token that is valid for five minutes, omitting those that are None."""
        second = int(now.timestamp())
        defaults = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "ann",
            "iat": second,
            "nbf": second,
            "exp": second + 300,
            "roles": ["front-desk"],
        }
        return {name: value for name, value in (defaults | more).items() if value is not None}

    def token(
        self,
        now: datetime,
        *,
        kid: str | None = "first",
        alg: str = "RS256",
        header: Any = None,
        key: Any = None,
        raw: bytes | None = None,
        **claims: Any,
    ) -> str:
        payload = json.dumps(self.claims(now, **claims)).encode() if raw is None else raw
        headers = {"alg": alg, "typ": "JWT", **({"kid": kid} if kid else {}), **(header or {})}
        return jws.serialize_compact(
            headers,
            payload,
            key or self.keys[kid or "first"],
            registry=Signs(algorithms=[alg], strict_check_header=False),
        )


class Signs(jws.JWSRegistry):
    max_header_length = 100_000


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        thread.join()
        provider.server.server_close()
