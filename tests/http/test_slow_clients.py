"""Clients on raw sockets that are slow, send too much or never read."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial

import pytest
import uvicorn

from appoint.server import connection, uvicorn_server
from appoint.server.connection import Connection
from support.app import composed


@asynccontextmanager
async def serve(app):
    """Serve the application on its own port. Yield a function that connects to it."""
    server = uvicorn_server.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, http=Connection, log_config=None, loop="none", lifespan="on"),
        lambda: None,
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield partial(asyncio.open_connection, "127.0.0.1", port)
    finally:
        server.should_exit = True
        await task
        Connection.ending = False


@pytest.fixture
async def connect(db, database_url, monkeypatch):
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.3)
    monkeypatch.setattr(connection, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(connection, "LAST_REQUEST_SECONDS", 0)
    async with serve(composed(database_url)) as connect:
        yield connect


async def read_response(reader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return int(head.split()[1]), await reader.readexactly(length)


async def is_cut_off(reader) -> bool:
    async with asyncio.timeout(10):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


POST = b"POST /api/customers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


async def test_a_slow_request_head_is_cut_off(connect):
    reader, writer = await connect()
    for byte in b"GET /healthz":
        if writer.transport.is_closing():
            break
        writer.write(bytes([byte]))
        await asyncio.sleep(0.05)
    assert await is_cut_off(reader)


async def test_a_slow_but_steady_body_is_cut_off(connect):
    reader, writer = await connect()
    writer.write(POST + b"Content-Length: 1000\r\n\r\n")
    for _ in range(20):
        if writer.transport.is_closing():
            break
        writer.write(b" ")
        await asyncio.sleep(0.05)
    assert await is_cut_off(reader)


async def test_a_silent_client_is_cut_off(connect):
    reader, _ = await connect()
    assert await is_cut_off(reader)


async def test_a_chunked_body_is_limited_to_a_mebibyte(connect):
    reader, writer = await connect()
    writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
    for _ in range(17):
        writer.write(chunk)
    writer.write(b"0\r\n\r\n")
    status, body = await read_response(reader)
    assert (status, json.loads(body)["type"]) == (413, "/problems/body-too-large")


async def test_a_request_is_limited_to_a_hundred_headers(connect):
    for number, expected in ((98, 200), (99, 200), (100, 400)):
        reader, writer = await connect()
        writer.write(
            b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(number)) + b"\r\n"
        )
        status, body = await read_response(reader)
        assert status == expected
    assert json.loads(body)["errors"] == [{"pointer": "HTTP", "detail": "has too many headers; maximum: 100"}]


async def test_a_head_that_arrives_in_one_piece_is_limited_too(connect):
    reader, writer = await connect()
    header = b"X-%d: " + b"x" * 1000 + b"\r\n"
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(header % n for n in range(66)) + b"\r\n")
    status, body = await read_response(reader)
    assert (status, json.loads(body)["errors"][0]["detail"]) == (
        400,
        "has headers that are too long; maximum in bytes: 65536",
    )


async def test_headers_after_the_body_are_ignored(connect):
    trailers = b"Host: b\r\nAuthorization: Bearer nonsense\r\nCookie: " + b"x" * 9000
    body = b'Transfer-Encoding: chunked\r\n\r\ne\r\n{"name":"Ana"}\r\n0\r\n'
    reader, writer = await connect()
    writer.write(POST + body + trailers + b"\r\n\r\n")
    assert (await read_response(reader))[0] == 201


async def test_a_body_in_tiny_pieces_is_refused(connect):
    for number, expected in ((4096, 400), (4097, 400)):
        reader, writer = await connect()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * number + b"0\r\n\r\n")
        status, body = await read_response(reader)
        assert status == expected
    assert json.loads(body)["errors"] == [{"pointer": "HTTP", "detail": "has a body in too many pieces; maximum: 4096"}]


async def test_a_connection_with_hundreds_of_pipelined_requests_is_cut_off(connect):
    reader, writer = await connect()
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
    assert await is_cut_off(reader)


async def test_pipelined_requests_are_answered_in_order(connect):
    reader, writer = await connect()
    writer.write(
        b"".join(b"GET /api/clinics/%d HTTP/1.1\r\nHost: a\r\nX-Request-ID: %d\r\n\r\n" % (n, n) for n in range(50))
    )
    responses = [await read_response(reader) for _ in range(50)]
    assert [json.loads(body)["instance"] for _, body in responses] == [f"/api/clinics/{n}" for n in range(50)]


async def test_a_client_that_never_reads_its_responses_is_cut_off(connect):
    _, writer = await connect(limit=1024)
    writer.transport.pause_reading()
    batch = b"GET /api/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100

    async def send_requests():
        while True:
            writer.write(batch)
            await writer.drain()
            await asyncio.sleep(0.05)

    async with asyncio.timeout(30):
        with pytest.raises(ConnectionError):
            await send_requests()


async def test_a_request_that_takes_too_long_gets_503(db, database_url):
    app = composed(database_url, request_seconds=1)
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside Clinic', 'Europe/Berlin')")
    async with serve(app) as connect, db.connection() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("lock table clinic")
        reader, writer = await connect()
        writer.write(b"GET /api/clinics/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        status, body = await read_response(reader)
        await transaction.rollback()
        assert (status, json.loads(body)["type"]) == (503, "/problems/unavailable")
        writer.write(b"GET /api/clinics/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await read_response(reader))[0] == 200
