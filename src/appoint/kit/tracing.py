"""A request's origin for logs and traces: its id and its W3C trace context. Spans are created only if an endpoint is
configured, and cost nothing otherwise."""

import hashlib
import random
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

is_traceparent: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
is_generated_id: Final = re.compile(
    r"[0-9a-fA-F]{16,32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
).fullmatch
is_request_id: Final = re.compile(rb"[!-~]{1,128}").fullmatch

TIMEOUT_SECONDS: Final = 3.0
"""The timeout for an unreachable collector. It can only delay the process's shutdown."""

tracer: "Tracer | None" = None
"""None while tracing is off."""
_provider: "TracerProvider | None" = None


class RequestOrigin(NamedTuple):
    request_id: str
    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def trace_id(self) -> str | None:
        return self.traceparent[3:35] if self.traceparent else None


CURRENT: Final[ContextVar[RequestOrigin | None]] = ContextVar("origin", default=None)


def parse_origin(headers: Iterable[tuple[bytes, bytes]]) -> RequestOrigin:
    """Return the origin from a request's well-formed headers. A request without an id gets a new one."""
    request_id = traceparent = tracestate = None
    for name, value in headers:
        if name == b"x-request-id" and is_request_id(value):
            request_id = value.decode()
        elif name == b"traceparent" and is_traceparent(value):
            traceparent = value.decode()
        elif name == b"tracestate":
            tracestate = value.decode("latin-1")
    return RequestOrigin(request_id or f"{random.getrandbits(96):024x}", traceparent, tracestate)


def traceparent() -> str | None:
    """Return the trace context to propagate: the request's own span, or the caller's while tracing is off."""
    current = CURRENT.get()
    return current.traceparent if current else None


def request_id() -> str | None:
    """Return the current request's id, or None outside a request."""
    current = CURRENT.get()
    return current.request_id if current else None


def audited_request_id() -> str | None:
    """Return the current request's id as the audit log stores it: unchanged if it is hexadecimal, like ours and UUIDs,
    or else as a digest, because callers may put names into their ids, and log entries remain even after a person has
    been erased.
    """
    id = request_id()
    return id if id is None or is_generated_id(id) else hashlib.sha256(id.encode()).hexdigest()[:32]


def configure(endpoint: str) -> None:
    """Send spans to an OpenTelemetry collector (OTLP over HTTP) in the background.

    The SDK's own environment variables, such as OTEL_TRACES_SAMPLER, apply.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  slow to import
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    global tracer, _provider  # noqa: PLW0603  one per process, like logging
    _provider = TracerProvider(resource=Resource.create({"service.name": "appoint"}), shutdown_on_exit=False)
    _provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT_SECONDS))
    )
    tracer = _provider.get_tracer("appoint")


def close() -> None:
    """Send the remaining spans and stop tracing. Takes a few seconds if the collector is unreachable."""
    global tracer, _provider  # noqa: PLW0603
    if _provider:
        _provider.shutdown()
    tracer = _provider = None


def is_in_span() -> bool:
    """Return whether a request's or a job's span is open. Statements outside of one, such as those with which the
    worker looks for work, are not traced."""
    from opentelemetry.trace import INVALID_SPAN, get_current_span  # noqa: PLC0415

    return get_current_span() is not INVALID_SPAN


@contextmanager
def request_span(tracer: "Tracer", method: str, origin: RequestOrigin) -> "Generator[Span]":
    """Open a request's span as part of the caller's trace."""
    from opentelemetry.trace import SpanKind  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier = {
        name: value for name, value in (("traceparent", origin.traceparent), ("tracestate", origin.tracestate)) if value
    }
    context = TraceContextTextMapPropagator().extract(carrier)
    with tracer.start_as_current_span(
        method, context, kind=SpanKind.SERVER, attributes={"http.request.method": method}, **WITHOUT_EXCEPTION_TEXT
    ) as span:
        new = span.get_span_context()
        traceparent = f"00-{new.trace_id:032x}-{new.span_id:016x}-{new.trace_flags:02x}"
        CURRENT.set(origin._replace(traceparent=traceparent))
        yield span


@contextmanager
def job_span(name: str, traceparents: "Iterable[str | None]") -> "Generator[None]":
    """Open the span of a worker's job. It continues the trace of the request that caused the job or, if several
    requests did, begins its own trace with links to theirs. `traceparents` belong to those
    requests; None stands for an unknown one."""
    if tracer is None:
        yield
        return
    from opentelemetry.trace import Link, SpanKind, get_current_span  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    propagator = TraceContextTextMapPropagator()
    contexts = [propagator.extract({"traceparent": each}) for each in dict.fromkeys(traceparents) if each]
    spans = [get_current_span(context).get_span_context() for context in contexts]
    with tracer.start_as_current_span(
        name,
        contexts[0] if len(contexts) == 1 else None,
        kind=SpanKind.CONSUMER,
        links=[Link(span) for span in spans] if len(contexts) > 1 else None,
        **WITHOUT_EXCEPTION_TEXT,
    ):
        yield


@contextmanager
def statement_span(tracer: "Tracer", name: str) -> "Generator[None]":
    """Open a statement's span, named after the function that runs the statement."""
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    attributes = {"db.system.name": "postgresql", "db.query.summary": name}
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, **WITHOUT_EXCEPTION_TEXT
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", getattr(error, "sqlstate", None) or type(error).__name__)
            raise


WITHOUT_EXCEPTION_TEXT: Final[dict[str, Any]] = {"record_exception": False, "set_status_on_exception": False}
"""Exception messages can contain personal data, so traces leave them out."""
