"""Requests to providers stay within limits and off private networks."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from appoint.calls.providers import transport
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.transport import PublicTransport, Request, Response
from support.gateways import self_signed_certificate
from support.webhook_network import Listener

Respond = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def server(respond: Respond, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve every request with the same response, and collect the requests' first lines. Connections stay open."""
    requests: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)  # since Python 3.13, connections are closed with their writers
        requests.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        respond(writer)
        await writer.drain()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", requests
        for writer in writers:
            writer.close()


def response_with(status: str, body: bytes, *headers: str) -> Respond:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return lambda writer: writer.write(head.encode() + body)


async def test_a_response_is_returned():
    async with server(response_with("200 OK", b"{}")) as (url, requests):
        assert await PublicTransport(private_addresses=True)(Request("POST", f"{url}/rooms", {}, b"{}")) == (200, b"{}")
    assert requests == [b"POST /rooms HTTP/1.1"]


async def test_redirects_are_not_followed():
    async with server(response_with("302 Found", b"", "Location: /elsewhere")) as (url, requests):
        response = await PublicTransport(private_addresses=True)(Request("GET", f"{url}/rooms"))
    assert (response, len(requests)) == (Response(302, b""), 1)


async def test_long_responses_are_refused():
    async with server(response_with("200 OK", b"x" * (64 * 1024 + 1))) as (url, _):
        with pytest.raises(ProviderFailure, match="too long"):
            await PublicTransport(private_addresses=True)(Request("GET", url))


async def test_slow_responses_are_refused(monkeypatch):
    monkeypatch.setattr(transport, "RESPONSE_SECONDS", 0.1)
    async with server(lambda writer: writer.write(b"HTTP/1.1 200 OK\r\n")) as (url, _):
        with pytest.raises(ProviderFailure, match=r"^timeout"):
            await PublicTransport(private_addresses=True)(Request("GET", url))


async def test_what_is_not_http_is_refused():
    async with server(lambda writer: writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")) as (url, _):
        with pytest.raises(ProviderFailure, match="did not respond with HTTP"):
            await PublicTransport(private_addresses=True)(Request("GET", url))


async def test_a_refused_connection_is_reported_as_such():
    with socket.socket() as taken:  # a port that nothing listens on
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderFailure, match=r"^connection-refused"):
            await PublicTransport(private_addresses=True)(
                Request("GET", f"https://127.0.0.1:{taken.getsockname()[1]}/")
            )


async def test_a_certificate_that_is_not_trusted_is_reported_as_such(tmp_path):
    certificate = self_signed_certificate(tmp_path)
    if not certificate:
        pytest.skip("openssl is not installed")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with server(response_with("200 OK", b""), tls=tls) as (url, requests):
        with pytest.raises(ProviderFailure, match=r"^untrusted-certificate: has an invalid certificate: self-signed"):
            await PublicTransport(private_addresses=True)(Request("GET", url.replace("http:", "https:")))
    assert requests == []


async def test_a_server_without_tls_is_reported_as_such():
    async with Listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as listener:
        with pytest.raises(ProviderFailure, match=r"^tls-failed"):
            await PublicTransport(private_addresses=True)(Request("GET", f"https://127.0.0.1:{listener.port}"))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"])
async def test_private_addresses_are_never_contacted(host):
    with pytest.raises(ProviderFailure, match=r"^not-public"):
        await PublicTransport()(Request("GET", f"https://{host}:8170/"))


async def test_requests_without_tls_are_not_sent():
    with pytest.raises(ProviderFailure, match="insecure-address"):
        await PublicTransport()(Request("GET", "http://bbb.example.org/"))
