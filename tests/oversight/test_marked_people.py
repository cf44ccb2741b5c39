"""Fifty people with marked data use every feature. The test searches everywhere for the marks, before and after the
people are erased.
"""

import asyncio
import re
from typing import Any

import httpx2
import redis.asyncio as redis

from appoint.database import migrate
from appoint.database.pool import Database, connect
from support.collector import Collector
from support.gateways import mail_talk, serving
from support.marked_people import SECRET, Person, World
from support.partner import Partner
from support.processes import appoint, own_postgres, redis_server
from support.scale import scaled

PEOPLE = scaled(50, 12)
# A long prefix, because random base64 text contains a short one now and then.
MARK = re.compile(r"qzxvqj[a-z]{2,8}\d\d|3015550\d{4}|1901-0[2-4]-\d\d", re.IGNORECASE)
PERSONAL_TABLES = {"customer", "patient", "dev_message", "call_guest"}
"""The tables that may contain personal data that is not encrypted."""
TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'
"""


async def lines_by_table(db: Database) -> dict[str, list[str]]:
    """Return all rows of each table as text, with bytes decoded."""
    return {
        table.name.removeprefix("public."): [
            re.sub(r"\\x([0-9a-f]{2,})", lambda match: bytes.fromhex(match[1]).decode("latin-1"), row.line)
            for row in await db.fetch(f"select t::text as line from {table.name} t")
        ]
        for table in await db.fetch(TABLES)
    }


async def marks_in_tables(db: Database) -> dict[str, set[str]]:
    """Return the marks in each table, including any stored as bytes."""
    found = {table: marks(*lines) for table, lines in (await lines_by_table(db)).items()}
    return {table: marks for table, marks in found.items() if marks}


async def everything_in(address: str) -> str:
    """Return all keys and values stored in Redis."""
    client = redis.from_url(address)
    try:
        keys = [key async for key in client.scan_iter()]
        return str([(key, await client.dump(key)) for key in keys])
    finally:
        await client.aclose()


async def until_idle(db: Database) -> None:
    async with asyncio.timeout(60):
        while await db.fetchval(
            """
            select exists (select from event)
                or exists (select from notification
                            where status in ('queued', 'leased') and due_at <= now() + interval '10 seconds'
                              and attempts = 0)
                or exists (select from webhook_delivery where status = 'queued') or exists (select from audit_unsealed)
            """
        ):
            await asyncio.sleep(0.1)


async def run_for_all(work: Any, people: list[Person]) -> None:
    places = asyncio.Semaphore(8)

    async def one(person: Person) -> None:
        async with places:
            await work(person)

    await work(people[0])
    await asyncio.gather(*(one(person) for person in people[1:]))


def marks(*texts: str) -> set[str]:
    return {mark for text in texts for mark in MARK.findall(text)}


def secrets_in(world: World, *texts: str) -> set[str]:
    return {secret for text in texts for secret in world.call_secrets if secret in text}


async def test_personal_data_is_only_in_its_tables_and_nowhere_after_erasure():
    people = [Person(number) for number in range(PEOPLE)]
    refusal = "550 5.1.1 " + " ".join(person.details["email"] for person in people[:5]) + ": no such mailbox"
    collector = Collector()
    with own_postgres() as postgres, redis_server() as cache:
        await migrate.upgrade(postgres.url)
        db = connect(postgres.url, size=4, wait_seconds=30, statement_seconds=60)
        async with Partner() as partner, serving(mail_talk({"RCPT": refusal})) as mail_port:
            with appoint(
                "serve",
                "--with-worker",
                database_url=postgres.url,
                cache_url=cache.url,
                otlp_endpoint=collector.url,
                smtp_url=f"smtp://127.0.0.1:{mail_port}",
                secret_key=SECRET,
                log_level="debug",
                log_format="json",
                webhook_private_addresses="true",
                mails_per_second=1000,
                sms_per_second=1000,
            ) as process:
                url = await asyncio.to_thread(lambda: process.url)
                async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
                    world = World(http)
                    await world.set_up(db, partner)
                    await run_for_all(world.use_every_feature, people)
                    await until_idle(db)
                    marks_by_table = await marks_in_tables(db)
                    assert set(marks_by_table) == PERSONAL_TABLES
                    assert {mark for mark in marks_by_table["customer"] if "name" in mark.lower()} == {
                        person.mark("name") for person in people
                    }
                    texts = (
                        await everything_in(cache.url),
                        (await http.get("/metrics")).text,
                        *world.problems,
                        *(str(delivery) for delivery in partner.requests),
                    )
                    tables = await lines_by_table(db)
                    del tables["dev_message"]  # the messages that contain people's own links
                    stored = [line for lines in tables.values() for line in lines]
                    assert (secrets_in(world, *texts, *stored), len(world.call_secrets) > 10) == (set(), True)
                    assert (marks(*texts), len(world.problems) > 2 * PEOPLE, len(partner.requests) > PEOPLE) == (
                        set(),
                        True,
                        True,
                    )

                    await run_for_all(world.erase, people)
                    await until_idle(db)
                    assert await marks_in_tables(db) == {}
                    texts = (
                        await everything_in(cache.url),
                        (await http.get("/metrics")).text,
                        *(str(delivery) for delivery in partner.requests),
                    )
                    assert marks(*texts) == set()
                    assert sum(b'"customer.erased"' in delivery.body for delivery in partner.requests) == PEOPLE
        await db.close()
        logs = (process.output, postgres.log.read_text(errors="replace"))
        assert (marks(*logs), secrets_in(world, *logs, str(collector.spans))) == (set(), set())
    assert (marks(str(collector.spans)), len(collector.spans) > 20 * PEOPLE, '"level":"error"' in process.output) == (
        set(),
        True,
        False,
    )
    collector.server.shutdown()
    collector.server.server_close()
