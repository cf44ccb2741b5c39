"""Requests to partners' servers. Only public addresses are allowed, because partners choose the URLs that our servers
connect to.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

import httpcore2
import httpx2
import structlog

from ...events.model import Event
from ...kit.errors import Fault, Invalid
from ...kit.ids import clinic_of
from ...kit.outgoing import FAILURES, NOT_PUBLIC, no_response
from ...kit.public_internet import NotPublic, Pool, Unresolved, resolve
from .model import DeliveryOutcome, Sample, WebhookTest, describe_status

log = structlog.get_logger()

SAMPLE_TYPE: Final = "webhook.test"
"""The type of sample events. It is not in the event catalogue, because it doesn't describe a change."""
RESPONSE_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MAX_RESPONSE_BYTES: Final = 64 * 1024
WEB_PORTS: Final = (80, 443)
MIN_OTHER_PORT: Final = 1024
"""Lower ports belong to other protocols, such as SMTP, whose servers must not receive requests from us."""


async def check_url(url: str, *, private_addresses: bool) -> None:
    """Raise `Invalid` for an unacceptable URL. Call this outside transactions, because it resolves the host name."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = None
    port = parsed.port if parsed and parsed.port is not None else 443
    if parsed is None or not parsed.raw_host or not 0 < port < 65536:
        raise Invalid(Fault("#/url", "must be a URL, such as https://partner.example.com/appoint"))
    if parsed.userinfo:
        raise Invalid(Fault("#/url", "must not contain a user name or password"))
    if parsed.scheme != "https" and not private_addresses:
        raise Invalid(Fault("#/url", "must start with https://"))
    if port < MIN_OTHER_PORT and port not in WEB_PORTS and not private_addresses:
        raise Invalid(Fault("#/url", "must use port 443, or port 1024 or higher"))
    try:
        await resolve(parsed.raw_host.decode(), port, private_addresses=private_addresses)
    except (Unresolved, NotPublic):
        raise Invalid(Fault("#/url", NOT_PUBLIC)) from None


async def post(pool: Pool, url: str, body: bytes, *, headers: Mapping[str, str], seconds: float) -> DeliveryOutcome:
    """Send an event and return the outcome, which depends only on the status. Reads the response body up to a limit and
    discards it."""
    status: int | None = None
    reason: str | None = None
    before = time.perf_counter()
    try:
        target = httpx2.URL(url)
        async with (
            asyncio.timeout(seconds),
            pool.stream(
                "POST",
                httpcore2.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path),
                headers={
                    "Host": target.netloc.decode(),
                    "Content-Type": "application/cloudevents+json; charset=utf-8",
                    "User-Agent": "Appoint-Webhooks",
                    **headers,
                },
                content=body,
                extensions={"timeout": {"connect": CONNECT_SECONDS}},
            ) as response,
        ):
            status = response.status
            await _discard(response)
    except TimeoutError:
        reason = f"did not respond within {seconds:g} seconds"
    except FAILURES as error:
        reason = str(no_response(error))
    except Exception:  # a bug here must not block later events
        log.exception("request failed")
        reason = "could not be called because of an internal error"
    milliseconds = round((time.perf_counter() - before) * 1000)
    return DeliveryOutcome(status, describe_status(status) if status else reason, milliseconds)


async def _discard(response: httpcore2.Response) -> None:
    size = 0
    async with aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            size += len(part)
            if size > MAX_RESPONSE_BYTES:
                return


def sample_event(sample: Sample) -> Event:
    webhook_id = sample.webhook_id
    fact = WebhookTest(webhook_id=webhook_id)
    return Event(
        clinic_of(webhook_id),
        sample.event_id,
        SAMPLE_TYPE,
        str(webhook_id),
        0,
        fact,
        traceparent=None,
        created_at=sample.at,
    )
