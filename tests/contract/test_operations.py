"""What whoever runs Appoint relies on: logs, health, metrics, traces, limits, and an end that fails nobody."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
import uvicorn
from litestar.testing import AsyncTestClient

from appoint.database import migrate, upkeep
from appoint.database.pool import Database
from appoint.kit import tracing
from appoint.server import app as application
from appoint.server import uvicorn_server
from support.app import ADMIN, TOKEN, composed, settings
from support.collector import Collector
from support.processes import Process, appoint, eventually, own_postgres

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def server(database_url) -> Iterator[Process]:
    with appoint("serve", database_url=database_url, log_level="debug") as process:
        yield process


@pytest.fixture(scope="module")
def http(server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, headers=ADMIN) as client:
        yield client


def logged(server: Process, request_id: str) -> dict[str, Any]:
    """The request's line in the log."""

    def found() -> dict[str, Any] | None:
        lines = [json.loads(line) for line in server.lines if line.startswith("{") and f'"{request_id}"' in line]
        return next((line for line in lines if line["event"] == "request"), None)

    return eventually(found)


# logs and headers


def test_a_request_is_one_line_that_names_the_route_and_no_more(server, http):
    answer = http.get("/api/clinics?q=Mueller", headers={"traceparent": TRACEPARENT})
    line = logged(server, answer.headers["X-Request-ID"])
    assert line | {"milliseconds": 0, "timestamp": ""} == {
        "event": "request",
        "level": "info",
        "operation": "listClinics",
        "method": "GET",
        "route": "/api/clinics",
        "status": 200,
        "milliseconds": 0,
        "request_id": answer.headers["X-Request-ID"],
        "trace_id": TRACE,
        "timestamp": "",
    }


def test_a_request_that_no_route_answers_is_logged_without_its_path(server, http):
    answer = http.get("/api/patients/Mueller")
    line = logged(server, answer.headers["X-Request-ID"])
    assert (line["operation"], line["route"], line["status"]) == ("unknown", None, 404)


def test_no_line_of_the_log_repeats_what_was_sent(server, http):
    http.post("/api/clinics", json={"name": "Xanthippe", "timeZone": "Europe/Berlin", "email": "xanthippe@example.org"})
    http.post("/api/clinics", content=b'{"name": "Xanthippe"')
    last = http.get("/api/clinics?q=Xanthippe&cursor=Xanthippe")
    logged(server, last.headers["X-Request-ID"])
    assert "anthippe" not in server.said


@pytest.mark.parametrize("given", ["a", "abc-123/äöü"[:8], "x" * 128])
def test_a_request_id_is_taken_and_echoed(http, given):
    answer = http.get("/api/nothing", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"], answer.json()["requestId"]) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "tab\tbed", "ümlaut".encode()])
def test_a_request_id_that_is_not_visible_ascii_is_replaced(http, given):
    assert re.fullmatch(
        "[0-9a-f]{24}", http.get("/api/clinics", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    )


@pytest.mark.parametrize(
    "given", ["", "nonsense", TRACEPARENT[:-1], TRACEPARENT.replace(TRACE, "0" * 32), TRACEPARENT.upper()]
)
def test_a_malformed_traceparent_is_ignored(server, http, given):
    answer = http.get("/api/clinics", headers={"traceparent": given})
    assert "trace_id" not in logged(server, answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/api/clinics", "/api/nothing", "/healthz", "/api/openapi.json"])
def test_every_answer_has_security_headers(http, path):
    headers = http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_page_may_load_only_what_is_ours(http):
    headers = http.get("/api/docs").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert {"Referrer-Policy", "Permissions-Policy"} <= {name.title() for name in headers}


EXCEPTIONS = """
import asyncio, logging, sys
import structlog
from appoint.server import logs
from appoint.settings import Settings
logs.configure(Settings(_env_file=None, log_format=sys.argv[1]))

def fails(patient):
    try:
        {}[patient]
    except KeyError as error:
        raise ValueError(patient) from error

async def fails_alone(patient):
    fails(patient)

async def main():
    patient = "Xanthippe " + "Mueller"
    try:
        fails(patient)
    except ValueError:
        structlog.get_logger().exception("bug")
        logging.getLogger("uvicorn.error").exception("bug")
    try:
        raise ExceptionGroup(patient, [ValueError(patient)])
    except ExceptionGroup:
        structlog.get_logger().exception("bugs")
    task = asyncio.create_task(fails_alone(patient))
    await asyncio.sleep(0)
    logging.getLogger("asyncio").error("Unhandled exception in task: %s", task)
    del task

asyncio.run(main())
"""


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_shows_where_and_not_who(format):
    said = subprocess.run([sys.executable, "-c", EXCEPTIONS, format], capture_output=True, text=True, check=True).stderr
    assert (
        "in fails" in said,
        "ValueError" in said,
        "KeyError" in said,
        said.count("bug"),
        "Task exception was never retrieved" in said,
    ) == (
        True,
        True,
        True,
        3,
        True,
    )
    assert "Mueller" not in said


# browsers


@pytest.fixture
async def browser(db, database_url):
    app = composed(database_url, cors_origins="https://clinic.example, https://other.example")
    async with AsyncTestClient(app) as client:
        yield client


async def test_pages_of_configured_origins_may_call_and_read_the_headers_that_matter(browser):
    answer = await browser.get("/api/clinics", headers={"Origin": "https://clinic.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://clinic.example"
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    limits = {f"RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Policy")}
    assert exposed == {"ETag", "Location", "Link", "X-Request-ID", "Idempotent-Replayed", "Retry-After"} | limits


async def test_they_may_send_what_the_api_reads(browser):
    asked = {
        "Origin": "https://other.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "if-match, idempotency-key",
    }
    answer = await browser.options("/api/clinics/1", headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "https://other.example")


async def test_pages_of_other_origins_may_not(browser, client):
    for asked in (browser, client):
        answer = await asked.get("/api/clinics", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers


# health and metrics


async def test_a_server_is_ready_once_a_worker_is_there(client, db):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    alone = await client.get("/readyz")
    assert (alone.status_code, alone.json()["parts"]["worker"]["ok"]) == (503, False)
    await upkeep.beat(db, worker="one")
    assert (await client.get("/readyz")).json() == {
        "ready": True,
        "parts": {part: {"ok": True, "detail": None} for part in ("database", "migrations", "worker")},
    }


async def test_a_worker_that_is_silent_for_long_is_missed_but_can_be_left_out(client, db):
    await db.execute("insert into worker_heartbeat (worker, seen_at) values ('one', now() - interval '31 seconds')")
    assert [(await client.get(path)).status_code for path in ("/readyz", "/readyz?exclude=worker")] == [503, 200]


async def test_a_server_is_ready_for_a_newer_schema(client, db):
    """In a rolling upgrade, servers of the previous release run on the migrated database."""
    await upkeep.beat(db, worker="one")
    await db.execute("insert into schema_migration (revision, name) values ('9999', 'from a later release')")
    try:
        answer = await client.get("/readyz")
    finally:
        await db.execute("delete from schema_migration where revision = '9999'")
    assert (answer.status_code, answer.json()["parts"]["migrations"]) == (200, {"ok": True, "detail": None})


async def test_a_server_is_not_ready_for_an_older_schema(client, db):
    await upkeep.beat(db, worker="one")
    await db.execute("update schema_migration set revision = '0000' || revision where revision > '0001'")
    try:
        answer = await client.get("/readyz")
    finally:
        await db.execute("update schema_migration set revision = substr(revision, 5) where revision like '0000%'")
    assert (answer.status_code, answer.json()["parts"]["migrations"]["detail"]) == (
        503,
        f"the database is at 0001, this version needs {migrate.newest()}",
    )


def measured(http: httpx2.Client, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (.*)$", http.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0


async def test_metrics_count_requests_statements_connections_and_events(http, db):
    before = measured(http, 'appoint_requests_total{operation="listClinics",status="200"}')
    http.get("/api/clinics")
    assert measured(http, 'appoint_requests_total{operation="listClinics",status="200"}') == before + 1
    assert measured(http, 'appoint_request_seconds_count{operation="listClinics"}') > 0
    assert measured(http, 'appoint_query_seconds_count{statement="clinics.list_active"}') > 0
    assert measured(http, 'appoint_pool_connections{state="idle"}') > 0
    assert measured(http, "appoint_pool_wait_seconds_count") > 0
    await db.execute(
        "insert into event (clinic_id, type, subject_id, subject_version, data) select 0, 'clinic.tested', '1', 1, '{}' from generate_series(1, 3)"
    )
    assert measured(http, "appoint_event_backlog") == 3


@pytest.fixture(scope="module")
def pair(database_url) -> Iterator[Process]:
    """Two server processes behind one address."""
    with appoint("serve", "--workers", "2", database_url=database_url) as process:
        assert process.url
        yield process


def test_several_processes_count_together(pair):
    for _ in range(10):
        httpx2.get(pair.url + "/healthz")
    with httpx2.Client(base_url=pair.url) as http:
        assert measured(http, 'appoint_requests_total{operation="healthz",status="200"}') == 10


def test_a_server_process_that_is_killed_is_replaced(pair):
    def children() -> set[int]:
        found = psutil.Process(pair.popen.pid).children()
        return {
            child.pid
            for child in found
            if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
        }

    before = children()
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: len(children() - before) == 1 and len(children()) == 2)
    assert eventually(lambda: httpx2.get(pair.url + "/healthz").status_code) == 200


def test_no_server_process_outlives_its_parent(pair):
    url = pair.url
    pair.stop(signal.SIGKILL)

    def nobody_listens() -> bool:
        try:
            httpx2.get(url + "/healthz")
        except httpx2.ConnectError:
            return True
        return False

    assert eventually(nobody_listens)


# bad input, slow callers


async def talk(url: str, *sent: bytes) -> bytes:
    """What the server answers on one connection until it closes it; nothing when it breaks it off."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    for data in sent:
        writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 60)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_what_is_not_http_gets_a_problem_document(server):
    answer = await talk(server.url, b"NONSENSE\r\n\r\n")
    assert (b"application/problem+json" in answer, json.loads(answer.split(b"\r\n\r\n")[1])["status"]) == (True, 400)


async def test_a_head_without_end_is_not_read_to_the_end(server):
    assert await talk(server.url, b"GET / HTTP/1.1\r\n", *[b"x-more: " + b"x" * 1000 + b"\r\n"] * 1000) == b""


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_nobody_is_waited_for_without_end(monkeypatch, sent):
    async def never(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    monkeypatch.setattr(uvicorn_server, "READ_SECONDS", 0.1)
    listener = uvicorn_server.listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(never, http=uvicorn_server.Connection, lifespan="off", log_config=None))
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    assert await talk(uvicorn_server.address(listener), sent) == b""
    server.should_exit = True
    await running


async def test_a_caller_who_leaves_in_the_middle_is_no_fault_of_ours(server):
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
    assert await asyncio.to_thread(logged, server, "left") | {"status": 400, "level": "info"} == logged(server, "left")


def test_options_are_answered_for_any_path_and_anybody(server):
    answers = [httpx2.options(server.url + path) for path in ("/api/clinics", "/api/customers", "/healthz")]
    assert [(answer.status_code, "OPTIONS" in answer.headers["Allow"]) for answer in answers] == [(204, True)] * 3


# faults


async def test_without_its_database_it_says_so_and_recovers_by_itself():
    with own_postgres() as postgres:
        await migrate.upgrade(postgres.url)
        app = application.create(settings(), database_url=postgres.url, admin_token=TOKEN)
        async with AsyncTestClient(app) as client:
            assert (await client.get("/api/clinics")).status_code == 200
            postgres.stop()
            away = await client.get("/api/clinics")
            assert (away.status_code, away.headers["Retry-After"], away.json()["type"]) == (
                503,
                "2",
                "/problems/unavailable",
            )
            assert (await client.get("/readyz")).json()["parts"]["database"]["ok"] is False
            assert [(await client.get(path)).status_code for path in ("/healthz", "/metrics")] == [200, 200]
            postgres.start()
            assert (await client.get("/api/clinics")).status_code == 200


async def ask_until_told_to_leave(url: str, tally: dict[str, int]) -> None:
    """A caller that keeps its connection, and opens another when told to close; until nobody listens any more."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        except ConnectionRefusedError:
            return
        told = False
        while not told and not reader.at_eof():
            try:
                writer.write(b"GET /api/clinics HTTP/1.1\r\nHost: x\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            except (OSError, asyncio.IncompleteReadError):
                tally["failed"] += 1
                return
            tally["answered" if head.startswith(b"http/1.1 200") else "failed"] += 1
            told = b"connection: close" in head
        writer.close()


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_fails_no_request(database_url, workers):
    tally = {"answered": 0, "failed": 0}
    with appoint("serve", "--workers", str(workers), database_url=database_url, log_level="warning") as process:
        callers = [asyncio.create_task(ask_until_told_to_leave(process.url, tally)) for _ in range(32)]
        while tally["answered"] < 500:
            await asyncio.sleep(0.01)
        process.popen.send_signal(signal.SIGTERM)
        await asyncio.gather(*callers)
        code = await asyncio.to_thread(process.popen.wait)
    assert (code, tally["failed"]) == (0, 0), process.said


# traces


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


async def test_one_trace_goes_from_the_caller_to_the_statement(db, database_url, collector):
    app = composed(database_url, otlp_endpoint=collector.url)
    async with AsyncTestClient(app) as client:  # what is left is sent at the end
        await client.get("/api/clinics?q=Mueller", headers={"traceparent": TRACEPARENT})
        assert tracing.traceparent() is None  # the test's own context is no request's
    request, statement = sorted(
        (span for span in collector.spans if span.trace_id.hex() == TRACE), key=lambda span: span.start_time_unix_nano
    )
    assert (request.name, request.parent_span_id.hex()) == ("GET /api/clinics", TRACEPARENT[36:52])
    assert (statement.name, statement.parent_span_id) == ("clinics.list_active", request.span_id)
    assert "Mueller" not in str(collector.spans)


async def test_a_fault_is_in_the_trace_without_its_words(db, database_url, collector, monkeypatch):
    async def fails(db: Database, **_: Any) -> None:
        await db.fetchval("select 'Mueller'::integer")

    monkeypatch.setattr("appoint.clinics.clinics.repository.list_active", fails)
    app = composed(database_url, otlp_endpoint=collector.url)
    async with AsyncTestClient(app) as client:
        assert (await client.get("/api/clinics")).status_code == 500
    errors = [
        attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
        if attribute.key == "error.type"
    ]
    assert sorted(errors) == ["22P02", "500"]
    assert "Mueller" not in str(collector.spans)


async def test_a_collector_that_is_away_fails_no_request(db, database_url):
    app = composed(database_url, otlp_endpoint="http://127.0.0.1:1")
    async with AsyncTestClient(app) as client:
        assert (await client.get("/api/clinics")).status_code == 200
