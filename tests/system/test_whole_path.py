"""Emails reach their recipients even if workers are killed and the mail server is down."""

import asyncio
import random
import signal
from collections import Counter
from datetime import timedelta

from appoint.kit.cache import ClinicCache
from support.gateways import mail_server
from support.processes import appoint, eventually_async
from support.scale import scaled
from support.world import MONDAY, World, at

CUSTOMERS = scaled(100, 40)
MAX_BEFORE_KILL = scaled(20, 13)
"""The most emails that are sent before a worker is killed."""


async def test_killed_workers_lose_no_emails_and_repeat_only_emails_in_progress(db, database_url, tmp_path):
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
    chance, kills = random.Random(3), 0

    async def count_sent() -> int:
        return await db.fetchval("select count(*) from notification where status = 'sent'")

    async def skip_waiting() -> None:
        """Make everything due now that killed workers had leased or that is waiting after a failure."""
        await db.execute("update notification set leased_until = now() where status = 'leased'")
        await db.execute("update notification set due_at = now() where status = 'queued'")
        await db.execute("update send_token set free_at = now()")

    with mail_server() as server:
        settings = {"database_url": database_url, "data_dir": tmp_path, "smtp_url": server.url, "mails_per_second": 100}
        while (before := await count_sent()) < CUSTOMERS and kills < 40:
            with appoint("worker", **settings) as worker:
                target = min(before + chance.randint(4, MAX_BEFORE_KILL), CUSTOMERS)
                async with asyncio.timeout(60):
                    while await count_sent() < target:
                        await asyncio.sleep(0.02)
                worker.popen.send_signal(signal.SIGKILL)
                worker.popen.wait()
                kills += 1
            await skip_waiting()
        received = Counter(mail.content["Message-ID"] for mail in server.received)
    assert kills > 2
    assert len(received) == CUSTOMERS
    assert sum(received.values()) - CUSTOMERS <= kills * 16  # the number of emails that a worker sends at a time


async def test_emails_wait_until_the_mail_server_is_back(db, database_url, tmp_path):
    world = await World.make(db, ClinicCache(None), agenda_minute=None)
    await world.publish(world.dr_shah, at(8, day=MONDAY + timedelta(days=7)), at(16, day=MONDAY + timedelta(days=7)))
    await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
    await world.book(world.dr_shah, at(9, day=MONDAY + timedelta(days=7)), world.ana)
    with mail_server() as stopped:
        address = stopped.url
    with appoint("worker", database_url=database_url, data_dir=tmp_path, smtp_url=address):
        await eventually_async(lambda: db.fetchval("select attempts > 0 and status = 'queued' from notification"))
        assert "cannot be reached" in await db.fetchval("select reason from notification")
    with mail_server() as server, appoint("worker", database_url=database_url, data_dir=tmp_path, smtp_url=server.url):
        await db.execute("update notification set due_at = now()")
        await eventually_async(lambda: db.fetchval("select status = 'sent' from notification"))
        assert [mail.envelope["to"] for mail in server.received] == [["ana@example.org"]]
