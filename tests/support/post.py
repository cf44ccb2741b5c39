"""Sending notifications step by step, with a clock that stands still."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from appoint.booking.steps import UNDO_WINDOW
from appoint.database.pool import Database
from appoint.events.service import relay
from appoint.messaging.channels.model import Channel, Message
from appoint.messaging.notifications import jobs, service
from appoint.messaging.notifications.gateway import compose
from appoint.messaging.notifications.links import MessageLinks
from appoint.messaging.notifications.repository.delivery import Attempt

LINKS = MessageLinks("https://appoint.example", "a secret", "appointments@appoint.example")


class Post:
    """A gateway for both channels. It raises `trouble`, if any, instead of accepting a message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.trouble: Exception | None = None
        self.before: Callable[[], Any] | None = None

    async def send(self, message: Message) -> str | None:
        if self.before:
            await self.before()
        if self.trouble:
            raise self.trouble
        self.messages.append(message)
        return f"id-{len(self.messages)}"

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message in self.messages]


class Office:
    """The steps in which a worker plans and sends notifications."""

    def __init__(
        self,
        db: Database,
        post: Post,
        *,
        channels: tuple[Channel, ...] = ("email", "sms"),
        per_second: int = 1000,
        sms_countries: tuple[str, ...] | None = None,
    ) -> None:
        self.db, self.post, self.channels = db, post, channels
        gateways: Mapping[Channel, Any] = dict.fromkeys(channels, post)
        self.sending = jobs.Sender(
            gateways, dict.fromkeys(channels, per_second), partial(compose, links=LINKS), sms_countries, "demo"
        )

    async def plan(self, now) -> None:
        """Relay all events."""
        while await relay(self.db, [partial(service.plan, channels=self.channels, now=now)], now=now):
            pass

    async def remind(self, now, spread: timedelta = timedelta(minutes=60)) -> int:
        return await service.plan_reminders(self.db, channels=self.channels, spread=spread, now=now)

    async def lease(self, now) -> list[tuple[Channel, Attempt]]:
        """Lease the notifications that are due."""
        await jobs.set_up(self.db, self.sending)
        return [
            (channel, attempt)
            for channel in self.channels
            for attempt in await jobs.lease_due(self.db, channel, limit=1000, now=now)
        ]

    async def send(self, now) -> None:
        """Lease and send the notifications that are due."""
        for channel, attempt in await self.lease(now):
            await jobs.send(self.db, self.sending, channel, attempt)

    async def plan_and_send(self, now) -> None:
        """Relay all events, and send what is due now or once staff can no longer undo their steps unnoticed."""
        await self.plan(now)
        for time in (now, now + UNDO_WINDOW):
            await self.send(time)

    async def send_at_once(self, now) -> None:
        await asyncio.gather(
            *(jobs.send(self.db, self.sending, channel, attempt) for channel, attempt in await self.lease(now))
        )
