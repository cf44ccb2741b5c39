"""What the worker does about notifications: it leases what is due, and sends it."""

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog

from ...database.pool import Database, Row
from ...kit import clock, errors
from ...kit.leases import Pace, renewed, serve
from ..channels.gateway import Gateway
from ..channels.model import Channel, Delayed, Undeliverable
from .gateway import Writer
from .model import NotificationStatus, after_quiet_hours, backoff, outcome_before_sending
from .repository import contents, delivery
from .repository.delivery import Attempt

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=1)
"""For one attempt, which renews it. What a worker that died was sending is due again after that."""
MAX_ATTEMPT_SECONDS: Final = 720.0
"""More than a mail server may take to accept a mail."""
TOKEN_COOLDOWN: Final = timedelta(seconds=1)
MAX_CONCURRENT_ATTEMPTS: Final = 16
"""Attempts at a time by one channel of a worker. Those of all workers together are as many as there are tokens."""
PACE: Final = Pace(idle_seconds=0.5, busy_seconds=0.05, busy_for_seconds=TOKEN_COOLDOWN.total_seconds() + 0.5)
"""Busy until the tokens of the last attempts are free again."""


class Sending(NamedTuple):
    """What it takes to send: a gateway for each channel, how many messages each takes a second, and who puts them into
    words."""

    gateways: Mapping[Channel, Gateway]
    per_second: Mapping[Channel, int]
    writer: Writer


async def deliver(db: Database, sending: Sending, channel: Channel, stop: asyncio.Event) -> None:
    """Send what is due by one channel until `stop`."""
    await set_up(db, sending)
    await serve(
        stop,
        name=f"send-{channel}",
        capacity=MAX_CONCURRENT_ATTEMPTS,
        pace=PACE,
        claim=lambda most: lease_due(db, channel, most=most, now=clock.now()),
        run=lambda taken: send(db, sending, channel, taken),
    )


async def set_up(db: Database, sending: Sending) -> None:
    """Tell the database how much the gateways take."""
    for channel in sending.gateways:
        await delivery.set_token_count(db, channel=channel, per_second=sending.per_second[channel])


async def lease_due(db: Database, channel: Channel, *, most: int, now: datetime) -> list[Attempt]:
    """Lease what is due, urgent first, as far as the provider takes it now."""
    return await delivery.lease_due(db, channel=channel, lease=LEASE, most=most, now=now)


async def send(db: Database, sending: Sending, channel: Channel, taken: Attempt) -> None:
    """Send a leased notification, if it is still to be sent. However this ends, its row says what became of it, or its
    lease runs out and it is due again."""
    id, attempts, token = taken
    rest = timedelta()
    try:
        if id is None or attempts is None:
            return
        if row := await contents.context(db, notification_id=id, attempts=attempts):  # as it stands at this moment
            rest = TOKEN_COOLDOWN

            async def renew() -> None:
                await delivery.renew(
                    db,
                    notification_id=id,
                    attempts=attempts,
                    channel=channel,
                    token=token,
                    lease=LEASE,
                    now=clock.now(),
                )

            async with renewed(LEASE, renew):
                await _attempt(db, sending, row)
    finally:
        await delivery.release_token(db, channel=channel, number=token, after=rest)


async def _attempt(db: Database, sending: Sending, row: Row) -> None:
    finish, put_off = partial(delivery.finish, db, notification_id=row.id), partial(_postpone, db, row)
    if (outcome := outcome_before_sending(row, clock.now())) is not None:
        status, reason = outcome
        await finish(status=status, reason=reason, now=clock.now())
        return
    if (later := after_quiet_hours(row, clock.now())) is not None:
        await delivery.postpone(
            db, notification_id=row.id, due_at=later, reason="it waits until the clinic's quiet hours end"
        )
        return
    try:
        message = await sending.writer(db, row, clock.now())
        if message is None:
            await finish(
                status=NotificationStatus.SUPERSEDED, reason="there is nothing to tell any more", now=clock.now()
            )
            return
        async with asyncio.timeout(MAX_ATTEMPT_SECONDS):
            provider_id = await sending.gateways[row.channel].send(message)
    except errors.Unavailable:  # the database; what was leased is handed over again
        raise
    except Undeliverable as error:
        await finish(status=NotificationStatus.DEAD, reason=str(error), now=clock.now())
        log.info("notification dead", kind=row.kind, channel=row.channel, notification_id=str(row.id))
    except Delayed as error:
        await put_off(str(error))
    except TimeoutError:
        await put_off("the provider took too long")
    except Exception:
        log.exception("notification not sent", kind=row.kind, channel=row.channel, notification_id=str(row.id))
        await put_off("something went wrong on our side; the log says what")
    else:
        await finish(status=NotificationStatus.SENT, reason=None, provider_id=provider_id, now=clock.now())


async def _postpone(db: Database, row: Row, reason: str) -> None:
    wait = backoff(row.attempts, random.random())  # noqa: S311  jitter keeps no secret
    await delivery.postpone(db, notification_id=row.id, due_at=clock.now() + wait, reason=reason)
