"""The worker's side: lease due notifications and send them."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog

from ...calls.providers.model import Gateway as CallGateway
from ...database.pool import Database
from ...kit import clock, errors, phones
from ...kit.leases import PollIntervals, renewed, serve
from ..channels.gateway import Gateway
from ..channels.model import Channel, Delayed, Message, Undeliverable
from .gateway import Writer
from .model import NotificationContext, NotificationStatus
from .repository import contents, delivery
from .repository.delivery import Attempt
from .rules import after_quiet_hours, can_share_message, outcome_before_sending, retry_delay

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=1)
"""How long an attempt holds a notification without renewing its lease. If a worker dies, its notifications become due
again after this time."""
MAX_ATTEMPT_SECONDS: Final = 720.0
"""Longer than the time limit for a mail server to accept an email."""
TOKEN_COOLDOWN: Final = timedelta(seconds=1)
MAX_CONCURRENT_ATTEMPTS: Final = 16
"""Per channel and worker. The tokens limit attempts across all workers."""
PACE: Final = PollIntervals(idle_seconds=0.5, busy_seconds=0.05, busy_for_seconds=TOKEN_COOLDOWN.total_seconds() + 0.5)
"""Polls at the busy rate for long enough that the last attempts' tokens are available again."""


class Sender(NamedTuple):
    """Everything that sending notifications requires: each channel's gateway, how many messages it accepts per second,
    and the writer that composes them."""

    gateways: Mapping[Channel, Gateway]
    per_second: Mapping[Channel, int]
    writer: Writer
    sms_countries: Sequence[str] | None = ()
    """The countries to whose mobile numbers text messages are sent; if empty, the clinics' own. None if there is no
    provider that could charge for messages.
    """
    default_gateway: CallGateway | None = None
    """Where video visits take place at clinics that have not chosen a provider."""


async def deliver(db: Database, sender: Sender, channel: Channel, stop: asyncio.Event) -> None:
    """Send a channel's due notifications until `stop` is set."""
    await set_up(db, sender)
    await serve(
        stop,
        name=f"send-{channel}",
        capacity=MAX_CONCURRENT_ATTEMPTS,
        pace=PACE,
        claim=lambda limit: lease_due(db, channel, limit=limit, now=clock.now()),
        run=lambda attempt: send(db, sender, channel, attempt),
    )


async def set_up(db: Database, sender: Sender) -> None:
    """Store the gateways' rate limits in the database."""
    for channel in sender.gateways:
        await delivery.set_token_count(db, channel=channel, per_second=sender.per_second[channel])


async def lease_due(db: Database, channel: Channel, *, limit: int, now: datetime) -> list[Attempt]:
    """Lease due notifications, urgent ones first, but only as many as the provider can accept now."""
    return await delivery.lease_due(db, channel=channel, lease=LEASE, limit=limit, now=now)


async def send(db: Database, sender: Sender, channel: Channel, attempt: Attempt) -> None:
    """Send the message for leased notifications, leaving out any that are outdated, and record the outcome. If that
    fails, the leases expire and the notifications become due again."""
    id, attempts, token, follower_ids = attempt
    cooldown = timedelta()
    try:
        if id is None or attempts is None:
            return
        if contexts := await contents.read_contexts(
            db,
            notification_id=id,
            attempts=attempts,
            follower_ids=follower_ids,
            default_gateway=sender.default_gateway,
        ):
            cooldown = TOKEN_COOLDOWN
            leases = [(context.id, context.attempts) for context in contexts]

            async def renew() -> None:
                await delivery.renew(db, leases=leases, channel=channel, token=token, lease=LEASE, now=clock.now())

            async with renewed(LEASE, renew):
                await _attempt(db, sender, await _drop_unsendable(db, contexts))
    finally:
        await delivery.release_token(db, channel=channel, number=token, after=cooldown)


async def _drop_unsendable(db: Database, contexts: Sequence[NotificationContext]) -> Sequence[NotificationContext]:
    """Record the outcome of notifications that must not be sent, or not yet. Of the others, return those that can share
    a message, and release the rest."""
    sendable: list[NotificationContext] = []
    for context in contexts:
        now = clock.now()
        if (outcome := outcome_before_sending(context, now)) is not None:
            status, reason = outcome
            await delivery.finish(db, notification_ids=[context.id], status=status, reason=reason, now=now)
        elif (later := after_quiet_hours(context, now)) is not None:
            reason = "delayed until quiet hours end"
            await delivery.postpone(db, notification_ids=[context.id], due_at=later, reason=reason)
        else:
            sendable.append(context)
    together = [context for context in sendable if can_share_message(sendable[0], context)]
    if apart := [context.id for context in sendable if context not in together]:
        await delivery.release(db, notification_ids=apart)
    return together


async def _attempt(db: Database, sender: Sender, contexts: Sequence[NotificationContext]) -> None:
    if not contexts:
        return
    first, notification_ids = contexts[0], [context.id for context in contexts]
    finish, retry = partial(delivery.finish, db, notification_ids=notification_ids), partial(_retry_later, db, contexts)
    try:
        message = await sender.writer(db, contexts, clock.now())
        if message is None:
            await finish(status=NotificationStatus.SUPERSEDED, reason="no longer needed", now=clock.now())
            return
        await _check_number(db, sender, message)
        async with asyncio.timeout(MAX_ATTEMPT_SECONDS):
            provider_id = await sender.gateways[first.channel].send(message)
    except errors.Unavailable:  # the database is unavailable; the leases expire and the notifications become due again
        raise
    except Undeliverable as error:
        await finish(status=NotificationStatus.DEAD, reason=str(error), now=clock.now())
        log.info("notification dead", kind=first.kind, channel=first.channel, notification_id=str(first.id))
    except Delayed as error:
        await retry(str(error))
    except TimeoutError:
        await retry("the provider did not respond in time")
    except Exception:
        log.exception("notification not sent", kind=first.kind, channel=first.channel, notification_id=str(first.id))
        await retry("internal error; see the log")
    else:
        await finish(status=NotificationStatus.SENT, reason=None, provider_id=provider_id, now=clock.now())


async def _check_number(db: Database, sender: Sender, message: Message) -> None:
    """Raise `Undeliverable` for a text message to a number that must not receive any."""
    if message.channel != "sms" or sender.sms_countries is None:
        return
    countries = sender.sms_countries or phones.local_countries(await delivery.list_clinic_places(db))
    if fault := phones.text_message_fault(message.to, countries):
        raise Undeliverable(fault)


async def _retry_later(db: Database, contexts: Sequence[NotificationContext], reason: str) -> None:
    """Return a message's notifications to the queue, all due at the same time."""
    attempts = max(context.attempts for context in contexts)
    wait = retry_delay(attempts, random.random())  # noqa: S311  jitter need not be secret
    await delivery.postpone(
        db, notification_ids=[context.id for context in contexts], due_at=clock.now() + wait, reason=reason
    )
