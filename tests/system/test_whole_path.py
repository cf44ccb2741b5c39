"""From bookings to inboxes by Appoint's own processes and a real mail server, while workers are killed and the mail
server is away."""

import asyncio
import random
import signal
from collections import Counter
from datetime import timedelta

from appoint.kit.cache import ClinicCache
from support.gateways import mail_server
from support.processes import appoint
from support.workers import patiently
from support.world import MONDAY, World, at

CUSTOMERS = 100


async def test_workers_that_are_killed_lose_no_mail_and_repeat_only_what_they_were_at(db, database_url, tmp_path):
    world = await World.make(db, ClinicCache(None), agenda_minute=None)
    week = MONDAY + timedelta(days=7)
    for number in range(CUSTOMERS):
        day = week + timedelta(days=number // 30)
        if number % 30 == 0:
            await world.publish(world.dr_shah, at(8, day=day), at(16, day=day))
        customer = await world.db.fetchval(
            "insert into customer (name, email) values ('C', $1) returning id", f"c{number}@example.org"
        )
        await world.book(world.dr_shah, at(8, day=day) + timedelta(minutes=15 * (number % 30)), customer, minutes=15)
    dice, kills = random.Random(3), 0

    async def sent() -> int:
        return await db.fetchval("select count(*) from notification where status = 'sent'")

    async def as_if_minutes_had_passed() -> None:
        """What a killed worker had leased is due at once, and so is what waits after a failure."""
        await db.execute("update notification set leased_until = now() where status = 'leased'")
        await db.execute("update notification set due_at = now() where status = 'queued'")
        await db.execute("update send_token set free_at = now()")

    with mail_server() as server:
        settings = {"database_url": database_url, "data_dir": tmp_path, "smtp_url": server.url, "mails_per_second": 100}
        while (before := await sent()) < CUSTOMERS and kills < 40:
            with appoint("worker", **settings) as worker:
                for _ in range(800):
                    if await sent() - before > dice.randint(5, 40):
                        break
                    await asyncio.sleep(0.02)
                worker.popen.send_signal(signal.SIGKILL)
                worker.popen.wait()
                kills += 1
            await as_if_minutes_had_passed()
        received = Counter(mail.content["Message-ID"] for mail in server.received)
    assert kills > 2
    assert len(received) == CUSTOMERS
    assert sum(received.values()) - CUSTOMERS <= kills * 16  # which is how many are being sent at a time


async def test_mails_wait_for_a_mail_server_that_is_away(db, database_url, tmp_path):
    world = await World.make(db, ClinicCache(None), agenda_minute=None)
    await world.publish(world.dr_shah, at(8, day=MONDAY + timedelta(days=7)), at(16, day=MONDAY + timedelta(days=7)))
    await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
    await world.book(world.dr_shah, at(9, day=MONDAY + timedelta(days=7)), world.ana)
    with mail_server() as gone:
        address = gone.url
    with appoint("worker", database_url=database_url, data_dir=tmp_path, smtp_url=address):
        await patiently(lambda: db.fetchval("select attempts > 0 and status = 'queued' from notification"))
        assert "cannot be reached" in await db.fetchval("select reason from notification")
    with mail_server() as server, appoint("worker", database_url=database_url, data_dir=tmp_path, smtp_url=server.url):
        await db.execute("update notification set due_at = now()")
        await patiently(lambda: db.fetchval("select status = 'sent' from notification"))
        assert [mail.envelope["to"] for mail in server.received] == [["ana@example.org"]]
