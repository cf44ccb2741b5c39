"""Traces run from the caller to the statement, and contain no request content."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from appoint.database.pool import Database
from appoint.kit import tracing
from support.app import client_of, composed
from support.collector import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


async def test_one_trace_runs_from_the_caller_to_the_statement(db, database_url, collector):
    app = composed(database_url, otlp_endpoint=collector.url)
    async with AsyncTestClient(app) as client:  # sends the remaining spans on exit
        await client.get("/api/clinics?q=Mueller", headers={"traceparent": TRACEPARENT})
        assert tracing.traceparent() is None  # the application runs in another thread
    request, statement = sorted(
        (span for span in collector.spans if span.trace_id.hex() == TRACE), key=lambda span: span.start_time_unix_nano
    )
    assert (request.name, request.parent_span_id.hex()) == ("GET /api/clinics", TRACEPARENT[36:52])
    assert (statement.name, statement.parent_span_id) == ("clinics.list_active", request.span_id)
    assert "Mueller" not in str(collector.spans)


async def test_an_error_is_traced_without_its_message(db, database_url, collector, monkeypatch):
    async def fail(db: Database, **_: Any) -> None:
        await db.fetchval("select 'Mueller'::integer")

    monkeypatch.setattr("appoint.clinics.clinics.repository.list_active", fail)
    app = composed(database_url, otlp_endpoint=collector.url)
    async with client_of(app) as client:
        assert (await client.get("/api/clinics")).status_code == 500
    errors = [
        attribute.value.string_value
        for span in collector.spans
        for attribute in span.attributes
        if attribute.key == "error.type"
    ]
    assert sorted(errors) == ["22P02", "500"]
    assert "Mueller" not in str(collector.spans)


async def test_requests_succeed_while_the_collector_is_unreachable(db, database_url):
    app = composed(database_url, otlp_endpoint="http://127.0.0.1:1")
    async with client_of(app) as client:
        assert (await client.get("/api/clinics")).status_code == 200
