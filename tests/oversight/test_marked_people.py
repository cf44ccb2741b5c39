"""Fifty people with marked data use every feature. The test searches everywhere for the marks, before and after the
people are erased.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import redis.asyncio as redis

from appoint.database import migrate
from appoint.database.pool import Database, connect
from support.app import ADMIN
from support.collector import Collector
from support.gateways import mail_talk, serving
from support.partner import Partner
from support.processes import appoint, own_postgres, redis_server
from support.scale import scaled
from support.world import publish_slot

PEOPLE = scaled(50, 12)
MARK = re.compile(r"qzx[a-z]{2,8}\d\d|3015550\d{4}|1901-0[2-4]-\d\d", re.IGNORECASE)
PERSONAL_TABLES = {"customer", "patient", "dev_message"}
"""The tables that may contain personal data that is not encrypted."""
TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'
"""


class Person:
    """A numbered person whose data is unlike anyone else's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.visits: list[str] = []

    def mark(self, kind: str) -> str:
        return f"qzx{kind}{self.number:02}"

    @property
    def details(self) -> dict[str, Any]:
        return {
            "name": f"Xanthippe {self.mark('name')}",
            "email": f"{self.mark('mail')}@example.org",
            "phone": f"+493015550{self.number:04}",
            "birthDate": str((datetime(1901, 2, 1, tzinfo=UTC) + timedelta(days=self.number)).date()),
        }


class World:
    """The clinic, accessed over HTTP, and the error responses it has returned."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.problems: list[str] = []

    async def request(
        self, method: str, path: str, *, expected: int = 200, key: str | None = None, **options: Any
    ) -> Any:
        headers = {**ADMIN, **({"Idempotency-Key": key} if key else {}), **options.pop("headers", {})}
        response = await self.http.request(method, path, headers=headers, **options)
        assert response.status_code == expected, (method, path, response.status_code, response.text)
        if response.status_code >= 400:
            self.problems.append(response.text)
        return response.json() if response.content and "json" in response.headers["Content-Type"] else response

    async def set_up(self, db: Database, partner: Partner) -> None:
        self.clinic = (
            await self.request(
                "POST", "/api/clinics", expected=201, json={"name": "Lakeside", "timeZone": "Europe/Berlin"}
            )
        )["id"]
        self.doctor = (
            await self.request("POST", f"/api/clinics/{self.clinic}/doctors", expected=201, json={"name": "Dr Shah"})
        )["id"]
        await self.request("POST", f"/api/clinics/{self.clinic}/webhooks", expected=201, json={"url": partner.url})
        self.start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
        for day in range(3):
            await publish_slot(
                db, self.doctor, self.start + timedelta(days=day), self.start + timedelta(days=day, hours=23)
            )

    async def use_every_feature(self, person: Person) -> None:
        """Call every operation that customers can call or that concerns them."""
        request, mark, first_start = self.request, person.mark, self.start + timedelta(minutes=20 * person.number)
        created = await request(
            "POST",
            "/api/customers",
            expected=201,
            json=person.details,
            key=mark("key"),
            headers={"User-Agent": mark("agent")},
        )
        person.id = created["id"]
        address, patient = f"/api/customers/{person.id}", f"/api/clinics/{self.clinic}/patients/{person.id}"
        when = {"clinicId": self.clinic, "doctorId": self.doctor, "customerId": person.id, "notes": mark("wish")}

        def at(day: int) -> dict[str, str]:
            start = first_start + timedelta(days=day)
            return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=20)).isoformat()}

        appointment = await request("POST", "/api/appointments", expected=201, json={**when, **at(0)}, key=mark("key"))
        hold = (
            await request("POST", "/api/bookings", expected=201, json={**when, **at(1), "hold": True}, key=mark("book"))
        )["appointments"][0]
        person.visits = [appointment["id"], hold["id"]]
        await request("POST", "/api/appointments", expected=409, json={**when, **at(0)}, key=mark("again"))
        await request("POST", f"/api/appointments/{hold['id']}/confirm")
        await request("PATCH", f"/api/appointments/{appointment['id']}", json={"notes": mark("note")})
        await request("PUT", f"/api/appointments/{hold['id']}", json=at(2))
        await request("PATCH", patient, json={"notes": mark("chart"), "recordNumber": mark("record")})
        await request("PATCH", address, json={"locale": "de", "name": person.details["name"] + " " + mark("later")})
        await request("PUT", f"{address}/notificationPreferences", json={"email": True, "sms": True})
        query = (mark("name"), person.details["email"], person.details["phone"])[person.number % 3]
        await request("GET", "/api/customers", params={"q": query})
        await request("GET", f"/api/clinics/{self.clinic}/patients", params={"q": query})
        await request("GET", patient)
        await request("GET", f"{address}/appointments")
        await request("GET", f"{address}/export")
        await request("GET", f"{address}/export", headers={"Accept": "text/html"})
        if person.number % 5 < 2:
            await self.cause_errors(person, when, at)
        await request(
            "DELETE", f"/api/appointments/{appointment['id']}", expected=204, params={"reason": mark("reason")}
        )

    async def cause_errors(self, person: Person, when: dict[str, Any], at: Any) -> None:
        request, mark = self.request, person.mark
        await request(
            "POST",
            "/api/customers",
            expected=400,
            json={"name": mark("wrong"), "email": f"{mark('mail')} at example", "phone": mark("phone")},
        )
        await request(
            "POST",
            "/api/customers",
            expected=400,
            content=f'{{"name": "{mark("wrong")}',
            headers={"Content-Type": "application/json"},
        )
        await request("POST", "/api/customers", expected=400, json={**person.details, "birthDate": "2901-02-01"})
        await request("POST", "/api/customers", expected=422, json={"name": mark("other")}, key=mark("key"))
        await request("GET", "/api/customers", expected=400, params={"q": mark("name") * 40})
        await request("GET", "/api/customers", expected=400, params={"cursor": mark("cursor")})
        await request("POST", "/api/appointments", expected=400, json={**when, **at(0), "endTime": mark("time")})
        if person.number:  # the record number is taken, which the database reports in its own words
            first = f"/api/clinics/{self.clinic}/patients/{person.id}"
            await request("PATCH", first, expected=409, json={"recordNumber": Person(0).mark("record")})

    async def erase(self, person: Person) -> None:
        for visit in person.visits:
            await self.request(
                "DELETE", f"/api/appointments/{visit}", expected=204, params={"reason": person.mark("reason")}
            )
        await self.request("POST", f"/api/customers/{person.id}/erase", key=person.mark("erase"))


async def marks_in_tables(db: Database) -> dict[str, set[str]]:
    """Return the marks in each table, including any stored as bytes."""
    marks_by_table: dict[str, set[str]] = {}
    for table in await db.fetch(TABLES):
        for row in await db.fetch(f"select t::text as line from {table.name} t"):
            line = re.sub(r"\\x([0-9a-f]{2,})", lambda match: bytes.fromhex(match[1]).decode("latin-1"), row.line)
            if marks := MARK.findall(line):
                marks_by_table.setdefault(table.name.removeprefix("public."), set()).update(marks)
    return marks_by_table


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
                secret_key="a secret for tests",
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
        assert marks(process.output, postgres.log.read_text(errors="replace")) == set()
    assert (marks(str(collector.spans)), len(collector.spans) > 20 * PEOPLE, '"level":"error"' in process.output) == (
        set(),
        True,
        False,
    )
    collector.server.shutdown()
    collector.server.server_close()
