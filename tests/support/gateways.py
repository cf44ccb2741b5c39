"""Mail servers and text message gateways, some of which misbehave."""

import asyncio
import base64
import email
import email.policy
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl


class Mail(NamedTuple):
    """An email with its envelope."""

    content: EmailMessage
    envelope: dict[str, Any]


class MailServer:
    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[Mail]:
        envelopes = [json.loads(path.read_text()) for path in self.folder.iterdir()]
        return [
            Mail(email.message_from_string(envelope["content"], policy=email.policy.default), envelope)
            for envelope in envelopes
        ]

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """Run a mail server in another process. `smtp_server.py` explains the options."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(__file__).with_name("smtp_server.py")
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", script, folder, json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout
        try:
            yield MailServer(int(process.stdout.readline()), Path(folder))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def self_signed_certificate(folder: Path) -> Path | None:
    """Create a self-signed certificate and its key in one file. Return None if OpenSSL is not installed."""
    if not shutil.which("openssl"):
        return None
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    command = ["openssl", "req", *options, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


ACCOUNT, SECRET = "AC0123", "the gateway's / token"
NUMBERS = {
    "+15005550001": 21211,
    "+15005550009": 21614,
    "+15005550010": 21610,
    "+15005550006": 21606,
    "+15005550099": 29999,
}
"""The numbers that the gateway rejects, with Twilio's codes. It accepts all others."""


class TextGateway:
    """A gateway like Twilio's that accepts a message once per idempotency token."""

    def __init__(self) -> None:
        self.received: dict[str, dict[str, str]] = {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                login = base64.b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode()
                if self.headers["Authorization"] != f"Basic {login}":
                    self.answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
                elif self.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
                    self.answer(404, {"code": 20404, "message": f"{self.path} was not found", "status": 404})
                elif code := NUMBERS.get(form["To"]):
                    self.answer(400, {"code": code, "message": f"The number {form['To']} is not good", "status": 400})
                else:
                    token = self.headers["Idempotency-Key"]
                    gateway.received.setdefault(token, form)
                    self.answer(
                        201,
                        {
                            "sid": f"SM{len(gateway.received)}",
                            "status": "queued",
                            "to": form["To"],
                            "body": form["Body"],
                        },
                    )

            def answer(self, status: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def text_gateway() -> Iterator[TextGateway]:
    gateway = TextGateway()
    thread = threading.Thread(target=gateway.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield gateway
    finally:
        gateway.server.shutdown()
        thread.join()
        gateway.server.server_close()


@asynccontextmanager
async def serving(talk: Any) -> AsyncIterator[int]:
    """Run a server that handles each connection with `talk(reader, writer)`, and yield its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


HANGS = object()
"""Stands for no reply: the connection stays open."""
DROPS = object()
"""Stands for no reply: the connection is closed."""


def mail_talk(replies: Mapping[str, Any], verbs: list[str] | None = None) -> Any:
    """Return an SMTP conversation with these replies to some verbs. `greeting` stands for the first line, and `.` for
    the end of the email. Append each verb to `verbs`.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        defaults = {
            "greeting": "220 mail.test",
            "EHLO": "250 mail.test",
            "DATA": "354 go on",
            ".": "250 queued",
            "QUIT": "221 bye",
        }
        verb, in_mail = "greeting", False
        while True:
            reply = replies.get(verb, defaults.get(verb, "250 fine"))
            if reply is HANGS:
                await reader.read()
            if reply in (HANGS, DROPS):
                return
            writer.write(reply if isinstance(reply, bytes) else f"{reply}\r\n".encode())
            if verb == "STARTTLS" and str(reply).startswith("220"):
                await reader.read(1)
                writer.write(b"this is not TLS\r\n")
                return
            in_mail = verb == "DATA" and str(reply).startswith("354")
            line = await reader.readuntil(b"\r\n.\r\n") if in_mail else await reader.readline()
            if not line:
                return
            verb = "." if in_mail else line.decode().split(maxsplit=1)[0].upper()
            if verbs is not None:
                verbs.append(verb)

    return talk


def http_talk(response: Any) -> Any:
    """Return a conversation that answers one request with these bytes, or slowly, part by part, if they are a list."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        if response is HANGS:
            await reader.read()
        elif response is not DROPS:
            for part in response if isinstance(response, list) else [response]:
                writer.write(part)
                await writer.drain()
                if isinstance(response, list):
                    await asyncio.sleep(0.02)

    return talk


def http(status: str, body: bytes | str = b"{}", *headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    return (
        "\r\n".join(
            [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
        ).encode()
        + content
    )
