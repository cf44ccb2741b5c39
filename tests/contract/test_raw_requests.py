"""Raw socket requests that are incomplete, endless or not HTTP at all."""

import asyncio
import json
from urllib.parse import urlsplit

import httpx2
import pytest
import uvicorn

from appoint.server import connection, uvicorn_server
from appoint.server.connection import Connection
from support.logs import log_line


async def send(url: str, *parts: bytes) -> bytes:
    """Send bytes on one connection, and return the response, which is empty if the connection breaks."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    for data in parts:
        writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_request_that_is_not_http_gets_a_problem_document(server):
    response = await send(server.url, b"NONSENSE\r\n\r\n")
    assert (b"application/problem+json" in response, json.loads(response.split(b"\r\n\r\n")[1])["status"]) == (
        True,
        400,
    )


async def test_an_endless_request_head_is_cut_off(server):
    assert await send(server.url, b"GET / HTTP/1.1\r\n", *[b"x-more: " + b"x" * 1000 + b"\r\n"] * 1000) == b""


@pytest.mark.parametrize(
    "request_bytes", [b"", b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_an_incomplete_request_times_out(monkeypatch, request_bytes):
    async def never_respond(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    monkeypatch.setattr(connection, "READ_SECONDS", 0.1)
    listener = uvicorn_server.listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(never_respond, http=Connection, lifespan="off", log_config=None))
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    assert await send(uvicorn_server.address(listener), request_bytes) == b""
    server.should_exit = True
    await running


async def test_a_client_that_disconnects_midway_is_logged_as_400(server):
    _, writer = await asyncio.open_connection(urlsplit(server.url).hostname, urlsplit(server.url).port)
    head = [
        "POST /api/customers HTTP/1.1",
        "Host: x",
        "X-Request-ID: left",
        "Content-Type: application/json",
        "Content-Length: 100",
    ]
    writer.write("\r\n".join([*head, "", '{"name": ']).encode())
    await writer.drain()
    writer.close()
    assert await asyncio.to_thread(log_line, server, "left") | {"status": 400, "level": "info"} == log_line(
        server, "left"
    )


def test_options_works_on_every_path_without_credentials(server):
    responses = [httpx2.options(server.url + path) for path in ("/api/clinics", "/api/customers", "/healthz")]
    assert [(response.status_code, "OPTIONS" in response.headers["Allow"]) for response in responses] == [
        (204, True)
    ] * 3
