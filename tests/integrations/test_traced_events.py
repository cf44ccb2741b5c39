"""A trace continues from a request to the worker's jobs, but not to third parties' servers."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from appoint.events.service import relay
from appoint.integrations.webhooks.service import fan_out
from appoint.kit import clock, tracing
from support.app import ADMIN
from support.partner import Partner
from support.webhooks import wait_for_deliveries, webhook, working

TRACES = ("0af7651916cd43dd8448eb211c80319c", "a" * 32)

pytestmark = pytest.mark.usefixtures("two_clinics", "fast_delivery")


@pytest.fixture
def spans(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    return exporter


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    assert span.context
    return f"{span.context.trace_id:032x}"


async def add_doctor(client, trace: str) -> None:
    """Call this in a separate task, because the application sets the task's trace."""
    headers = ADMIN | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert (await client.post("/api/clinics/1/doctors", json={"name": "Dr Shah"}, headers=headers)).status_code == 201


async def test_a_request_its_event_and_the_webhooks_delivery_share_a_trace(db, client, spans):
    async with Partner() as partner:
        await webhook(db, partner)
        await asyncio.create_task(add_doctor(client, TRACES[0]))
        await relay(db, [fan_out], now=clock.now())
        async with working(db):
            await wait_for_deliveries(db, 1)
        (request,) = partner.requests
    assert "traceparent" not in request.headers
    (added,) = named(spans, "POST /api/clinics/{clinic_id}/doctors")
    (relayed,) = named(spans, "relay")
    (delivered,) = named(spans, "deliver-webhook")
    assert [trace_of(span) for span in (added, relayed, delivered)] == [TRACES[0]] * 3
    assert relayed.parent
    assert added.context
    assert relayed.parent.span_id == delivered.parent.span_id == added.context.span_id
    assert relayed.context.span_id in {span.parent.span_id for span in spans.get_finished_spans() if span.parent}


async def test_a_batch_is_linked_to_the_traces_of_its_events(db, client, spans):
    for trace in TRACES:
        await asyncio.create_task(add_doctor(client, trace))
    await relay(db, [fan_out], now=clock.now())
    (relayed,) = named(spans, "relay")
    assert trace_of(relayed) not in TRACES
    assert sorted(f"{link.context.trace_id:032x}" for link in relayed.links) == sorted(TRACES)


async def test_looking_for_work_is_not_traced(db, client, spans):
    assert await relay(db, [fan_out], now=clock.now()) == 0
    assert spans.get_finished_spans() == ()
