"""What the worker does about notifications: it hands over what is due, and sends."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ...database.pool import Database, Row
from ...kit import clock, errors
from ..channels.gateway import Gateway
from ..channels.model import Channel, Delayed, Undeliverable
from .gateway import Writer
from .model import NotificationStatus, after_quiet_hours, backoff, outcome_before_sending
from .repository import contents, delivery

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=1)
"""For what waits in the queue, and then for its attempt, which renews it. What a worker that died had is handed over
again after that."""
LONGEST_ATTEMPT_SECONDS: Final = 720.0
"""More than a mail server may take to accept a mail."""
TOKEN_REST: Final = timedelta(seconds=1)
TOKEN_WAIT_SECONDS: Final = 0.05
IN_FLIGHT: Final = 16
"""Attempts at a time by one channel, of all workers together."""
LEASED_SECONDS: Final = 15
"""How many seconds' worth of messages are leased at a time."""


class Sending(NamedTuple):
    """What it takes to send: a gateway for each channel, how many messages each takes a second, and who puts them into
    words."""

    gateways: Mapping[Channel, Gateway]
    per_second: Mapping[Channel, int]
    writer: Writer


async def set_up(db: Database, sending: Sending) -> None:
    """Tell the database what the gateways take."""
    for channel in sending.gateways:
        await delivery.keep_tokens(db, channel=channel, per_second=sending.per_second[channel])


async def hand_over(db: Database, sending: Sending, *, now: datetime) -> None:
    """Give the queue what is due."""
    for channel in sending.gateways:
        most = max(sending.per_second[channel] * LEASED_SECONDS, IN_FLIGHT)
        await db.atomic(partial(delivery.hand_over, channel=channel, lease=LEASE, most=most, now=now))


async def send(db: Database, sending: Sending, channel: Channel, payload: bytes) -> None:
    """Send one notification that was handed over, if that is still to be done. However this ends, its row says what
    became of it, or it is handed over again."""
    name, _, attempts = payload.decode().partition(" ")
    id = UUID(name)
    token, rest = await _token(db, channel), timedelta()
    try:
        if not await delivery.begin(db, notification_id=id, attempts=int(attempts), leased_until=clock.now() + LEASE):
            return
        if row := await contents.facts(db, notification_id=id):  # as it stands at this moment
            rest = TOKEN_REST
            keeping = asyncio.create_task(_keep(db, id, int(attempts) + 1, channel, token))
            try:
                await _attempt(db, sending, row)
            finally:
                keeping.cancel()
    finally:
        await delivery.give_back_token(db, channel=channel, number=token, after=rest)


async def _keep(db: Database, notification_id: UUID, attempts: int, channel: Channel, token: int) -> None:
    """Renew lease and token for as long as the attempt takes."""
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        with suppress(errors.Unavailable):
            await delivery.renew(
                db, notification_id=notification_id, attempts=attempts, leased_until=clock.now() + LEASE
            )
            await delivery.give_back_token(db, channel=channel, number=token, after=LEASE)


async def _token(db: Database, channel: Channel) -> int:
    """Wait for the right to call the channel's provider."""
    while (token := await delivery.take_token(db, channel=channel, longest=LEASE)) is None:  # noqa: ASYNC110  other processes have them
        await asyncio.sleep(TOKEN_WAIT_SECONDS * (1 + random.random()))  # noqa: S311  so that those who wait do not ask all at once
    return token


async def _attempt(db: Database, sending: Sending, row: Row) -> None:
    finish, put_off = partial(delivery.finish, db, notification_id=row.id), partial(_put_off, db, row)
    if (outcome := outcome_before_sending(row, clock.now())) is not None:
        status, reason = outcome
        await finish(status=status, reason=reason, now=clock.now())
        return
    if (later := after_quiet_hours(row, clock.now())) is not None:
        await delivery.put_off(
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
        async with asyncio.timeout(LONGEST_ATTEMPT_SECONDS):
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


async def _put_off(db: Database, row: Row, reason: str) -> None:
    wait = backoff(row.attempts, random.random())  # noqa: S311  jitter keeps no secret
    await delivery.put_off(db, notification_id=row.id, due_at=clock.now() + wait, reason=reason)
