"""The worker's job for webhooks: send deliveries that are due.

Any number of workers share the work by leases on webhooks, so one worker at a time sends a webhook's events, one after
another. The leases of a dead worker expire. Deliveries that it sent but did not record are sent again, with the same
`webhook-id`.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import structlog

from ...database.pool import Database, Row
from ...events.service import event_of
from ...kit import clock, errors
from ...kit.leases import Pace, serve
from . import gateway, repository, service

log = structlog.get_logger()

PACE: Final = Pace(idle_seconds=0.5, busy_seconds=0.5)
MAX_TURNS: Final = 50
"""The number of webhooks that one worker serves at a time."""
TURN_SECONDS: Final = 20.0
"""The length of a webhook's turn, before others are served."""
LEASE: Final = timedelta(seconds=90)
"""Longer than a turn and its last request, with a margin."""
BATCH: Final = 50


class Sender(NamedTuple):
    db: Database
    pool: gateway.Pool
    stop: asyncio.Event
    answer_seconds: float
    now: Callable[[], datetime]


class Turn(NamedTuple):
    webhook_id: UUID
    leased_until: datetime
    ends: float
    """By the event loop's clock. Nothing is sent after that, long before the lease expires."""


async def deliver(
    db: Database,
    stop: asyncio.Event,
    *,
    private_addresses: bool,
    answer_seconds: float = gateway.ANSWER_SECONDS,
    now: Callable[[], datetime] = clock.now,
) -> None:
    """Send due deliveries until `stop`, to many webhooks at once, so that a slow one does not delay others. Return when
    the last requests have ended."""
    async with gateway.pool(private_addresses=private_addresses) as pool:
        sender = Sender(db, pool, stop, answer_seconds, now)
        await serve(
            stop,
            name="webhooks",
            capacity=MAX_TURNS,
            pace=PACE,
            claim=partial(_claim, sender),
            run=partial(_take, sender),
        )


async def _claim(sender: Sender, most: int) -> list[Turn]:
    ends = asyncio.get_running_loop().time() + TURN_SECONDS
    now = sender.now()
    claimed = await repository.claim(sender.db, now=now, until=now + LEASE, most=most)
    return [Turn(webhook.id, webhook.leased_until, ends) for webhook in claimed]


async def _take(sender: Sender, turn: Turn) -> None:
    """Send a webhook's due deliveries, oldest events first, until none is left or the turn ends."""
    try:
        while waiting := await repository.due(sender.db, turn.webhook_id, now=sender.now(), most=BATCH):
            for delivery in waiting:
                if not await _try(sender, turn, delivery):
                    return
    except errors.Unavailable:  # the last delivery may be sent again
        pass
    except Exception:  # one fault must not end the worker
        log.exception("webhook not served", webhook_id=str(turn.webhook_id))
    finally:
        with suppress(errors.Unavailable):
            await repository.give_back(sender.db, turn.webhook_id, leased_until=turn.leased_until, now=sender.now())


async def _try(sender: Sender, turn: Turn, delivery: Row) -> bool:
    """Attempt a delivery and record the outcome. Return False when the turn is over."""
    if delivery.id is None:
        await repository.give_up(
            sender.db, delivery.delivery_id, version=delivery.version, reason="the event is not kept any more"
        )
        return True
    try:
        event = event_of(delivery)
    except (KeyError, msgspec.ValidationError):
        log.exception("event cannot be read", event_id=str(delivery.id))
        await repository.give_up(
            sender.db, delivery.delivery_id, version=delivery.version, reason="the event cannot be read any more"
        )
        return True
    webhook = await repository.leased(sender.db, turn.webhook_id, leased_until=turn.leased_until)
    if webhook is None or sender.stop.is_set() or asyncio.get_running_loop().time() >= turn.ends:
        return False
    outcome = await service.send(sender.pool, webhook, event, seconds=sender.answer_seconds, now=sender.now())
    await sender.db.atomic(
        service.record,
        delivery_id=delivery.delivery_id,
        version=delivery.version,
        attempts=delivery.attempts,
        outcome=outcome,
        jitter=random.random(),  # noqa: S311  jitter needs no secure randomness
        now=sender.now(),
    )
    return outcome.response_status is not None  # an endpoint that does not answer ends its turn
