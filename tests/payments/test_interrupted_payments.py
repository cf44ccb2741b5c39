"""Processes that die at any step of a payment. Each payment leads to a booking or a refund, and none is made twice."""

import random
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from appoint.booking.holds import expire_holds
from appoint.kit import clock, errors
from appoint.payments.checkout import jobs, service
from appoint.payments.checkout.model import GatewayRefusal
from support.deposits import (
    LINKS,
    SYSTEM,
    create_paid_practice,
    hold,
    send_events,
    settle_everything,
    unbooked_or_overpaid,
)
from support.dev_gateway import choose, our_gateway
from support.scale import scaled

KILL_PROBABILITY = 0.25


class Killed(BaseException):
    """The process has died. Nothing in the product catches this."""


class Fragile:
    """Something whose calls can be the last thing that a process does, either before or after they take effect."""

    def __init__(self, target, choose: random.Random) -> None:
        self.target = target
        self.choose = choose
        self.kills = 0

    def __getattr__(self, name):
        member = getattr(self.target, name)

        async def call(*args, **kwargs):
            self.kill_maybe()
            result = await member(*args, **kwargs)
            self.kill_maybe()
            return result

        return call

    def kill_maybe(self) -> None:
        if self.choose.random() < KILL_PROBABILITY / 2:
            self.kills += 1
            raise Killed


@pytest.mark.parametrize("seed", range(scaled(40, 4)))
async def test_a_payment_survives_kills_at_every_step(client, db, seed):
    practice = await create_paid_practice(db, client)
    random_choice = random.Random(seed)
    appointments, kills = list[dict[str, Any]](), 0
    for hours in range(5):
        appointments.append(await hold(client, practice, hours))
        kills += await pay_among_kills(client, db, appointments[-1], random_choice)
        assert await unbooked_or_overpaid(db, appointments) == []
    assert kills


async def pay_among_kills(client, db, appointment, choice: random.Random) -> int:
    """Take random steps towards a payment, each of which may be interrupted, and then let everything settle."""
    gateway, fragile_db = Fragile(our_gateway(client), choice), Fragile(db, choice)
    now = clock.now()
    urls = set[str]()
    for _ in range(12):
        step = choice.choice(["open", "open", "pay", "event", "return", "close", "expire"])
        with suppress(Killed, errors.Conflict, GatewayRefusal):
            match step:
                case "open":
                    urls.add(
                        await service.open_page(
                            fragile_db, gateway, appointment_id=UUID(appointment["id"]), links=LINKS, now=now
                        )
                    )
                case "pay":
                    for url in urls:
                        await choose(client, url, "pay", choice.choice(["prompt", "twice", "reordered", "lost"]))
                case "event":
                    await send_events(db, client, now=now)
                case "return":
                    for payment in await db.fetch("select id from payment"):
                        await service.settle(fragile_db, gateway, SYSTEM, payment_id=payment.id, links=LINKS, now=now)
                case "close":
                    now += timedelta(minutes=choice.choice([1, 20]))
                    await jobs.close_ended(fragile_db, gateway, links=LINKS, now=now)
                case "expire":
                    await expire_holds(db, now=now)
    assert len(urls) <= 1
    await settle_everything(db, client, now=now)
    return gateway.kills + fragile_db.kills
