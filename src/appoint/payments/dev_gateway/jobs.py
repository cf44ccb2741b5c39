"""The worker's job for the development gateway: deliver its events, and close hosted pages that have expired."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ...database.pool import Database, Transaction
from ...kit import clock
from ...settings import Settings
from ..checkout.gateway import dev_webhook_secret
from ..checkout.model import GatewayUnavailable
from ..checkout.signatures import sign
from ..checkout.transport import PooledTransport, ProviderAddress, ProviderRequest, ProviderResponse
from . import changes, repository

EVENTS_PATH: Final = "/api/payments/events"
BATCH_SIZE: Final = 20
MAX_ATTEMPTS: Final = 6
FIRST_RETRY: Final = timedelta(seconds=2)
"""Doubles after each further failure."""
TTL: Final = timedelta(days=7)

Send = Callable[[ProviderRequest], Awaitable[ProviderResponse]]


def is_used(settings: Settings) -> bool:
    """Return whether the development gateway stands in for a payment provider."""
    return settings.mode == "development" and settings.payments_url is None


async def deliver(db: Database, settings: Settings) -> None:
    """Deliver the events that are due."""
    if not is_used(settings):
        return
    transport = PooledTransport(ProviderAddress(settings.links_url, ""))
    try:
        await deliver_due(db, transport, secret=dev_webhook_secret(settings), now=clock.now)
    finally:
        await transport.aclose()


async def deliver_due(db: Database, send: Send, *, secret: str, now: Callable[[], datetime]) -> int:
    """Deliver due events, in the order in which they are due, and return how many there were."""
    await db.atomic(changes.expire_sessions, now=now())
    count = 0
    while delivered := await db.atomic(partial(_deliver_batch, send=send, secret=secret, now=now())):
        count += delivered
    return count


async def _deliver_batch(tx: Transaction, *, send: Send, secret: str, now: datetime) -> int:
    due = await repository.list_due(tx, now=now, limit=BATCH_SIZE)
    for delivery in due:
        if await _attempt(send, delivery.event.encode(), secret=secret, now=now):
            await repository.finish(tx, delivery.id)
        else:
            attempts = delivery.attempts + 1
            retry_at = now + FIRST_RETRY * 2**attempts if attempts < MAX_ATTEMPTS else None
            await repository.postpone(tx, delivery.id, due_at=retry_at)
    return len(due)


async def _attempt(send: Send, body: bytes, *, secret: str, now: datetime) -> bool:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": sign(body, secret=secret, now=now),
    }
    try:
        response = await send(ProviderRequest("POST", EVENTS_PATH, headers, body))
    except GatewayUnavailable:
        return False
    return 200 <= response.status < 300


async def forget_old(db: Database, *, now: datetime) -> None:
    """Delete what is more than a week old."""
    await repository.delete_old(db, before=now - TTL)
