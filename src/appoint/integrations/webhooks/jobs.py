"""The worker's webhook job: send deliveries that are due.

Any number of workers share the work through leases on webhooks, so only one worker at a time sends a webhook's events,
one after another. When a worker dies, its leases expire. Deliveries that it sent but did not record are sent again,
with the same `webhook-id`.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import msgspec
import structlog

from ...database.pool import Database
from ...events.service import event_of
from ...kit import clock, errors, tracing
from ...kit.key_ring import UnreadableError
from ...kit.leases import PollIntervals, serve
from ...kit.public_internet import Pool, connection_pool
from . import gateway, retries, service
from .repository import deliveries, leases

log = structlog.get_logger()

PACE: Final = PollIntervals(idle_seconds=0.5, busy_seconds=0.5)
MAX_TURNS: Final = 50
"""How many webhooks one worker serves at a time."""
TURN_SECONDS: Final = 20.0
"""How long a webhook's turn lasts before others are served."""
LEASE: Final = timedelta(seconds=90)
"""Longer than a turn and its last request, with a margin."""
BATCH_SIZE: Final = 50


class Sender(NamedTuple):
    db: Database
    pool: Pool
    stop: asyncio.Event
    response_seconds: float
    now: Callable[[], datetime]


class LeasedTurn(NamedTuple):
    lease: leases.Lease
    ends: float
    """A time on the event loop's clock, long before the lease expires. Nothing is sent after it."""


async def deliver(
    db: Database,
    stop: asyncio.Event,
    *,
    private_addresses: bool,
    response_seconds: float = gateway.RESPONSE_SECONDS,
    now: Callable[[], datetime] = clock.now,
) -> None:
    """Send due deliveries until `stop` is set, to many webhooks at once, so that a slow one does not delay the others.
    Return once the last requests have finished."""
    async with connection_pool(private_addresses=private_addresses) as pool:
        sender = Sender(db, pool, stop, response_seconds, now)
        await serve(
            stop,
            name="webhooks",
            capacity=MAX_TURNS,
            pace=PACE,
            claim=partial(_claim, sender),
            run=partial(_take_turn, sender),
        )


async def _claim(sender: Sender, limit: int) -> list[LeasedTurn]:
    ends = asyncio.get_running_loop().time() + TURN_SECONDS
    now = sender.now()
    return [LeasedTurn(lease, ends) for lease in await leases.claim(sender.db, now=now, until=now + LEASE, limit=limit)]


async def _take_turn(sender: Sender, turn: LeasedTurn) -> None:
    """Send a webhook's due deliveries, oldest events first, until there are none left or the turn ends."""
    webhook_id = turn.lease.webhook_id
    try:
        while due := await deliveries.list_due(sender.db, webhook_id, now=sender.now(), limit=BATCH_SIZE):
            for delivery in due:
                if not await _attempt(sender, turn, delivery):
                    return
    except errors.Unavailable:  # the last delivery may be sent again
        pass
    except UnreadableError:  # already logged; the deliveries wait for the missing key
        pass
    except Exception:  # one fault must not stop the worker
        log.exception("webhook not served", webhook_id=str(webhook_id))
    finally:
        with suppress(errors.Unavailable):
            await leases.release(sender.db, turn.lease, now=sender.now())


async def _attempt(sender: Sender, turn: LeasedTurn, delivery: deliveries.DueDelivery) -> bool:
    """Attempt a delivery and record the outcome. Return False when the turn is over."""
    give_up = partial(deliveries.give_up, sender.db, delivery.id, version=delivery.version)
    if delivery.event is None:
        await give_up(reason="the event is no longer stored")
        return True
    try:
        event = event_of(delivery.event)
    except (KeyError, msgspec.ValidationError):
        log.exception("event cannot be read", event_id=str(delivery.event.id))
        await give_up(reason="the event cannot be read")
        return True
    endpoint = await leases.find_endpoint(sender.db, turn.lease)
    if endpoint is None or sender.stop.is_set() or asyncio.get_running_loop().time() >= turn.ends:
        return False
    with tracing.job_span("deliver-webhook", [event.traceparent]):
        outcome = await service.send(sender.pool, endpoint, event, seconds=sender.response_seconds, now=sender.now())
    await sender.db.atomic(
        retries.record_outcome,
        delivery_id=delivery.id,
        version=delivery.version,
        attempts=delivery.attempts,
        outcome=outcome,
        jitter=random.random(),  # noqa: S311  jitter does not need secure randomness
        now=sender.now(),
    )
    return outcome.response_status is not None  # an endpoint that does not respond ends its turn
